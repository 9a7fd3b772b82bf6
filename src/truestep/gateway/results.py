"""Results, proofs, outputs and receipts: not in the history, but read from the chain and the stores."""

from collections import OrderedDict

from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.evidence_abi import encode_chunk, encode_evidence
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import JobId, task_of
from truestep.base.text import counted
from truestep.client.job import Job
from truestep.client.proofs import chunk_fields, chunk_of, evidence_fields, question_fields
from truestep.gateway.documents import Proof, Result
from truestep.gateway.problems import Refused
from truestep.ports.blobs import Blobs
from truestep.ports.chain import ChainReader

OUTPUT_LIMIT_BYTES = 32 << 20
"""An output that is served; larger ones are in the stores, under their roots."""
RECEIPT_SHARDS_LIMIT = 4_096
"""A receipt of so many shards has some 6 MiB; `truestep receipt` writes larger ones."""
KEPT_BYTES = 32 << 20
"""Of receipts that are kept in memory, the newest asked for."""


class Results:
    """Reads of final shards. By any thread."""

    def __init__(self, chain: ChainReader, deployment: Deployment, blobs: Blobs | None) -> None:
        self._chain = chain
        self._deployment = deployment
        self._blobs = blobs

    def result(self, job_id: JobId, shard: int) -> Result:
        """What a contract reads of a shard."""
        found = self._chain.result(task_of(job_id, shard))
        return Result(
            job_id=job_id,
            shard_index=shard,
            is_final=found.is_final,
            is_accepted=found.is_accepted,
            status=found.status,
            code=str(found.code),
            cycles=str(found.cycle),
            output_size=str(found.output_size),
            output_root=found.output_root.hex(),
        )

    def proof(self, job_id: JobId, shard: int, part: int | None, level: int) -> Proof:
        """The proof of a final shard, and of a part of its output. Raises Rejected before it is final."""
        evidence = self._chain.evidence(task_of(job_id, shard))
        found = Proof(
            job_id=job_id,
            shard_index=shard,
            question=question_fields(self._deployment, job_id, evidence),
            evidence=evidence_fields(evidence),
            evidence_abi=f"0x{encode_evidence(evidence).hex()}",
        )
        if part is None:
            return found
        result = self._chain.result(task_of(job_id, shard))
        _check_size(result.output_size)
        chunk = chunk_of(self._stores(), result, part, level)
        encoded = encode_chunk(chunk.index, chunk.content, chunk.path)
        return found.model_copy(update={"chunk": chunk_fields(chunk), "chunk_abi": f"0x{encoded.hex()}"})

    def output(self, job_id: JobId, shard: int) -> bytes:
        """The output of a final shard, checked against its root. Raises Rejected if it has none."""
        result = self._chain.result(task_of(job_id, shard))
        if not result.is_final:
            raise Rejected(Reject.JOB_UNFINISHED, f"shard {shard} of job {job_id} is not final yet")
        if not result.is_accepted:
            raise Rejected(
                Reject.RESULT_NOT_ACCEPTED,
                f"the run of shard {shard} of job {job_id} has failed, so it has no output",
            )
        _check_size(result.output_size)
        return (
            self._stores().get_output(result.output_root, result.output_size) if result.output_size else b""
        )

    def receipt(self, job_id: JobId, shard_count: int, first_block: int) -> bytes:
        """The receipt of a complete job that was posted in `first_block`, as its file holds it."""
        if shard_count > RECEIPT_SHARDS_LIMIT:
            raise Refused(
                422,
                f"expected a job of at most {RECEIPT_SHARDS_LIMIT} shards, got"
                f" {counted(shard_count, 'shard')}; `truestep receipt {job_id}` writes larger receipts",
            )
        handle = Job(self._chain, self._stores(), self._deployment, job_id, first_block)
        return handle.receipt().to_json().encode()

    def _stores(self) -> Blobs:
        if self._blobs is None:
            raise Refused(
                404, "this gateway knows no store of outputs: its operator can name one with --blobs"
            )
        return self._blobs


def _check_size(size_bytes: int) -> None:
    if size_bytes > OUTPUT_LIMIT_BYTES:
        raise Refused(
            422,
            f"expected an output of at most {counted(OUTPUT_LIMIT_BYTES, 'byte')}, got"
            f" {counted(size_bytes, 'byte')}; the stores have it under its root",
        )


class KeptReceipts:
    """Receipts that were made already. Of one branch of the chain: whoever meets another one clears it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[JobId, bytes] = OrderedDict()
        self._branch: object = None
        self._size_bytes = 0

    def get(self, job_id: JobId, branch: object) -> bytes | None:
        """One of them."""
        if branch is not self._branch:
            self._kept.clear()
            self._branch, self._size_bytes = branch, 0
        found = self._kept.get(job_id)
        if found is not None:
            self._kept.move_to_end(job_id)
        return found

    def put(self, job_id: JobId, receipt: bytes, branch: object) -> None:
        """Keep one, unless it is too large or of another branch."""
        if branch is not self._branch or len(receipt) > KEPT_BYTES or job_id in self._kept:
            return
        self._kept[job_id] = receipt
        self._size_bytes += len(receipt)
        while self._size_bytes > KEPT_BYTES:
            self._size_bytes -= len(self._kept.popitem(last=False)[1])
