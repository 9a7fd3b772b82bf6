"""A contract that uses the demo's result: examples/contracts/MeanOfJob.vy, compiled into MeanOfJob.json."""

import json
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from truestep.base.ids import Bytes32, JobId, task_of
from truestep.client import Receipt
from truestep.demo.scene import Scene
from truestep.protocol.settlement.records import Work

ARTIFACT = Path(__file__).parent / "MeanOfJob.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What the contract computed from the shards' outputs, and its gas."""

    address: str
    mean_value_q32: int
    shard_gas: int
    """For checking one shard: that it is final, and its output; calldata included."""


def consume(scene: Scene, receipt: Receipt) -> Consumed:
    """Deploy the contract, send it every output and ask it for the mean, as a stranger: anybody may."""
    artifact = json.loads(ARTIFACT.read_text(encoding="utf-8"))
    web3: Any = scene.web3
    sender = {"from": web3.eth.accounts[0]}
    job_id = JobId(receipt.job_id)
    evidence = {
        shard.shard_index: scene.client.chain.evidence(task_of(job_id, shard.shard_index))
        for shard in receipt.shards
    }
    factory = web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    jobs = web3.to_checksum_address(scene.deployment.address("Jobs"))
    terms = next(iter(evidence.values())).proof.job_terms
    creation = factory.constructor(jobs, job_id, astuple(_work(receipt)), astuple(terms))
    address = _receipt(web3, creation.transact(sender))["contractAddress"]
    contract = web3.eth.contract(address=address, abi=artifact["abi"])
    gas = 0
    for shard in receipt.shards:
        proof = astuple(evidence[shard.shard_index])
        call = contract.functions.count(shard.shard_index, proof, shard.output_bytes())
        gas = max(gas, _receipt(web3, call.transact(sender))["gasUsed"])
    mean_value_q32 = contract.functions.mean_value_q32().call(sender)
    return Consumed(address=address, mean_value_q32=mean_value_q32, shard_gas=gas)


def _work(receipt: Receipt) -> Work:
    """What the contract should take results of, and of nothing else."""
    return Work(
        image_root=Bytes32(bytes.fromhex(receipt.program.image_root)),
        entry=receipt.program.entry,
        max_cycles=receipt.program.max_cycles,
        input_root=Bytes32(bytes.fromhex(receipt.input.root)),
        input_size=receipt.input.size,
        seed=Bytes32(bytes.fromhex(receipt.seed)),
        shard_count=receipt.shard_count,
    )


def _receipt(web3: Any, sent: Any) -> Any:
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.02)
    if receipt["status"] != 1:
        raise ValueError(f"expected the consumer's transaction to succeed, got status 0: {sent.hex()}")
    return receipt
