"""Checks a receipt again: against the chain, and by running the program."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import BatchId, Bytes32, JobId, ProgramId, batch_of_claim, task_of
from truestep.client.checks import Check, equal
from truestep.client.differences import differences
from truestep.client.files import program_of
from truestep.client.receipt import (
    InputPart,
    KeptPart,
    ProgramPart,
    Receipt,
    RulesPart,
    ShardPart,
    from_inlined,
)
from truestep.client.receipt_proofs import check_chain_proofs, check_proofs
from truestep.client.runs import ProgressSink, advance_in_slices
from truestep.client.stored import stored_image, stored_input
from truestep.commitments.merkle import root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.program import Program, Task
from truestep.ports.blobs import Blobs
from truestep.ports.chain import ChainReader
from truestep.ports.engine import Engine
from truestep.protocol.claims import claim_state
from truestep.protocol.events import TaskFinalized
from truestep.protocol.settlement.facts.evidence import Evidence, proved_task
from truestep.protocol.settlement.tasks.records import job_rules

_RESULT = ("final", "accepted", "status", "code", "cycle", "size of the output", "root of the output")
FIRST_SET = 1
"""Of a deployment's parameters: the set that its file tells."""


def check_contents(receipt: Receipt) -> Iterator[Check]:
    """Check that the receipt is consistent in itself."""
    indices = [shard.shard_index for shard in receipt.shards]
    yield Check(
        name="the receipt has every shard once, in order",
        passed=indices == list(range(min(receipt.shard_count, len(indices) + 1))),
        detail=f"expected shards 0 to {receipt.shard_count - 1}, got {len(indices)}",
    )
    for shard in receipt.shards:
        yield equal(
            f"shard {shard.shard_index}: is_accepted agrees with the status",
            shard.claimed().is_accepted,
            shard.accepted,
        )
        yield _check_proof(receipt, shard)
        output = shard.output_bytes()
        if output is not None:
            found = (len(output), root_of_bytes(output, RANGE_LEVEL, hash_many_pairs).hex())
            name = f"shard {shard.shard_index}: the output has the claimed size and root"
            yield equal(name, (shard.output_size, shard.output_root), found, ("size", "root"))
    yield from check_proofs(receipt)


def check_chain(receipt: Receipt, chain: ChainReader) -> Iterator[Check]:
    """Check the receipt against the chain. Raises Rejected for an unknown job, Unavailable without a node."""
    job = chain.job(JobId(receipt.job_id))
    program = chain.program(ProgramId(receipt.program.program_id))
    yield equal("the job runs the receipt's program", job.program_id, program.program_id)
    yield equal(
        "the program is the one registered",
        (program.image_root.hex(), program.entry, program.max_cycles, program.digest.hex()),
        (
            receipt.program.image_root,
            receipt.program.entry,
            receipt.program.max_cycles,
            receipt.program.elf_sha256,
        ),
        ("root", "entry", "maximum cycles", "SHA-256"),
    )
    terms = receipt.terms
    yield equal(
        "the job is the one posted",
        (
            *(job.requester, job.asset, job.policy, job.lease_seconds),
            *(job.seed.hex(), job.shard_count, job.reward, job.input_root.hex(), job.input_size),
        ),
        (
            *(terms.requester, terms.asset, terms.policy, terms.lease_seconds),
            *(receipt.seed, receipt.shard_count, receipt.reward, receipt.input.root, receipt.input.size),
        ),
        (
            *("requester", "asset", "policy", "lease seconds"),
            *("seed", "shards", "reward", "root of the input", "size of the input"),
        ),
    )
    yield equal("the rules are the job's", receipt.rules, RulesPart.of(job.parameters))
    yield from _check_first_rules(receipt)
    yield from _check_items(receipt, chain)
    head = chain.head().number
    for shard in receipt.shards:
        yield _check_result(JobId(receipt.job_id), shard, chain)
        yield _check_event(receipt, shard, chain, head)
        yield _check_evidence(receipt, shard, chain)
    yield from check_chain_proofs(receipt, chain)


def _check_proof(receipt: Receipt, shard: ShardPart) -> Check:
    """Check that the shard's proof is about this job and shard, and about this result."""
    try:
        found = proved_task(receipt.evidence(shard), receipt.job_digest())
    except Rejected as error:
        return Check(
            name=f"shard {shard.shard_index}: the proof is complete", passed=False, detail=str(error)
        )
    expected = task_of(JobId(receipt.job_id), shard.shard_index)
    return equal(f"shard {shard.shard_index}: the proof is of this job, shard and result", expected, found)


def _check_first_rules(receipt: Receipt) -> Iterator[Check]:
    """A job of the first parameter set must have the rules that the deployment file tells."""
    if receipt.terms.parameters_id == FIRST_SET:
        terms = receipt.terms
        first = job_rules(receipt.deployment.rules, terms.window_seconds, terms.bond_multiple)
        yield equal("the deployment's rules are the job's", receipt.rules, RulesPart.of(first))


def _check_items(receipt: Receipt, chain: ChainReader) -> Iterator[Check]:
    """The items of data are those that the chain's events name."""
    batch_ids = [BatchId(batch.batch_id) for batch in receipt.batches]
    found = chain.items_of_job(JobId(receipt.job_id), batch_ids)
    if receipt.kept is not None or found is not None:
        named = None if found is None else KeptPart.of(found)
        yield equal("the items of data are those that the job was supplied with", named, receipt.kept)


