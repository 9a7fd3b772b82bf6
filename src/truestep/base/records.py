"""Records: values of named fields, of which a node or a simulation makes many thousands a second.

A frozen dataclass sets each field by a call of `object.__setattr__`, which makes objects several times as
dear as plain ones. So only the type checker refuses to set a field of a record; nothing is in the way when
the program runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

from truestep.base.errors import Bug

Kind = TypeVar("Kind")
Record = TypeVar("Record")

_NOTHING: Mapping[Any, Any] = {}
_allocate = object.__new__


def nothing() -> Mapping[Any, Any]:
    """What a field that is a mapping has unless it is told otherwise: one for all, as nobody changes it."""
    return _NOTHING


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(kind: type[Kind]) -> type[Kind]:
    """A dataclass with slots and keyword-only fields, equal and hashed by all of them."""
    return dataclass(slots=True, kw_only=True, unsafe_hash=True)(kind)


def changed(known: Record, **fields: Any) -> Record:
    """`dataclasses.replace` of a record without checks of its own, several times as fast."""
    kind: Any = type(known)
    read, places, fill = _shape_of(kind)
    values = [*read(known)]
    for name, value in fields.items():
        place = places.get(name)
        if place is None:
            raise Bug(f"expected fields of {kind.__name__}, got {name}")
        values[place] = value
    made = _allocate(kind)
    fill(made, *values)
    return made


@cache
def _shape_of(kind: Any) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, int], Callable[..., None]]:
    """What reads all fields of a kind of record, the place of each, and what sets them in this order."""
    names: tuple[str, ...] = kind.__slots__
    read: Callable[[Any], tuple[Any, ...]] = attrgetter(*names) if names[1:] else _reader_of(names[0])
    fill: Any = make_dataclass(kind.__name__, names).__init__
    return read, {name: place for place, name in enumerate(names)}, fill


def _reader_of(name: str) -> Callable[[Any], tuple[Any, ...]]:
    """What reads the only field."""
    return lambda known: (getattr(known, name),)
