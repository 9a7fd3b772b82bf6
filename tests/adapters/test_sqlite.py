import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.store import Change


def test_rows_come_back_in_key_order_and_survive_a_restart(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "store.db") as store:
        store.write([Change(table="a", key=key, value=key.upper()) for key in ("c", "a", "b")])
        store.write([Change(table="a", key="b", value=None), Change(table="b", key="a", value="other")])
    with SqliteStore(tmp_path / "store.db") as store:
        assert store.rows("a") == [("a", "A"), ("c", "C")]
        assert store.rows("a", key_from="b") == [("c", "C")]
        assert store.rows("a", key_from="a", key_until="c") == [("a", "A")]
        assert (store.read("b", "a"), store.read("b", "z")) == ("other", None)


def test_a_batch_is_all_or_nothing(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "store.db") as store:
        broken = Change(table="a", key="y", value=b"\xff".decode("utf-8", "surrogateescape"))
        with pytest.raises((Rejected, Unavailable, UnicodeEncodeError)):
            store.write([Change(table="a", key="x", value="1"), broken])
        store.write([Change(table="a", key="z", value="2")])
        assert store.rows("a") == [("z", "2")]


def test_a_second_process_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    with SqliteStore(path):
        program = (
            "import sys, pathlib; from truestep.adapters.store.sqlite import SqliteStore\n"
            "try: SqliteStore(pathlib.Path(sys.argv[1]))\n"
            "except Exception as error: print(error)"
        )
        other = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        )
    assert Reject.STORE_IN_USE.value in other.stdout
    assert str(os.getpid()) in other.stdout


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database at all, but somebody's letter" * 100)
    with pytest.raises(Rejected) as refusal:
        SqliteStore(path)
    assert refusal.value.reason is Reject.STORE_FILE
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE letters (content TEXT)")
    with pytest.raises(Rejected) as refusal:
        SqliteStore(foreign)
    assert refusal.value.reason is Reject.STORE_FILE


def test_a_directory_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable, match="check the path"):
        SqliteStore(tmp_path / "file" / "store.db")
