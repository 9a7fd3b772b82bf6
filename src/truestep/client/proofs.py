"""Proofs of results and of parts of outputs, as JobReader takes them (docs/consumers.md)."""

from dataclasses import asdict, dataclass
from typing import Any, cast

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32, JobId
from truestep.base.text import counted
from truestep.commitments.merkle import LEAF_SIZE_BYTES, ZERO_NODES, climb, parent, root_of_bytes
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.blobs import Blobs
from truestep.ports.chain import TaskResult
from truestep.protocol.settlement.facts.evidence import Evidence
from truestep.protocol.settlement.jobs import job_digest

CHUNK_LEVEL_LIMIT = 8
"""JobReader takes parts of up to 2^8 leaves, 8 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A part of an output, and its path to the output's root (S10.1)."""

    index: int
    """Its place among parts of its size."""
    content: bytes
    path: tuple[Bytes32, ...]


def question_of(deployment: Deployment, job_id: JobId, evidence: Evidence) -> dict[str, Any]:
    """What a consumer must mean to accept the evidence: the contracts, the job, and its digest."""
    jobs, proof = deployment.address("Jobs"), evidence.proof
    digest = job_digest(deployment.chain_id, jobs, job_id, proof.work, proof.job_terms)
    return {"jobs": jobs, "results": deployment.address("Results"), "job_id": job_id, "digest": digest}


def question_fields(deployment: Deployment, job_id: JobId, evidence: Evidence) -> dict[str, Any]:
    """The same for JSON."""
    return _for_json(question_of(deployment, job_id, evidence))


def evidence_fields(evidence: Evidence) -> dict[str, Any]:
    """Evidence for JSON, with the names of the ABI; numbers are texts, since many exceed 2^53."""
    return _for_json(asdict(evidence))


def chunk_fields(chunk: Chunk) -> dict[str, Any]:
    """A part of an output for JSON."""
    return _for_json(asdict(chunk))


def chunk_of(blobs: Blobs, result: TaskResult, index: int, level: int) -> Chunk:
    """Part number `index` of an output, in parts of 2^level leaves.

    Raises Rejected for a part that is not there, Unavailable if no store has the output.
    """
    size_bytes = LEAF_SIZE_BYTES << level
    if not result.is_accepted or index * size_bytes >= result.output_size:
        count = -(-result.output_size // size_bytes) if result.is_accepted else 0
        raise Rejected(
            Reject.CHUNK_SHAPE,
            f"expected a part below {count} of an output of {counted(result.output_size, 'byte')}, got"
            f" {index}"
            if result.is_accepted
            else "the run was not accepted, so it has no output",
        )
    output = blobs.get_output(result.output_root, result.output_size)
    content = output[index * size_bytes : (index + 1) * size_bytes]
    path = _path(output, index, level)
    node = root_of_bytes(content, level, hash_many_pairs)
    if climb(node, index, path) != result.output_root:
        raise Rejected(
            Reject.CHUNK_PROOF,
            "the program has written behind its output's size; prove a part that lies before its end, or let"
            " the program write nothing there",
        )
    return Chunk(index=index, content=content, path=path)


def _path(output: bytes, index: int, level: int) -> tuple[Bytes32, ...]:
    """The siblings of a part, from its level up to the root of the output's range."""
    size_bytes = LEAF_SIZE_BYTES << level
    starts = range(0, max(len(output), 1), size_bytes)
    nodes = [root_of_bytes(output[start : start + size_bytes], level, hash_many_pairs) for start in starts]
    path: list[Bytes32] = []
    for height in range(level, RANGE_LEVEL):
        sibling = index ^ 1
        path.append(nodes[sibling] if sibling < len(nodes) else ZERO_NODES[height])
        if len(nodes) % 2:
            nodes.append(ZERO_NODES[height])
        nodes = [parent(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
        index >>= 1
    return tuple(path)


def _for_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _for_json(inner) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_for_json(inner) for inner in cast("list[Any]", value)]
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return str(value) if isinstance(value, int) else value
