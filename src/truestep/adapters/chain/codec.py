"""Converts calls and results between our values and the contracts' ABI."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from web3 import Web3

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Bug
from truestep.base.ids import Address
from truestep.contracts.artifacts import AbiEntry, load_artifact
from truestep.protocol import calls
from truestep.protocol.calls import Call

CONTRACT_NAMES = ("Step", "Operators", "Programs", "Jobs", "Disputes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The content of a transaction: its target (None creates a contract), its bytes, its coins."""

    to: Address | None
    payload: bytes
    value_wei: int = 0


def encode_call(web3: Web3, deployment: Deployment, call: Call) -> Message:
    """The message that makes `call`."""
    contract, function, arguments, value_wei = _parts(call)
    return Message(
        to=deployment.address(contract),
        payload=encode_function(web3, contract, function, arguments),
        value_wei=value_wei,
    )


def encode_function(web3: Web3, contract: str, function: str, arguments: Sequence[Any]) -> bytes:
    """Selector and arguments."""
    selector, types, _ = _signature(contract, function)
    return selector + web3.codec.encode(types, list(arguments))


def decode_output(web3: Web3, contract: str, function: str, output: bytes) -> Any:
    """What a function returned: one value, or a tuple of them. Raises if the bytes spell no such values."""
    values = web3.codec.decode(_signature(contract, function)[2], output)
    return values[0] if len(values) == 1 else values


def encode_creation(web3: Web3, contract: str, arguments: Sequence[Any]) -> Message:
    """The message that deploys a contract."""
    artifact = load_artifact(contract)
    constructors = [entry for entry in artifact.abi if entry["type"] == "constructor"]
    types = _types(constructors[0]["inputs"]) if constructors else []
    return Message(to=None, payload=artifact.bytecode + web3.codec.encode(types, list(arguments)))


def type_name(parameter: AbiEntry) -> str:
    """The canonical ABI type, with tuples written out."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(parameter['components']))}){kind.removeprefix('tuple')}"


def _types(parameters: Sequence[AbiEntry]) -> list[str]:
    return [type_name(parameter) for parameter in parameters]


@cache
def _signature(contract: str, function: str) -> tuple[bytes, list[str], list[str]]:
    """A function's selector, the types of its arguments and of what it returns."""
    entries = [entry for entry in load_artifact(contract).abi if entry.get("name") == function]
    if not entries:
        raise Bug(f"{contract} has no function {function}: contracts and client are of different versions")
    inputs, outputs = _types(entries[0]["inputs"]), _types(entries[0]["outputs"])
    selector = bytes(Web3.keccak(text=f"{function}({','.join(inputs)})"))[:4]
    return selector, inputs, outputs


def _parts(call: Call) -> tuple[str, str, tuple[Any, ...], int]:
    """(contract, function, arguments, coins) of each call (docs/protocol.md P7)."""
    match call:
        case calls.Deposit():
            return "Operators", "deposit", (), call.amount_wei
        case calls.WithdrawStake():
            return "Operators", "withdraw", (call.amount_wei,), 0
        case calls.SetDelegate():
            return "Operators", "set_delegate", (call.delegate,), 0
        case calls.RegisterProgram():
            terms = (call.image_root, call.entry, call.max_cycles, call.digest, call.uri)
            return "Programs", "register", terms, 0
        case calls.PostJob():
            return "Jobs", "post", (_order(call),), call.reward_wei * call.shard_count
        case calls.TakeTask():
            return "Jobs", "take", (call.job_id, call.shard_index), 0
        case calls.SubmitClaim():
            return "Jobs", "claim", (call.task_id, call.claimed.as_struct(), call.running_state), 0
        case calls.FinalizeTask():
            return "Jobs", "finalize", (call.task_id, call.claimed.as_struct()), 0
        case calls.ExpireTask():
            return "Jobs", "expire", (call.task_id,), 0
        case calls.ReclaimTasks():
            return "Jobs", "reclaim", (call.job_id, list(call.shard_indices)), 0
        case calls.WithdrawRewards():
            return "Jobs", "withdraw", (), 0
        case calls.OpenGame():
            return "Disputes", "open", (call.claim_id, call.claimed.as_struct()), call.bond_wei
        case calls.SubmitSplit():
            return "Disputes", "split", (call.game_id, call.low, call.high, list(call.hashes)), 0
        case calls.SubmitPick():
            choice = (call.game_id, call.part, call.start, call.end, list(call.siblings))
            return "Disputes", "pick", choice, 0
        case calls.SubmitStep():
            return "Disputes", "step", (call.game_id, call.witness), 0
        case calls.DescendGame():
            return "Disputes", "descend", (call.game_id, call.witness), 0
        case calls.RevealGame():
            ending = (call.after, call.cycles, call.memory_root)
            return "Disputes", "reveal", (call.game_id, call.low, *ending), 0
        case calls.SettleGame():
            return "Disputes", "settle", (call.game_id,), 0
        case calls.WithdrawWinnings():
            return "Disputes", "withdraw", (), 0


def _order(call: calls.PostJob) -> tuple[Any, ...]:
    return (
        call.program_id,
        call.input_root,
        call.input_size,
        call.input_uri,
        call.seed,
        call.shard_count,
        call.reward_wei,
        call.lease_seconds,
        call.deadline,
    )
