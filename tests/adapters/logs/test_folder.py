"""A log in a folder: it grows by tiles, survives a kill between any two writes, and finds old copies."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from eth_account import Account

from truestep.adapters.logs import folder as module
from truestep.adapters.logs.folder import LogFolder, LogNames
from truestep.adapters.logs.keys import Anchoring, LogKeys
from truestep.adapters.logs.serving import LogServer
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address
from truestep.protocol.logs.notes import parse_note, verified_checkpoint
from truestep.protocol.logs.statements import signature_in
from truestep.protocol.logs.tiles import Tile, TiledTree, parse_bundle
from truestep.protocol.logs.tree import leaf_hash, peaks_at, peaks_of

ACCOUNT: Any = Account.from_key(b"k" * 32)
KEYS = LogKeys(ACCOUNT)
NAMES = LogNames(prefix="truestep/1/", suffix="7")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def store() -> SqliteStore:
    return SqliteStore(None)


def opened(path: Path, store: SqliteStore, anchoring: Anchoring | None = None) -> LogFolder:
    return LogFolder(path, NAMES, KEYS, store, anchoring)


def entries(first: int, count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(first, first + count)]


def check(path: Path, size: int) -> None:
    """All of the log, read as a stranger does."""
    content = (path / "checkpoint").read_bytes()
    checkpoint = verified_checkpoint(content, KEYS.verifier_key("truestep/1/7"))
    leaves = [leaf_hash(each) for each in entries(0, size)]
    assert (checkpoint.size, checkpoint.root) == (size, peaks_of(leaves).root)
    tree = TiledTree(lambda tile: (path / tile.path).read_bytes(), size)
    assert peaks_at(tree.node, size) == peaks_of(leaves)
    for index in range(-(-size // 256)):
        width = min(256, size - 256 * index)
        bundle = (path / Tile(level=None, index=index, width=width).path).read_bytes()
        assert parse_bundle(bundle, width) == entries(256 * index, width)


@pytest.mark.parametrize("steps", [[1, 1, 1], [255, 1, 1], [256], [200, 400, 3], [513]])
def test_it_grows(tmp_path: Path, store: SqliteStore, steps: list[int]) -> None:
    size = 0
    for count in steps:
        log = opened(tmp_path, store)
        assert log.size == size
        log.append(entries(size, count))
        size += count
        check(tmp_path, size)
    again = opened(tmp_path, store)
    assert list(again.newest(300)) == entries(max(0, size - 300), min(size, 300))
    assert again.entry(0) == b"entry 0"


def test_parts_of_whole_tiles_are_dropped(tmp_path: Path, store: SqliteStore) -> None:
    log = opened(tmp_path, store)
    for first in (0, 100, 200):
        log.append(entries(first, 100))
    found = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*") if each.is_file())
    assert found == [
        "checkpoint", "key", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000",
        "tile/entries/001.p/44",
    ]  # fmt: skip


def test_a_kill_between_any_two_writes_loses_nothing_and_forks_nothing(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, outcomes = module.write_file, set[int]()
    for writes in range(12):
        path = tmp_path / f"{writes}"
        own = SqliteStore(None)
        opened(path, own).append(entries(0, 250))
        left = writes

        def killing(*arguments: Any, **options: Any) -> None:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            write(*arguments, **options)

        log = opened(path, own)
        monkeypatch.setattr(module, "write_file", killing)
        with suppress(Killed):
            log.append(entries(250, 10))
        monkeypatch.setattr(module, "write_file", write)
        again = opened(path, own)
        outcomes.add(again.size)
        assert again.size in (250, 260)
        again.append(entries(again.size, 20))
        check(path, again.size)
    assert outcomes == {250, 260}


def test_a_disk_that_is_full_is_an_outage(
    tmp_path: Path, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = opened(tmp_path, store)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(Unavailable):
        patch.setattr(module, "write_file", full)
        log.append(entries(0, 1))
    log.append(entries(0, 1))
    check(tmp_path, 1)


def test_an_old_copy_of_the_folder_is_refused(tmp_path: Path, store: SqliteStore) -> None:
    path = tmp_path / "log"
    opened(path, store).append(entries(0, 5))
    shutil.copytree(path, tmp_path / "copy")
    opened(path, store).append(entries(5, 5))
    shutil.rmtree(path)
    shutil.copytree(tmp_path / "copy", path)
    with pytest.raises(Rejected) as caught:
        opened(path, store)
    assert caught.value.reason is Reject.LOG_FORK
    assert "old copy" in str(caught.value)


def test_an_old_state_beside_a_newer_log_is_fine(tmp_path: Path) -> None:
    state = tmp_path / "state.sqlite"
    with SqliteStore(state) as first:
        opened(tmp_path / "log", first).append(entries(0, 5))
    old = state.read_bytes()
    with SqliteStore(state) as second:
        opened(tmp_path / "log", second).append(entries(5, 5))
    state.write_bytes(old)
    with SqliteStore(state) as third:
        opened(tmp_path / "log", third).append(entries(10, 1))
    check(tmp_path / "log", 11)


def test_tiles_that_were_changed_are_refused(tmp_path: Path, store: SqliteStore) -> None:
    opened(tmp_path, store).append(entries(0, 3))
    tile = tmp_path / "tile" / "0" / "000.p" / "3"
    tile.write_bytes(tile.read_bytes()[:-1] + b"x")
    with pytest.raises(Rejected) as caught:
        opened(tmp_path, store)
    assert caught.value.reason is Reject.LOG_FORK


def test_a_log_of_another_account_is_refused(tmp_path: Path, store: SqliteStore) -> None:
    opened(tmp_path, store)
    other = LogKeys(Account.from_key(b"o" * 32))
    with pytest.raises(Rejected) as caught:
        LogFolder(tmp_path, NAMES, other, store)
    assert caught.value.reason is Reject.LOG_SIGNATURE
    with pytest.raises(Rejected) as caught:
        LogFolder(tmp_path, LogNames(prefix="truestep/2/", suffix="7"), KEYS, store)
    assert caught.value.reason is Reject.LOG_OTHER


def test_a_registered_log_signs_for_the_chain_too(tmp_path: Path, store: SqliteStore) -> None:
    opened(tmp_path, store)
    anchoring = Anchoring(chain_id=1, anchors=Address("0x" + "aa" * 20))
    opened(tmp_path, store, anchoring)
    note = parse_note((tmp_path / "checkpoint").read_bytes())
    assert signature_in(note, "truestep/1/7", KEYS.signer) is not None
    check(tmp_path, 0)


def test_it_is_served_and_nothing_beside_it(tmp_path: Path, store: SqliteStore) -> None:
    path = tmp_path / "log"
    opened(path, store).append(entries(0, 3))
    (path / "secret").write_text("s")
    server = LogServer(path)
    try:
        for name in ("checkpoint", "key", "tile/entries/000.p/3", "tile/0/000.p/3"):
            answer = httpx.get(f"{server.url}/{name}")
            assert (answer.status_code, answer.content) == (200, (path / name).read_bytes())
        for name in (
            "secret",
            "",
            "tile/0",
            "tile/0/000",
            "tile/0/000.p/2",
            "tile/entries/000.p",
            "../log/key",
        ):
            assert httpx.get(f"{server.url}/{name}").status_code == 404
        assert httpx.post(f"{server.url}/checkpoint").status_code == 405
    finally:
        server.close()
