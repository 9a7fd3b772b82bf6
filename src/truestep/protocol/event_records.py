"""Programs and jobs as their events tell them."""

from collections.abc import Iterable
from dataclasses import replace

from truestep.protocol import events
from truestep.protocol.records import JobRecord, ProgramRecord

JobEvent = events.JobPosted | events.JobChanged


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
        slot_level=event.slot_level,
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
