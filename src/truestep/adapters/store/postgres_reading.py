"""A daemon's store in PostgreSQL, read while the daemon has it: no lock is taken, nothing is written."""

import threading
from collections.abc import Sequence
from typing import Any, LiteralString

import psycopg

from truestep.adapters.store.postgres_place import PostgresPlace
from truestep.adapters.store.postgres_rows import Rows
from truestep.adapters.store.postgres_session import connect, execute, failure, found_version, schema_version
from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.ports.store import Change


class PostgresReader(Rows):
    """Satisfies `truestep.ports.store.Store`, but for writing. Use it as a context manager."""

    def __init__(self, place: PostgresPlace) -> None:
        """Raises `Rejected` for a schema of another kind or release, `Unavailable` if it cannot be read."""
        self._place = place
        self._mutex = threading.Lock()
        self._connection = connect(place)
        try:
            self._connection.execute("SET default_transaction_read_only = on")
            self._check(found_version(self._connection, place))
        except psycopg.Error as error:
            self._connection.close()
            raise failure(place, error) from error
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> "PostgresReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _check(self, version: int | None) -> None:
        if version is None:
            raise Unavailable(
                f"expected the store of a daemon at {self._place.name}, got none; has it been started?"
            )
        if version != schema_version():
            raise Rejected(
                Reject.STORE_FILE,
                f"expected a store of version {schema_version()} at {self._place.name}, got {version}; a"
                " daemon of this release migrates its store when it starts",
            )

    def write(self, changes: Sequence[Change]) -> None:
        """Refused: the store is a daemon's."""
        raise Bug(f"{self._place.name} is only read, and was to be written: {len(changes)} changes")

    def _fetch(self, query: LiteralString, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._mutex:
            try:
                return execute(self._connection, self._place.schema, query, parameters).fetchall()
            except psycopg.Error as error:
                raise failure(self._place, error) from error
