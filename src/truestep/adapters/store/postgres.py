"""The store in a schema of a PostgreSQL database: atomic batches, one process at a time."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, LiteralString

import psycopg

from truestep.adapters.store.postgres_place import PostgresPlace
from truestep.adapters.store.postgres_rows import Rows
from truestep.adapters.store.postgres_session import (
    Backend,
    Mark,
    Session,
    failure,
    open_session,
    prepare_schema,
)
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.store import Change

SETTLE_SECONDS = 5.0
"""For a server to come back and say what became of a write: a restart takes one or two."""
SETTLE_STEP_SECONDS = 0.2


class PostgresStore(Rows):
    """Satisfies `truestep.ports.store.Store`. Close it, or use it as a context manager.

    A lost connection is replaced. Before anything is read or written through the new one, it has the store's
    lock, and the store has the mark that this process left. If not, this process has lost the store for good:
    what it remembers may be wrong, so every call raises `Rejected`, and only a new start can go on.
    """

    def __init__(self, place: PostgresPlace) -> None:
        """Open or create the store.

        Raises `Rejected` if another process has it, or the schema is something else; `Unavailable` if the
        server cannot be reached.
        """
        self._place = place
        self._mutex = threading.Lock()
        self._lost: Rejected | None = None
        self._is_in_doubt = False
        self._backends: set[Backend] = set()
        self._session = open_session(place, self._backends)
        try:
            prepare_schema(self._session, place)
            self._mark = self._session.count_opening()
        except psycopg.Error as error:
            self._session.close()
            raise failure(place, error) from error
        except BaseException:
            self._session.close()
            raise

    def __enter__(self) -> "PostgresStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def store_id(self) -> str:
        """What distinguishes this store from every other, whatever its place is called."""
        return self._mark.store_id

    @property
    def writes(self) -> int:
        """How many writes it has had, as far as this process knows."""
        return self._mark.writes

    def close(self) -> None:
        """Close the connection."""
        with self._mutex:
            self._session.close()

    def write(self, changes: Sequence[Change]) -> None:
        """Make all changes, in order, or none. They are on the medium when this returns.

        Raises `Unavailable` if they were not made. If the connection is lost as they are committed and the
        server does not come back in time, nobody can know; then the store is used again only if they were
        not.
        """
        wanted = {
            (change.table.encode(), change.key.encode()): None
            if change.value is None
            else change.value.encode()
            for change in changes
        }
        with self._mutex:
            session = self._begun()
            try:
                self._change(session, wanted)
            except psycopg.Error as error:
                _roll_back(session)
                raise failure(self._place, error) from error
            except BaseException:
                _roll_back(session)
                raise
            self._commit(session)

    # --- writing ------------------------------------------------------------------------------------------

    def _begun(self) -> Session:
        """The session, in a transaction."""
        self._asked("BEGIN")
        return self._session

    def _change(self, session: Session, wanted: dict[tuple[bytes, bytes], Any]) -> None:
        """All between the beginning and the commit."""
        mark = self._mark
        query = "UPDATE {store} SET writes = writes + 1 WHERE (store_id, openings, writes) = (%s, %s, %s)"
        if session.execute(query, (mark.store_id, mark.openings, mark.writes)).rowcount != 1:
            raise self._lose(session, session.mark())
        kept = [(*place, value) for place, value in wanted.items() if value is not None]
        gone = [place for place, value in wanted.items() if value is None]
        if gone:
            query = """
                DELETE FROM {entry} USING unnest(%s::bytea[], %s::bytea[]) AS gone (collection, key)
                WHERE entry.collection = gone.collection AND entry.key = gone.key
            """
            session.execute(query, [list(column) for column in zip(*gone, strict=True)])
        if kept:
            query = """
                INSERT INTO {entry} SELECT * FROM unnest(%s::bytea[], %s::bytea[], %s::bytea[])
                ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value
            """
            session.execute(query, [list(column) for column in zip(*kept, strict=True)])

    def _commit(self, session: Session) -> None:
        try:
            session.execute("COMMIT")
        except psycopg.Error as error:
            if session.is_open:  # the server has said no
                _roll_back(session)
                raise failure(self._place, error) from error
            self._settle(error)
        except BaseException:
            session.close()
            self._is_in_doubt = True
            raise
        else:
            self._mark = replace(self._mark, writes=self._mark.writes + 1)

    def _settle(self, error: psycopg.Error) -> None:
        """Find out whether a commit was made whose answer was lost. Raises `Unavailable` if it was not.

        Once this process has the lock again, the former session has ended, and with it the commit.
        """
        self._is_in_doubt, until = True, time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                session = open_session(self._place, self._backends)
                break
            except Unavailable as failed:
                if time.monotonic() >= until:
                    raise failed from error
            except Rejected as refused:
                self._lost = refused
                raise
            time.sleep(SETTLE_STEP_SECONDS)
        made = replace(self._mark, writes=self._mark.writes + 1)
        if self._mark_of(session) == made:
            self._confirm(session)
            self._mark = made
            self._take(session)
            return
        self._adopt(session)
        raise failure(self._place, error) from error

    # --- the session --------------------------------------------------------------------------------------

    def _fetch(self, query: LiteralString, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._mutex:
            return self._asked(query, parameters).fetchall()

    def _asked(self, query: LiteralString, parameters: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        """Execute what begins something, and once more if the connection was lost since its last use."""
        session = self._ready()
        try:
            return session.execute(query, parameters)
        except psycopg.Error as error:
            if session.is_open:
                raise failure(self._place, error) from error
        try:
            return self._ready().execute(query, parameters)
        except psycopg.Error as error:
            raise failure(self._place, error) from error

    def _ready(self) -> Session:
        """The session, or a new one instead of one that is lost."""
        if self._lost is not None:
            raise self._lost
        if not self._session.is_open:
            try:
                session = open_session(self._place, self._backends)
            except Rejected as refused:
                self._lost = refused
                raise
            self._adopt(session)
        return self._session

    def _adopt(self, session: Session) -> None:
        """Go on with a new session, unless the store is not as this process left it."""
        found = self._mark_of(session)
        if found != self._mark:
            raise self._lose(session, found)
        self._take(session)

    def _take(self, session: Session) -> None:
        self._session, self._is_in_doubt = session, False
        self._backends.intersection_update({session.backend})

    def _mark_of(self, session: Session) -> Mark | None:
        try:
            return session.mark()
        except psycopg.Error as error:
            session.close()
            raise failure(self._place, error) from error

    def _confirm(self, session: Session) -> None:
        try:
            session.confirm()
        except psycopg.Error as error:
            session.close()
            raise failure(self._place, error) from error

    def _lose(self, session: Session, found: Mark | None) -> Rejected:
        """Use the store no more."""
        session.close()
        name, mark = self._place.name, self._mark
        if found is None or found.store_id != mark.store_id:
            self._lost = Rejected(
                Reject.STATE_OF_OTHER,
                f"expected store {mark.store_id} at {name}, got {found.store_id if found else 'none'}: it was"
                " dropped or replaced while this process ran. Find out why before you start again",
            )
        elif found.openings != mark.openings:
            self._lost = Rejected(
                Reject.STORE_IN_USE,
                f"another process has opened {name} while this one had lost its connection: two daemons on"
                " one store would act twice. Run only one of them",
            )
        elif self._is_in_doubt and found.writes == mark.writes + 1:
            self._lost = Rejected(
                Reject.STATE_OF_OTHER,
                f"the connection to {name} was lost during a commit that was made after all, and this process"
                " has gone on without it; start it again, it goes on from what is stored",
            )
        else:
            self._lost = Rejected(
                Reject.STATE_OF_OTHER,
                f"expected {mark.writes} writes in {name}, got {found.writes}: the database is an older copy,"
                " or another program has changed it. Find out before you start again: what is missing may be"
                " transactions that bonds depend on",
            )
        return self._lost


def _roll_back(session: Session) -> None:
    """End a transaction without its changes; where that fails, the session ends with it."""
    try:
        if session.is_open:
            session.execute("ROLLBACK")
    except psycopg.Error:
        session.close()
