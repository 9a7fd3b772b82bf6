"""A daemon's store, read while the daemon has it: nothing is locked, nothing is written."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from truestep.adapters.store.migrations import SCHEMA_VERSION
from truestep.adapters.store.sqlite import APPLICATION_ID, BUSY_TIMEOUT_SECONDS
from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.ports.store import Change


class SqliteReader:
    """Satisfies `truestep.ports.store.Store`, but for writing. Use it as a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises `Rejected` for a file of another kind or release, `Unavailable` if it cannot be read."""
        if not path.exists():
            raise Unavailable(f"expected the store of a daemon at {path}, got no file; has it been started?")
        self._name = str(path)
        try:
            uri = f"{path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(
                uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS
            )
            application, version = self._pragma("application_id"), self._pragma("user_version")
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"store {self._name}: {error}") from error
        if application != APPLICATION_ID or version != SCHEMA_VERSION:
            self._connection.close()
            raise Rejected(
                Reject.STORE_FILE,
                f"expected a store of schema {SCHEMA_VERSION} at {self._name}, got {version} of application"
                f" {application:#x}; a daemon of this release migrates its file when it starts",
            )

    def __enter__(self) -> "SqliteReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def read(self, table: str, key: str) -> str | None:
        """The value at `key`, None if there is none."""
        rows = self._execute("SELECT key, value FROM entry WHERE collection = ? AND key = ?", (table, key))
        return rows[0][1] if rows else None

    def rows(
        self, table: str, *, key_from: str = "", key_until: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        """(key, value) pairs with key_from <= key < key_until, in key order; the first `limit` of them."""
        until, values = "", [table, key_from]
        if key_until is not None:
            until, values = " AND key < ?", [*values, key_until]
        query = f"SELECT key, value FROM entry WHERE collection = ? AND key >= ?{until} ORDER BY key LIMIT ?"
        return self._execute(query, (*values, -1 if limit is None else limit))

    def tables(self) -> list[str]:
        """The names of the tables that have rows."""
        rows = self._execute("SELECT DISTINCT collection, collection FROM entry", ())
        return [name for name, _ in rows]

    def write(self, changes: Sequence[Change]) -> None:
        """Refused: the file is a daemon's."""
        raise Bug(f"{self._name} is only read, and was to be written: {len(changes)} changes")

    def _execute(self, query: str, parameters: tuple[str | int, ...]) -> list[tuple[str, str]]:
        try:
            return self._connection.execute(query, parameters).fetchall()
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"store {self._name}: {error}; try again") from error

    def _pragma(self, name: str) -> int:
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]
