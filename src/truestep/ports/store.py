"""Where a daemon keeps what it must not forget: tables of text by key, changed all together or not at all."""

from collections.abc import Sequence
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
        """The value at `key`, None if there is none."""
        ...

    def rows(self, table: str, *, key_from: str = "", key_until: str | None = None) -> list[tuple[str, str]]:
        """(key, value) pairs with key_from <= key < key_until, in key order."""
        ...

    def write(self, changes: Sequence[Change]) -> None:
        """Make all changes, in order, or none. They are on the medium when this returns."""
        ...
