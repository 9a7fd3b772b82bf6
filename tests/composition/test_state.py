"""Which store belongs to a state directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.postgres import PostgresServer
from truestep.adapters.store.postgres import PostgresStore
from truestep.adapters.store.postgres_place import parse_place
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected
from truestep.composition import state
from truestep.composition.state import MOVED_FILE, found_state, opened_state, read_state
from truestep.ports.store import PAGE_ROWS, Change

ROWS = [(f"{number:05}", f"row {number}") for number in range(PAGE_ROWS + 1)]


def fill(folder: Path) -> None:
    with SqliteStore(folder / "state.sqlite") as store:
        store.write([Change(table="1:0xab/events", key=key, value=value) for key, value in ROWS])


def refused(folder: Path, uri: str | None) -> str:
    with pytest.raises(Rejected) as refusal, opened_state(folder, uri):
        pass
    assert refusal.value.reason is Reject.STATE_OF_OTHER
    with pytest.raises(Rejected):
        found_state(folder, uri)
    return str(refusal.value)


def test_a_directory_keeps_to_its_store(postgres: PostgresServer, tmp_path: Path) -> None:
    uri, other = postgres.new_uri(), postgres.new_uri()
    assert found_state(tmp_path, uri).startswith("none yet at postgresql://postgres@")
    with opened_state(tmp_path, uri) as store:
        store.write([Change(table="t", key="a", value="1")])
    assert found_state(tmp_path, uri).startswith("at postgresql://postgres@")
    for wrong in (None, other):
        assert "schema=store_" in refused(tmp_path, wrong)
    with pytest.raises(Rejected, match="got no --store"):
        read_state(tmp_path)
    with opened_state(tmp_path, uri) as store:
        assert store.read("t", "a") == "1"
    (tmp_path / "state.postgres.json").write_text("[")
    with pytest.raises(Rejected) as refusal, opened_state(tmp_path, uri):
        pass
    assert refusal.value.reason is Reject.STORE_FILE


def test_a_file_moves_to_postgres_once(postgres: PostgresServer, tmp_path: Path) -> None:
    fill(tmp_path)
    uri = postgres.new_uri()
    with opened_state(tmp_path, uri) as store:
        assert store.rows("1:0xab/events") == ROWS
        store.write([Change(table="1:0xab/events", key="new", value="1")])
    assert not (tmp_path / "state.sqlite").exists()
    with SqliteStore(tmp_path / MOVED_FILE) as old:
        assert old.rows("1:0xab/events") == ROWS
    with opened_state(tmp_path, uri) as store:
        assert store.read("1:0xab/events", "new") == "1"


def test_a_file_does_not_move_to_where_rows_are(postgres: PostgresServer, tmp_path: Path) -> None:
    fill(tmp_path)
    uri = postgres.new_uri()
    with PostgresStore(parse_place(uri)) as store:
        store.write([Change(table="t", key="a", value="1")])
    with pytest.raises(Rejected, match="choose an empty schema"), opened_state(tmp_path, uri):
        pass
    with opened_state(tmp_path) as store:
        assert store.rows("1:0xab/events") == ROWS


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_move_that_was_interrupted_is_ended(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    """Killed after each of its writes, and before the file has its new name."""
    fill(tmp_path)
    uri, left = postgres.new_uri(), iter(range(writes))
    write = PostgresStore.write

    def dies(store: PostgresStore, changes: list[Change]) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        write(store, changes)

    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "write", dies)
        with pytest.raises(KeyboardInterrupt), opened_state(tmp_path, uri):
            pass
    assert (tmp_path / "state.sqlite").exists()
    with opened_state(tmp_path, uri) as store:
        assert store.rows("1:0xab/events") == ROWS
    assert not (tmp_path / "state.sqlite").exists()


def test_a_move_that_lacked_only_the_new_name_is_ended(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    uri = postgres.new_uri()
    with opened_state(tmp_path, uri) as store:
        pass
    (tmp_path / MOVED_FILE).replace(tmp_path / state.FILE)
    (tmp_path / state.ELSEWHERE).unlink()
    with opened_state(tmp_path, uri) as store:
        assert store.rows("1:0xab/events") == ROWS
    assert (tmp_path / MOVED_FILE).exists()


def test_an_interrupted_copy_leaves_nothing_of_what_the_file_had_then(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon went on with its file for a while, and deleted rows that had been copied."""
    fill(tmp_path)
    uri, write = postgres.new_uri(), PostgresStore.write

    def dies(store: PostgresStore, changes: list[Change]) -> None:
        if len(changes) == 1 and changes[0].value == state.DONE:
            raise KeyboardInterrupt
        write(store, changes)

    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "write", dies)
        with pytest.raises(KeyboardInterrupt), opened_state(tmp_path, uri):
            pass
    with opened_state(tmp_path) as store:
        store.write([Change(table="1:0xab/events", key=key, value=None) for key, _ in ROWS[1:]])
    with opened_state(tmp_path, uri) as store:
        assert store.rows("1:0xab/events") == ROWS[:1]


def test_a_file_that_was_used_again_is_not_put_aside(postgres: PostgresServer, tmp_path: Path) -> None:
    fill(tmp_path)
    uri = postgres.new_uri()
    with opened_state(tmp_path, uri) as store:
        store.write([Change(table="t", key="there", value="1")])
    (tmp_path / state.ELSEWHERE).unlink()
    with pytest.raises(Rejected, match="rename it") as refusal, opened_state(tmp_path):
        pass
    assert refusal.value.reason is Reject.STATE_OF_OTHER
    assert not (tmp_path / state.FILE).exists(), "an empty store would act as if it had never acted"
    (tmp_path / MOVED_FILE).replace(tmp_path / state.FILE)
    with opened_state(tmp_path) as store:
        store.write([Change(table="t", key="here", value="1")])
    with pytest.raises(Rejected, match="choose an empty schema"), opened_state(tmp_path, uri):
        pass
    with opened_state(tmp_path) as store:
        assert store.read("t", "here") == "1"


def test_a_directory_knows_its_store_before_its_file_is_put_aside(
    postgres: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path)
    uri, replace = postgres.new_uri(), Path.replace

    def dies(path: Path, target: Path) -> Path:
        if target.name == MOVED_FILE:
            raise KeyboardInterrupt
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies)
        with pytest.raises(KeyboardInterrupt), opened_state(tmp_path, uri):
            pass
    assert "got no --store" in refused(tmp_path, None)
    with opened_state(tmp_path, uri) as store:
        assert store.rows("1:0xab/events") == ROWS
    assert (tmp_path / MOVED_FILE).exists()


def test_an_older_copy_is_refused_by_the_next_start_too(postgres: PostgresServer, tmp_path: Path) -> None:
    """systemd starts a daemon again that has ended because its store had gone back."""
    uri = postgres.uri("restored")
    with pytest.raises(Rejected, match="an older copy"), opened_state(tmp_path, uri) as store:
        for value in ("1", "2", "3"):
            store.write([Change(table="t", key="a", value=value)])
        postgres.ask("UPDATE restored.store SET writes = writes - 1")
        store.write([Change(table="t", key="a", value="4")])
    assert "3 writes" in refused(tmp_path, uri)
    postgres.ask("UPDATE restored.store SET writes = writes + 1")
    with opened_state(tmp_path, uri) as store:
        assert store.read("t", "a") == "3"
