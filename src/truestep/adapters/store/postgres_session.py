"""One connection to a store in PostgreSQL that holds the store's lock, and the store's schema."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, Cursor, sql

from truestep.adapters.store.postgres_connection import BoundedConnection
from truestep.adapters.store.postgres_place import PostgresPlace
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.text import one_line

LOCK_SECONDS = 1.0
"""For the server to notice that a process was killed, whose session had the lock."""
LOCK_STEP_SECONDS = 0.05
END_MILLISECONDS = 5_000
"""For a former session of this process to end."""
SETTINGS = {
    "lock_timeout": "5s",  # only a person's statement can hold a row; it may do so for this long
    "tcp_keepalives_idle": "10",  # the lock of a computer that lost its power is free within half a minute
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
DURABLE = ("on", "remote_apply")

PostgresMigration = Callable[[Connection[Any], str], None]
"""Changes a schema of the version before, in a transaction that its caller commits or rolls back."""
MIGRATIONS: tuple[PostgresMigration, ...] = ()
"""Number n (from 0) migrates a schema of version n + 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A process of the server. Its number alone may be given to another one later."""

    pid: int
    started: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What identifies the newest state of a store."""

    store_id: str
    openings: int
    """How many processes have opened it. Whoever wrote with a lower number has lost the store."""
    writes: int


class Session:
    """A connection that holds the lock. It is not for several threads at once."""

    def __init__(self, connection: BoundedConnection, place: PostgresPlace, backend: Backend) -> None:
        self.connection = connection
        self.backend = backend
        self._place = place

    @property
    def is_open(self) -> bool:
        """Whether the connection lives, as far as this side knows."""
        return not self.connection.closed

    def execute(self, query: LiteralString, parameters: Sequence[Any] = ()) -> Cursor[Any]:
        """Execute a statement in which {store} and {entry} are the tables."""
        return execute(self.connection, self._place.schema, query, parameters)

    def mark(self) -> Mark | None:
        """The store's mark; None if the store is gone."""
        try:
            return found_mark(self.connection, self._place.schema)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return None

    def count_opening(self) -> Mark:
        """Note that a process opens the store."""
        query = "UPDATE {store} SET openings = openings + 1 RETURNING store_id, openings, writes"
        store_id, openings, writes = self.execute(query).fetchone() or ("", 0, 0)
        return Mark(store_id=store_id, openings=openings, writes=writes)

    def confirm(self) -> None:
        """Return once all that can be seen is as safe as a commit is that was answered.

        A session that is ended while it waits for a standby has committed here alone.
        """
        self.execute("UPDATE {store} SET writes = writes")

    def close(self) -> None:
        """End it; the server frees the lock."""
        self.connection.close()


def execute(
    connection: Connection[Any], schema: str, query: LiteralString, parameters: Sequence[Any] = ()
) -> Cursor[Any]:
    """Execute a statement in which {store} and {entry} are the tables of a schema."""
    names = {"store": sql.Identifier(schema, "store"), "entry": sql.Identifier(schema, "entry")}
    return connection.execute(sql.SQL(query).format(**names), parameters, binary=True)


def found_mark(connection: Connection[Any], schema: str) -> Mark | None:
    """The mark of the store in a schema; None if its row is gone."""
    row = execute(connection, schema, "SELECT store_id, openings, writes FROM {store}").fetchone()
    return Mark(store_id=row[0], openings=row[1], writes=row[2]) if row else None


def connect(place: PostgresPlace, **defaults: str) -> BoundedConnection:
    """Connect. Raises `Unavailable`."""
    name = f"truestep, process {os.getpid()} on {socket.gethostname()}"[:63]
    parameters: dict[str, Any] = {"application_name": name, **defaults, **place.parameters}
    # A database of SQL_ASCII would give texts as bytes.
    parameters["client_encoding"] = "UTF8"
    try:
        return BoundedConnection.connect(**parameters, autocommit=True)
    except psycopg.Error as error:
        raise Unavailable(
            f"store {place.name}: {one_line(str(error))}; check the server, the user's rights and password"
            " (PGPASSWORD, or the password file of libpq), then try again"
        ) from error


