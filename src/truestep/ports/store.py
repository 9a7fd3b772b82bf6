"""The durable state of a daemon: tables of text by key, changed atomically."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Put `value` at `key` of `table`; None removes the row."""

    table: str
    key: str
    value: str | None


class Store(Protocol):
    """Durable tables. Every method raises `Unavailable` if the medium fails."""

    def read(self, table: str, key: str) -> str | None:
        """The value at `key`; None if there is none."""
        ...

    def rows(
        self, table: str, *, key_from: str = "", key_until: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        """(key, value) pairs with key_from <= key < key_until, in key order; the first `limit` of them."""
        ...

    def tables(self) -> list[str]:
        """The names of the tables that have rows."""
        ...

    def write(self, changes: Sequence[Change]) -> None:
        """Make all changes, in order, or none. They are on the medium when this returns."""
        ...


FIRST_CHARACTER = "\0"
"""A key with it behind is the next one after the key."""
PAGE_ROWS = 1_000
"""Rows that are in memory at a time while a long table is read."""


def each_row(
    store: Store, table: str, *, key_from: str = "", key_until: str | None = None
) -> Iterator[tuple[str, str]]:
    """The rows of `Store.rows`, a page at a time."""
    while True:
        page = store.rows(table, key_from=key_from, key_until=key_until, limit=PAGE_ROWS)
        yield from page
        if len(page) < PAGE_ROWS:
            return
        key_from = page[-1][0] + FIRST_CHARACTER
