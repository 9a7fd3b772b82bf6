"""Results: what is written out, fed to reducers and called back (docs/protocol.md S4.8, S4.9, S10.2)."""

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
    refund,
    resolve,
    slot_level_of,
    source_of,
)
from truestep.protocol.settlement.messages import Stranger
from truestep.protocol.settlement.records import Job
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Turn, with_entry
from truestep.protocol.settlement.trees import depth_for

FINAL_BIT = 1 << 255


def write_out(turn: Turn, call: WriteOut) -> None:
    """Keep a final leaf for those that cannot carry proofs (S4.8)."""
    require(is_leaf_final(turn.state, call.claim_id), Reject.LEAF_NOT_FINAL)
    task_id = check_leaf(turn.state, call.claim_id, call.terms, call.proof)
    if task_id in turn.state.outcomes:
        return
    leaf = call.proof.leaf
    turn.change(outcomes=with_entry(turn.state.outcomes, task_id, leaf))
    job_id = job_of_task(task_id)
    job = turn.state.jobs[job_id]
    put_job(turn, job_id, replace(job, final_count=job.final_count + 1))
    turn.emit(
        WrittenOut(
            task_id=task_id,
            claim_id=call.claim_id,
            outcome=FINAL_BIT | leaf.head,
            output_root=leaf.output_root,
        )
    )


def feed(turn: Turn, call: Feed) -> None:
    """Give a reducer the outputs of its job, or refund it if one of them is not accepted (S4.9)."""
    job = _stated(turn, call)
    require(job.terms.reducer_of != 0, Reject.NOT_REDUCER)
    source_id, level = source_of(job.terms.reducer_of), slot_level_of(job.terms.reducer_of)
    shards = range(turn.state.jobs[source_id].work.shard_count)
    leaves = [turn.state.outcomes.get(task_of(source_id, shard)) for shard in shards]
    if any(leaf is not None and not is_accepted(leaf) for leaf in leaves):
        refund(turn, call.job_id, (0,))
        return
    require(len(call.slot_nodes) == len(leaves), Reject.REDUCER_SLOTS)
    for node, leaf in zip(call.slot_nodes, leaves, strict=True):
        if leaf is None:
            raise Refused(Reject.NOT_WRITTEN_OUT)
        fits = climb(node, 0, ZERO_NODES[level:INPUT_LEVEL]) == leaf.output_root
        require(fits, Reject.REDUCER_SLOT)
    input_root, input_size = slots_root(call.slot_nodes, level), len(leaves) * 32 << level
    resolve(turn, call.job_id, replace(job.work, input_root=input_root, input_size=input_size))
    digest = turn.state.jobs[call.job_id].digest
    turn.emit(Fed(job_id=call.job_id, job_digest=digest, input_root=input_root, input_size=input_size))


def _stated(turn: Turn, call: Feed | CallBack) -> Job:
    job = turn.state.jobs.get(call.job_id)
    if job is None or (call.work, call.terms) != (job.work, job.terms):
        raise Refused(Reject.JOB_OTHER)
    return job


def slots_root(nodes: tuple[Bytes32, ...], level: int) -> Bytes32:
    """The root of an input of slots of 2^level leaves, zeros behind them (S4.9)."""
    depth = depth_for(len(nodes))
    padded = [*nodes] + [ZERO_NODES[level]] * ((1 << depth) - len(nodes))
    top = pair_tree_levels(padded, depth)[-1][0]
    return climb(top, 0, ZERO_NODES[level + depth : INPUT_LEVEL])


def call_back(turn: Turn, call: CallBack) -> None:
    """Tell the consumer, until it succeeds once, that every shard is written out (S10.2)."""
    job = _stated(turn, call)
    require(job.terms.consumer != NOBODY, Reject.NO_CONSUMER)
    require(not job.is_called_back, Reject.CALLBACK_DONE)
    require(job.final_count == job.work.shard_count, Reject.CALLBACK_EARLY)
    is_success = turn.message.stranger is Stranger.WILLING
    put_job(turn, call.job_id, replace(job, is_called_back=is_success))
    turn.emit(CalledBack(job_id=call.job_id, consumer=job.terms.consumer, is_success=is_success))
