"""What a ledger is given to begin with: records of events, and where the events of finished work are."""

from typing import Protocol

from truestep.base.ids import JobId, ProgramId, TaskId
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import JobRecord, ProgramRecord


class History(Protocol):
    """Every event that was read, by what it is about."""

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        """The events of one task, its claims and its games, in the chain's order."""
        ...

    def program_registered(self, program_id: ProgramId) -> events.ProgramRegistered | None:
        """The event of a program."""
        ...

    def job_posted(self, job_id: JobId) -> events.JobPosted | None:
        """The event of a job."""
        ...


class NoHistory:
    """Satisfies `History`: everything is in memory, nothing was before."""

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        """None."""
        del task_id
        return []

    def program_registered(self, program_id: ProgramId) -> events.ProgramRegistered | None:
        """None."""
        del program_id

    def job_posted(self, job_id: JobId) -> events.JobPosted | None:
        """None."""
        del job_id


def program_record(event: events.ProgramRegistered) -> ProgramRecord:
    """A program as its event tells it."""
    return ProgramRecord(
        program_id=event.program_id,
        image_root=event.image_root,
        entry=event.entry,
        max_cycles=event.max_cycles,
        digest=event.digest,
        owner=event.owner,
        uri=event.uri,
    )


def job_record(event: events.JobPosted, max_cycles: int) -> JobRecord:
    """A job as its event tells it; `max_cycles` are its program's."""
    return JobRecord(
        job_id=event.job_id,
        program_id=event.program_id,
        input_root=event.input_root,
        input_size=event.input_size,
        input_uri=event.input_uri,
        seed=event.seed,
        shard_count=event.shard_count,
        reward_wei=event.reward_wei,
        lease_seconds=event.lease_seconds,
        deadline=event.deadline,
        max_cycles=max_cycles,
        requester=event.requester,
        final_count=0,
    )
