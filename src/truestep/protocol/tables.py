"""Mappings that others hold while they change: copied once, when they are first changed."""

from collections.abc import Mapping
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Table(Generic[Key, Value]):
    """A mapping that others may hold, until it is changed."""

    __slots__ = ("_entries", "_own")

    def __init__(self, entries: Mapping[Key, Value]) -> None:
        self._entries = entries
        self._own: dict[Key, Value] | None = None

    @property
    def entries(self) -> Mapping[Key, Value]:
        """The mapping as it is now."""
        return self._entries

    def get(self, key: Key) -> Value | None:
        """The value, if there is one."""
        return self._entries.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Set a value."""
        self._copied()[key] = value

    def drop(self, key: Key) -> None:
        """Remove a value, if there is one."""
        if key in self._entries:
            del self._copied()[key]

    def _copied(self) -> dict[Key, Value]:
        if self._own is None:
            self._own = dict(self._entries)
            self._entries = self._own
        return self._own


def add_to(table: Table[Key, int], key: Key, amount: int) -> None:
    """Change a number; one that is 0 has no entry."""
    total = (table.get(key) or 0) + amount
    if total:
        table.put(key, total)
    else:
        table.drop(key)
