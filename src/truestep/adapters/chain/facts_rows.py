"""Facts as a row of a store: a checkpoint, so that a restart need not read the chain from its beginning.

A row is JSON: the form, which chain it is of, and the values of the fields in their order, without their
names; bytes in base64, mappings as pairs. It is made from the types, and there is nothing to upgrade: a row
of another form is refused, and the chain is read again.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from json import dumps, loads
from types import NoneType, UnionType
from typing import Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from truestep.base.errors import Bug, Reject, Rejected
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.facts.records import Facts

VERSION = 1
"""To be raised when a field means something else, though it has the same type."""
PLAIN_INTEGER_LIMIT = 2**63
"""Larger integers are written in hexadecimal: a job has a bit for each of 65,535 shards."""


def facts_to_row(facts: Facts) -> str:
    """The row of facts, but for the deployment and its contracts of availability."""
    return dumps([_FORM, _chain_of(facts), _dumped(facts)], separators=(",", ":"))


def facts_from_row(row: str, genesis: Facts) -> Facts:
    """The facts of a row of this release and of the deployment that `genesis` is of.

    Raises `Rejected` (STORE_FILE) for others, and for damaged ones.
    """
    try:
        form, chain, values = loads(row)
        if form != _FORM:
            raise _refused("another release has written it")
        if chain != _chain_of(genesis):
            raise _refused(f"it is of the deployment {chain}, not {_chain_of(genesis)}")
        return Facts(
            deployment=genesis.deployment,
            keeping=genesis.keeping,
            proving=genesis.proving,
            seating=genesis.seating,
            auditing=genesis.auditing,
            dealing=genesis.dealing,
            **_loaded(values),
        )
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise _refused(f"it is damaged ({error!r})") from error


def _chain_of(facts: Facts) -> list[Any]:
    kept = facts.keeping.kept if facts.keeping is not None else None
    verifiers = facts.proving.verifiers if facts.proving is not None else None
    quorums = facts.seating.quorums if facts.seating is not None else None
    audits = facts.auditing.audits if facts.auditing is not None else None
    lots = facts.dealing.lots if facts.dealing is not None else None
    return [facts.deployment.chain_id, facts.deployment.jobs, kept, verifiers, quorums, audits, lots]


def _refused(why: str) -> Rejected:
    return Rejected(
        Reject.STORE_FILE,
        f"cannot use the checkpoint of what the chain has said: {why}. Delete it and read the chain again",
    )


# --- codecs made from types -----------------------------------------------------------------------


class _Codec(NamedTuple):
    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]
    shape: str
    """The names and types of all that is in it."""


def _codec(kind: Any) -> _Codec:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    origin, parts = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _of_struct(cast(type, kind))
    if origin is tuple and parts[1:] == (...,):
        return _of_many(parts[0], tuple)
    if origin is tuple:
        return _of_tuple(parts)
    if origin is frozenset:
        return _of_many(parts[0], frozenset)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _of_mapping(*parts)
    if origin in (UnionType, Union) and len(parts) == 2 and parts[1] is NoneType:
        return _of_optional(parts[0])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _Codec(_member_value, kind, kind.__name__)
    if kind in _PLAIN:
        return _PLAIN[kind]
    raise Bug(f"no row can hold a {kind}")


def _of_struct(kind: type) -> _Codec:
    hints = get_type_hints(kind)
    named = {each.name: _codec(hints[each.name]) for each in fields(kind)}
    names, dumps_of = tuple(named), tuple(codec.dump for codec in named.values())
    loads_of = tuple(codec.load for codec in named.values())

    def dump(value: Any) -> list[Any]:
        return [dump(getattr(value, name)) for name, dump in zip(names, dumps_of, strict=True)]

    def load(values: list[Any]) -> Any:
        found = [load(value) for load, value in zip(loads_of, values, strict=True)]
        return kind(**dict(zip(names, found, strict=True)))

    shape = ",".join(f"{name}:{codec.shape}" for name, codec in named.items())
    return _Codec(dump, load, f"{kind.__name__}({shape})")


def _of_many(kind: Any, container: type) -> _Codec:
    part = _codec(kind)

    def dump(values: Any) -> list[Any]:
        return [part.dump(value) for value in (sorted(values) if container is frozenset else values)]

    def load(values: list[Any]) -> Any:
        return container([part.load(value) for value in values])

    return _Codec(dump, load, f"[{part.shape}]")


def _of_tuple(kinds: tuple[Any, ...]) -> _Codec:
    codecs = [_codec(kind) for kind in kinds]

    def dump(values: Any) -> list[Any]:
        return [codec.dump(value) for codec, value in zip(codecs, values, strict=True)]

    def load(values: list[Any]) -> Any:
        return tuple(codec.load(value) for codec, value in zip(codecs, values, strict=True))

    return _Codec(dump, load, f"({','.join(codec.shape for codec in codecs)})")


def _of_mapping(key_kind: Any, value_kind: Any) -> _Codec:
    of_key, of_value = _codec(key_kind), _codec(value_kind)

    def dump(mapping: Mapping[Any, Any]) -> list[Any]:
        return [[of_key.dump(key), of_value.dump(value)] for key, value in mapping.items()]

    def load(pairs: list[Any]) -> dict[Any, Any]:
        return {of_key.load(key): of_value.load(value) for key, value in pairs}

    return _Codec(dump, load, f"{{{of_key.shape}:{of_value.shape}}}")


def _of_optional(kind: Any) -> _Codec:
    part = _codec(kind)

    def dump(value: Any) -> Any:
        return None if value is None else part.dump(value)

    def load(value: Any) -> Any:
        return None if value is None else part.load(value)

    return _Codec(dump, load, f"{part.shape}?")


def _member_value(member: Enum) -> Any:
    return member.value


def _integer(value: int) -> int | str:
    return value if -PLAIN_INTEGER_LIMIT < value < PLAIN_INTEGER_LIMIT else hex(value)


def _read_integer(value: int | str) -> int:
    return int(value, 16) if type(value) is str else _exactly(int, value)


def _text(value: str) -> str:
    return _exactly(str, value)


def _flag(value: bool) -> bool:
    return _exactly(bool, value)


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")


def _read_base64(value: str) -> bytes:
    return b64decode(value, validate=True)


Plain = TypeVar("Plain")


def _exactly(kind: type[Plain], value: Any) -> Plain:
    if type(value) is not kind:
        raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


_PLAIN: Mapping[type, _Codec] = {
    int: _Codec(_integer, _read_integer, "int"),
    str: _Codec(_text, _text, "str"),
    bool: _Codec(_flag, _flag, "bool"),
    bytes: _Codec(_base64, _read_base64, "bytes"),
}
_NOT_READ = ("deployment", "keeping", "proving", "seating", "auditing", "dealing")
_HINTS = get_type_hints(Facts)
_FIELDS = {each.name: _codec(_HINTS[each.name]) for each in fields(Facts) if each.name not in _NOT_READ}
_SHAPE = ",".join(f"{name}:{codec.shape}" for name, codec in _FIELDS.items())
_FORM = f"{VERSION}:{keccak256(_SHAPE.encode()).hex()[:8]}"
"""Of other fields or types other rows are made."""


def _dumped(facts: Facts) -> list[Any]:
    return [codec.dump(getattr(facts, name)) for name, codec in _FIELDS.items()]


def _loaded(values: list[Any]) -> dict[str, Any]:
    pairs = zip(_FIELDS.items(), values, strict=True)
    return {name: codec.load(value) for (name, codec), value in pairs}
