"""The store in one SQLite file: write-ahead log, atomic batches, one process at a time."""

import os
import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

from truestep.adapters.lock import Held, hold
from truestep.adapters.store.migrations import SCHEMA_VERSION, migrate
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.store import Change

APPLICATION_ID = 0x54525545
"""Marks the file as ours: the letters TRUE."""
BUSY_TIMEOUT_SECONDS = 5.0
"""Only a person's inspection with another program can hold the file's lock. It may do so for this long."""

_SCHEMA = f"""
BEGIN;
CREATE TABLE entry (
    collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""


class SqliteStore:
    """Satisfies `truestep.ports.store.Store`. Close it, or use it as a context manager."""

    def __init__(self, path: Path | None = None, *, is_held: bool = False) -> None:
        """Open or create the store at `path`; None keeps it in memory only.

        `is_held`: the caller has it from `hold_store`.

        Raises `Rejected` if another process has it, or the file is something else; `Unavailable` if the disk
        fails.
        """
        self._path = path
        self._name = str(path) if path else "memory"
        self._mutex = threading.Lock()
        self._lock_file = hold_store(path) if path and not is_held else None
        try:
            self._connection = sqlite3.connect(
                path or ":memory:",
                isolation_level=None,
                timeout=BUSY_TIMEOUT_SECONDS,
                check_same_thread=False,
            )
            self._prepare()
        except sqlite3.DatabaseError as error:
            self._release()
            raise _failure(self._name, error) from error
        except (Rejected, Unavailable):
            self.close()
            raise

    def __enter__(self) -> "SqliteStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        self._release()

    def read(self, table: str, key: str) -> str | None:
        """The value at `key`, None if there is none."""
        query = "SELECT value FROM entry WHERE collection = ? AND key = ?"
        rows = self._execute(query, (table, key))
        return rows[0][0] if rows else None

    def rows(
        self, table: str, *, key_from: str = "", key_until: str | None = None, limit: int | None = None
    ) -> list[tuple[str, str]]:
        """(key, value) pairs with key_from <= key < key_until, in key order; the first `limit` of them."""
        query, parameters = (
            "SELECT key, value FROM entry WHERE collection = ? AND key >= ?",
            [table, key_from],
        )
        if key_until is not None:
            query, parameters = f"{query} AND key < ?", [*parameters, key_until]
        return self._execute(f"{query} ORDER BY key LIMIT ?", (*parameters, -1 if limit is None else limit))

    def tables(self) -> list[str]:
        """The names of the tables that have rows, each found by one look-up in the index."""
        query = """
            WITH RECURSIVE found (name) AS (
                SELECT min(collection) FROM entry
                UNION ALL
                SELECT (SELECT min(collection) FROM entry WHERE collection > name)
                FROM found WHERE name IS NOT NULL
            )
            SELECT name, name FROM found WHERE name IS NOT NULL
        """
        return [name for name, _ in self._execute(query, ())]

    def write(self, changes: Sequence[Change]) -> None:
        """Make all changes, in order, or none."""
        with self._mutex:
            try:
                self._write(changes)
            except sqlite3.DatabaseError as error:
                raise _failure(self._name, error) from error
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _write(self, changes: Sequence[Change]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for change in changes:
            if change.value is None:
                query = "DELETE FROM entry WHERE collection = ? AND key = ?"
                self._connection.execute(query, (change.table, change.key))
            else:
                query = "INSERT OR REPLACE INTO entry VALUES (?, ?, ?)"
                self._connection.execute(query, (change.table, change.key, change.value))
        self._connection.execute("COMMIT")

    def _execute(self, query: str, parameters: tuple[str | int, ...]) -> list[tuple[str, str]]:
        with self._mutex:
            try:
                return self._connection.execute(query, parameters).fetchall()
            except sqlite3.DatabaseError as error:
                raise _failure(self._name, error) from error

    def _prepare(self) -> None:
        application, version = self._pragma("application_id"), self._pragma("user_version")
        if (application, version) == (0, 0) and not self._execute("SELECT name FROM sqlite_master", ()):
            self._connection.executescript(_SCHEMA)
        elif application != APPLICATION_ID or not version:
            raise Rejected(
                Reject.STORE_FILE,
                f"expected a truestep store at {self._name}, got a file of application {application:#x};"
                " choose another path",
            )
        elif version > SCHEMA_VERSION:
            raise Rejected(
                Reject.STORE_FILE,
                f"{self._name} was written by a newer release: its schema is {version}, this release knows"
                f" {SCHEMA_VERSION}. Install that release again: the file may hold transactions that bonds"
                " depend on. Nothing was changed",
            )
        elif version < SCHEMA_VERSION:
            self._migrate(version)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")

    def _migrate(self, version: int) -> None:
        """Migrate a file of an older release, after copying it."""
        try:
            if self._path is not None:
                _copy(self._connection, backup_path(self._path, version))
            migrate(self._connection, version)
        except OSError as error:
            raise Unavailable(f"cannot copy {self._name} before its schema changes: {error}") from error
        except (LookupError, TypeError, ValueError) as error:
            raise Rejected(
                Reject.STORE_FILE,
                f"{self._name} of schema {version} cannot be read: {error!r}. Nothing was changed: start the"
                " release that wrote it, and report this",
            ) from error

    def _pragma(self, name: str) -> int:
        return self._connection.execute(f"PRAGMA {name}").fetchone()[0]

    def _release(self) -> None:
        if self._lock_file is not None:
            self._lock_file.close()


def backup_path(path: Path, version: int) -> Path:
    """A free name for the copy of a file that is going to be migrated."""
    names = (f"{path.name}.schema-{version}{suffix}" for suffix in ("", *(f".{n}" for n in range(2, 100))))
    return next(place for name in names if not (place := path.with_name(name)).exists())


def _copy(connection: sqlite3.Connection, place: Path) -> None:
    """Write a complete copy, including the log. An incomplete one never gets this name."""
    partial = place.with_name(f"{place.name}.partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as target:
        connection.backup(target)
    with partial.open("rb") as content:
        os.fsync(content.fileno())
    partial.replace(place)


def require_free(path: Path) -> None:
    """Raise `Rejected` if another process has the store at `path`, `Unavailable` if the disk fails."""
    hold_store(path).close()


def hold_store(path: Path) -> IO[str]:
    """Hold the lock of the store at `path` until it is closed. Raises as `require_free` does."""
    try:
        return hold(path.with_name(path.name + ".lock"))
    except OSError as error:
        raise Unavailable(
            f"cannot open the store {path}: {error}; check the path and its permissions"
        ) from error
    except Held as error:
        raise Rejected(
            Reject.STORE_IN_USE,
            f"{path} belongs to the running process {error.holder}: two daemons on one store would act twice."
            " Stop that process, or give this one its own store",
        ) from error


def _failure(name: str, error: sqlite3.DatabaseError) -> Exception:
    if isinstance(error, sqlite3.OperationalError):
        return Unavailable(f"store {name}: {error}; check disk space and permissions, then try again")
    return Rejected(Reject.STORE_FILE, f"{name}: {error}; choose another file, or restore a copy")
