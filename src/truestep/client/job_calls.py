"""What a requester can still do with a posted job: pay more, close it, take rewards back, pass results on."""

from collections.abc import Sequence

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32, JobId, task_of
from truestep.base.text import counted
from truestep.base.units import duration
from truestep.client.job_status import JobStatus, known_job, read_status
from truestep.client.reducing import reduced_input, slot_node
from truestep.client.sending import transact_once
from truestep.client.stakes import withdraw_asset
from truestep.client.tokens import allow
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.program import Task
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain
from truestep.protocol.calls import (
    Call,
    CancelTasks,
    CloseJob,
    ExpireBatch,
    FeedJob,
    TopUpJob,
)
from truestep.protocol.records import JobRecord, TaskStage
from truestep.protocol.settlement.facts.due import Action

CANCEL_BATCH = 100
"""Shards in one cancellation: about 3 million gas, a tenth of a block."""


def top_up(chain: Chain, job_id: JobId, reward: int) -> JobRecord:
    """Let each shard earn `reward` more. Returns the job as it is then.

    Raises Rejected while any shard is taken or final, and after the deadline.
    """
    status = read_status(chain, job_id)
    job, standing = status.job, len(status.tasks) - len(status.idle)
    _refuse_late(status, "nobody can take a shard any more; post a new job")
    if standing:
        raise Rejected(
            Reject.SHARDS_BUSY,
            f"{standing} of {counted(job.shard_count, 'shard')} of job {job_id} are taken, final or"
            " refunded, and all"
            " earn the same; to pay more for the others, reclaim them and post them as a new job",
        )
    allow(chain, job.asset, reward * job.shard_count)
    # The same call after an interruption means the same, until the reward has risen.
    intent = f"top up:{job_id}:{job.reward}+{reward}"
    transact_once(chain, TopUpJob(job_id=job_id, reward=reward), intent)
    return known_job(chain, job_id)


def close(chain: Chain, job_id: JobId) -> None:
    """Let nobody take a shard any more. Shards that are taken go on. Raises Rejected after the deadline."""
    status = read_status(chain, job_id)
    if chain.account != status.job.requester:
        raise Rejected(
            Reject.NOT_REQUESTER,
            f"expected {status.job.requester}, who posted job {job_id}, got {chain.account}; nobody else can"
            " close it",
        )
    if all(task.stage in (TaskStage.FINAL, TaskStage.REFUNDED) for task in status.tasks):
        raise Rejected(
            Reject.OVER, f"every shard of job {job_id} is final or refunded; there is nothing left to close"
        )
    _refuse_late(status, f"nobody can take a shard any more; see truestep reclaim {job_id}")
    transact_once(chain, CloseJob(job_id=job_id), f"close:{job_id}")


def _refuse_late(status: JobStatus, advice: str) -> None:
    if status.is_late:
        since = duration(status.time_seconds - status.job.deadline)
        raise Rejected(
            Reject.DEADLINE_OVER, f"the deadline of job {status.job.job_id} was {since} ago: {advice}"
        )


def reclaim(chain: Chain, job_id: JobId, *, is_now: bool = False) -> int:
    """Take back the rewards of shards that nobody has. Returns the amount that was refunded now, perhaps 0.

    Nobody has a shard either whose claim had to be proven and was not. Before the deadline this does nothing,
    unless `is_now`: then nobody can take these shards any more. What
    Jobs owes the account of the asset goes to its wallet. Raises Rejected if the chain refuses.
    """
    status = read_status(chain, job_id)
    if (status.is_late or is_now) and _do_duties(chain, job_id, Action.DROP):
        status = read_status(chain, job_id)
    if status.is_late:
        for batch_id in status.missed_batches:
            transact_once(chain, ExpireBatch(batch_id=batch_id), f"expire:{batch_id}")
        status = read_status(chain, job_id)
    shards = status.idle if status.is_late or is_now else ()
    if shards and not status.is_late and status.job.requester != chain.account:
        raise Rejected(
            Reject.NOT_REQUESTER,
            f"expected {status.job.requester}, who posted job {job_id}, got {chain.account}; anybody else has"
            f" to wait for the deadline, which is in {duration(status.job.deadline - status.time_seconds)}",
        )
    for low in range(0, len(shards), CANCEL_BATCH):
        batch = shards[low : low + CANCEL_BATCH]
        intent = f"cancel:{job_id}:{','.join(map(str, batch))}"
        transact_once(chain, CancelTasks(job_id=job_id, shards=batch), intent)
    if status.job.requester == chain.account:
        withdraw_asset(chain, status.job.asset)
    return len(shards) * status.job.reward


