"""What told events say of programs, jobs and tasks, finished ones too: records to look up by id."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from truestep.base.ids import (
    Address,
    BatchId,
    ClaimId,
    JobId,
    ProgramId,
    TaskId,
    batch_of_claim,
    job_of_task,
    shard_of_task,
    task_of_claim,
)
from truestep.protocol import events
from truestep.protocol.event_records import changed_job, posted_job, program_record
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import JobRecord, ProgramRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.ids import NOBODY

TaskEvent = (
    events.TaskTaken
    | events.TaskClaimed
    | events.WindowExtended
    | events.LeaseExpired
    | events.ClaimStruck
    | events.ClaimFailed
    | events.TaskFinalized
    | events.TaskReclaimed
)


@dataclass(slots=True)
class _Job:
    """A job, with those of its tasks to which something has happened."""

    record: JobRecord
    tasks: dict[TaskId, TaskRecord] = field(default_factory=dict[TaskId, TaskRecord])
    finals: dict[TaskId, events.TaskFinalized] = field(default_factory=dict[TaskId, events.TaskFinalized])
    claims: dict[ClaimId, events.TaskClaimed] = field(default_factory=dict[ClaimId, events.TaskClaimed])
    struck: dict[ClaimId, Address] = field(default_factory=dict[ClaimId, Address])

    def copied(self) -> "_Job":
        """Another one that says the same."""
        return _Job(
            self.record,
            tasks=dict(self.tasks),
            finals=dict(self.finals),
            claims=dict(self.claims),
            struck=dict(self.struck),
        )


class Table:
    """Filled by `apply`, event by event in the chain's order. Forgets nothing but what is dropped.

    An event of a job that is not known, because it was dropped or its own event is missing, changes nothing.
    """

    def __init__(self, told: Iterable[ChainEvent] = ()) -> None:
        self._programs: dict[ProgramId, ProgramRecord] = {}
        self._jobs: dict[JobId, _Job] = {}
        self._own: set[JobId] = set()
        """Jobs that no copy of this table shares."""
        for event in told:
            self.apply(event)

    # --- questions --------------------------------------------------------------------------------

    @property
    def programs(self) -> Mapping[ProgramId, ProgramRecord]:
        """All programs."""
        return self._programs

    @property
    def job_ids(self) -> tuple[JobId, ...]:
        """All jobs that were not dropped."""
        return tuple(self._jobs)

    def program(self, program_id: ProgramId) -> ProgramRecord | None:
        """A registered program."""
        return self._programs.get(program_id)

    def job(self, job_id: JobId) -> JobRecord | None:
        """A job as it stands."""
        known = self._jobs.get(job_id)
        return known.record if known is not None else None

    def task(self, task_id: TaskId) -> TaskRecord | None:
        """A task as it stands; None for one that its job does not have."""
        known = self._jobs.get(job_of_task(task_id))
        if known is None or shard_of_task(task_id) >= known.record.shard_count:
            return None
        return known.tasks.get(task_id) or untouched(task_id)

    def final(self, task_id: TaskId) -> events.TaskFinalized | None:
        """How a task became final, with its result; None if it is not."""
        known = self._jobs.get(job_of_task(task_id))
        return known.finals.get(task_id) if known is not None else None

    def claim(self, claim_id: ClaimId) -> events.TaskClaimed | None:
        """What was claimed, whatever became of it."""
        known = self._jobs.get(job_of_task(task_of_claim(claim_id)))
        return known.claims.get(claim_id) if known is not None else None

    def tasks_of(self, job_id: JobId) -> tuple[TaskRecord, ...]:
        """Those tasks of a job to which something has happened."""
        known = self._jobs.get(job_id)
        return tuple(known.tasks.values()) if known is not None else ()

    def finals_of(self, job_id: JobId) -> tuple[events.TaskFinalized, ...]:
        """The results of a job so far."""
        known = self._jobs.get(job_id)
        return tuple(known.finals.values()) if known is not None else ()

    def claims_of(self, job_id: JobId) -> tuple[events.TaskClaimed, ...]:
        """All claims on a job's tasks."""
        known = self._jobs.get(job_id)
        return tuple(known.claims.values()) if known is not None else ()

    def struck_of(self, job_id: JobId) -> Mapping[ClaimId, Address]:
        """The struck claims of a job, and the operators that made them."""
        known = self._jobs.get(job_id)
        return known.struck if known is not None else {}

    def struck_by_operator(self, operator: Address) -> tuple[ClaimId, ...]:
        """The struck claims of an operator in all jobs."""
        return tuple(
            claim_id
            for known in self._jobs.values()
            for claim_id, of in known.struck.items()
            if of == operator
        )

    # --- changes ----------------------------------------------------------------------------------

    def apply(self, event: ChainEvent) -> None:
        """Take in one event. Those of games change nothing here."""
        match event:
            case events.ProgramRegistered():
                self._programs[event.program_id] = program_record(event)
            case events.JobPosted():
                self._jobs[event.job_id] = _Job(posted_job(event))
                self._own.add(event.job_id)
            case events.JobChanged():
                known = self._own_job(event.job_id)
                if known is not None:
                    known.record = changed_job(known.record, event)
            case (
                events.TaskTaken()
                | events.TaskClaimed()
                | events.WindowExtended()
                | events.LeaseExpired()
                | events.ClaimStruck()
                | events.ClaimFailed()
                | events.TaskFinalized()
                | events.TaskReclaimed()
            ):
                known = self._own_job(job_of_task(event.task_id))
                if known is not None:
                    _apply_to_task(known, event)
            case _:
                pass

    def drop_job(self, job_id: JobId) -> None:
        """Forget a job and all of its tasks."""
        self._jobs.pop(job_id, None)
        self._own.discard(job_id)

    def copied(self) -> "Table":
        """Another table that says the same: a checkpoint. The two share each job until one changes it."""
        other = Table()
        other._programs = dict(self._programs)
        other._jobs = dict(self._jobs)
        self._own.clear()
        return other

    def _own_job(self, job_id: JobId) -> _Job | None:
        """A job that can be changed."""
        known = self._jobs.get(job_id)
        if known is not None and job_id not in self._own:
            known = known.copied()
            self._jobs[job_id] = known
            self._own.add(job_id)
        return known


