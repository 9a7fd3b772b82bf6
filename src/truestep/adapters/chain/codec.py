"""Converts calls and results between our values and the contracts' ABI."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from web3 import Web3

from truestep.adapters.chain.sidecars import SentBlob
from truestep.base.errors import Bug
from truestep.base.ids import Address
from truestep.commitments.kzg import versioned_hash
from truestep.contracts.artifacts import AbiEntry, load_artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The content of a transaction: its target (None creates a contract), its bytes, its coins."""

    to: Address | None
    payload: bytes
    value_wei: int = 0
    blobs: tuple[SentBlob, ...] = ()
    """Published along with it (EIP-4844)."""

    @property
    def versioned_hashes(self) -> list[str]:
        """Of its blobs, as nodes take them."""
        return [f"0x{versioned_hash(each.commitment).hex()}" for each in self.blobs]


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
