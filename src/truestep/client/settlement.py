"""Makes the receipt of a settled job."""

from collections.abc import Callable, Sequence

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import JobId, TaskId, shard_of_task, task_of
from truestep.client.receipt import (
    INLINE_LIMIT_BYTES,
    InputPart,
    ProgramPart,
    Receipt,
    ShardPart,
    inlined,
)
from truestep.client.stored import stored_input, stored_program
from truestep.ports.blobs import Blobs
from truestep.ports.chain import ChainReader
from truestep.protocol.events import TaskFinalized
from truestep.protocol.records import JobRecord, ProgramRecord


def unfinished(record: JobRecord) -> Rejected:
    """Why there is no result yet."""
    return Rejected(
        Reject.JOB_UNFINISHED,
        f"{record.final_count} of {record.shard_count} shards of job {record.job_id} are final;"
        f" see its progress: truestep status {record.job_id}",
    )


def make_receipt(
    chain: ChainReader,
    blobs: Blobs,
    deployment: Deployment,
    job_id: JobId,
    final_events: Sequence[TaskFinalized],
) -> Receipt:
    """The receipt of a complete job, from its record and the events that made its shards final.

    It includes what is small and available. Raises Rejected if the job is not complete.
    """
    job = chain.job(job_id)
    by_task = {event.task_id: event for event in final_events}
    if job.final_count != job.shard_count:
        raise unfinished(job)
    shards = [_shard(by_task, task_of(job_id, shard), blobs) for shard in range(job.shard_count)]
    return Receipt(
        deployment=deployment,
        job_id=job_id,
        requester=job.requester,
        reward_wei=job.reward_wei,
        seed=job.seed.hex(),
        shard_count=job.shard_count,
        program=_program(chain.program(job.program_id), blobs),
        input=InputPart(
            root=job.input_root.hex(),
            size=job.input_size,
            uri=job.input_uri,
            content=_packed(
                lambda: stored_input(blobs, job.input_root, job.input_size, job.input_uri),
            )
            if _is_small(job.input_size)
            else None,
        ),
        shards=tuple(shards),
    )


def _program(program: ProgramRecord, blobs: Blobs) -> ProgramPart:
    return ProgramPart(
        program_id=program.program_id,
        image_root=program.image_root.hex(),
        entry=program.entry,
        max_cycles=program.max_cycles,
        elf_sha256=program.digest.hex(),
        uri=program.uri,
        elf=_packed(
            lambda: stored_program(blobs, program.image_root, program.entry, program.digest, program.uri)
        ),
    )


def _shard(by_task: dict[TaskId, TaskFinalized], task_id: TaskId, blobs: Blobs) -> ShardPart:
    event = by_task.get(task_id)
    if event is None:
        raise Unavailable(
            f"the node does not return the event that made task {task_id} final; try another node"
        )
    claimed = event.claimed
    output = None
    if event.is_accepted and _is_small(claimed.output_size):
        output = blobs.get_output(claimed.output_root, claimed.output_size).hex()
    return ShardPart(
        shard_index=shard_of_task(task_id),
        attempt=event.claim_id & 0xFFFF_FFFF,
        operator=event.operator,
        status=claimed.status,
        code=claimed.code,
        cycle=claimed.cycle,
        output_size=claimed.output_size,
        output_root=claimed.output_root.hex(),
        left_root=claimed.left_root.hex(),
        inner_root=claimed.inner_root.hex(),
        running_state=claimed.running_state.hex(),
        accepted=event.is_accepted,
        final_block=event.at.block_number,
        final_transaction=event.at.transaction_hash.hex(),
        output=output,
    )


def _is_small(size_bytes: int) -> bool:
    return size_bytes <= INLINE_LIMIT_BYTES


def _packed(fetch: Callable[[], bytes]) -> str | None:
    """The blob as a receipt holds it; None if it is large or not available now."""
    try:
        return inlined(fetch())
    except (Rejected, Unavailable):
        return None