# --- results --------------------------------------------------------------------------------------


def write_out(chain: Chain, job_id: JobId) -> int:
    """Write out every final result of a job that is not yet, for contracts that cannot carry proofs (S4.8).

    Returns how many there were. Raises Rejected for an unknown job.
    """
    known_job(chain, job_id)
    return _do_duties(chain, job_id, Action.WRITE_OUT)


def call_back(chain: Chain, job_id: JobId) -> bool:
    """Tell the job's consumer that all results are written out. Returns whether that was left to do.

    Raises Rejected if the consumer fails: then it can be called again, until it succeeds once (S10.2).
    """
    known_job(chain, job_id)
    if not _do_duties(chain, job_id, Action.CALL_BACK):
        return False
    if _duties(chain, job_id, Action.CALL_BACK):
        raise Rejected(
            Reject.CALL_REVERTED,
            f"the consumer of job {job_id} failed, or has no code; the results are written out, and it can be"
            " called again",
        )
    return True


def feed(chain: Chain, blobs: Blobs, job_id: JobId) -> bytes:
    """Give a reducer the outputs of its job, which are written out before if they are not. Returns the input.

    If an output was not accepted, the reducer is refunded, and the input is empty. Raises Rejected for a job
    that is no reducer or has its input, or while outputs are missing; Unavailable if no store has an output.
    """
    job = known_job(chain, job_id)
    source_id = _unfed_source(job)
    source = read_status(chain, source_id)
    results = [chain.result(task_of(source_id, shard)) for shard in range(source.job.shard_count)]
    _do_duties(chain, source_id, Action.WRITE_OUT)
    if any(result.is_final and not result.is_accepted for result in results):
        _feed(chain, job_id, ())
        return b""
    if not all(result.is_final for result in results):
        raise Rejected(
            Reject.NOT_WRITTEN_OUT,
            f"expected every shard of job {source_id} to be final, {sum(r.is_final for r in results)} of"
            f" {len(results)} are; wait for it: truestep status {source_id}",
        )
    outputs = [blobs.get_output(result.output_root, result.output_size) for result in results]
    nodes = [
        slot_node(output, result.output_root, job.slot_level)
        for output, result in zip(outputs, results, strict=True)
    ]
    content = reduced_input(outputs, job.slot_level)
    blobs.put(content)
    blobs.put_input(Task(input=content).input_root(hash_many_pairs), content)
    _feed(chain, job_id, nodes)
    return content


def _unfed_source(job: JobRecord) -> JobId:
    if job.reducer_of is None:
        raise Rejected(
            Reject.NOT_REDUCER, f"expected a job that reduces another, got job {job.job_id}, which does not"
        )
    if job.is_ready:
        raise Rejected(Reject.JOB_READY, f"job {job.job_id} has its input already; nothing is to be done")
    return job.reducer_of


def _feed(chain: Chain, job_id: JobId, nodes: Sequence[Bytes32]) -> None:
    transact_once(chain, FeedJob(job_id=job_id, slot_nodes=tuple(nodes)), f"feed:{job_id}")


def _do_duties(chain: Chain, job_id: JobId, action: Action) -> int:
    """Make the calls of this kind that the job waits for: all are sent, and then waited for."""
    found = _duties(chain, job_id, action)
    for intent, call in found.items():
        chain.submit(call, intent=intent)
    for intent, call in found.items():
        chain.transact(call, intent=intent)
    return len(found)


def _duties(chain: Chain, job_id: JobId, action: Action) -> dict[str, Call]:
    """What a job waits for now, by intents: what is done in one block may have to be done again later."""
    head = chain.head()
    return {
        f"{action}:{duty.claim_id or job_id}:{head.hash.hex()}": duty.call
        for duty in chain.duties(head.time_seconds)
        if duty.job_id == job_id and duty.action is action and duty.call is not None
    }


def why_nothing(now: JobStatus) -> str:
    """Why nothing of a job can be reclaimed."""
    named, left_seconds = f"job {now.job.job_id}", now.job.deadline - now.time_seconds
    if now.is_complete:
        return f"nothing to reclaim: every shard of {named} is final"
    if not now.is_late:
        advice = "; --now cancels those that no worker has" if now.idle else ""
        return f"nothing to reclaim yet: the deadline of {named} is in {duration(left_seconds)}{advice}"
    return f"nothing to reclaim: every shard of {named} is final, reclaimed or still being worked on"
