"""The questions of the store port, as statements for PostgreSQL. Texts are UTF-8 bytes there."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, LiteralString

_TABLES = """
    WITH RECURSIVE found (name) AS (
        (SELECT collection FROM {entry} ORDER BY collection LIMIT 1)
        UNION ALL
        SELECT (
            SELECT collection FROM {entry} WHERE collection > found.name ORDER BY collection LIMIT 1
        ) FROM found WHERE name IS NOT NULL
    )
    SELECT name FROM found WHERE name IS NOT NULL
"""


class Rows(ABC):
    """The questions of `truestep.ports.store.Store`."""

    @abstractmethod
    def _fetch(self, query: LiteralString, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Execute a statement in which {entry} is the table, and return its rows."""

    def read(self, table: str, key: str) -> str | None:
        """The value at `key`, None if there is none."""
        query = "SELECT value FROM {entry} WHERE collection = %s AND key = %s"
        found = self._fetch(query, (table.encode(), key.encode()))
        return _text(found[0][0]) if found else None

    def rows(
        self, table: str, *, key_from: str = "", key_until: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        """(key, value) pairs with key_from <= key < key_until, in key order; the first `limit` of them."""
        query: LiteralString = "SELECT key, value FROM {entry} WHERE collection = %s AND key >= %s"
        parameters: list[bytes | int | None] = [table.encode(), key_from.encode()]
        if key_until is not None:
            query, parameters = f"{query} AND key < %s", [*parameters, key_until.encode()]
        found = self._fetch(f"{query} ORDER BY key LIMIT %s::bigint", (*parameters, limit))
        return [(_text(key), _text(value)) for key, value in found]

    def tables(self) -> list[str]:
        """The names of the tables that have rows, each found by one look-up in the index."""
        return [_text(name) for (name,) in self._fetch(_TABLES, ())]


def _text(content: bytes) -> str:
    return bytes(content).decode()
