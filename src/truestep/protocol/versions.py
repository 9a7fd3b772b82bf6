"""Mappings that change by the million: a change costs the same however many entries there are.

Baker's trick: the newest version has the table, each older one says in what it differs from the next. Reading
an older version turns the differences around, so a call that is refused costs what it has changed. For one
thread: reading changes what versions hold, never what they say.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_NOTHING: Any = object()


class Versions(Mapping[Key, Value], Generic[Key, Value]):
    """One version of a mapping, which never changes."""

    __slots__ = ("_key", "_next", "_old", "_table")

    def __init__(self, entries: Mapping[Key, Value]) -> None:
        self._table: dict[Key, Value] | None = dict(entries)
        self._next: Versions[Key, Value] | None = None
        self._key: Any = None
        self._old: Any = _NOTHING

    def __getitem__(self, key: Key) -> Value:
        return self._own()[key]

    def get(self, key: Key, default: Any = None) -> Any:
        """The value of a key, or the default."""
        table = self._table
        return (table if table is not None else self._own()).get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._own()

    def __iter__(self) -> Iterator[Key]:
        return iter(self._own())

    def __len__(self) -> int:
        return len(self._own())

    def with_entry(self, key: Key, value: Value) -> "Versions[Key, Value]":
        """The version with one entry set."""
        table = self._table if self._table is not None else self._turn_around()
        newer = self._handed_on(table, key)
        table[key] = value
        return newer

    def without_entry(self, key: Key) -> "Versions[Key, Value]":
        """The version without an entry."""
        table = self._own()
        newer = self._handed_on(table, key)
        table.pop(key, None)
        return newer

    def _handed_on(self, table: dict[Key, Value], key: Key) -> "Versions[Key, Value]":
        """The next version, which has the table from now on; this one says what a key had."""
        newer: Versions[Key, Value] = object.__new__(type(self))
        newer._table, newer._next, newer._key, newer._old = table, None, None, _NOTHING
        self._table, self._next, self._key, self._old = None, newer, key, table.get(key, _NOTHING)
        return newer

    def _own(self) -> dict[Key, Value]:
        """The table as this version says it."""
        return self._table if self._table is not None else self._turn_around()

    def _turn_around(self) -> dict[Key, Value]:
        """Bring the table here from the newest version; those between say in what they differ."""
        newer: list[Versions[Key, Value]] = []
        place = self
        while place._table is None and place._next is not None:
            newer.append(place)
            place = place._next
        table = place._table if place._table is not None else {}
        for older in reversed(newer):
            place._table, place._next, place._key = None, older, older._key
            place._old = table.get(older._key, _NOTHING)
            _set(table, older._key, older._old)
            older._table, older._next, older._key, older._old = table, None, None, _NOTHING
            place = older
        return table


def _set(table: dict[Key, Value], key: Key, value: Value) -> None:
    if value is _NOTHING:
        table.pop(key, None)
    else:
        table[key] = value
