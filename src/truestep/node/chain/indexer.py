"""Follows the chain's events: idempotent, resumable, and safe when the chain is reorganised."""

from collections.abc import Iterator

from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32, JobId, ProgramId, TaskId
from truestep.node.chain.ledger import Ledger
from truestep.node.chain.rows import block_key, event_key, from_row, to_row
from truestep.node.chain.task_state import task_of_event
from truestep.ports.chain import Chain, Head
from truestep.ports.store import Change, Store
from truestep.protocol.events import ChainEvent, JobPosted, ProgramRegistered

EVENTS, CHECKPOINTS = "events", "checkpoints"
RANGE_BLOCKS = 2_000
"""Public nodes refuse more in one request; where blocks are full of events, less is asked for."""
RANGES_EACH_SYNC = 50
"""A node that starts behind catches up over several ticks, and says so."""
REREAD_BLOCKS = 8
"""Read again at each new head: one of the nodes behind a URL may lag and not know their events yet."""
CHECKPOINT_LIMIT = 128
"""A reorganisation deeper than the oldest checkpoint means reading everything again."""


class Indexer:
    """Keeps events and checkpoints (last block read, its hash) in the store, a ledger of them in memory."""

    def __init__(self, chain: Chain, store: Store) -> None:
        self._chain = chain
        self._store = store
        self._range_blocks = RANGE_BLOCKS
        self.ledger = Ledger(self)
        self._newest_key = ""
        self._replay_rows()
        self._checkpoints = {int(key): bytes.fromhex(value) for key, value in store.rows(CHECKPOINTS)}

    def sync(self) -> Head:
        """Read up to the newest block, or as far as one call goes; the head that was read up to.

        Raises `Unavailable` if the node fails, or if it is still catching up.
        """
        head = self._chain.head()
        if self._checkpoints.get(head.number) == head.hash and max(self._checkpoints) == head.number:
            return head
        start = self._resume_at()
        for _ in range(RANGES_EACH_SYNC):
            if start > head.number:
                return head
            until = min(start + self._range_blocks - 1, head.number)
            try:
                self._read(start, until, head.hash if until == head.number else self._chain.block_hash(until))
            except Unavailable:  # perhaps the node refuses so many events at once
                self._range_blocks = max((until - start + 1) // 4, 1)
                raise
            self._range_blocks = min(self._range_blocks * 2, RANGE_BLOCKS)
            start = until + 1
        if start > head.number:
            return head
        raise Unavailable(f"reading the chain's past: at block {start} of {head.number}; goes on by itself")

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        """The events of one task, its claims and its games, in the chain's order."""
        return [event for event in self._events() if task_of_event(event) == task_id]

    def program_registered(self, program_id: ProgramId) -> ProgramRegistered | None:
        """The event of a program."""
        found = (event for event in self._events() if isinstance(event, ProgramRegistered))
        return next((event for event in found if event.program_id == program_id), None)

    def job_posted(self, job_id: JobId) -> JobPosted | None:
        """The event of a job."""
        found = (event for event in self._events() if isinstance(event, JobPosted))
        return next((event for event in found if event.job_id == job_id), None)

    def _events(self) -> Iterator[ChainEvent]:
        return (from_row(row) for _, row in self._store.rows(EVENTS))

    def _resume_at(self) -> int:
        """A few blocks before the newest checkpoint that the chain still has; forgets what came after it."""
        first = start = self._chain.first_block
        gone: list[int] = []
        for number in sorted(self._checkpoints, reverse=True):
            if self._chain.block_hash(number) == self._checkpoints[number]:
                start = number + 1
                break
            gone.append(number)
        if gone:
            self._forget_from(start, gone)
        return max(first, start - min(REREAD_BLOCKS, self._range_blocks - 1))

    def _read(self, start: int, until: int, hash_before: Bytes32 | None) -> None:
        """One range. The hash is read before and after, so that the events are of the chain it names."""
        events = self._chain.events(start, until)
        if hash_before is None or self._chain.block_hash(until) != hash_before:
            raise Unavailable("the chain was reorganised while it was read; the next tick reads it again")
        self._checkpoints[until] = hash_before
        old = sorted(self._checkpoints)[:-CHECKPOINT_LIMIT]
        known = {key for key, _ in self._store.rows(EVENTS, key_from=block_key(start))}
        unread = {key: event for event in events if (key := event_key(event)) not in known}
        changes = [Change(table=EVENTS, key=key, value=to_row(event)) for key, event in unread.items()]
        changes.append(Change(table=CHECKPOINTS, key=block_key(until), value=hash_before.hex()))
        changes += [Change(table=CHECKPOINTS, key=block_key(number), value=None) for number in old]
        self._store.write(changes)
        for number in old:
            del self._checkpoints[number]
        self._learn(unread)

    def _learn(self, unread: dict[str, ChainEvent]) -> None:
        """Apply events in the chain's order; if some come late, everything is applied anew."""
        if unread and min(unread) < self._newest_key:
            self._replay_rows()
            return
        for key in sorted(unread):
            self.ledger.apply(unread[key])
            self._newest_key = key

    def _replay_rows(self) -> None:
        self.ledger, self._newest_key = Ledger(self), ""
        for key, row in self._store.rows(EVENTS):
            self.ledger.apply(from_row(row))
            self._newest_key = key

    def _forget_from(self, start: int, gone: list[int]) -> None:
        rows = self._store.rows(EVENTS, key_from=block_key(start))
        changes = [Change(table=EVENTS, key=key, value=None) for key, _ in rows]
        changes += [Change(table=CHECKPOINTS, key=block_key(number), value=None) for number in gone]
        self._store.write(changes)
        for number in gone:
            del self._checkpoints[number]
        self._replay_rows()
