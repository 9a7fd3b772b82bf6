"""Contracts in an EVM inside the process (pyrevm), for tests that make thousands of calls."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyrevm
import pytest
from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from truestep.base.errors import Reject
from truestep.contracts.artifacts import AbiEntry, Artifact, load_artifact

SENDER = "0x" + "5e" * 20
_ERROR_SELECTOR = keccak(text="Error(string)")[:4]
_REVERT_OUTPUT = re.compile(r"Revert \{.*output: 0x([0-9a-f]*)")


class Reverted(Exception):
    """A call reverted; `reason` is the contract's string, None if it gave none."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


@contextmanager
def rejects(reason: Reject) -> Iterator[None]:
    """The call inside must revert with just this reason."""
    with pytest.raises(Reverted) as caught:
        yield
    assert caught.value.reason == reason.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One decoded log."""

    name: str
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a call did."""

    result: Any
    """None, a value, or a tuple of values."""
    gas: int
    """As a transaction, but without the floor of EIP-7623: base cost, calldata and execution."""
    events: list[Event]


def _types(parameters: list[AbiEntry]) -> list[str]:
    return [collapse_if_tuple(parameter) for parameter in parameters]


def _signature_hash(entry: AbiEntry) -> bytes:
    return keccak(text=f"{entry['name']}({','.join(_types(entry['inputs']))})")


class Evm:
    """One chain in memory. `chain` is pyrevm's own object: block clock, balances, snapshots."""

    def __init__(self) -> None:
        self.chain = pyrevm.EVM(spec_id="PRAGUE")

    def send(self, sender: str, to: str, payload: bytes, value: int = 0) -> list[pyrevm.Log]:
        """Send bytes and keep what they changed: the logs of all contracts. Raises `Reverted`."""
        try:
            self.chain.message_call(sender, to, payload, value)
        except RuntimeError as error:
            raise _reverted(error) from error
        outcome = self.chain.result
        assert outcome is not None
        return list(outcome.logs)

    def deploy(self, name: str, *arguments: Any, sender: str = SENDER) -> "EvmContract":
        """Deploy the contract `name` with constructor arguments."""
        artifact = load_artifact(name)
        constructors = [entry for entry in artifact.abi if entry["type"] == "constructor"]
        types = _types(constructors[0]["inputs"]) if constructors else []
        return self.deploy_code(artifact, artifact.bytecode + encode(types, arguments), sender=sender)

    def deploy_code(self, artifact: Artifact, creation_code: bytes, *, sender: str = SENDER) -> "EvmContract":
        """Deploy creation code with its arguments behind it. Raises `Reverted`."""
        try:
            address = self.chain.deploy(sender, creation_code)
        except RuntimeError as error:
            raise _reverted(error) from error
        return EvmContract(evm=self, address=address, artifact=artifact)


@dataclass(slots=True, kw_only=True)
class EvmContract:
    """A deployed contract. Overloaded functions (default arguments) are told apart by argument count."""

    evm: Evm
    address: str
    artifact: Artifact
    _selectors: dict[tuple[str, int], tuple[bytes, list[str], list[str]]] = field(init=False)
    _events: dict[bytes, AbiEntry] = field(init=False)

    def __post_init__(self) -> None:
        functions = [entry for entry in self.artifact.abi if entry["type"] == "function"]
        self._selectors = {
            (f["name"], len(f["inputs"])): (_signature_hash(f)[:4], _types(f["inputs"]), _types(f["outputs"]))
            for f in functions
        }
        self._events = {_signature_hash(e): e for e in self.artifact.abi if e["type"] == "event"}

    def call(self, function: str, *arguments: Any, sender: str = SENDER) -> Any:
        """The result of a call that must not change the state."""
        return self._message(function, arguments, sender, 0, is_static=True).result

    def transact(self, function: str, *arguments: Any, sender: str = SENDER, value: int = 0) -> Receipt:
        """Call and keep what it changed. Raises `Reverted`."""
        return self._message(function, arguments, sender, value, is_static=False)

    def _message(
        self, function: str, arguments: tuple[Any, ...], sender: str, value: int, *, is_static: bool
    ) -> Receipt:
        selector, inputs, outputs = self._selectors[function, len(arguments)]
        chain = self.evm.chain
        try:
            output = chain.message_call(
                sender, self.address, selector + encode(inputs, arguments), value, is_static=is_static
            )
        except RuntimeError as error:
            raise _reverted(error) from error
        values = decode(outputs, output)
        outcome = chain.result
        assert outcome is not None
        return Receipt(
            result=values[0] if len(values) == 1 else values or None,
            gas=outcome.gas_used,
            events=[
                event
                for log in outcome.logs
                if log.address.lower() == self.address.lower()
                for event in self._event(log)
            ],
        )

    def _event(self, log: pyrevm.Log) -> list[Event]:
        topics = [bytes.fromhex(topic.removeprefix("0x")) for topic in log.topics]
        entry = self._events.get(topics[0])
        if entry is None:
            return []
        indexed = [field for field in entry["inputs"] if field["indexed"]]
        others = [field for field in entry["inputs"] if not field["indexed"]]
        values = decode(_types(others), bytes(log.data[1]))
        fields = {field["name"]: value for field, value in zip(others, values, strict=True)}
        for parameter, topic in zip(indexed, topics[1:], strict=True):
            fields[parameter["name"]] = decode([parameter["type"]], topic)[0]
        return [Event(name=entry["name"], fields=fields)]


def _reverted(error: RuntimeError) -> Exception:
    """What the chain's own error says: a revert, or the error itself."""
    reverted = _REVERT_OUTPUT.search(str(error))
    return error if reverted is None else Reverted(_reason(bytes.fromhex(reverted[1])))


def _reason(output: bytes) -> str | None:
    if output[:4] != _ERROR_SELECTOR:
        return None
    return decode(["string"], output[4:])[0]