def open_session(place: PostgresPlace, ours: set[Backend]) -> Session:
    """Connect and take the lock. `ours`: the sessions of this process, to which the new one is added.

    One that was lost may still have the lock, because the server has not noticed; then it is ended.

    Raises `Rejected` if another process has the store, and for a server that cannot be relied upon;
    `Unavailable` if the server cannot be reached.
    """
    connection = connect(place, target_session_attrs="read-write")
    try:
        backend = _prepared(connection, place)
        ours.add(backend)
        _lock(connection, place, ours)
        return Session(connection, place, backend)
    except psycopg.Error as error:
        connection.close()
        raise failure(place, error) from error
    except BaseException:
        connection.close()
        raise


def look(place: PostgresPlace) -> Mark | None:
    """The mark of the store, without opening it; None if there is none yet, but may be created.

    Raises as `open_session` and `PostgresStore` do, as far as it can be known before.
    """
    connection = connect(place, target_session_attrs="read-write")
    try:
        with closing(connection):
            _prepared(connection, place)
            if found_version(connection, place) is not None:
                return found_mark(connection, place.schema)
            query = """
                SELECT has_database_privilege(current_database(), 'CREATE') OR to_regnamespace(%s) IS NOT NULL
            """
            row = connection.execute(query, (place.schema,)).fetchone()
    except psycopg.Error as error:
        raise failure(place, error) from error
    if not (row and row[0]):
        raise Rejected(
            Reject.STORE_FILE,
            f"expected a schema {place.schema}, or the right to create it, at {place.name}; have its owner"
            f" run CREATE SCHEMA {place.schema} AUTHORIZATION the user of the URI",
        )
    return None


def failure(place: PostgresPlace, error: psycopg.Error) -> Exception:
    """The failure to raise for an error of the server or the connection."""
    words = one_line(str(error))
    if isinstance(error, psycopg.ProgrammingError | psycopg.DataError | psycopg.IntegrityError):
        return Rejected(
            Reject.STORE_FILE,
            f"{place.name}: {words}; give the user its schema and tables, or choose another schema",
        )
    return Unavailable(f"store {place.name}: {words}; check the server and its disk space, then try again")


def _prepared(connection: Connection[Any], place: PostgresPlace) -> Backend:
    """Check that what is written stays, and that this connection is a session of its own."""
    query = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    pid, started = connection.execute(query).fetchone() or (0, datetime.min)
    if pid != connection.info.backend_pid:
        raise Rejected(
            Reject.STORE_FILE,
            f"expected the server itself at {place.name}, got a pooler, which may give the store's lock away;"
            " name the server's own port",
        )
    if _setting(connection, "fsync") != "on":
        raise Rejected(
            Reject.STORE_FILE,
            f"expected a server that waits for its disk, got fsync = off at {place.name}: bonds depend on"
            " what is written; turn it on",
        )
    if _setting(connection, "synchronous_commit") not in DURABLE:
        connection.execute("SET synchronous_commit = on")
    for name, value in SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    return Backend(pid=pid, started=started)


