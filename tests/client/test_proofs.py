"""Proofs for contracts: as values, as JSON, as bytes, and as the chain takes them."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import pytest

from tests.client.conftest import Network, Settle
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.evidence_abi import encode_chunk, encode_evidence
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32, task_of
from truestep.client.proofs import chunk_fields, chunk_of, evidence_fields
from truestep.commitments.merkle import ZERO_NODES, climb, parent, root_of_bytes
from truestep.contracts.artifacts import load_artifact
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.chain import TaskResult

OUTPUT = bytes(range(256)) * 40 + b"the end"
WORK = "(bytes32,uint64,uint64,bytes32,uint64,bytes32,uint32)"
TERMS = "(address,address,uint64,address,uint8,uint16,uint8,uint64,uint64,uint256)"
PROOF = f"(uint256,uint256,bytes32[],{WORK},{TERMS},(uint256,bytes32,bytes32),bytes32[])"
EVIDENCE = f"(uint256,(bytes32,bytes32,uint256,uint256,address,uint64,uint64),{PROOF})"


def _result(output: bytes, root: Bytes32 | None = None, *, is_accepted: bool = True) -> TaskResult:
    return TaskResult(
        is_final=True,
        is_accepted=is_accepted,
        status=1,
        code=0,
        cycle=9,
        output_size=len(output),
        output_root=root or root_of_bytes(output, RANGE_LEVEL),
    )


def test_the_chain_takes_the_proof(network: Network, settle: Settle) -> None:
    job = settle(b"to be checked", 2)
    web3: Any = connect(network.devnet.node)
    address = web3.to_checksum_address(network.deployment.address("Results"))
    results = web3.eth.contract(address=address, abi=list(load_artifact("Results").abi))
    for shard in range(2):
        evidence = job.evidence(shard)
        task_id, result = results.functions.check_leaf(*astuple(evidence)).call()
        assert task_id == task_of(job.job_id, shard)
        assert tuple(result) == astuple(network.client.chain.result(task_id))
        (decoded,) = web3.codec.decode([EVIDENCE], encode_evidence(evidence))
        assert encode_evidence(evidence) == web3.codec.encode([EVIDENCE], [decoded])
        assert decoded[0] == evidence.claim_id
        assert decoded[2][5] == astuple(evidence.proof.leaf)


def test_numbers_and_bytes_are_texts_in_json(settle: Settle) -> None:
    evidence = settle(b"in words", 1).evidence(0)
    fields = evidence_fields(evidence)
    assert int(fields["claim_id"]) == evidence.claim_id
    assert fields["terms"]["tasks_root"] == f"0x{evidence.terms.tasks_root.hex()}"
    assert fields["proof"]["leaf_path"] == []
    assert int(fields["proof"]["work"]["shard_count"]) == 1
    assert fields["proof"]["job_terms"]["asset"] == "0x" + "00" * 20


@pytest.mark.parametrize("level", range(9))
def test_every_part_of_an_output_is_proved(tmp_path: Any, level: int) -> None:
    blobs, result = DirectoryBlobs(tmp_path), _result(OUTPUT)
    blobs.put_output(result.output_root, OUTPUT)
    size_bytes = 32 << level
    count = -(-len(OUTPUT) // size_bytes)
    for index in {0, 1 % count, count // 2, count - 1}:
        chunk = chunk_of(blobs, result, index, level)
        assert chunk.content == OUTPUT[index * size_bytes :][:size_bytes]
        assert len(chunk.path) == RANGE_LEVEL - level
        assert climb(root_of_bytes(chunk.content, level), index, chunk.path) == result.output_root
    with pytest.raises(Rejected) as beyond:
        chunk_of(blobs, result, count, level)
    assert beyond.value.reason is Reject.CHUNK_SHAPE


def test_a_part_in_json_and_in_bytes(tmp_path: Any) -> None:
    blobs, result = DirectoryBlobs(tmp_path), _result(b"short")
    blobs.put_output(result.output_root, b"short")
    chunk = chunk_of(blobs, result, 0, 8)
    assert chunk_fields(chunk)["content"] == f"0x{b'short'.hex()}"
    encoded = encode_chunk(chunk.index, chunk.content, chunk.path)
    web3: Any = connect("http://127.0.0.1:9")
    (decoded,) = web3.codec.decode(["(uint64,bytes,bytes32[])"], encoded)
    assert decoded == (0, b"short", chunk.path)


def test_a_run_that_failed_has_no_output_to_prove(tmp_path: Any) -> None:
    with pytest.raises(Rejected) as failed:
        chunk_of(DirectoryBlobs(tmp_path), _result(b"x", is_accepted=False), 0, 8)
    assert failed.value.reason is Reject.CHUNK_SHAPE


def test_what_a_guest_hides_behind_its_output_is_no_part_of_it(tmp_path: Any) -> None:
    """The root is of all that it wrote; the store gives the output alone, so the path cannot be made."""
    blobs = DirectoryBlobs(tmp_path)
    hidden = b"seen".ljust(64, b"\0") + b"hidden"
    root = root_of_bytes(hidden, RANGE_LEVEL)
    assert root != parent(root_of_bytes(b"seen", RANGE_LEVEL - 1), ZERO_NODES[RANGE_LEVEL - 1])
    blobs.put_output(root, hidden, 4)
    with pytest.raises(Rejected) as refused:
        chunk_of(blobs, _result(b"seen", root), 0, 0)
    assert refused.value.reason is Reject.CHUNK_PROOF
