"""Calls, events and records of a contract to and from its ABI, by their types alone.

A call is a dataclass named as the function (`TopUp` is `top_up`), an event one named as the event; the fields
have the ABI's names. A new call is one dataclass, and one that does not fit its contract is refused at once.
"""

import dataclasses
import enum
import re
import types
from collections.abc import Sequence
from functools import cache
from typing import Any, NewType, TypeVar, get_args, get_origin, get_type_hints

from web3 import Web3

from truestep.adapters.chain.answers import Junk, RawLog
from truestep.adapters.chain.record_codec import checksummed
from truestep.base.errors import Bug
from truestep.base.ids import Address, Bytes32
from truestep.commitments.bls import KEY_SIZE_BYTES, PublicKey
from truestep.commitments.keccak import keccak256
from truestep.contracts.artifacts import AbiEntry, load_artifact

CODEC = Web3().codec
T = TypeVar("T")
SELECTOR_SIZE_BYTES = 4
_KEY_TYPE = "uint256[4]"
"""Of a key of BLS12-381, which is 128 bytes elsewhere."""
_WORD_START = re.compile(r"(?<!^)(?=[A-Z])")
_ATOMS: dict[Any, tuple[str, ...]] = {
    bool: ("bool",),
    int: ("uint", "int"),
    str: ("string",),
    bytes: ("bytes",),
    Bytes32: ("bytes32",),
    Address: ("address",),
}
"""Which ABI types a field's type stands for, by how they begin."""


class ContractTypes:
    """One contract's functions and events, and the dataclasses that stand for them."""

    def __init__(self, contract: str, calls: Sequence[type], events: Sequence[type]) -> None:
        """Raises `Bug` if a class has no counterpart in the ABI with the same fields."""
        self.contract = contract
        abi = load_artifact(contract).abi
        functions = {entry["name"]: entry for entry in abi if entry["type"] == "function"}
        known = {entry["name"]: entry for entry in abi if entry["type"] == "event"}
        self._functions = functions
        self._calls = {kind: _found(functions, function_name(kind), contract) for kind in calls}
        found = {kind: _found(known, kind.__name__, contract) for kind in events}
        self._events = {event_topic(entry): (kind, entry) for kind, entry in found.items()}
        for kind, entry in (*self._calls.items(), *found.items()):
            _check_fields(kind, entry["inputs"], f"{contract}.{entry['name']}")

    @property
    def topics(self) -> list[Bytes32]:
        """The first topics of the events."""
        return list(self._events)

    def topic_of(self, event: type) -> Bytes32:
        """The first topic of an event."""
        return next(topic for topic, (kind, _) in self._events.items() if kind is event)

    def payload(self, call: object) -> bytes:
        """Selector and arguments of a call."""
        entry = self._calls[type(call)]
        return selector_of(entry) + CODEC.encode(
            _types(entry["inputs"]), [to_abi(getattr(call, p["name"]), p) for p in entry["inputs"]]
        )

    def event(self, log: RawLog) -> object | None:
        """The event in a log of this contract; None for one that is not needed. Raises for an invalid log."""
        found = self._events.get(log.topics[0])
        if found is None:
            return None
        kind, entry = found
        return kind(**_log_fields(kind, entry, log))

    def view_payload(self, function: str, *arguments: Any) -> bytes:
        """Selector and arguments of a reading function; structs as dataclasses."""
        entry = self._functions[function]
        values = [to_abi(value, p) for value, p in zip(arguments, entry["inputs"], strict=True)]
        return selector_of(entry) + CODEC.encode(_types(entry["inputs"]), values)

    def view_result(self, function: str, kind: type[T], output: bytes) -> T:
        """What a function with one result returned. Raises if the bytes spell no such value."""
        (parameter,) = self._functions[function]["outputs"]
        (value,) = CODEC.decode(_types([parameter]), output)
        return from_abi(kind, parameter, value)


# --- values ---------------------------------------------------------------------------------------


def to_abi(value: Any, parameter: AbiEntry) -> Any:
    """A value as eth_abi takes it: dataclasses become tuples in the ABI's order."""
    kind: str = parameter["type"]
    if kind == _KEY_TYPE and isinstance(value, bytes):
        return [int.from_bytes(value[at : at + 32], "big") for at in range(0, KEY_SIZE_BYTES, 32)]
    if kind.endswith("]"):
        return [to_abi(item, _item_of(parameter)) for item in value]
    if kind == "tuple":
        return tuple(to_abi(getattr(value, part["name"]), part) for part in parameter["components"])
    return value


