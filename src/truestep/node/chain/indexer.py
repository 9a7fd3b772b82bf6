"""Follows the chain's events: idempotent, resumable, and safe when the chain is reorganised.

At a new head it asks for the head, then for the events since the last one. Where the headers of a range are
not read along with its events, one block's hash in addition.
"""

from collections.abc import Callable, Sequence

from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.node.chain.history import EventHistory
from truestep.node.chain.ledger import Ledger
from truestep.node.loop.loop import CatchingUp
from truestep.ports.chain import Blocks, Chain, Head
from truestep.ports.store import Store
from truestep.protocol.events import ChainEvent

RANGE_BLOCKS = 2_000
"""Blocks per request at first. Public nodes refuse more, or more than some number of events."""
RANGE_LIMIT_BLOCKS = 10_000
"""Nodes that allow more are rare, and larger answers take seconds."""
GROW_AFTER_RANGES = 10
"""Successful ranges after which a larger range is tried: there may be fewer events in it."""
RANGES_EACH_SYNC = 20
"""Ranges read between two looks at sends and finished work, while the past is read."""
REREAD_BLOCKS = 8
"""Blocks that are read again at each new head: a lagging node behind a URL may not have their events yet."""
REREAD_RANGES_EACH_SYNC = 4
"""Ranges of a rescan per call: it must not delay the newest blocks."""
LAGGING_SYNCS = 60
"""An older head comes from a lagging node. If only older ones come for this long, blocks were taken back."""
RETIRE_AFTER_SECONDS = 3_600
"""Time after its deadline when an idle job leaves memory: longer than any reorganisation moves time."""
MARK_EACH = 64
"""Finished tasks are noted for the next start in batches of this size; the start reads the few others."""


class ReadingPast(CatchingUp):
    """How far reading the chain's past has come. Nothing is wrong: sync again at once."""

    def __init__(self, block_number: int, head: Head) -> None:
        super().__init__(f"reading the chain's past: at block {block_number} of {head.number}")
        self.block_number = block_number
        self.head = head


