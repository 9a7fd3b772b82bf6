"""The store port, on each of its implementations."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.composition.state import opened_state, read_state
from truestep.ports.store import PAGE_ROWS, Change, Store, each_row


class Place:
    """Where a store is, that is opened and closed by a test."""

    def __init__(self, folder: Path, uri: str | None) -> None:
        self.folder, self.uri = folder, uri

    def opened(self) -> AbstractContextManager[Store]:
        return opened_state(self.folder, self.uri)

    def read(self) -> AbstractContextManager[Store]:
        return read_state(self.folder, self.uri)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(tmp_path, None)
    server: PostgresServer = request.getfixturevalue("postgres")
    return Place(tmp_path, server.new_uri())


def put(table: str, key: str, value: str | None) -> Change:
    return Change(table=table, key=key, value=value)


def test_rows_come_back_in_key_order_and_survive_a_restart(place: Place) -> None:
    with place.opened() as store:
        store.write([put("a", key, key.upper()) for key in ("c", "a", "b")])
        store.write([put("a", "b", None), put("b", "a", "other")])
    with place.opened() as store:
        assert store.rows("a") == [("a", "A"), ("c", "C")]
        assert store.rows("a", key_from="b") == [("c", "C")]
        assert store.rows("a", key_from="a", key_until="c") == [("a", "A")]
        assert store.rows("a", limit=1) == [("a", "A")]
        assert (store.read("b", "a"), store.read("b", "z")) == ("other", None)
        assert store.tables() == ["a", "b"]


def test_keys_are_ordered_by_code_point_and_may_hold_any(place: Place) -> None:
    keys = sorted(["", "\0", "a", "a\0", "a\0b", "a b", "A", "ä", "z", "\uffff", "\U0001f600", "_", "%", "'"])
    with place.opened() as store:
        store.write([put("t", key, f"{key}\0'\\") for key in reversed(keys)])
        assert store.rows("t") == [(key, f"{key}\0'\\") for key in keys]
        assert store.rows("t", key_from="a\0") == [(key, f"{key}\0'\\") for key in keys if key >= "a\0"]
        assert store.read("t", "a\0") == "a\0\0'\\"


def test_the_last_change_of_a_row_counts(place: Place) -> None:
    with place.opened() as store:
        store.write(
            [
                put("a", "x", "1"),
                put("a", "x", None),
                put("a", "y", None),
                put("a", "y", ""),
                put("a", "z", "1"),
            ]
        )
        store.write([put("a", "z", "2"), put("a", "z", "3")])
        store.write([])
        assert store.rows("a") == [("y", ""), ("z", "3")]


def test_long_tables_are_read_by_page(place: Place) -> None:
    rows = [(f"{number:05}", str(number)) for number in range(PAGE_ROWS * 2 + 1)]
    with place.opened() as store:
        store.write([put("long", key, value) for key, value in rows])
        assert list(each_row(store, "long")) == rows
        assert store.tables() == ["long"]


def test_a_batch_is_all_or_nothing(place: Place) -> None:
    with place.opened() as store:
        broken = put("a", "y", b"\xff".decode("utf-8", "surrogateescape"))
        with pytest.raises((Rejected, Unavailable, UnicodeEncodeError)):
            store.write([put("a", "x", "1"), broken])
        store.write([put("a", "z", "2")])
        assert store.rows("a") == [("z", "2")]


def test_a_second_process_is_refused_by_name(place: Place, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from truestep.composition.state import opened_state\n"
        "try: opened_state(pathlib.Path(sys.argv[1]), sys.argv[2] or None).__enter__()\n"
        "except Exception as error: print(error)"
    )

    folder = tmp_path / "other" if place.uri else place.folder
    words = [sys.executable, "-c", program, str(folder), place.uri or ""]
    with place.opened():
        other = subprocess.run(words, capture_output=True, text=True, check=True)
    assert Reject.STORE_IN_USE.value in other.stdout
    assert str(os.getpid()) in other.stdout


def test_it_is_read_while_it_is_open_and_only_read(place: Place) -> None:
    with pytest.raises(Unavailable, match="has it been started"), place.read():
        pass
    with place.opened() as store:
        store.write([put("a", "1", "one"), put("a", "2", "two"), put("b", "3", "three")])
        with place.read() as reader:
            assert reader.tables() == store.tables()
            calls: list[Callable[[Store], object]] = [
                lambda each: each.rows("a"),
                lambda each: each.rows("a", key_from="2"),
                lambda each: each.rows("a", key_until="2"),
                lambda each: each.rows("a", limit=1),
                lambda each: (each.read("a", "1"), each.read("a", "9")),
            ]
            assert [call(reader) for call in calls] == [call(store) for call in calls]
            store.write([put("a", "1", None)])
            assert reader.read("a", "1") is None
            with pytest.raises(Bug, match="only read"):
                reader.write([put("a", "1", "x")])
