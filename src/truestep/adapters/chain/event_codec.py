"""The contracts' logs as typed events."""

from collections.abc import Callable
from functools import cache
from typing import Any

from web3 import Web3

from truestep.adapters.chain.answers import Junk, RawLog
from truestep.adapters.chain.codec import CONTRACT_NAMES, type_name
from truestep.adapters.chain.deployment import Deployment
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.ids import (
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    ProgramId,
    TaskId,
    claim_of_game,
    task_of_claim,
)
from truestep.contracts.artifacts import AbiEntry, load_artifact
from truestep.machine.state import Status
from truestep.protocol import events
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameStage

EVENT_CONTRACTS = ("Operators", "Programs", "Jobs", "Disputes")
"""The contracts with events that are needed."""

Fields = dict[str, Any]


def claimed_state(struct: tuple[Any, ...]) -> ClaimedState:
    """A claim from the contracts' struct."""
    status, code, cycle, output_size, output_root, left_root, inner_root, running_state = struct
    return ClaimedState(
        status=Status(status),
        code=code,
        cycle=cycle,
        output_size=output_size,
        output_root=Bytes32(output_root),
        left_root=Bytes32(left_root),
        inner_root=Bytes32(inner_root),
        running_state=Bytes32(running_state),
    )


def decode_log(web3: Web3, deployment: Deployment, log: RawLog) -> ChainEvent | None:
    """The event in a log; None for an event that is not needed. Raises for an invalid log."""
    contract = _name_of(deployment, log.address)
    entry = _entries_by_topic().get((contract or "", log.topics[0]))
    if contract is None or entry is None:
        return None
    build = _BUILDERS[contract, entry["name"]]
    event = build(_position(log), _fields(web3, entry, log))
    _check_ids(event)
    return event


def _check_ids(event: ChainEvent) -> None:
    """Check that the ids of an event match: ids contain each other (docs/protocol.md P1)."""
    game_id, claim_id = getattr(event, "game_id", None), getattr(event, "claim_id", None)
    task_id = getattr(event, "task_id", None)
    if game_id is not None and claim_id is not None and claim_of_game(game_id) != claim_id:
        raise Junk(f"expected game {game_id} to be on its own claim, got claim {claim_id}")
    if claim_id is not None and task_id is not None and task_of_claim(claim_id) != task_id:
        raise Junk(f"expected claim {claim_id} to be on its own task, got task {task_id}")


def event_topic(contract: str, name: str) -> Bytes32:
    """The first topic of an event."""
    return next(
        Bytes32(topic)
        for (owner, topic), entry in _entries_by_topic().items()
        if (owner, entry["name"]) == (contract, name)
    )


def event_topics(contract: str) -> list[bytes]:
    """The first topics of all events of a contract that are needed."""
    return [topic for owner, topic in _entries_by_topic() if owner == contract]


def _name_of(deployment: Deployment, address: str) -> str | None:
    return next((name for name in CONTRACT_NAMES if deployment.address(name).lower() == address), None)


@cache
def _entries_by_topic() -> dict[tuple[str, bytes], AbiEntry]:
    return {
        (contract, _topic(entry)): entry
        for contract, name in _BUILDERS
        for entry in load_artifact(contract).abi
        if entry["type"] == "event" and entry["name"] == name
    }


def _topic(entry: AbiEntry) -> bytes:
    types = ",".join(type_name(parameter) for parameter in entry["inputs"])
    return bytes(Web3.keccak(text=f"{entry['name']}({types})"))


def _position(log: RawLog) -> LogPosition:
    return LogPosition(
        block_number=log.block_number, log_index=log.log_index, transaction_hash=log.transaction_hash
    )


def _fields(web3: Web3, entry: AbiEntry, log: RawLog) -> Fields:
    indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
    others = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
    values = web3.codec.decode([_raw_type(parameter) for parameter in others], log.payload)
    fields = {
        parameter["name"]: _text(value) if parameter["type"] == "string" else value
        for parameter, value in zip(others, values, strict=True)
    }
    for parameter, topic in zip(indexed, log.topics[1:], strict=True):
        fields[parameter["name"]] = web3.codec.decode([parameter["type"]], topic)[0]
    return {name: _typed(name, value) for name, value in fields.items()}


def _raw_type(parameter: AbiEntry) -> str:
    """A string in an event may contain any bytes, so it is decoded as bytes, whose encoding is the same."""
    return "bytes" if parameter["type"] == "string" else type_name(parameter)


def _text(content: bytes) -> str:
    """The bytes as text. Invalid text has no meaning, but it must not stop the reader of events."""
    return content.decode("utf-8", "replace")


_ID_TYPES: dict[str, Callable[[Any], Any]] = {
    "program_id": ProgramId,
    "job_id": JobId,
    "task_id": TaskId,
    "claim_id": ClaimId,
    "game_id": GameId,
    "stage": GameStage,
    "claimed": claimed_state,
    "hashes": lambda hashes: tuple(Bytes32(h) for h in hashes),
    **dict.fromkeys(("owner", "requester", "operator", "challenger"), checksummed),
}


def _typed(name: str, value: Any) -> Any:
    return _ID_TYPES.get(name, lambda same: same)(value)


def _builder(event: Callable[..., ChainEvent]) -> Callable[[LogPosition, Fields], ChainEvent]:
    return lambda at, fields: event(at=at, **fields)


_BUILDERS: dict[tuple[str, str], Callable[[LogPosition, Fields], ChainEvent]] = {
    ("Programs", "Registered"): _builder(events.ProgramRegistered),
    ("Jobs", "Posted"): _builder(events.JobPosted),
    ("Jobs", "Taken"): _builder(events.TaskTaken),
    ("Jobs", "Claimed"): _builder(events.TaskClaimed),
    ("Jobs", "Expired"): _builder(events.LeaseExpired),
    ("Jobs", "Struck"): _builder(events.ClaimStruck),
    ("Jobs", "Finalized"): _builder(events.TaskFinalized),
    ("Jobs", "Reclaimed"): _builder(events.TaskReclaimed),
    ("Disputes", "Opened"): _builder(events.GameOpened),
    ("Disputes", "Split"): _builder(events.GameSplit),
    ("Disputes", "Picked"): _builder(events.GamePicked),
    ("Disputes", "Stepped"): _builder(events.GameStepped),
    ("Disputes", "Descended"): _builder(events.GameDescended),
    ("Disputes", "Revealed"): _builder(events.GameRevealed),
    ("Disputes", "Settled"): _builder(events.GameSettled),
    ("Operators", "Seized"): _builder(events.BondSeized),
}
"""The fields of events have the ABI's names, so one kind of builder works for all."""
