"""The calls of keepers: of what anybody can do."""

from __future__ import annotations

from tests.protocol.settlement.facts import beliefs
from truestep.base.ids import BatchId, Bytes32, JobId, task_of
from truestep.commitments.merkle import root_of_bytes
from truestep.protocol.settlement.facts import batch_calls, game_calls, job_calls
from truestep.protocol.settlement.facts.due import Action, Due
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.settlement.jobs import source_of

SLOT_LEVEL = 21
"""Slots of 64 MiB: every output of these programs fits."""


def kept(facts: Facts, caller: Caller, each: Due) -> Answer:
    """The call for what is due."""
    subject = each.subject
    match each.action:
        case Action.EXPIRE:
            return batch_calls.expire(facts, caller, BatchId(subject))
        case Action.FINALIZE:
            return batch_calls.finalize(facts, caller, BatchId(subject))
        case Action.FINALIZE_LEAF:
            return batch_calls.finalize_leaf(facts, caller, LeafId(subject))
        case Action.SETTLE:
            return game_calls.settle(facts, caller, LeafGameId(subject))
        case Action.REWARD:
            return game_calls.reward(facts, caller, LeafGameId(subject))
        case Action.ADOPT:
            return game_calls.adopt(facts, caller, LeafGameId(subject))
        case Action.CANCEL:
            count = facts.jobs[JobId(subject)].job.work.shard_count
            return job_calls.cancel(facts, caller, JobId(subject), range(count))
        case Action.WRITE_OUT:
            return job_calls.write_out(facts, caller, LeafId(subject))
        case Action.FEED:
            return job_calls.feed(facts, caller, JobId(subject), slot_nodes(facts, JobId(subject)))
        case _:
            assert each.action is Action.CALL_BACK
            return job_calls.call_back(facts, caller, JobId(subject))


def slot_nodes(facts: Facts, job_id: JobId) -> list[Bytes32]:
    """The first node of each output at the level of a slot, if the output is the true one."""
    source_id = source_of(facts.jobs[job_id].job.terms.reducer_of)
    work = facts.jobs[source_id].job.work
    runs = [beliefs.true_run(task_of(source_id, shard), work) for shard in range(work.shard_count)]
    return [root_of_bytes(made.output, SLOT_LEVEL) for made in runs]
