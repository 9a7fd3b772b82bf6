"""Events as rows of the store, and back."""

from dataclasses import fields
from json import dumps, loads
from typing import Any

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32
from truestep.machine.state import Status
from truestep.protocol import events
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameStage

_KINDS = {
    kind.__name__: kind
    for kind in (
        events.ProgramRegistered,
        events.JobPosted,
        events.TaskTaken,
        events.TaskClaimed,
        events.LeaseExpired,
        events.ClaimStruck,
        events.TaskFinalized,
        events.TaskReclaimed,
        events.GameOpened,
        events.GameSplit,
        events.GamePicked,
        events.GameStepped,
        events.GameDescended,
        events.GameRevealed,
        events.GameSettled,
        events.BondSeized,
    )
}


def event_key(event: ChainEvent) -> str:
    """Orders events as the chain does, and names each once."""
    return f"{block_key(event.at.block_number)}/{event.at.log_index:08d}"


def block_key(number: int) -> str:
    """Orders blocks."""
    return f"{number:012d}"


def to_row(event: ChainEvent) -> str:
    """JSON; bytes become `0x` and hex."""
    return dumps({"kind": type(event).__name__, **_encoded(event)})


def from_row(row: str) -> ChainEvent:
    """The event of a row that `to_row` wrote."""
    values = loads(row)
    kind = _KINDS.get(values.pop("kind"))
    if kind is None:
        raise Bug(f"the store holds an event of an unknown kind: {row[:200]}")
    return kind(**{name: _decoded(name, value) for name, value in values.items()})


def _encoded(record: Any) -> dict[str, Any]:
    return {entry.name: _plain(getattr(record, entry.name)) for entry in fields(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, tuple):
        return [_plain(part) for part in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, LogPosition | ClaimedState):
        return _encoded(value)
    return value


def _decoded(name: str, value: Any) -> Any:
    if name == "at":
        return LogPosition(**{part: _decoded(part, inner) for part, inner in value.items()})
    if name == "claimed":
        return ClaimedState(**{part: _decoded(part, inner) for part, inner in value.items()})
    if name == "hashes":
        return tuple(_decoded("hash", part) for part in value)
    if name == "stage":
        return GameStage(value)
    if name == "status":
        return Status(value)
    is_bytes = name == "hash" or name.endswith(("_root", "_hash", "_state")) or name in _BYTES_FIELDS
    return Bytes32(bytes.fromhex(value.removeprefix("0x"))) if is_bytes else value


_BYTES_FIELDS = {"digest", "seed", "before", "after", "expected", "micro_start", "template"}
