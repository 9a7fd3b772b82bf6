"""Converts values to rows of a store and back, according to their types.

A row is JSON: `{"version": 1, "kind": "TaskTaken", "value": {...}}`. Bytes become `0x` and hex, enums their
values, keys of mappings text. A value that could not be read back exactly is refused before it is written.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from json import JSONDecodeError, dumps, loads
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

from cattrs import ClassValidationError, Converter, transform_error
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError

from truestep.base.errors import Bug, Reject, Rejected
from truestep.base.ids import Bytes32

Value = TypeVar("Value")

Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a row (version, kind, value, as in JSON) into a row of the next version."""

SHOWN_CHARACTERS = 200
"""Characters of a row in a message: enough to recognise it."""
HASH_SIZE_BYTES = 32


class RowCodec(Generic[Value]):
    """The rows of one table. `kinds` are the types of its values by name; `type(value).__name__` selects one.

    To change a type, raise `version` and append to `upgrades` a function that turns an old row into a new
    one: upgrade number n (from 0) is for rows of version n + 1. A new field with a default needs neither.
    """

    def __init__(
        self,
        kinds: Mapping[str, Any],
        *,
        version: int = 1,
        upgrades: Sequence[Upgrade] = (),
        unversioned: Callable[[Any], Any] | None = None,
    ) -> None:
        """`unversioned` makes a value of version 1 from a row that has no version: one of release 0.1.0."""
        if len(upgrades) != version - 1:
            raise Bug(f"rows of version {version} need {version - 1} upgrades, got {len(upgrades)}")
        self._kinds = dict(kinds)
        self._version = version
        self._upgrades = tuple(upgrades)
        self._unversioned = unversioned
        self._only_kind = next(iter(self._kinds)) if len(self._kinds) == 1 else None

    def to_row(self, value: Value) -> str:
        """The row of a value. Raises `Bug` if `from_row` would not return the same value."""
        kind = self._only_kind or type(value).__name__
        try:
            plain = _CONVERTER.unstructure(value, unstructure_as=self._kinds[kind])
            row = dumps({"version": self._version, "kind": kind, "value": plain}, allow_nan=False)
            if self.from_row(row) == value:
                return row
        except (Rejected, LookupError, TypeError, ValueError, AttributeError) as error:
            raise Bug(f"no row can hold {_shown(value)}: {error}") from error
        raise Bug(f"a row would change {_shown(value)}")

    def from_row(self, row: str) -> Value:
        """The value of a row that `to_row` wrote in this release or an older one.

        Raises `Rejected` (STORE_FILE) if it is damaged, or of a newer release.
        """
        envelope = self._lifted(_parsed(row), row)
        kind = self._kinds.get(str(envelope.get("kind")))
        if kind is None:
            raise _refused(row, f"its kind {envelope.get('kind')!r} is unknown", is_newer=True)
        try:
            return cast(Value, _CONVERTER.structure(envelope.get("value"), kind))
        except (BaseValidationError, LookupError, TypeError, ValueError, AttributeError) as error:
            has_new_fields = _mentions(error, ForbiddenExtraKeysError)
            raise _refused(row, "; ".join(transform_error(error)), is_newer=has_new_fields) from error

    def _lifted(self, envelope: dict[str, Any], row: str) -> dict[str, Any]:
        if self._unversioned is not None and "version" not in envelope:
            envelope = {"version": 1, "kind": self._only_kind, "value": self._old_value(envelope, row)}
        version = envelope.get("version")
        if type(version) is not int or version < 1:
            raise _refused(row, f"its version is {version!r}")
        if version > self._version:
            raise _refused(
                row, f"its version is {version}, this release reads {self._version}", is_newer=True
            )
        for upgrade in self._upgrades[version - 1 :]:
            envelope = upgrade(envelope)
        return envelope

    def _old_value(self, parsed: dict[str, Any], row: str) -> Any:
        try:
            return self._unversioned(parsed) if self._unversioned else None
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise _refused(row, repr(error)) from error


def by_name(*types: type[Any]) -> dict[str, Any]:
    """Kinds by the names of their types."""
    return {each.__name__: each for each in types}


