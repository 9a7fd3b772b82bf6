"""Results, proofs, outputs and receipts of a real network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.client.conftest import CYCLES_LIMIT, Network, Settle
from tests.gateway.conftest import MANY_PER_SECOND, served
from truestep.adapters.chain.evidence_abi import encode_evidence
from truestep.client import Job, Order
from truestep.client.receipt import parse_receipt
from truestep.dashboard.reading import Reading
from truestep.gateway.problems import PROBLEM_TYPE
from truestep.gateway.reads import Reads
from truestep.gateway.results import KEPT_BYTES, KeptReceipts, Results
from truestep.gateway.service import Gateway
from truestep.protocol.settlement.jobs import program_hash

TEXT = b"what a gateway tells"


@pytest.fixture(scope="module")
def done(settle: Settle) -> Job:
    """A job that is complete."""
    return settle(TEXT, 2)


@pytest.fixture(scope="module")
def waiting(network: Network, done: Job) -> Job:
    """One that nobody has taken."""
    del done  # posted before
    order = Order(shard_count=1, reward_wei=1000, max_cycles=CYCLES_LIMIT)
    return network.client.submit(network.elf, TEXT, order=order)


@pytest.fixture(scope="module")
def gateway(network: Network, waiting: Job) -> Iterator[httpx.Client]:
    """A gateway of that network, which has read it all."""
    del waiting  # posted before
    chain, deployment = network.client.chain, network.deployment
    reading = Reading(chain, deployment.block_number)
    reading.poll()
    reads = Reads(reading, Results(chain, deployment, network.client.blobs), deployment, "a network")
    with served() as serve:
        yield serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))


def told(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refusal(client: httpx.Client, path: str) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.headers["Content-Type"] == PROBLEM_TYPE
    return answer.json()


def test_a_result_is_what_a_contract_reads(gateway: httpx.Client, network: Network, done: Job) -> None:
    found = told(gateway, f"/v1/jobs/{done.job_id}/shards/1/result")
    claimed = network.run(done, 1)
    assert found["is_final"] and found["is_accepted"]
    assert found["cycles"] == str(claimed.cycle) and found["output_root"] == claimed.output_root.hex()


def test_a_program_is_told_with_what_orders_name(gateway: httpx.Client, network: Network, done: Job) -> None:
    facts, program_id = network.client.chain.facts(), done.record().program_id
    found = told(gateway, f"/v1/programs/{program_id}")
    assert found["program_hash"] == program_hash(facts.programs[program_id - 1]).hex()
    assert found["uri"] == facts.program_uris[program_id - 1]
    assert refusal(gateway, f"/v1/programs/{len(facts.programs) + 1}")["status"] == 404


def test_an_output_is_the_program_s(gateway: httpx.Client, network: Network, done: Job) -> None:
    answer = gateway.get(f"/v1/jobs/{done.job_id}/shards/0/output")
    assert answer.content == network.output(done, 0) == TEXT.upper()
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_a_receipt_is_the_client_s(gateway: httpx.Client, done: Job) -> None:
    first, second = (gateway.get(f"/v1/jobs/{done.job_id}/receipt") for _ in range(2))
    assert parse_receipt(first.content) == done.receipt()
    assert first.content == second.content


def test_a_proof_is_the_one_that_contracts_take(gateway: httpx.Client, done: Job) -> None:
    found = told(gateway, f"/v1/jobs/{done.job_id}/shards/1/proof")
    assert found["evidence_abi"] == "0x" + encode_evidence(done.evidence(1)).hex()
    assert found["chunk"] is None
    part = told(gateway, f"/v1/jobs/{done.job_id}/shards/1/proof?part=0&part_level=3")
    assert bytes.fromhex(part["chunk"]["content"][2:])[: len(TEXT)] == TEXT.upper()
    assert part["chunk_abi"].startswith("0x")


def test_parts_that_an_output_does_not_have_are_not_found(gateway: httpx.Client, done: Job) -> None:
    found = refusal(gateway, f"/v1/jobs/{done.job_id}/shards/1/proof?part=1")
    assert found["status"] == 404 and found["reason"] == "chunk: position or size"


@pytest.mark.parametrize("what", ["shards/0/output", "shards/0/proof", "receipt"])
def test_what_is_not_final_has_no_output_proof_or_receipt(
    gateway: httpx.Client, waiting: Job, what: str
) -> None:
    assert refusal(gateway, f"/v1/jobs/{waiting.job_id}/{what}")["status"] == 409
    assert not told(gateway, f"/v1/jobs/{waiting.job_id}/shards/0/result")["is_final"]


def test_an_output_that_no_store_has_is_unavailable_and_nothing_is_said_of_stores(
    network: Network, done: Job, tmp_path: Any
) -> None:
    from truestep.adapters.blobs.directory import DirectoryBlobs

    chain, deployment = network.client.chain, network.deployment
    reading = Reading(chain, deployment.block_number)
    reading.poll()
    empty = DirectoryBlobs(tmp_path / "secret")
    reads = Reads(reading, Results(chain, deployment, empty), deployment, "a network")
    with served() as serve:
        client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
        answer = client.get(f"/v1/jobs/{done.job_id}/shards/0/output")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "secret" not in answer.text


def test_a_store_that_lies_is_as_good_as_none(network: Network, done: Job, tmp_path: Any) -> None:
    from truestep.adapters.blobs.addresses import output_name
    from truestep.adapters.blobs.directory import DirectoryBlobs

    chain, deployment = network.client.chain, network.deployment
    reading = Reading(chain, deployment.block_number)
    reading.poll()
    claimed = network.run(done, 0)
    path = DirectoryBlobs(tmp_path).path_of(output_name(claimed.output_root, claimed.output_size))
    path.parent.mkdir()
    path.write_bytes(b"x" * claimed.output_size)
    reads = Reads(reading, Results(chain, deployment, DirectoryBlobs(tmp_path)), deployment, "a network")
    with served() as serve:
        client = serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))
        for what in ("output", "proof?part=0"):
            answer = client.get(f"/v1/jobs/{done.job_id}/shards/0/{what}")
            assert answer.status_code == 503 and "another store" not in answer.text


def test_large_outputs_and_receipts_are_refused_before_anything_is_read(network: Network, done: Job) -> None:
    from truestep.gateway.problems import Refused

    class LargeChain:
        """Claims an output of 512 MiB."""

        def result(self, task_id: Any) -> Any:
            return replace(network.client.chain.result(task_id), output_size=512 << 20)

    chain: Any = LargeChain()
    results = Results(chain, network.deployment, network.client.blobs)
    with pytest.raises(Refused, match="the stores have it"):
        results.output(done.job_id, 0)
    with pytest.raises(Refused, match="truestep receipt"):
        results.receipt(done.job_id, 65_535, 0)


def test_kept_receipts_are_bounded_and_of_one_branch() -> None:
    kept, branch = KeptReceipts(), object()
    assert kept.get(1, branch) is None  # pyright: ignore[reportArgumentType]
    large = bytes(KEPT_BYTES // 2)
    for number in (1, 2, 3):
        kept.put(number, large, branch)  # pyright: ignore[reportArgumentType]
    assert [kept.get(number, branch) is not None for number in (1, 2, 3)] == [False, True, True]  # pyright: ignore[reportArgumentType]
    assert kept.get(3, object()) is None  # pyright: ignore[reportArgumentType]
    kept.put(4, large, branch)  # pyright: ignore[reportArgumentType]  # made on the branch before
    assert kept.get(4, branch) is None  # pyright: ignore[reportArgumentType]