def from_abi(kind: Any, parameter: AbiEntry, value: Any) -> Any:
    """A value of type `kind` from what eth_abi gives."""
    if get_origin(kind) is tuple:
        return tuple(from_abi(get_args(kind)[0], _item_of(parameter), item) for item in value)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        parts = zip(parameter["components"], value, strict=True)
        return kind(**{part["name"]: from_abi(hints[part["name"]], part, item) for part, item in parts})
    if kind is Address:
        return checksummed(value)
    if parameter["type"] == "string":
        return value if isinstance(value, str) else value.decode("utf-8", "replace")
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    return value


def function_name(kind: type) -> str:
    """`TopUp` → `top_up`."""
    return _WORD_START.sub("_", kind.__name__).lower()


def selector_of(entry: AbiEntry) -> bytes:
    """The first bytes of a call of the function."""
    return keccak256(_signature(entry))[:SELECTOR_SIZE_BYTES]


def event_topic(entry: AbiEntry) -> Bytes32:
    """The first topic of the event's logs."""
    return keccak256(_signature(entry))


# --- types ----------------------------------------------------------------------------------------


def _found(entries: dict[str, AbiEntry], name: str, contract: str) -> AbiEntry:
    if name not in entries:
        raise Bug(f"{contract} has no {name}; contracts and client are of different versions")
    return entries[name]


def _check_fields(kind: type, parameters: Sequence[AbiEntry], where: str) -> None:
    hints, names = _hints(kind), [parameter["name"] for parameter in parameters]
    if sorted(hints) != sorted(names):
        raise Bug(f"{where}: expected the fields {', '.join(names)}, got {', '.join(hints)}")
    for parameter in parameters:
        _check_kind(hints[parameter["name"]], parameter, f"{where}.{parameter['name']}")


def _check_kind(kind: Any, parameter: AbiEntry, where: str) -> None:
    name: str = parameter["type"]
    if kind is PublicKey and name == _KEY_TYPE:
        return
    if name.endswith("]"):
        if get_origin(kind) is not tuple:
            raise Bug(f"{where}: expected a tuple for {name}, got {kind}")
        _check_kind(get_args(kind)[0], _item_of(parameter), where)
    elif name == "tuple":
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
            raise Bug(f"{where}: expected a dataclass for a struct, got {kind}")
        _check_fields(kind, parameter["components"], where)
    elif not name.startswith(_ATOMS[_atom(kind)]):
        raise Bug(f"{where}: expected a type for {name}, got {kind}")


def _atom(kind: Any) -> Any:
    """The type in `_ATOMS` that a field's type comes down to: `JobId` is an int."""
    while kind not in _ATOMS:
        if isinstance(kind, NewType):
            kind = kind.__supertype__
        elif isinstance(kind, type) and issubclass(kind, enum.IntEnum | enum.IntFlag):
            kind = int
        else:
            raise Bug(f"no ABI type stands for {kind}")
    return kind


def _item_of(parameter: AbiEntry) -> AbiEntry:
    """The parameter that one item of an array is."""
    return parameter | {"type": parameter["type"][: parameter["type"].rindex("[")]}


@cache
def _hints(kind: type) -> types.MappingProxyType[str, Any]:
    names = {field.name for field in dataclasses.fields(kind) if field.init}
    return types.MappingProxyType({n: hint for n, hint in get_type_hints(kind).items() if n in names})


def _types(parameters: Sequence[AbiEntry]) -> list[str]:
    return [_type_name(parameter) for parameter in parameters]


def _type_name(parameter: AbiEntry) -> str:
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_types(parameter['components']))}){kind.removeprefix('tuple')}"


def _signature(entry: AbiEntry) -> bytes:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})".encode()


# --- logs -----------------------------------------------------------------------------------------


def _log_fields(kind: type, entry: AbiEntry, log: RawLog) -> dict[str, Any]:
    indexed = [parameter for parameter in entry["inputs"] if parameter["indexed"]]
    others = [parameter for parameter in entry["inputs"] if not parameter["indexed"]]
    if len(indexed) != len(log.topics) - 1:
        raise Junk(f"expected {len(indexed) + 1} topics of {entry['name']}, got {len(log.topics)}")
    # a string may hold any bytes, which must not stop the reader of events
    kinds = ["bytes" if p["type"] == "string" else _type_name(p) for p in others]
    values = list(CODEC.decode(kinds, log.payload))
    for parameter, topic in zip(indexed, log.topics[1:], strict=True):
        values += CODEC.decode([_type_name(parameter)], topic)
    hints = _hints(kind)
    return {
        parameter["name"]: from_abi(hints[parameter["name"]], parameter, value)
        for parameter, value in zip((*others, *indexed), values, strict=True)
    }
