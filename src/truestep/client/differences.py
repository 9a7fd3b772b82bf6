"""Says in which fields two records differ: what was expected of each, and what was found."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import cast

from pydantic import BaseModel


def differences(expected: object, found: object, names: Sequence[str] = ()) -> str:
    """A clause for each field that differs; `names` are those of the members of a tuple."""
    clauses = list(_clauses(expected, found, names, ""))
    return "; ".join(clauses) or f"expected {expected}, got {found}"


def _clauses(expected: object, found: object, names: Sequence[str], name: str) -> Iterator[str]:
    pairs = _pairs(expected, found, names)
    if pairs is None:
        if expected != found:
            yield f"{name}{': ' if name else ''}expected {_shown(expected)}, got {_shown(found)}"
        return
    for inner, left, right in pairs:
        yield from _clauses(left, right, (), " ".join(filter(None, (name, inner.replace("_", " ")))))


def _pairs(expected: object, found: object, names: Sequence[str]) -> list[tuple[str, object, object]] | None:
    """The fields of both by name; None if they have not the same fields."""
    left, right = _fields(expected, names), _fields(found, names)
    if left is None or right is None or left.keys() != right.keys():
        return None
    return [(name, left[name], right[name]) for name in left]


def _fields(value: object, names: Sequence[str]) -> dict[str, object] | None:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, tuple | list):
        members = cast("Sequence[object]", value)
        known = names if len(names) == len(members) else [f"{n + 1}" for n in range(len(members))]
        return dict(zip(known, members, strict=True))
    return None


def _shown(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return f"{len(cast('Sequence[object]', value))} of them"
    return f"{value}"
