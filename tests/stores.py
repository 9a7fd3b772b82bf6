"""A store over another one, for tests that change what one of its calls does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.ports.store import Change, Store


@dataclass
class PassingStore:
    """Satisfies `Store`: does what the other one does."""

    store: Store

    def read(self, table: str, key: str) -> str | None:
        return self.store.read(table, key)

    def rows(
        self, table: str, *, key_from: str = "", key_until: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        return self.store.rows(table, key_from=key_from, key_until=key_until, limit=limit)

    def tables(self) -> list[str]:
        return self.store.tables()

    def write(self, changes: Sequence[Change]) -> None:
        self.store.write(changes)