def _setting(connection: Connection[Any], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return str(row[0]) if row else ""


# --- the lock -----------------------------------------------------------------------------------------------


def lock_key(schema: str) -> int:
    """The number of the advisory lock, which is of one database: 64 bits, signed."""
    return int.from_bytes(sha256(f"truestep store {schema}".encode()).digest()[:8], "big", signed=True)


def _lock(connection: Connection[Any], place: PostgresPlace, ours: set[Backend]) -> None:
    key, until = lock_key(place.schema), time.monotonic() + LOCK_SECONDS
    while not _is_locked(connection, key):
        holder = _holder(connection, key)
        if holder is None:  # whoever had it has ended since: that is no reason to give the store up
            if time.monotonic() >= until + END_MILLISECONDS / 1_000:
                raise Unavailable(f"store {place.name}: its lock goes from hand to hand; try again")
            time.sleep(LOCK_STEP_SECONDS)
        elif holder[0] in ours:
            if not _ended(connection, holder[0]) and time.monotonic() >= until:
                raise _unending(place, holder[1])
        elif time.monotonic() >= until:
            raise _in_use(place, holder[1])
        else:
            time.sleep(LOCK_STEP_SECONDS)


def _ended(connection: Connection[Any], session: Backend) -> bool:
    """End a former session of this process. Whether it has ended in time."""
    query = "SELECT pg_terminate_backend(%s, %s)"
    row = connection.execute(query, (session.pid, END_MILLISECONDS)).fetchone()
    return bool(row and row[0])


def _is_locked(connection: Connection[Any], key: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    return bool(row and row[0])


def _holder(connection: Connection[Any], key: int) -> tuple[Backend, str] | None:
    """Who has the lock, and in words; None if nobody has it any more."""
    query = """
        SELECT activity.pid, backend_start, application_name, coalesce(host(client_addr), 'this computer')
        FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
        WHERE locktype = 'advisory' AND granted AND objsubid = 1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (classid::bigint << 32) | objid::bigint = %s
    """
    row = connection.execute(query, (key,)).fetchone()
    if row is None:
        return None
    started = row[1] or datetime.min  # a session of another user does not say when it began
    return Backend(pid=row[0], started=started), f"{row[2]}, at {row[3]}, session {row[0]}"


def _unending(place: PostgresPlace, holder: str) -> Unavailable:
    return Unavailable(
        f"store {place.name}: the former session of this process, {holder}, does not end; check the server"
        " and its disk, then try again"
    )


def _in_use(place: PostgresPlace, holder: str) -> Rejected:
    return Rejected(
        Reject.STORE_IN_USE,
        f"{place.name} belongs to {holder}: two daemons on one store would act twice. Stop that process, or"
        " give this one a schema of its own. The server ends the session of a computer that is gone within"
        " half a minute",
    )


# --- the schema ---------------------------------------------------------------------------------------------


def schema_version() -> int:
    """The version of this release."""
    return 1 + len(MIGRATIONS)


def prepare_schema(session: Session, place: PostgresPlace) -> None:
    """Create the schema, or migrate it, or refuse it unchanged. The session has the lock."""
    connection = session.connection
    try:
        with connection.transaction():
            version = found_version(connection, place)
            if version is None:
                _create(connection, place.schema)
            elif version > schema_version():
                raise Rejected(
                    Reject.STORE_FILE,
                    f"{place.name} was written by a newer release: its version is {version}, this release"
                    f" knows {schema_version()}. Install that release again: the store may hold transactions"
                    " that bonds depend on. Nothing was changed",
                )
            elif version < schema_version():
                connection.is_patient = True
                _migrate(connection, place.schema, version)
    except psycopg.Error as error:
        raise failure(place, error) from error
    finally:
        connection.is_patient = False


def found_version(connection: Connection[Any], place: PostgresPlace) -> int | None:
    """The version of the store; None if there is nothing in its schema, or no schema."""
    query = (
        "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(%s)) AND relkind = 'r'"
    )
    tables = {name for (name,) in connection.execute(query, (place.schema,)).fetchall()}
    if not tables:
        return None
    if not {"store", "entry"} <= tables:
        raise Rejected(
            Reject.STORE_FILE,
            f"expected a truestep store at {place.name}, got other tables; choose another schema",
        )
    row = execute(connection, place.schema, "SELECT version FROM {store}").fetchone()
    return int(row[0]) if row else None


def _create(connection: Connection[Any], schema: str) -> None:
    row = connection.execute("SELECT to_regnamespace(quote_ident(%s)) IS NULL", (schema,)).fetchone()
    if row and row[0]:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    execute(
        connection,
        schema,
        """
        CREATE TABLE {store} (
            version int NOT NULL, store_id text NOT NULL, openings bigint NOT NULL, writes bigint NOT NULL
        )
        """,
    )
    # UTF-8 as bytes: in the order of code points whatever the database's collation, and with U+0000.
    execute(
        connection,
        schema,
        """
        CREATE TABLE {entry} (
            collection bytea NOT NULL, key bytea NOT NULL, value bytea NOT NULL, PRIMARY KEY (collection, key)
        )
        """,
    )
    execute(
        connection, schema, "INSERT INTO {store} VALUES (%s, %s, 0, 0)", (schema_version(), token_hex(16))
    )


def backup_schema(schema: str, version: int) -> str:
    """Where the tables of an older version are copied to."""
    return f"{schema}_version_{version}"


def _migrate(connection: Connection[Any], schema: str, version: int) -> None:
    copy = backup_schema(schema, version)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(copy)))
    for table in ("store", "entry"):
        names = sql.Identifier(copy, table), sql.Identifier(schema, table)
        connection.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(*names))
    for migration in MIGRATIONS[version - 1 :]:
        migration(connection, schema)
    execute(connection, schema, "UPDATE {store} SET version = %s", (schema_version(),))
