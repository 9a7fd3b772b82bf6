import sqlite3
from pathlib import Path

import pytest

from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable


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
