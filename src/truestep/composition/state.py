"""Opens the store of a daemon: a file of its state directory, or a schema of a PostgreSQL database."""

import json
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from truestep.adapters.files import sync_folder, write_file
from truestep.adapters.store.postgres_place import parse_place
from truestep.adapters.store.reading import SqliteReader
from truestep.adapters.store.sqlite import SqliteStore, hold_store
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.store import PAGE_ROWS, Change, Store, each_row

if TYPE_CHECKING:
    from truestep.adapters.store.postgres import PostgresStore

FILE = "state.sqlite"
MOVED_FILE = "state.sqlite.moved"
ELSEWHERE = "state.postgres.json"
"""Says in a state directory which store elsewhere belongs to it."""
MOVES, FROM_FILE = "moves", "sqlite"
"""The row that says how far a file's rows have come here."""
BEGUN, DONE = "begun", "done"


@contextmanager
def opened_state(state_dir: Path, uri: str | None = None) -> Generator[Store]:
    """The store of a state directory: its file, or if there is a URI, that place in PostgreSQL.

    A directory keeps to one store, since a daemon with an empty one would act as if it had never acted. At
    the first start with a URI, the rows of the file are copied, and the file gets another name. Raises
    `Rejected` for any other store than the directory's, and if another process has it.
    """
    if uri is None:
        _require_here(state_dir)
        with SqliteStore(state_dir / FILE) as store:
            yield store
        return
    place = parse_place(uri)
    from truestep.adapters.store.postgres import PostgresStore

    state_dir.mkdir(parents=True, exist_ok=True)
    with closing(hold_store(state_dir / FILE)), PostgresStore(place) as there:
        _require_same(state_dir, there.store_id, there.writes, place.name)
        has_file = (state_dir / FILE).exists()
        if has_file:
            _copy_file(state_dir, there, place.name)
        _note(state_dir, there, place.name)
        if has_file:
            (state_dir / FILE).replace(state_dir / MOVED_FILE)
            sync_folder(state_dir)
        try:
            yield there
        finally:
            with suppress(Unavailable):  # what ends the daemon is said
                _note(state_dir, there, place.name)


def read_state(state_dir: Path, uri: str | None = None) -> AbstractContextManager[Store]:
    """The same store, to be read while a daemon has it. Raises `Unavailable` or `Rejected`."""
    if uri is None:
        _require_here(state_dir)
        return SqliteReader(state_dir / FILE)
    place = parse_place(uri)
    from truestep.adapters.store.postgres_reading import PostgresReader

    return PostgresReader(place)


def found_state(state_dir: Path, uri: str | None) -> str:
    """Where the state is, or will be. Nothing is opened. Raises `Unavailable` or `Rejected`."""
    if uri is None:
        _require_here(state_dir)
        return f"in {state_dir / FILE}" if (state_dir / FILE).exists() else f"none yet in {state_dir}"
    place = parse_place(uri)
    from truestep.adapters.store.postgres_session import look

    found = look(place)
    if found is None:
        _require_same(state_dir, None, 0, place.name)
        return f"none yet at {place.name}"
    _require_same(state_dir, found.store_id, found.writes, place.name)
    return f"at {place.name}"


def _require_same(state_dir: Path, store_id: str | None, writes: int, name: str) -> None:
    known = _known(state_dir)
    if known is None:
        return
    if known.store != store_id:
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected store {known.store}, which {state_dir} was used with at {known.place}, got"
            f" {store_id or 'none'} at {name}; name the right place, or give this daemon a new --state-dir",
        )
    if writes < known.writes:
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected at least {known.writes} writes in {name}, got {writes}: the database is an older copy,"
            " and what is missing may be transactions that bonds depend on. Find the newer one. If there is"
            f" none, wait until no claim is open, and delete {state_dir / ELSEWHERE}",
        )


def _require_here(state_dir: Path) -> None:
    known = _known(state_dir)
    if known is not None:
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected --store {known.place}, where the state of {state_dir} is, got no --store",
        )
    if (state_dir / MOVED_FILE).exists() and not (state_dir / FILE).exists():
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected the --store that the state of {state_dir} has moved to, got none. {MOVED_FILE} is how"
            f" it was before that: rename it to {FILE} only if nothing was sent since",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The store elsewhere that a directory was used with."""

    store: str
    place: str
    writes: int
    """At least so many."""


def _known(state_dir: Path) -> _Known | None:
    file = state_dir / ELSEWHERE
    if not file.exists():
        return None
    try:
        known = json.loads(file.read_text("utf-8"))
        return _Known(store=str(known["store"]), place=str(known["place"]), writes=int(known["writes"]))
    except (ValueError, TypeError, KeyError) as error:
        raise Rejected(
            Reject.STORE_FILE, f"expected a store and its place in {file}, got {error!r}"
        ) from error


def _note(state_dir: Path, there: "PostgresStore", name: str) -> None:
    """Raises `Unavailable` if the disk fails."""
    known = {"store": there.store_id, "place": name, "writes": there.writes}
    try:
        write_file(state_dir / ELSEWHERE, json.dumps(known) + "\n")
    except OSError as error:
        raise Unavailable(f"cannot write {state_dir / ELSEWHERE}: {error}; check the disk") from error


def _copy_file(state_dir: Path, there: "PostgresStore", name: str) -> None:
    """Copy the file's rows. An interrupted copy begins again, without the rows that it left."""
    stage = there.read(MOVES, FROM_FILE)
    with SqliteStore(state_dir / FILE, is_held=True) as here:
        if stage != BEGUN and there.tables() and not (stage == DONE and _is_copied(here, there)):
            raise Rejected(
                Reject.STATE_OF_OTHER,
                f"expected the state of {state_dir} in one store, got rows in its {FILE} and at {name};"
                " choose an empty schema for it, or give this daemon a new --state-dir",
            )
        if stage != DONE:
            there.write([Change(table=MOVES, key=FROM_FILE, value=BEGUN)])
            _clear(there)
            _copy(here, there)
            there.write([Change(table=MOVES, key=FROM_FILE, value=DONE)])


def _is_copied(here: Store, there: Store) -> bool:
    """Whether nothing was written since the copy, in either."""
    return all(one == other for one, other in zip_longest(_rows(here), _rows(there)))


def _rows(store: Store) -> Iterator[tuple[str, str, str]]:
    for table in store.tables():
        if table != MOVES:
            yield from ((table, key, value) for key, value in each_row(store, table))


def _clear(there: Store) -> None:
    for table in there.tables():
        while table != MOVES and (lot := there.rows(table, limit=PAGE_ROWS)):
            there.write([Change(table=table, key=key, value=None) for key, _ in lot])


def _copy(here: Store, there: Store) -> None:
    for table in here.tables():
        rows = each_row(here, table)
        while lot := [Change(table=table, key=key, value=value) for key, value in islice(rows, PAGE_ROWS)]:
            there.write(lot)
