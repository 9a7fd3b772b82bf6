"""Proofs of what has left the facts are made again from the events, and are the same."""

from __future__ import annotations

from dataclasses import replace

from tests.protocol.settlement.facts.episodes import play
from tests.protocol.settlement.world import DEPLOYMENT
from truestep.base.ids import BatchId, Bytes32, TaskId
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.facts.evidence import evidence_in, evidence_of, proved_task
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.retention import items_of
from truestep.protocol.settlement.ids import PackedItem

OTHER = Bytes32(b"\7" * 32)


def test_evidence_is_the_same_when_the_batch_is_over() -> None:
    """Each claim's, when it was made, and from the logs of the whole story later."""
    logs = play(11, 150).logs
    facts, seen = Facts(deployment=DEPLOYMENT), 0
    for logged in logs:
        facts = fold(facts, [logged])
        event = logged.event
        if not isinstance(event, jobs.Claimed):
            continue
        batch_id = event.batch_id
        for item in items_of(facts.batches[batch_id].batch):
            task_id = item.task(item.offset)
            made = evidence_of(facts, task_id, batch_id)
            assert made is not None
            assert evidence_in(DEPLOYMENT, logs, task_id, batch_id) == made
            seen += 1
    over = fold(replace(Facts(deployment=DEPLOYMENT), keeps=frozenset()), logs)
    assert not over.batches
    assert seen > 5


def test_a_proof_is_of_its_job_task_and_result_alone() -> None:
    facts, seen = Facts(deployment=DEPLOYMENT), 0
    for logged in play(11, 150).logs:
        facts = fold(facts, [logged])
        if not isinstance(logged.event, jobs.Claimed):
            continue
        batch_id = logged.event.batch_id
        for item in items_of(facts.batches[batch_id].batch):
            task_id, digest = item.task(item.offset), facts.jobs[item.job_id].job.digest
            made = evidence_of(facts, task_id, batch_id)
            assert made is not None
            proof, terms = made.proof, made.terms
            assert (proved_task(made, digest), proved_task(made, OTHER)) == (task_id, None)
            for other in (
                replace(made, terms=replace(terms, tasks_root=OTHER)),
                replace(made, terms=replace(terms, claims_root=OTHER)),
                replace(made, proof=replace(proof, leaf=replace(proof.leaf, left_root=OTHER))),
                replace(made, proof=replace(proof, item=PackedItem(proof.item + 1))),
            ):
                assert proved_task(other, digest) is None
            assert evidence_of(facts, TaskId(task_id + 10**6), batch_id) is None
            assert evidence_of(facts, task_id, BatchId(10**6)) is None
            seen += 1
    assert seen > 5