def untouched(task_id: TaskId) -> TaskRecord:
    """A task that nobody has taken yet."""
    return TaskRecord(task_id=task_id, stage=TaskStage.OPEN, batch_id=BatchId(0), operator=NOBODY, until=0)


def _apply_to_task(known: _Job, event: TaskEvent) -> None:
    task_id = event.task_id
    record = known.tasks.get(task_id) or untouched(task_id)
    match event:
        case events.TaskTaken():
            record = replace(
                record,
                stage=TaskStage.TAKEN,
                batch_id=event.batch_id,
                operator=event.operator,
                until=event.until,
            )
        case events.TaskClaimed():
            known.claims[event.claim_id] = event
            record = replace(
                record,
                stage=TaskStage.CLAIMED,
                batch_id=batch_of_claim(event.claim_id),
                operator=event.operator,
                until=event.until,
            )
        case events.WindowExtended():
            if record.stage is TaskStage.CLAIMED and record.claim_id == event.claim_id:
                record = replace(record, until=max(event.until, record.until))
        case events.LeaseExpired():
            record = replace(record, stage=TaskStage.OPEN, operator=NOBODY, until=0)
        case events.ClaimStruck():
            known.struck[event.claim_id] = event.operator
            record = replace(record, stage=TaskStage.OPEN, operator=NOBODY, until=0)
        case events.ClaimFailed():
            known.struck.pop(event.claim_id, None)
        case events.TaskFinalized():
            known.finals[task_id] = event
            record = replace(
                record,
                stage=TaskStage.FINAL,
                batch_id=batch_of_claim(event.claim_id),
                operator=event.operator,
                until=0,
            )
        case events.TaskReclaimed():
            record = replace(record, stage=TaskStage.REFUNDED, until=0)
    known.tasks[task_id] = record
