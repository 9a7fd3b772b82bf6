"""Opens the store of a daemon: a file of its state directory, or a schema of a PostgreSQL database."""

import json
from collections.abc import Generator
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from truestep.adapters.store.postgres_place import parse_place
from truestep.adapters.store.reading import SqliteReader
from truestep.adapters.store.sqlite import SqliteStore, hold_store
from truestep.base.errors import Reject, Rejected
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
        _require_same(state_dir, there.store_id, place.name)
        if (state_dir / FILE).exists():
            _move(state_dir, there, place.name)
        _note(state_dir, {"store": there.store_id, "place": place.name})
        yield there


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
    _require_same(state_dir, found, place.name)
    return f"at {place.name}" if found is not None else f"none yet at {place.name}"


def _require_same(state_dir: Path, store_id: str | None, name: str) -> None:
    known = _known(state_dir)
    if known is not None and known["store"] != store_id:
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected store {known['store']}, which {state_dir} was used with at {known['place']}, got"
            f" {store_id or 'none'} at {name}; name the right place, or give this daemon a new --state-dir",
        )


def _require_here(state_dir: Path) -> None:
    known = _known(state_dir)
    if known is not None:
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected --store {known['place']}, where the state of {state_dir} is, got no --store",
        )


def _known(state_dir: Path) -> dict[str, str] | None:
    """The store elsewhere that a directory was used with."""
    file = state_dir / ELSEWHERE
    if not file.exists():
        return None
    try:
        known = json.loads(file.read_text("utf-8"))
        return {name: str(known[name]) for name in ("store", "place")}
    except (ValueError, TypeError, KeyError) as error:
        raise Rejected(
            Reject.STORE_FILE, f"expected a store and its place in {file}, got {error!r}"
        ) from error


def _note(state_dir: Path, known: dict[str, str]) -> None:
    if _known(state_dir) == known:
        return
    partial = state_dir / f"{ELSEWHERE}.partial"
    partial.write_text(json.dumps(known) + "\n", "utf-8")
    partial.replace(state_dir / ELSEWHERE)


def _move(state_dir: Path, there: "PostgresStore", name: str) -> None:
    """Copy the file's rows, and give it another name. An interrupted copy begins again."""
    stage = there.read(MOVES, FROM_FILE)
    if stage is None and there.tables():
        raise Rejected(
            Reject.STATE_OF_OTHER,
            f"expected the state of {state_dir} in one store, got rows in its {FILE} and at {name}; choose an"
            " empty schema for it, or give this daemon a new --state-dir",
        )
    if stage != DONE:
        there.write([Change(table=MOVES, key=FROM_FILE, value=BEGUN)])
        with SqliteStore(state_dir / FILE, is_held=True) as here:
            _copy(here, there)
        there.write([Change(table=MOVES, key=FROM_FILE, value=DONE)])
    (state_dir / FILE).replace(state_dir / MOVED_FILE)


def _copy(here: Store, there: Store) -> None:
    for table in here.tables():
        rows = each_row(here, table)
        while lot := [Change(table=table, key=key, value=value) for key, value in islice(rows, PAGE_ROWS)]:
            there.write(lot)
