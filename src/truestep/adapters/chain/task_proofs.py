"""By which proof a claim was proven: the event, the transaction's call, and the circuit's contract."""

from collections.abc import Iterable
from typing import Any, cast

from truestep.adapters.chain.answers import octets
from truestep.adapters.chain.endpoints import Endpoints, Question
from truestep.adapters.chain.outages import NodeError
from truestep.adapters.chain.pinned import PinnedReader
from truestep.adapters.chain.sent_calls import bytes_in, read_call
from truestep.base.errors import Unavailable
from truestep.base.ids import Address, Bytes32, TaskId
from truestep.commitments.keccak import keccak256
from truestep.ports.chain import TaskProof
from truestep.protocol.settlement.facts.records import Facts, Logged
from truestep.protocol.settlement.ids import LeafId
from truestep.protocol.validity.contracts import verifiers

_CIRCUIT = keccak256(b"CIRCUIT()")[:4]


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
    to, payload = read_call(endpoints, name)
    return bytes_in(payload, "Verifiers", "seal") if to.lower() == contract.lower() else b""


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
