"""A table answers for what it was told, and for nothing else."""

from __future__ import annotations

from tests.protocol.settlement.facts.episodes import play
from tests.protocol.settlement.world import DEPLOYMENT
from truestep.base.ids import JobId, ProgramId, TaskId, job_of_task, task_of
from truestep.protocol import events
from truestep.protocol.events import ChainEvent
from truestep.protocol.records import JobRecord, TaskStage
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.tasks.table import Table
from truestep.protocol.settlement.tasks.telling import fold_told

TOLD: tuple[ChainEvent, ...] = tuple(
    event for found in fold_told(Facts(deployment=DEPLOYMENT), play(21, 150).logs).told for event in found
)


def contents(table: Table) -> object:
    """All that a table says."""
    of_jobs = [
        (
            table.job(job_id),
            table.tasks_of(job_id),
            table.finals_of(job_id),
            table.claims_of(job_id),
            dict(table.struck_of(job_id)),
        )
        for job_id in table.job_ids
    ]
    return dict(table.programs), of_jobs


def test_a_copy_does_not_change_with_its_original_nor_the_other_way_round() -> None:
    half = len(TOLD) // 2
    table = Table(TOLD[:half])
    checkpoint = table.copied()
    before = contents(checkpoint)
    for event in TOLD[half:]:
        table.apply(event)
    assert contents(checkpoint) == before == contents(Table(TOLD[:half]))
    for event in TOLD[half:]:
        checkpoint.apply(event)
    assert contents(checkpoint) == contents(table) == contents(Table(TOLD))


def test_what_is_dropped_is_not_known_and_stays_so() -> None:
    half = len(TOLD) // 2
    table = Table(TOLD[:half])
    job_id = table.job_ids[-1]
    table.drop_job(job_id)
    for event in TOLD[half:]:
        table.apply(event)
    assert job_id not in table.job_ids
    assert table.job(job_id) is None
    assert table.task(task_of(job_id, 0)) is None
    whole = Table(TOLD)
    whole.drop_job(job_id)
    assert contents(table) == contents(whole)


def test_a_task_that_its_job_does_not_have_is_not_known() -> None:
    table = Table(TOLD)
    job = table.job(JobId(1))
    assert isinstance(job, JobRecord)
    assert table.task(task_of(JobId(1), job.shard_count)) is None
    assert table.task(TaskId(0)) is None
    assert table.program(ProgramId(99)) is None


def test_results_are_kept_of_all_that_is_final() -> None:
    table = Table(TOLD)
    finals = [event for event in TOLD if isinstance(event, events.TaskFinalized)]
    assert finals
    for final in finals:
        record = table.task(final.task_id)
        assert record is not None
        assert record.stage is TaskStage.FINAL
        assert table.final(final.task_id) == final
        assert final in table.finals_of(job_of_task(final.task_id))
    assert sum(len(table.finals_of(job_id)) for job_id in table.job_ids) == len(finals)


def test_struck_claims_are_found_by_their_operator() -> None:
    table = Table(TOLD)
    struck = [event for event in TOLD if isinstance(event, events.ClaimStruck)]
    assert struck
    for operator in {event.operator for event in struck}:
        theirs = {event.claim_id for event in struck if event.operator == operator}
        assert set(table.struck_by_operator(operator)) == theirs
