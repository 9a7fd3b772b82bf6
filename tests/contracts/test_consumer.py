"""The example consumer, output checks, and the Solidity interface (docs/protocol.md P7)."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils.abi import collapse_if_tuple
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contracts.compiled import compile_folder, deploy_compiled
from tests.contracts.evm import EvmContract, Reverted
from tests.contracts.network import ALICE, PARAMETERS, Network, deploy_network
from tests.contracts.runs import SHARD_COUNT, SUM, run
from tests.contracts.scenes import Order, claim, finalize, post_program, take
from truestep.base.ids import JobId, TaskId, task_of
from truestep.commitments.merkle import root_of_bytes
from truestep.contracts.artifacts import load_artifact
from truestep.contracts.build import CONTRACTS_FOLDER
from truestep.demo.value_at_risk import BIN_COUNT, decode_record
from truestep.machine.layout import RANGE_LEVEL

REPOSITORY = Path(__file__).resolve().parents[2]
CHECK_LIMIT_BYTES = 8192


def finish(net: Network, job_id: JobId, shard_index: int, output: bytes, code: int = 0) -> TaskId:
    """Let a shard end with this output; nobody challenges it."""
    honest = run(SUM, shard_index)
    root = root_of_bytes(output, RANGE_LEVEL)
    fields = replace(honest.claimed, output_root=root, output_size=len(output), code=code)
    task_id = take(net, job_id, shard_index)
    claim(net, task_id, replace(honest, claimed=fields))
    net.pass_time(PARAMETERS.window_seconds + 1)
    finalize(net, task_id, fields)
    return task_id


def record(shard_index: int) -> bytes:
    """A shard's output as the demo's program writes it."""
    counts = [0] * BIN_COUNT
    counts[300 + shard_index] = 1_000
    return struct.pack(
        f"<4Q2I{BIN_COUNT}I", 1_000, (7 + shard_index) << 40, 1, 2**34, 100, BIN_COUNT, *counts
    )


def deploy_consumer(net: Network, job_id: JobId, program_id: int = 1) -> EvmContract:
    artifact = compile_folder(REPOSITORY / "examples" / "consumer")["MeanValue"]
    return deploy_compiled(net.evm, artifact, net.jobs.address, job_id, program_id, Order().input_root)


def test_consumer_computes_with_final_outputs() -> None:
    net = deploy_network()
    job_id = post_program(net)
    consumer = deploy_consumer(net, job_id)
    for shard_index in range(SHARD_COUNT):
        with pytest.raises(Reverted, match="not the final output"):
            consumer.transact("count_shard", shard_index, record(shard_index))
        with pytest.raises(Reverted, match="not all shards are counted"):
            consumer.call("mean_value_q32")
        finish(net, job_id, shard_index, record(shard_index))
        with pytest.raises(Reverted, match="not the final output"):
            consumer.transact("count_shard", shard_index, record(shard_index + 1))
        consumer.transact("count_shard", shard_index, record(shard_index))
        with pytest.raises(Reverted, match="counted already"):
            consumer.transact("count_shard", shard_index, record(shard_index))
    records = [decode_record(record(index)) for index in range(SHARD_COUNT)]
    value_sum = sum(one.value_sum_q32 for one in records)
    path_count = sum(one.path_count for one in records)
    assert consumer.call("mean_value_q32") == value_sum // path_count


def test_consumer_refuses_other_questions() -> None:
    net = deploy_network()
    job_id = post_program(net)
    with pytest.raises(Reverted, match="another program"):
        deploy_consumer(net, job_id, program_id=2)
    other = post_program(net, input_root=bytes(32), program_id=1)
    with pytest.raises(Reverted, match="another input"):
        deploy_consumer(net, other)


def test_consumer_refuses_failed_runs() -> None:
    net = deploy_network()
    job_id = post_program(net)
    consumer = deploy_consumer(net, job_id)
    finish(net, job_id, 0, record(0), code=1)
    with pytest.raises(Reverted, match="not the final output"):
        consumer.transact("count_shard", 0, record(0))


@given(output=st.binary(max_size=200) | st.integers(0, CHECK_LIMIT_BYTES).map(lambda size: b"\5" * size))
@example(output=b"")
@example(output=b"\1" * 31)
@example(output=b"\1" * 32)
@example(output=b"\1" * 33)
@example(output=bytes(64))
@example(output=b"\1" * CHECK_LIMIT_BYTES)
@example(output=b"\1" * (CHECK_LIMIT_BYTES - 31))
def test_outputs_are_checked_byte_by_byte(output: bytes) -> None:
    """The contract's root of some bytes is the memory tree's, at every size."""
    net = deploy_network()
    task_id = finish(net, post_program(net), 0, output)
    assert net.jobs.call("check_output", task_id, output)
    if output:
        assert not net.jobs.call("check_output", task_id, output[:-1])
        assert not net.jobs.call("check_output", task_id, output[:-1] + bytes([output[-1] ^ 1]))
    if len(output) < CHECK_LIMIT_BYTES:
        assert not net.jobs.call("check_output", task_id, output + b"\0")
    assert not net.jobs.call("check_output", task_of(JobId(1), 1), output)


# --- the Solidity interface ------------------------------------------------------------------------

SOLIDITY = re.sub(r"//.*", "", (CONTRACTS_FOLDER / "interfaces" / "ITruestep.sol").read_text("utf-8"))
STRUCTS = {
    name: [field.split()[0] for field in body.split(";") if field.strip()]
    for name, body in re.findall(r"struct (\w+) \{(.*?)\}", SOLIDITY, re.DOTALL)
}


def canonical(parameter: str) -> str:
    """A Solidity parameter's ABI type, structs written out."""
    name = parameter.split(maxsplit=1)[0]
    return f"({','.join(map(canonical, STRUCTS[name]))})" if name in STRUCTS else name


