"""Proofs of what has left the facts are made again from the events, and are the same."""

from __future__ import annotations

from dataclasses import replace

from tests.protocol.settlement.facts.episodes import play
from tests.protocol.settlement.world import DEPLOYMENT
from truestep.protocol.settlement.contracts import jobs
from truestep.protocol.settlement.facts.evidence import evidence_in, evidence_of
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.retention import items_of


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
