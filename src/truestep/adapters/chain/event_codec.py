"""The contracts' logs as typed events."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from web3 import Web3

from truestep.adapters.chain.codec import CONTRACT_NAMES, type_name
from truestep.adapters.chain.deployment import Deployment
from truestep.base.ids import Address, Bytes32, ClaimId, GameId, JobId, ProgramId, TaskId
from truestep.contracts.artifacts import AbiEntry, load_artifact
from truestep.machine.state import Status
from truestep.protocol import events
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameStage

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


def decode_log(web3: Web3, deployment: Deployment, log: Mapping[str, Any]) -> ChainEvent | None:
    """The event that a log tells; None for events that nobody needs."""
    contract = _names_by_address(deployment).get(str(log["address"]).lower())
    entry = _entries_by_topic().get((contract or "", bytes(log["topics"][0])))
    if contract is None or entry is None:
        return None
    build = _BUILDERS[contract, entry["name"]]
    return build(_position(log), _fields(web3, entry, log))


def event_topic(contract: str, name: str) -> Bytes32:
    """The first topic of an event."""
    return next(
        Bytes32(topic)
        for (owner, topic), entry in _entries_by_topic().items()
        if (owner, entry["name"]) == (contract, name)
    )


def _names_by_address(deployment: Deployment) -> dict[str, str]:
    return {deployment.address(name).lower(): name for name in CONTRACT_NAMES}


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


def _position(log: Mapping[str, Any]) -> LogPosition:
    return LogPosition(
        block_number=log["blockNumber"],
        log_index=log["logIndex"],
        transaction_hash=Bytes32(bytes(log["transactionHash"])),
    )


def _fields(web3: Web3, entry: AbiEntry, log: Mapping[str, Any]) -> Fields:
    indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
    others = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
    values = web3.codec.decode([_raw_type(parameter) for parameter in others], bytes(log["data"]))
    fields = {
        parameter["name"]: _text(value) if parameter["type"] == "string" else value
        for parameter, value in zip(others, values, strict=True)
    }
    for parameter, topic in zip(indexed, log["topics"][1:], strict=True):
        fields[parameter["name"]] = web3.codec.decode([parameter["type"]], bytes(topic))[0]
    return {name: _typed(name, value) for name, value in fields.items()}


def _raw_type(parameter: AbiEntry) -> str:
    """Contracts let anybody put any bytes into a string: it is read as bytes, which are encoded alike."""
    return "bytes" if parameter["type"] == "string" else type_name(parameter)


def _text(content: bytes) -> str:
    """What is no text names nothing, but must not stop who reads the events."""
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
    **dict.fromkeys(
        ("owner", "requester", "operator", "challenger"), lambda a: Address(Web3.to_checksum_address(a))
    ),
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
"""Field names of events equal the ABI's, so one builder fits all."""
