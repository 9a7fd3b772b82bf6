"""Makes the receipt of a settled job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Rejected, Unavailable
from truestep.base.ids import Address, BatchId, JobId, TaskId, shard_of_task, task_of
from truestep.client.job_status import read_status, unfinished
from truestep.client.receipt import (
    INLINE_LIMIT_BYTES,
    KEPT_VERSION,
    OUTPUTS_LIMIT_BYTES,
    PROVEN_VERSION,
    RECEIPT_VERSION,
    BatchPart,
    InputPart,
    ItemPart,
    KeptPart,
    ProgramPart,
    Receipt,
    RulesPart,
    ShardPart,
    TermsPart,
    inlined,
)
from truestep.client.stored import stored_input, stored_program
from truestep.ports.blobs import Blobs
from truestep.ports.chain import ChainReader
from truestep.protocol.deployment.availability import POLICY as KEPT
from truestep.protocol.events import TaskFinalized
from truestep.protocol.records import ProgramRecord
from truestep.protocol.settlement.facts.evidence import Evidence
from truestep.protocol.settlement.ids import batch_of_claim, leaf_of_claim


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
    from truestep.client.receipt_proofs import proof_parts  # with NumPy, which other commands do not need

    status = read_status(chain, job_id)
    if not status.is_complete:
        raise unfinished(status)
    job, by_task = status.job, {event.task_id: event for event in final_events}
    task_ids = [task_of(job_id, shard) for shard in range(job.shard_count)]
    proofs = [chain.evidence(task_id) for task_id in task_ids]
    room = Room(OUTPUTS_LIMIT_BYTES)
    is_kept = deployment.availability is not None and job.policy == KEPT
    kept = _kept(chain, job_id, proofs) if is_kept else None
    claims = {task_id: each.claim_id for task_id, each in zip(task_ids, proofs, strict=True)}
    proven = proof_parts(chain, deployment, claims)
    return Receipt(
        version=PROVEN_VERSION if proven else RECEIPT_VERSION if kept is None else KEPT_VERSION,
        deployment=deployment,
        job_id=job_id,
        reward=job.reward,
        terms=TermsPart(**asdict(proofs[0].proof.job_terms)),
        rules=RulesPart.of(job.parameters),
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
        batches=_batches(proofs, [_final_event(by_task, task_id).operator for task_id in task_ids]),
        shards=tuple(
            _shard(_final_event(by_task, task_id), evidence, blobs, room)
            for task_id, evidence in zip(task_ids, proofs, strict=True)
        ),
        kept=kept,
        proofs=proven or None,
    )


def _kept(chain: ChainReader, job_id: JobId, proofs: Sequence[Evidence]) -> KeptPart:
    batch_ids = dict.fromkeys(batch_of_claim(evidence.claim_id) for evidence in proofs)
    found = chain.items_of_job(job_id, batch_ids)
    if found is None:
        raise Unavailable(
            f"the node does not return the events that name the items of job {job_id}; try another node"
        )
    return KeptPart.of(found)


class Room:
    """How many bytes of outputs still go into a receipt."""

    def __init__(self, size_bytes: int) -> None:
        self._left_bytes = size_bytes

    def has(self, size_bytes: int) -> bool:
        """Whether an output is taken in."""
        fits = size_bytes <= min(INLINE_LIMIT_BYTES, self._left_bytes)
        self._left_bytes -= size_bytes if fits else 0
        return fits


def _batches(proofs: Sequence[Evidence], operators: Sequence[Address]) -> tuple[BatchPart, ...]:
    """The batches of these leaves, each with its items of the job."""
    items: dict[BatchId, dict[int, ItemPart]] = {}
    found: dict[BatchId, tuple[Evidence, Address]] = {}
    for evidence, operator in zip(proofs, operators, strict=True):
        batch_id, proof = batch_of_claim(evidence.claim_id), evidence.proof
        found[batch_id] = (evidence, operator)
        path = tuple(node.hex() for node in proof.item_path)
        item = ItemPart(packed=proof.item, index=proof.item_index, path=path)
        items.setdefault(batch_id, {})[proof.item_index] = item
    return tuple(
        BatchPart(
            batch_id=batch_id,
            operator=operator,
            tasks_root=evidence.terms.tasks_root.hex(),
            claims_root=evidence.terms.claims_root.hex(),
            reward=evidence.terms.reward,
            bond_wei=evidence.terms.bond_wei,
            asset=evidence.terms.asset,
            window_seconds=evidence.terms.window_seconds,
            lease_seconds=evidence.terms.lease_seconds,
            items=tuple(items[batch_id].values()),
        )
        for batch_id, (evidence, operator) in found.items()
    )


def _final_event(by_task: Mapping[TaskId, TaskFinalized], task_id: TaskId) -> TaskFinalized:
    event = by_task.get(task_id)
    if event is None:
        raise Unavailable(
            f"the node does not return the event that made task {task_id} final; try another node"
        )
    return event


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


def _shard(event: TaskFinalized, evidence: Evidence, blobs: Blobs, room: Room) -> ShardPart:
    claimed = event.claimed
    output = None
    if event.is_accepted and room.has(claimed.output_size):
        output = blobs.get_output(claimed.output_root, claimed.output_size).hex()
    return ShardPart(
        shard_index=shard_of_task(event.task_id),
        batch_id=batch_of_claim(evidence.claim_id),
        leaf_index=leaf_of_claim(evidence.claim_id),
        leaf_path=tuple(node.hex() for node in evidence.proof.leaf_path),
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