def _check_evidence(receipt: Receipt, shard: ShardPart, chain: ChainReader) -> Check:
    task_id = task_of(JobId(receipt.job_id), shard.shard_index)
    try:
        said: Evidence | str = receipt.evidence(shard)
        found: Evidence | str = chain.evidence(task_id)
    except Rejected as error:
        said, found = "a proof", f"{error}"
    passed = said == found
    detail = "" if passed else "expected the proof that follows from the chain's events, got another"
    return Check(name=f"shard {shard.shard_index}: the proof is the chain's", passed=passed, detail=detail)


def _check_result(job_id: JobId, shard: ShardPart, chain: ChainReader) -> Check:
    result = chain.result(task_of(job_id, shard.shard_index))
    said = (True, shard.accepted, shard.status, shard.code, shard.cycle, shard.output_size, shard.output_root)
    found = (
        result.is_final,
        result.is_accepted,
        result.status,
        result.code,
        result.cycle,
        result.output_size,
        result.output_root.hex(),
    )
    return equal(f"shard {shard.shard_index}: final on the chain with this result", found, said, _RESULT)


def _check_event(receipt: Receipt, shard: ShardPart, chain: ChainReader, head: int) -> Check:
    """Check the block and transaction that made the shard final, its batch, and the operator."""
    events = chain.events(shard.final_block, shard.final_block) if shard.final_block <= head else ()
    found = [
        (event.operator, batch_of_claim(event.claim_id), event.claimed)
        for event in events
        if isinstance(event, TaskFinalized)
        and event.task_id == task_of(JobId(receipt.job_id), shard.shard_index)
        and event.at.transaction_hash.hex() == shard.final_transaction
    ]
    operators = [batch.operator for batch in receipt.batches if batch.batch_id == shard.batch_id]
    said = [(operator, shard.batch_id, shard.claimed()) for operator in operators]
    name = f"shard {shard.shard_index}: made final by this transaction for this operator"
    if len(found) == len(said) == 1:
        return equal(name, found[0], said[0], ("operator", "batch", "claim"))
    return Check(
        name=name,
        passed=found == said,
        detail=""
        if found == said
        else f"transaction {shard.final_transaction} in block {shard.final_block} made {len(found)} such"
        f" results final, the receipt names {len(said)} batches for it",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """A program and input to run again, checked against the receipt's digests."""

    program: Program
    input: bytes


def open_rerun(receipt: Receipt, blobs: Blobs | None, elf: bytes | None, content: bytes | None) -> Rerun:
    """The program and input: those given, else those in the receipt, else those that `blobs` has.

    Raises Rejected if they are not what the receipt says, or cannot be found.
    """
    is_inlined = elf is None and receipt.program.elf is not None
    elf = elf if elf is not None else _program_of(receipt.program, blobs)
    content = content if content is not None else _input_of(receipt.input, blobs)
    program = program_of(elf).program
    facts = (hashlib.sha256(elf).hexdigest(), program.root(hash_many_pairs).hex(), program.entry)
    expected = (receipt.program.elf_sha256, receipt.program.image_root, receipt.program.entry)
    if facts[1:] != expected[1:] or (is_inlined and facts != expected):
        raise Rejected(
            Reject.PROGRAM_MISMATCH,
            "the ELF file is not the receipt's: "
            + differences(expected, facts, ("SHA-256", "root", "entry")),
        )
    root = root_of_bytes(content, RANGE_LEVEL, hash_many_pairs).hex()
    if (root, len(content)) != (receipt.input.root, receipt.input.size):
        raise Rejected(
            Reject.INPUT_MISMATCH,
            "the input is not the receipt's: "
            + differences((receipt.input.root, receipt.input.size), (root, len(content)), ("root", "size")),
        )
    return Rerun(program=program, input=content)


def check_by_execution(
    receipt: Receipt,
    rerun: Rerun,
    engine: Engine,
    progress: Callable[[int], ProgressSink] | None = None,
) -> Iterator[Check]:
    """Run every shard again and compare its whole claim; `progress` gives the sink for each position."""
    for position, shard in enumerate(receipt.shards):
        task = Task(
            seed=bytes.fromhex(receipt.seed),
            shard_index=shard.shard_index,
            shard_count=receipt.shard_count,
            input=rerun.input,
        )
        machine = engine.start(rerun.program, task)
        sink = progress(position) if progress else None
        advance_in_slices(machine, shard.cycle, sink)
        own = claim_state(machine.state(), machine.node, machine.read_memory)
        yield equal(f"shard {shard.shard_index}: running it again gives this result", own, shard.claimed())


def _program_of(part: ProgramPart, blobs: Blobs | None) -> bytes:
    if part.elf is not None:
        return from_inlined(part.elf)
    image_root, digest = Bytes32(bytes.fromhex(part.image_root)), bytes.fromhex(part.elf_sha256)
    return stored_image(_given(blobs, part.uri, "--program"), image_root, part.entry, digest, part.uri)


def _input_of(part: InputPart, blobs: Blobs | None) -> bytes:
    if part.content is not None:
        return from_inlined(part.content)
    input_root = Bytes32(bytes.fromhex(part.root))
    return stored_input(_given(blobs, part.uri, "--input"), input_root, part.size, part.uri)


def _given(blobs: Blobs | None, uri: str, option: str) -> Blobs:
    if blobs is None:
        raise Rejected(
            Reject.BLOB_URI,
            f"the receipt does not hold {uri}; give the file with {option}, or --blobs to fetch it",
        )
    return blobs
