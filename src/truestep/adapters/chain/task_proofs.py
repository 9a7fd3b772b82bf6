"""By which proof a claim was proven: the event, the transaction's call, and the circuit's contract."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from truestep.adapters.chain.abi import SELECTOR_SIZE_BYTES, selector_of
from truestep.adapters.chain.answers import Junk, octets
from truestep.adapters.chain.codec import type_name
from truestep.adapters.chain.connection import refused
from truestep.adapters.chain.endpoints import Endpoints, Question
from truestep.adapters.chain.outages import NodeError
from truestep.adapters.chain.pinned import PinnedReader
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32, TaskId
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import AbiEntry, load_artifact
from truestep.ports.chain import TaskProof
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.validity.contracts import verifiers

CALL_LIMIT_BYTES = 1 << 17
"""A transaction is not larger."""
_CIRCUIT = keccak256(b"CIRCUIT()")[:4]
_SEAL = "seal"
_WORD_BYTES = 32


def proven_by(logs: Iterable[Logged], task_id: TaskId, claim_id: LeafId) -> Logged | None:
    """The event that a claim was proven."""
    for logged in logs:
        event = logged.event
        if isinstance(event, verifiers.Proven) and (event.task_id, event.claim_id) == (task_id, claim_id):
            return logged
    return None


def read_proof(endpoints: Endpoints, pinned: PinnedReader, facts: Facts, logged: Logged) -> TaskProof:
    """What there is to know of a proof. Raises `Unavailable` if the node has not what the event says."""
    event = cast(verifiers.Proven, logged.event)
    if facts.proving is None or not 0 < event.number <= len(facts.entries):
        raise Unavailable(f"the node gives a proof by entry {event.number}, and not the entry; try another")
    entry = facts.entries[event.number - 1].entry
    return TaskProof(
        number=event.number,
        entry=entry,
        statement=event.statement,
        at=logged.at,
        seal=_seal_sent(endpoints, facts.proving.verifiers, logged.at.transaction_hash),
        circuit_code=_circuit_code(pinned, entry.verifier),
    )


def _seal_sent(endpoints: Endpoints, contract: Address, name: Bytes32) -> bytes:
    """The seal in a transaction's call; empty if another contract has made the call."""
    hexadecimal = f"0x{name.hex()}"
    question = Question(method="eth_getTransactionByHash", parameters=[hexadecimal], parse=_call)
    answer: Any = endpoints.ask(question)
    if isinstance(answer, NodeError):
        raise refused(answer)
    if answer is None:
        raise Unavailable(f"the node has no transaction {hexadecimal}; ask one that keeps old ones")
    to, payload = cast("tuple[str, bytes]", answer)
    return seal_in(payload) if to.lower() == contract.lower() else b""


def _call(value: Any) -> tuple[str, bytes] | None:
    if value is None:
        return None
    fields: Mapping[str, Any] = cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}
    to = fields.get("to")
    return to if isinstance(to, str) else "", octets(fields.get("input"), limit_bytes=CALL_LIMIT_BYTES)


def seal_in(payload: bytes) -> bytes:
    """The seal in a call of Verifiers, read as the contract reads it; empty if the call has none.

    Not by the codec, which refuses what the contract takes: whoever copies a proof may send dirty padding.
    """
    for entry in load_artifact("Verifiers").abi:
        inputs = entry.get("inputs", ())
        names = [parameter["name"] for parameter in inputs]
        is_function = entry["type"] == "function"
        if is_function and _SEAL in names and payload[:SELECTOR_SIZE_BYTES] == selector_of(entry):
            return _bytes_at(payload[SELECTOR_SIZE_BYTES:], sum(map(_words, inputs[: names.index(_SEAL)])))
    return b""


def _words(parameter: AbiEntry) -> int:
    """How many words of a call's head an argument takes: one, if it lies behind the head."""
    types = type_name(parameter)
    return 1 if re.search(r"\[\]|bytes\b|string", types) else types.count(",") + 1


def _bytes_at(arguments: bytes, word: int) -> bytes:
    """The bytes to which this word of the head leads. Raises `Junk` if they are not there."""

    def number_at(place: int) -> int:
        return int.from_bytes(arguments[place : place + _WORD_BYTES], "big")

    start = number_at(word * _WORD_BYTES) + _WORD_BYTES
    size = number_at(start - _WORD_BYTES) if start <= len(arguments) else len(arguments)
    if start + size > len(arguments):
        raise Junk("expected a call of Verifiers with a seal, got one that ends before it")
    return arguments[start : start + size]


def _circuit_code(pinned: PinnedReader, verifier: Address) -> bytes:
    """The code of the contract that a CircuitVerifier asks; empty for other verifiers."""
    message = {"to": verifier, "data": f"0x{_CIRCUIT.hex()}"}
    answer = _asked(pinned, "eth_call", message)
    if len(answer) != 32 or any(answer[:12]):
        return b""
    return _asked(pinned, "eth_getCode", f"0x{answer[12:].hex()}")


def _asked(pinned: PinnedReader, method: str, about: object) -> bytes:
    """What the node says as of its newest block; nothing if the contract refuses."""

    def question(block: str) -> Question:
        return Question(method=method, parameters=[about, block], parse=octets)

    answer: Any = pinned.ask([question])[0]
    return b"" if isinstance(answer, NodeError) else answer
