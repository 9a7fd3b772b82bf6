"""The contracts' logs in the chain's order, and what they add up to: facts, and told events.

Logs may come twice and in any order: what is known already changes nothing, and a log that comes late is
folded in from the nearest checkpoint before it. Facts never change, so readers go on with theirs meanwhile.
"""

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from truestep.adapters.chain.logs import Reading
from truestep.base.ids import Bytes32
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.tasks.table import Table
from truestep.protocol.settlement.tasks.telling import fold_told

FINAL_BLOCKS = 128
"""Blocks that are never taken back have so many after them: Ethereum's need two epochs, 64."""
CHECKPOINT_LIMIT = 16
"""Each shares with the next what did not change between them; more would hold more of what is over."""
HASHES_KEPT_BLOCKS = 2 * FINAL_BLOCKS
"""How far back the hashes of single blocks are kept, to find where a reorganisation begins."""

Place = tuple[int, int]
"""Block number and log index."""


class Added(Enum):
    """What became of a range of blocks."""

    DONE = auto()
    GAP = auto()
    """The blocks before it are not in the book."""
    OTHER_BRANCH = auto()
    """The book has blocks that its chain does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The facts after a block."""

    block_number: int
    block_hash: Bytes32 | None
    """None for the block before the deployment."""
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Entry:
    logged: Logged
    told: tuple[ChainEvent, ...]


