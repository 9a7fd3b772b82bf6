"""A contract that uses the demo's result: examples/consumer/MeanValue.vy, compiled into MeanValue.json."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truestep.client import Receipt
from truestep.demo.scene import Scene

ARTIFACT = Path(__file__).parent / "MeanValue.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What the contract computed from the shards' outputs, and its gas."""

    address: str
    mean_value_q32: int
    shard_gas: int
    """For checking the output of one shard, calldata included."""


def consume(scene: Scene, receipt: Receipt) -> Consumed:
    """Deploy the contract, send it every output and ask it for the mean, as a stranger: anybody may."""
    artifact = json.loads(ARTIFACT.read_text(encoding="utf-8"))
    web3: Any = scene.web3
    sender = {"from": web3.eth.accounts[0]}
    factory = web3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    terms = (
        web3.to_checksum_address(scene.deployment.address("Jobs")),
        receipt.job_id,
        receipt.program.program_id,
        bytes.fromhex(receipt.input.root),
    )
    address = _receipt(web3, factory.constructor(*terms).transact(sender))["contractAddress"]
    contract = web3.eth.contract(address=address, abi=artifact["abi"])
    gas = 0
    for shard in receipt.shards:
        call = contract.functions.count_shard(shard.shard_index, shard.output_bytes())
        gas = max(gas, _receipt(web3, call.transact(sender))["gasUsed"])
    mean_value_q32 = contract.functions.mean_value_q32().call(sender)
    return Consumed(address=address, mean_value_q32=mean_value_q32, shard_gas=gas)


def _receipt(web3: Any, sent: Any) -> Any:
    receipt = web3.eth.wait_for_transaction_receipt(sent, timeout=60, poll_latency=0.02)
    if receipt["status"] != 1:
        raise ValueError(f"expected the consumer's transaction to succeed, got status 0: {sent.hex()}")
    return receipt
