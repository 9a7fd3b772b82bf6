"""A store is read while its daemon has it, and only read."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from truestep.adapters.store.reading import SqliteReader
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Bug, Reject, Rejected, Unavailable
from truestep.ports.store import Change


def put(table: str, key: str, value: str | None) -> Change:
    return Change(table=table, key=key, value=value)


def test_what_is_written_is_seen_while_the_store_is_open(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "state.sqlite"
    with SqliteStore(path) as store:
        store.write([put("a", "1", "one"), put("a", "2", "two"), put("b", "3", "three")])
        with SqliteReader(path) as reader:
            for method in ("tables", "rows"):
                arguments = ("a",) if method == "rows" else ()
                assert getattr(reader, method)(*arguments) == getattr(store, method)(*arguments)
            for bounds in ({"key_from": "2"}, {"key_until": "2"}, {"limit": 1}):
                assert reader.rows("a", **bounds) == store.rows("a", **bounds)  # pyright: ignore[reportArgumentType]
            assert (reader.read("a", "1"), reader.read("a", "9")) == ("one", None)
            store.write([put("a", "1", None)])
            assert reader.read("a", "1") is None
            with pytest.raises(Bug, match="only read"):
                reader.write([put("a", "1", "x")])


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="has it been started"):
        SqliteReader(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE anything (a)")
    with pytest.raises(Rejected) as refused:
        SqliteReader(other)
    assert refused.value.reason is Reject.STORE_FILE
    (tmp_path / "text").write_text("no database" * 100)
    with pytest.raises(Unavailable, match="not a database"):
        SqliteReader(tmp_path / "text")
