"""What a ledger is given to begin with: records of events, and where the events of finished work are."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from truestep.base.ids import JobId, ProgramId, TaskId
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import JobRecord, ProgramRecord

JobEvent = events.JobPosted | events.JobChanged


class History(Protocol):
    """Every event that was read, by what it is about."""

    def events_of_task(self, task_id: TaskId) -> list[ChainEvent]:
        """The events of one task, its claims and its games, in the chain's order."""
        ...

    def program_registered(self, program_id: ProgramId) -> events.ProgramRegistered | None:
        """The event of a program."""
        ...

    def events_of_job(self, job_id: JobId) -> list[JobEvent]:
        """The events of a job, without those of its tasks, in the chain's order."""
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

    def events_of_job(self, job_id: JobId) -> list[JobEvent]:
        """None."""
        del job_id
        return []


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


def posted_job(event: events.JobPosted) -> JobRecord:
    """A job as it was posted."""
    return JobRecord(
        job_id=event.job_id,
        program_id=event.program_id,
        input_root=event.input_root,
        input_size=event.input_size,
        input_uri=event.input_uri,
        seed=event.seed,
        shard_count=event.shard_count,
        reward=event.reward,
        asset=event.asset,
        lease_seconds=event.lease_seconds,
        deadline=event.deadline,
        max_cycles=event.max_cycles,
        requester=event.requester,
        policy=event.policy,
        parameters=event.parameters,
        reducer_of=event.reducer_of,
        is_ready=event.is_ready,
    )


def changed_job(job: JobRecord, event: events.JobChanged) -> JobRecord:
    """A job after a change."""
    return replace(
        job,
        reward=event.reward,
        deadline=event.deadline,
        input_root=event.input_root,
        input_size=event.input_size,
        is_ready=event.is_ready,
    )


def job_record(found: Iterable[JobEvent]) -> JobRecord | None:
    """A job as its events tell it, in order; None if it was not posted."""
    job: JobRecord | None = None
    for event in found:
        if isinstance(event, events.JobPosted):
            job = posted_job(event)
        elif job is not None:
            job = changed_job(job, event)
    return job