class Indexer:
    """Keeps events and checkpoints (last block read, its hash) in the store, and a ledger in memory."""

    def __init__(self, chain: Chain, store: Store) -> None:
        self._chain = chain
        self._history = EventHistory(store)
        self.ledger = Ledger(self._history)
        self._is_ledger_behind = True
        self._range_blocks = RANGE_BLOCKS
        self._range_limit = RANGE_LIMIT_BLOCKS
        self._ranges_given = 0
        self._reread_at: int | None = None
        self._head: Head | None = None
        self._older_heads = 0
        self._load_ledger()

    @property
    def history(self) -> EventHistory:
        """Everything that was read, finished or not."""
        return self._history

    def sync(self) -> Head:
        """Read up to the newest block. Returns the head that was reached.

        Raises `ReadingPast` if one call cannot read it all, `Unavailable` if the node or the store fails.
        """
        self._history.recover()
        self._load_ledger()
        head = self._chain.head()
        newest = self._history.newest_checkpoint()
        if newest is not None and self._history.checkpoints[newest] == head.hash:
            return self._seen(head)
        if newest is not None and head.number <= newest and self._is_only_older(head, newest):
            return self._head or head
        self._read_up_to(head, newest)
        self._retire(head)
        self._reread()
        return self._seen(head)

    def reread_from(self, block_number: int) -> None:
        """Read everything since a block again, some ranges per new head, because something is missing."""
        at = max(block_number, self._chain.first_block)
        self._reread_at = at if self._reread_at is None else min(self._reread_at, at)

    @property
    def is_rereading(self) -> bool:
        """Whether something that was asked for by `reread_from` is still to be read."""
        return self._reread_at is not None

    def _seen(self, head: Head) -> Head:
        self._head, self._older_heads = head, 0
        return head

    # --- where to go on -----------------------------------------------------------------------------------

    def _is_only_older(self, head: Head, newest: int) -> bool:
        """Whether a head that is no newer than what was read is of the same chain: its node lags."""
        known = max((number for number in self._history.checkpoints if number <= head.number), default=None)
        if head.number == newest:
            return False
        self._older_heads += 1
        if self._older_heads > LAGGING_SYNCS:
            return False
        if known is None:  # far behind, as a node is that was just started
            return True
        actual = head.hash if known == head.number else self._hash_of(known, head)
        return actual == self._history.checkpoints[known]

    def _read_up_to(self, head: Head, newest: int | None) -> None:
        """A short way is read before the last checkpoint is looked at again, a long way after it."""
        first = self._chain.first_block
        if newest is None:
            self._read_ranges(first, head)
        elif 0 < head.number - newest <= self._range_blocks - REREAD_BLOCKS:
            start = max(newest + 1 - REREAD_BLOCKS, first)
            found = self._blocks(start, head.number)
            actual = found.hashes.get(newest) or self._hash_of(newest, head)
            if actual == self._history.checkpoints[newest]:
                self._keep(start, head.number, found.events, head.hash)
            else:
                self._read_ranges(self._after_fork(head), head)
        elif head.number > newest and self._hash_of(newest, head) == self._history.checkpoints[newest]:
            self._read_ranges(newest + 1, head)
        else:
            self._read_ranges(self._after_fork(head), head)

    def _hash_of(self, number: int, head: Head) -> Bytes32:
        block_hash = self._chain.block_hash(number)
        if block_hash is None:
            raise Unavailable(
                f"the node does not have block {number}, although its newest block is {head.number}: it lags;"
                " the next look asks again"
            )
        return block_hash

    def _after_fork(self, head: Head) -> int:
        """Forget what was read of blocks that the chain has no longer; the first block to read."""
        numbers = sorted(number for number in self._history.checkpoints if number <= head.number)
        low, high = 0, len(numbers)  # checkpoints below low are of the chain, those from high on are not
        while low < high:
            middle = (low + high) // 2
            if self._hash_of(numbers[middle], head) == self._history.checkpoints[numbers[middle]]:
                low = middle + 1
            else:
                high = middle
        last = numbers[low - 1] if low else self._chain.first_block - 1
        self._chain.forget_after(last)
        undone = self._history.forget_after(last)
        self._change_ledger(lambda: self.ledger.unlearn(undone, last))
        return last + 1

    # --- reading ------------------------------------------------------------------------------------------

    def _read_ranges(self, start: int, head: Head) -> None:
        start = max(start - min(REREAD_BLOCKS, self._range_blocks - 1), self._chain.first_block)
        for number in range(RANGES_EACH_SYNC):
            if start > head.number:
                return
            until = min(start + self._range_blocks - 1, head.number)
            try:
                found = self._blocks(start, until)
            except Unavailable as error:
                if number:
                    raise ReadingPast(start, head) from error
                raise
            known = head.hash if until == head.number else found.hashes.get(until)
            self._keep(start, until, found.events, known or self._hash_of(until, head))
            start = until + 1
        if start <= head.number:
            raise ReadingPast(start, head)

    def _blocks(self, start: int, until: int) -> Blocks:
        """A range with its events; if a node refuses it, the next one is smaller."""
        try:
            found = self._chain.blocks(start, until)
        except Unavailable:
            self._range_limit = max((until - start + 1) // 2, 1)
            self._range_blocks = max((until - start + 1) // 4, 1)
            self._ranges_given = 0
            raise
        self._ranges_given += 1
        if self._ranges_given >= GROW_AFTER_RANGES or self._range_limit < REREAD_BLOCKS:
            self._range_limit = min(self._range_limit * 2, RANGE_LIMIT_BLOCKS)
            self._ranges_given = 0
        self._range_blocks = min(self._range_blocks * 2, self._range_limit)
        return found

    def _reread(self) -> None:
        """Go on with a rescan."""
        newest = self._history.newest_checkpoint()
        for _ in range(REREAD_RANGES_EACH_SYNC):
            if newest is None or self._reread_at is None:
                return
            until = min(self._reread_at + self._range_blocks - 1, newest)
            self._keep(self._reread_at, until, self._blocks(self._reread_at, until).events, None)
            self._reread_at = until + 1 if until < newest else None

    def _keep(self, start: int, until: int, found: Sequence[ChainEvent], checkpoint: Bytes32 | None) -> None:
        added, replaced = self._history.keep(start, until, found, checkpoint)
        if added:
            self._change_ledger(lambda: self.ledger.unlearn(replaced))
            self._change_ledger(lambda: self.ledger.learn(added))
        if self.ledger.newly_finished_count >= MARK_EACH:
            self._history.mark_finished(*self.ledger.drain_finished())

    # --- the ledger ---------------------------------------------------------------------------------------

    def _load_ledger(self) -> None:
        """At the start, and after the store failed in the midst of a change."""
        if self._is_ledger_behind:
            history = self._history
            self.ledger.load(history.over, history.finished, history.unfinished())
            self._is_ledger_behind = False

    def _change_ledger(self, change: Callable[[], None]) -> None:
        self._is_ledger_behind = True
        change()
        self._is_ledger_behind = False

    def _retire(self, head: Head) -> None:
        """Let jobs go that cannot be taken any more, and that nobody works on."""
        for job in self.ledger.live_jobs():
            if job.deadline + RETIRE_AFTER_SECONDS < head.time_seconds:
                self.ledger.retire(job.job_id)