def canonical_list(parameters: str) -> list[str]:
    return [canonical(parameter) for parameter in parameters.split(",") if parameter.strip()]


FUNCTIONS = re.findall(r"function (\w+)\((.*?)\) external(.*?)(?:returns \((.*?)\))?;", SOLIDITY, re.DOTALL)


@pytest.mark.parametrize("name", [function[0] for function in FUNCTIONS])
def test_solidity_interface_is_the_contract(name: str) -> None:
    """Same functions, arguments, results and mutability as in the compiled contract."""
    _, inputs, mutability, outputs = next(function for function in FUNCTIONS if function[0] == name)
    entry = next(e for e in load_artifact("Jobs").abi if e.get("name") == name)
    assert canonical_list(inputs) == [collapse_if_tuple(parameter) for parameter in entry["inputs"]]
    assert canonical_list(outputs) == [collapse_if_tuple(parameter) for parameter in entry["outputs"]]
    assert (mutability.split() or ["nonpayable"])[0] == entry["stateMutability"]


def test_solidity_event_is_the_contracts() -> None:
    name, parameters = re.findall(r"event (\w+)\((.*?)\);", SOLIDITY, re.DOTALL)[0]
    entry = next(e for e in load_artifact("Jobs").abi if e["type"] == "event" and e["name"] == name)
    assert canonical_list(parameters) == [collapse_if_tuple(parameter) for parameter in entry["inputs"]]
    indexed = ["indexed" in parameter.split() for parameter in parameters.split(",")]
    assert indexed == [parameter["indexed"] for parameter in entry["inputs"]]


def test_solidity_structs_name_the_fields_as_the_contract_does() -> None:
    outputs = {e["name"]: e["outputs"] for e in load_artifact("Jobs").abi if e["type"] == "function"}
    for function, struct_name in (("get_job", "Job"), ("result", "Result")):
        body = re.findall(rf"struct {struct_name} \{{(.*?)\}}", SOLIDITY, re.DOTALL)[0]
        names = [field.split()[1] for field in body.split(";") if field.strip()]
        assert names == [component["name"] for component in outputs[function][0]["components"]]


def test_operator_of_the_example_is_paid() -> None:
    """The way of the example ends as every other: reward credited, bond free."""
    net = deploy_network()
    finish(net, post_program(net), 0, record(0))
    assert net.jobs.call("credits", ALICE) == Order().reward_wei
    assert net.account(ALICE).locked == 0
