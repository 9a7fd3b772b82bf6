"""What the chain of availability tells, without gaps and on its present branch."""

from dataclasses import dataclass

from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.node.loop.loop import CatchingUp
from truestep.ports.chain import Head
from truestep.ports.keeping import ItemEvents
from truestep.ports.rows import RowCodec
from truestep.ports.store import Change, Store
from truestep.protocol.availability.facts import Event, Facts, fold

TABLE, KEY = "availability", "facts"
DEPTH_BLOCKS = 64
"""Blocks that may still be replaced: facts before them are kept, the events after them too."""
RANGE_BLOCKS = 2_000
"""Public nodes refuse more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The facts as of a block that stays."""

    block_number: int
    block_hash: Bytes32
    facts: Facts


_ROWS = RowCodec[Base]({"Base": Base})


class Chronicle:
    """Reads what is new at each look. For one thread."""

    def __init__(self, chain: ItemEvents, store: Store) -> None:
        """Go on where the store says."""
        self._chain = chain
        self._store = store
        self._base = self._kept()
        self._events: list[tuple[int, Event]] = []
        self._last_number, self._last_hash = self._place()
        self._facts: Facts | None = None

    @property
    def facts(self) -> Facts:
        """All that was read."""
        if self._facts is None:
            base = self._base.facts if self._base else Facts()
            self._facts = fold(base, (event for _, event in self._events))
        return self._facts

    def follow(self, head: Head) -> None:
        """Read up to a block. Raises `CatchingUp` after a long range, and `Unavailable`."""
        if self._last_hash == head.hash:
            return
        self._go_back(head)
        first = self._last_number + 1
        last = min(head.number, first + RANGE_BLOCKS - 1)
        if first > last:
            return
        reading = self._chain.read(first, last)
        if last == head.number and reading.hashes.get(last) != head.hash:
            raise Unavailable("the chain changed while its events were read; reading them again")
        self._events += reading.events
        self._last_number, self._last_hash = last, reading.hashes[last]
        self._facts = None
        self._settle(head)
        if last < head.number:
            raise CatchingUp(f"read the events of items up to block {last:,} of {head.number:,}")

    def _go_back(self, head: Head) -> None:
        """Forget what the chain does not have any more."""
        if self._last_hash is None or self._chain.block_hash(self._last_number) == self._last_hash:
            return
        if (
            self._base is not None
            and self._chain.block_hash(self._base.block_number) != self._base.block_hash
        ):
            if head.number <= self._base.block_number:
                raise Unavailable(
                    "the node is behind what was read already; another node with --rpc may not be"
                )
            self._base = None
        self._events, self._facts = [], None
        self._last_number, self._last_hash = self._place()

    def _settle(self, head: Head) -> None:
        """Move the base on, when there is enough behind it."""
        until = min(head.number, self._last_number) - DEPTH_BLOCKS
        begin = self._base.block_number if self._base else self._chain.first_block
        if until < begin + DEPTH_BLOCKS:
            return
        block_hash = self._chain.block_hash(until)
        if block_hash is None:
            return
        before = self._base.facts if self._base else Facts()
        facts = fold(before, (event for number, event in self._events if number <= until))
        self._events = [each for each in self._events if each[0] > until]
        self._base = Base(block_number=until, block_hash=block_hash, facts=facts)
        self._store.write([Change(table=TABLE, key=KEY, value=_ROWS.to_row(self._base))])

    def _place(self) -> tuple[int, Bytes32 | None]:
        if self._base is not None:
            return self._base.block_number, self._base.block_hash
        return self._chain.first_block - 1, None

    def _kept(self) -> Base | None:
        row = self._store.read(TABLE, KEY)
        try:
            return _ROWS.from_row(row) if row is not None else None
        except Rejected:  # of another release: only a short cut
            return None