def _parsed(row: str) -> dict[str, Any]:
    try:
        envelope = loads(row, parse_constant=_no_constant)
    except (JSONDecodeError, ValueError, RecursionError) as error:
        raise _refused(row, f"it is not JSON: {error}") from error
    if not isinstance(envelope, dict):
        raise _refused(row, "it is not a JSON object")
    return cast(dict[str, Any], envelope)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _refused(row: str, why: str, *, is_newer: bool = False) -> Rejected:
    remedy = (
        "it was written by a newer release: install that one again"
        if is_newer
        else "it is damaged: restore a copy of the store"
    )
    return Rejected(
        Reject.STORE_FILE, f"cannot read the row {_shown(row)}: {why}; {remedy}. Nothing was changed"
    )


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text[:SHOWN_CHARACTERS].encode("ascii", "backslashreplace").decode("ascii")


def _mentions(error: BaseException, kind: type[BaseException]) -> bool:
    if isinstance(error, kind):
        return True
    return isinstance(error, ClassValidationError) and any(
        _mentions(inner, kind) for inner in error.exceptions
    )


# --- the types a row may hold -------------------------------------------------------------------------------


def _exactly(plain: type[Any]) -> Callable[[Any, Any], Any]:
    def check(value: Any, kind: Any) -> Any:
        if type(value) is not plain:
            raise ValueError(f"expected {plain.__name__}, got {_shown(value)}")
        return value if kind is plain else kind(value)  # an IntEnum or a StrEnum is an int or a str too

    return check


def _number(value: Any, _: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"expected a number, got {_shown(value)}")
    return float(value)


def _bytes_of(value: Any, _: Any) -> bytes:
    if not isinstance(value, str) or not value.startswith("0x"):
        raise ValueError(f"expected 0x and hex, got {_shown(value)}")
    return bytes.fromhex(value[2:])


def _hash_of(value: Any, kind: Any) -> bytes:
    content = _bytes_of(value, kind)
    if len(content) != HASH_SIZE_BYTES:
        raise ValueError(f"expected {HASH_SIZE_BYTES} bytes, got {len(content)}")
    return content


def _member(value: Any, kind: type[Enum]) -> Enum:
    return kind(value)


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _mapping_of(value: Any, kind: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {_shown(value)}")
    key_kind, value_kind = get_args(kind)
    return {
        _key_of(key, key_kind): _CONVERTER.structure(part, value_kind)
        for key, part in cast(dict[str, Any], value).items()
    }


def _key_of(text: str, kind: Any) -> Any:
    plain = int(text) if _is_integer(kind) else text
    if str(plain) != text:
        raise ValueError(f"expected a key as it is written, got {_shown(text)}")
    return plain


def _is_integer(kind: Any) -> bool:
    while hasattr(kind, "__supertype__"):
        kind = kind.__supertype__
    return isinstance(kind, type) and issubclass(kind, int)


def _plain_mapping(kind: Any) -> Callable[[Any], dict[str, Any]]:
    value_kind = get_args(kind)[1]

    def plain(mapping: Mapping[Any, Any]) -> dict[str, Any]:
        return {
            str(key): _CONVERTER.unstructure(part, unstructure_as=value_kind) for key, part in mapping.items()
        }

    return plain


def _plain_bytes(value: Any) -> str:
    if not isinstance(value, bytes):  # bytes(2**60) would be as many zeros
        raise TypeError(f"expected bytes, got {_shown(value)}")
    return f"0x{bytes(value).hex()}"


def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True)
    for plain in (int, bool, str):
        converter.register_structure_hook(plain, _exactly(plain))
    converter.register_structure_hook(float, _number)
    converter.register_structure_hook(bytes, _bytes_of)
    converter.register_structure_hook(Bytes32, _hash_of)
    converter.register_structure_hook(Enum, _member)
    converter.register_unstructure_hook(bytes, _plain_bytes)
    converter.register_structure_hook_func(_is_mapping, _mapping_of)
    converter.register_unstructure_hook_factory(_is_mapping, _plain_mapping)
    return converter


_CONVERTER = _converter()
