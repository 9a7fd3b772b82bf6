"""Results: what is written out, fed to reducers and called back (docs/settlement.md S4.8, S4.9, S10.2)."""

from dataclasses import replace

from truestep.base.errors import Reject
from truestep.base.ids import Bytes32, job_of_task, task_of
from truestep.commitments.merkle import ZERO_NODES, climb, pair_tree_levels
from truestep.protocol.settlement.batches import is_leaf_final
from truestep.protocol.settlement.claims import check_leaf, is_accepted
from truestep.protocol.settlement.contracts.results import (
    CallBack,
    CalledBack,
    Fed,
    Feed,
    WriteOut,
    WrittenOut,
)
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.jobs import (
    INPUT_LEVEL,
    put_job,
    refund_shards,
    resolve,
    slot_level_of,
    source_of,
    stated_job,
)
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Turn, with_entry
from truestep.protocol.settlement.trees import depth_for


def write_out(turn: Turn, call: WriteOut) -> None:
    """Keep a final leaf for those that cannot carry proofs (S4.8)."""
    task_id = check_leaf(turn.state, call.claim_id, call.terms, call.proof)
    require(is_leaf_final(turn.state, call.claim_id), Reject.LEAF_NOT_FINAL)
    require(task_id not in turn.state.outcomes, Reject.WRITTEN_OUT)
    leaf = call.proof.leaf
    turn.change(outcomes=with_entry(turn.state.outcomes, task_id, leaf))
    job_id = job_of_task(task_id)
    job = turn.state.jobs[job_id]
    put_job(turn, job_id, replace(job, final_count=job.final_count + 1))
    turn.emit(
        WrittenOut(
            task_id=task_id, claim_id=call.claim_id, outcome=outcome_of(leaf), output_root=leaf.output_root
        )
    )


def feed(turn: Turn, call: Feed) -> None:
    """Give a reducer the next outputs of its job (S4.9)."""
    job = stated_job(turn.state, call.job_id, call.work, call.terms)
    require(not job.is_ready, Reject.REDUCER_FED)
    source_id, level = source_of(job.terms.reducer_of), slot_level_of(job.terms.reducer_of)
    slot_count = turn.state.jobs[source_id].work.shard_count
    fed = job.fed
    for node in call.nodes:
        require(len(fed) < slot_count, Reject.SHARD_RANGE)
        leaf = turn.state.outcomes.get(task_of(source_id, len(fed)))
        if leaf is None:
            raise Refused(Reject.NOT_WRITTEN_OUT)
        if not is_accepted(leaf):
            refund_shards(turn, call.job_id, (0,))
            return
        fits = climb(node, 0, ZERO_NODES[level:INPUT_LEVEL]) == leaf.output_root
        require(fits, Reject.REDUCER_SLOT)
        fed = (*fed, node)
    put_job(turn, call.job_id, replace(job, fed=fed))
    if len(fed) == slot_count:
        input_root = slots_root(fed, level)
        input_size = slot_count * 32 << level
        resolve(turn, call.job_id, replace(job.work, input_root=input_root, input_size=input_size))
        digest = turn.state.jobs[call.job_id].digest
        turn.emit(Fed(job_id=call.job_id, job_digest=digest, input_root=input_root, input_size=input_size))


def slots_root(nodes: tuple[Bytes32, ...], level: int) -> Bytes32:
    """The root of an input of slots of 2^level leaves, zeros behind them (S4.9)."""
    depth = depth_for(len(nodes))
    padded = [*nodes] + [ZERO_NODES[level]] * ((1 << depth) - len(nodes))
    top = pair_tree_levels(padded, depth)[-1][0]
    return climb(top, 0, ZERO_NODES[level + depth : INPUT_LEVEL])


def outcome_of(leaf: Leaf) -> int:
    """What is kept of a final leaf, next to its output root."""
    return 1 << 255 | leaf.head


def call_back(turn: Turn, call: CallBack) -> None:
    """Tell the consumer, once, when every shard is written out (S10.2)."""
    job = stated_job(turn.state, call.job_id, call.work, call.terms)
    require(job.terms.consumer != NOBODY, Reject.NO_CONSUMER)
    require(not job.is_called_back, Reject.CALLED_BACK)
    require(job.final_count == job.work.shard_count, Reject.JOB_UNFINISHED)
    put_job(turn, call.job_id, replace(job, is_called_back=True))
    turn.emit(
        CalledBack(
            job_id=call.job_id,
            consumer=job.terms.consumer,
            is_success=turn.message.stranger is Stranger.WILLING,
        )
    )