class Book:
    """Safe for several threads.

    `keeps_all`: nothing is forgotten, and a table has finished jobs, tasks and results. Else what is older
    than the oldest checkpoint is dropped, which is one that the chain does not take back.
    """

    def __init__(self, genesis: Checkpoint, *, keeps_all: bool, start: Checkpoint | None = None) -> None:
        """`genesis` is before the first event; `start`, a final checkpoint that was kept, after some."""
        self._genesis = genesis
        self._keeps_all = keeps_all
        self._lock = threading.RLock()
        self._begin(start or genesis)

    def _begin(self, start: Checkpoint) -> None:
        self._checkpoints = [start]
        self._read_to = start.block_number
        self._has_read = False
        self._places = list[Place]()
        self._entries = dict[Place, _Entry]()
        self._hashes = dict[int, Bytes32]()
        self._gaps = set[Place]()
        self._table: Table | None = Table()
        self._facts = start.facts
        """Those of the newest checkpoint; readers never see older ones while a late log is folded in."""
        if start.block_hash is not None:
            self._hashes[start.block_number] = start.block_hash

    # --- questions ----------------------------------------------------------------------------------------

    @property
    def facts(self) -> Facts:
        """The facts after the newest block that was read."""
        return self._facts

    @property
    def has_read(self) -> bool:
        """Whether anything was read after the beginning. Before, facts may be as old as a kept checkpoint."""
        return self._has_read

    @property
    def newest(self) -> Checkpoint:
        """The newest checkpoint: of the newest block that was read."""
        return self._checkpoints[-1]

    @property
    def oldest(self) -> Checkpoint:
        """The oldest checkpoint; nothing of the blocks up to it can change any more."""
        return self._checkpoints[0]

    @property
    def read_to(self) -> int:
        """The newest block that was read."""
        return self._read_to

    def covers(self, block_number: int) -> bool:
        """Whether the events from this block on can be told."""
        return self._keeps_all or block_number > self.oldest.block_number

    def told(self, first: int, last: int) -> tuple[ChainEvent, ...]:
        """What the logs of these blocks tell, in order."""
        with self._lock:
            return tuple(event for entry in self._between(first, last) for event in entry.told)

    def logs(self) -> tuple[Logged, ...]:
        """All logs that are kept, in order."""
        with self._lock:
            return tuple(self._entries[place].logged for place in self._places)

    @property
    def gaps(self) -> frozenset[Place]:
        """The logs that show that others are missing before them."""
        with self._lock:
            return frozenset(self._gaps)

    def hashes(self) -> dict[int, Bytes32]:
        """The hashes of some blocks, among them those of all checkpoints."""
        with self._lock:
            return dict(self._hashes)

    def hash_of(self, block_number: int) -> Bytes32 | None:
        """The hash of a block, if it is kept."""
        return self._hashes.get(block_number)

    @property
    def table(self) -> Table:
        """All jobs and tasks, finished ones too. Only of a book that keeps all."""
        with self._lock:
            if self._table is None:
                entries = (self._entries[place] for place in self._places)
                self._table = Table(event for entry in entries for event in entry.told)
            return self._table

    def _between(self, first: int, last: int) -> Iterator[_Entry]:
        start, end = bisect_left(self._places, (first, 0)), bisect_left(self._places, (last + 1, 0))
        return (self._entries[place] for place in self._places[start:end])

    # --- changes ------------------------------------------------------------------------------------------

    def add(self, reading: Reading) -> Added:
        """Take in what a range of blocks holds."""
        return self.add_and_tell(reading)[0]

    def add_and_tell(self, reading: Reading) -> tuple[Added, tuple[ChainEvent, ...]]:
        """`add`, and what the range tells, before its logs may be dropped."""
        with self._lock:
            if reading.first > self._read_to + 1:
                return Added.GAP, ()
            if not self._is_same_branch(reading):
                return Added.OTHER_BRANCH, ()
            changed = self._put(reading.logs)
            self._read_to = max(self._read_to, reading.last)
            self._has_read = True
            self._hashes |= reading.hashes
            if changed is not None and changed[0] <= self.newest.block_number:
                self._drop_checkpoints_from(changed[0])
            self._go_on()
            self._facts = self.newest.facts
            events = self.told(reading.first, reading.last)
            self._drop_old()
            return Added.DONE, events

    def forget_after(self, block_number: int) -> None:
        """Later blocks are of another branch: forget what was read of them.

        What is kept ends at a block whose hash is known, so that what follows can be seen to follow it.
        """
        with self._lock:
            if block_number >= self._read_to:
                return
            known = [number for number in self._hashes if number <= block_number]
            block_number = max(known, default=self._genesis.block_number)
            if block_number < self.oldest.block_number or not known:
                self._begin(self._genesis)
                return
            for place in self._places[bisect_left(self._places, (block_number + 1, 0)) :]:
                del self._entries[place]
            del self._places[bisect_left(self._places, (block_number + 1, 0)) :]
            self._hashes = {number: each for number, each in self._hashes.items() if number <= block_number}
            self._read_to = block_number
            self._drop_checkpoints_from(block_number + 1)
            self._go_on()
            self._facts = self.newest.facts

    def _is_same_branch(self, reading: Reading) -> bool:
        hashes = {reading.first - 1: reading.parent_hash, **reading.hashes}
        return all(self._hashes.get(number, found) == found for number, found in hashes.items())

    def _put(self, logs: Iterable[Logged]) -> Place | None:
        """Keep logs. Returns the place of the first that was not there before."""
        changed: Place | None = None
        for logged in logs:
            place = (logged.at.block_number, logged.at.log_index)
            known = self._entries.get(place)
            if place[0] <= self.oldest.block_number or (known is not None and known.logged == logged):
                continue
            if known is None:
                insort(self._places, place)
            self._entries[place] = _Entry(logged, ())
            changed = place if changed is None else min(changed, place)
        return changed

    def _drop_checkpoints_from(self, block_number: int) -> None:
        """Undo the facts from a block on."""
        while len(self._checkpoints) > 1 and self._checkpoints[-1].block_number >= block_number:
            self._checkpoints.pop()
        self._gaps = {place for place in self._gaps if place[0] <= self.newest.block_number}
        self._table = None

    def _go_on(self) -> None:
        """Fold the logs after the newest checkpoint, and make one of the newest block that was read."""
        before = self.newest
        if before.block_number >= self._read_to:
            return
        start = bisect_left(self._places, (before.block_number + 1, 0))
        places = self._places[start:]
        folded = fold_told(before.facts, [self._entries[place].logged for place in places])
        for place, told in zip(places, folded.told, strict=True):
            self._entries[place] = _Entry(self._entries[place].logged, told)
            if self._table is not None and self._keeps_all:
                for event in told:
                    self._table.apply(event)
        self._gaps |= {_place(logged.at) for logged in folded.gaps}
        newest_hash = self._hashes.get(self._read_to)
        self._checkpoints.append(
            Checkpoint(block_number=self._read_to, block_hash=newest_hash, facts=folded.facts)
        )

    def _drop_old(self) -> None:
        """Of more checkpoints than the limit every other one goes, so that they reach back far enough."""
        kept = self._checkpoints
        if not self._keeps_all:
            final = self._read_to - FINAL_BLOCKS
            index = bisect_right([each.block_number for each in kept], final) - 1
            kept = kept[max(index, 0) :]
        if len(kept) > CHECKPOINT_LIMIT:
            kept = [kept[0], *kept[2:-1:2], kept[-1]]
        self._checkpoints = kept
        if not self._keeps_all:
            self._drop_before(kept[0].block_number)
        numbers = {each.block_number for each in kept}
        self._hashes = {
            number: each
            for number, each in self._hashes.items()
            if number in numbers or number > self._read_to - HASHES_KEPT_BLOCKS
        }

    def _drop_before(self, block_number: int) -> None:
        """Drop the logs of the blocks up to this one."""
        end = bisect_left(self._places, (block_number + 1, 0))
        for place in self._places[:end]:
            del self._entries[place]
        del self._places[:end]
        self._gaps = {place for place in self._gaps if place[0] > block_number}


def _place(at: LogPosition) -> Place:
    return at.block_number, at.log_index
