"""All events that were read, in the store, by position in the chain and by subject."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32, JobId, ProgramId, TaskId, job_of_task, shard_of_task
from truestep.node.chain import rows
from truestep.node.chain.spans import Spans
from truestep.node.chain.task_state import task_of_event
from truestep.ports.store import Change, Store, each_row
from truestep.protocol.event_records import JobEvent
from truestep.protocol.events import ChainEvent, JobChanged, JobPosted, ProgramRegistered, TaskTaken

KNOWN_PROGRAMS, KNOWN_JOBS, KNOWN_BATCHES = "programs", "jobs", "batches"
OVER, FINISHED = "over", "finished/"
"""Keys of sets of numbers; the last is a prefix, followed by a job's number."""
CHECKPOINT_LIMIT = 128
"""A reorganisation deeper than the oldest checkpoint means reading everything again."""
SETTLED_BLOCKS = 4_096
"""Deeper blocks are assumed to stay: one checkpoint is enough for them."""
LAST_NUMBER = 10**rows.NUMBER_DIGITS - 1
LAST_SHARD = 10**rows.SHARD_DIGITS - 1


class EventHistory:
    """Satisfies `truestep.node.chain.ledger.History`. Everything that it returns is durable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._is_behind = False
        self._load()

    def _load(self) -> None:
        found = self._store.rows(rows.CHECKPOINTS)
        self.checkpoints = {int(key): rows.hash_of_row(row) for key, row in found}
        spans = dict(self._store.rows(rows.SPANS))
        self.programs = rows.spans_of_row(spans.get(KNOWN_PROGRAMS))
        """The numbers of the programs whose events were read."""
        self.jobs = rows.spans_of_row(spans.get(KNOWN_JOBS))
        """The numbers of the jobs whose events were read."""
        self.batches = rows.spans_of_row(spans.get(KNOWN_BATCHES))
        """The numbers of the batches whose taking was read."""
        self.over = rows.spans_of_row(spans.get(OVER))
        """Jobs that nobody needs in memory."""
        self.finished = {
            JobId(int(key.removeprefix(FINISHED))): rows.spans_of_row(row)
            for key, row in spans.items()
            if key.startswith(FINISHED)
        }
        """Of other jobs, the shards that nobody needs in memory."""
        self._is_behind = False

    # --- questions ----------------------------------------------------------------------------------------

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        """The events of one task, its claims and its games, in the chain's order."""
        return self._below(rows.task_prefix(task_id))

    def program_registered(self, program_id: ProgramId) -> ProgramRegistered | None:
        """The event of a program."""
        for event in self._below(rows.program_prefix(program_id)):
            if isinstance(event, ProgramRegistered):
                return event
        return None

    def events_of_job(self, job_id: JobId) -> list[JobEvent]:
        """The events of a job, without those of its tasks, in the chain's order."""
        found = self._below(rows.job_prefix(job_id))
        return [event for event in found if isinstance(event, JobPosted | JobChanged)]

    def unfinished(self) -> Iterator[ChainEvent]:
        """The events of jobs that are not over, and of their tasks that are not finished."""
        for start, end in self.over.gaps(0, LAST_NUMBER):
            yield from self._between(rows.job_prefix(start), rows.job_prefix(end))
            for key_from, key_until in self._unfinished_ranges(start, end):
                yield from self._between(key_from, key_until)

    def newest_checkpoint(self) -> int | None:
        """The number of the newest block that was read."""
        return max(self.checkpoints, default=None)

    # --- writing ------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """After a write that failed: what is in memory is again what is on the medium."""
        if self._is_behind:
            self._load()

    def _write(self, changes: Sequence[Change]) -> None:
        self._is_behind = True
        self._store.write(changes)
        self._is_behind = False

    def keep(
        self, start: int, until: int, found: Sequence[ChainEvent], checkpoint: Bytes32 | None
    ) -> tuple[list[ChainEvent], list[ChainEvent]]:
        """Keep the events of a range of blocks, and the hash of its last one if it is to be a checkpoint.

        Returns those that are new, and those that stood in their places before: of another branch.
        """
        known = dict(
            self._store.rows(
                rows.POSITIONS, key_from=rows.block_key(start), key_until=rows.block_key(until + 1)
            )
        )
        added, replaced = list[ChainEvent](), list[ChainEvent]()
        changes = list[Change]()
        for event in sorted(found, key=lambda event: event.at):
            row, position = rows.to_row(event), rows.position_key(event)
            place = rows.position_row(event, row)
            if known.get(position) == place:
                continue
            if position in known:
                old_key = rows.key_of_position(known[position])
                replaced.append(self._event(old_key))
                changes.append(Change(table=rows.EVENTS, key=old_key, value=None))
            added.append(event)
            changes.append(Change(table=rows.EVENTS, key=rows.event_key(event), value=row))
            changes.append(Change(table=rows.POSITIONS, key=position, value=place))
        changes += self._span_changes(added, replaced)
        if checkpoint is not None:
            changes += self._checkpoint_changes(until, checkpoint)
        if changes:
            self._write(changes)
        return added, replaced

    def forget_after(self, block_number: int) -> list[ChainEvent]:
        """Forget what was read of later blocks: they are undone. Returns their events."""
        places = list(each_row(self._store, rows.POSITIONS, key_from=rows.block_key(block_number + 1)))
        keys = [rows.key_of_position(place) for _, place in places]
        undone = [self._event(key) for key in keys]
        gone = [number for number in self.checkpoints if number > block_number]
        changes = [Change(table=rows.EVENTS, key=key, value=None) for key in keys]
        changes += [Change(table=rows.POSITIONS, key=position, value=None) for position, _ in places]
        changes += [Change(table=rows.CHECKPOINTS, key=rows.block_key(number), value=None) for number in gone]
        changes += self._span_changes([], undone)
        self._write(changes)
        for number in gone:
            del self.checkpoints[number]
        return undone

    def mark_finished(self, tasks: Iterable[TaskId], over: Iterable[JobId]) -> None:
        """Note what the next start need not read."""
        touched = set[JobId]()
        for task_id in tasks:
            job_id = job_of_task(task_id)
            self.finished.setdefault(job_id, Spans()).add(shard_of_task(task_id))
            touched.add(job_id)
        for job_id in over:
            self.over.add(job_id)
            touched.add(job_id)
            self.finished.pop(job_id, None)
        if touched:
            changes = [self._finished_change(job_id) for job_id in touched]
            self._write([*changes, Change(table=rows.SPANS, key=OVER, value=rows.spans_row(self.over))])

    # --- how ----------------------------------------------------------------------------------------------

    def _below(self, prefix: str) -> list[ChainEvent]:
        return list(self._between(prefix, rows.prefix_end(prefix)))

    def _between(self, key_from: str, key_until: str) -> Iterator[ChainEvent]:
        found = each_row(self._store, rows.EVENTS, key_from=key_from, key_until=key_until)
        return (rows.from_row(row) for _, row in found)

    def _event(self, key: str) -> ChainEvent:
        row = self._store.read(rows.EVENTS, key)
        if row is None:
            raise Bug(f"the store has a position of the event {key}, and no such event")
        return rows.from_row(row)

    def _unfinished_ranges(self, start: int, end: int) -> Iterator[tuple[str, str]]:
        """The keys of tasks of jobs `start` to `end` - 1, without the finished ones."""
        for job_id in sorted(job_id for job_id in self.finished if start <= job_id < end):
            yield rows.tasks_prefix(start), rows.tasks_prefix(job_id)
            for gap in self.finished[job_id].gaps(0, LAST_SHARD):
                yield rows.shard_prefix(job_id, gap[0]), rows.shard_prefix(job_id, gap[1])
            start = job_id + 1
        yield rows.tasks_prefix(start), rows.tasks_prefix(end)

    def _checkpoint_changes(self, number: int, block_hash: Bytes32) -> list[Change]:
        self.checkpoints[number] = block_hash
        numbers = sorted(self.checkpoints)
        settled = [each for each in numbers if each <= numbers[-1] - SETTLED_BLOCKS]
        old = {*numbers[:-CHECKPOINT_LIMIT], *settled[:-1]}
        for each in old:
            del self.checkpoints[each]
        return [
            Change(table=rows.CHECKPOINTS, key=rows.block_key(number), value=rows.hash_row(block_hash)),
            *(Change(table=rows.CHECKPOINTS, key=rows.block_key(each), value=None) for each in old),
        ]

    def _span_changes(self, added: Sequence[ChainEvent], undone: Sequence[ChainEvent]) -> list[Change]:
        """What becomes of the sets of numbers. A task that something happened to is not finished."""
        changed = set[str]()
        for event in undone:
            known = self._number_of(event)
            if known is not None and known.spans.discard(known.number):
                changed.add(known.key)
        for event in added:
            known = self._number_of(event)
            if known is not None and known.spans.add(known.number):
                changed.add(known.key)
        jobs = set[JobId]()
        for event in (*added, *undone):
            task_id = task_of_event(event)
            if task_id is None:
                continue
            job_id, shard = job_of_task(task_id), shard_of_task(task_id)
            if self.over.discard(job_id):
                changed.add(OVER)
            if job_id in self.finished and self.finished[job_id].discard(shard):
                jobs.add(job_id)
        sets = {
            KNOWN_PROGRAMS: self.programs,
            KNOWN_JOBS: self.jobs,
            KNOWN_BATCHES: self.batches,
            OVER: self.over,
        }
        changes = [Change(table=rows.SPANS, key=key, value=rows.spans_row(sets[key])) for key in changed]
        return changes + [self._finished_change(job_id) for job_id in jobs]

    def _number_of(self, event: ChainEvent) -> "_Number | None":
        """The number that an event makes known."""
        match event:
            case ProgramRegistered():
                return _Number(KNOWN_PROGRAMS, self.programs, event.program_id)
            case JobPosted():
                return _Number(KNOWN_JOBS, self.jobs, event.job_id)
            case TaskTaken():
                return _Number(KNOWN_BATCHES, self.batches, event.batch_id)
            case _:
                return None

    def _finished_change(self, job_id: JobId) -> Change:
        spans = self.finished.get(job_id)
        key = f"{FINISHED}{job_id}"
        return Change(table=rows.SPANS, key=key, value=rows.spans_row(spans) if spans else None)


class _Number(NamedTuple):
    """A number, and the set that it belongs to."""

    key: str
    spans: Spans
    number: int
