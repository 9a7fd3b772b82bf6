from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from truestep.adapters.blobs import race
from truestep.adapters.blobs.addresses import blob_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.several import SeveralBlobs
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.commitments.merkle import root_of_bytes
from truestep.composition.network import open_blobs
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.blobs import never
from truestep.ports.executor import ShouldStop, Stopped

CONTENT = b"an input"
ROOT = root_of_bytes(CONTENT, RANGE_LEVEL)
DEAD = HttpBlobs("http://127.0.0.1:1")


def test_what_one_store_lacks_or_has_wrong_another_gives(tmp_path: Path) -> None:
    wrong, right = DirectoryBlobs(tmp_path / "wrong"), DirectoryBlobs(tmp_path / "right")
    uri = right.put(CONTENT)
    wrong.write_named(blob_name(CONTENT), b"nonsense")
    right.put_input(ROOT, CONTENT)
    blobs = SeveralBlobs([DEAD, wrong, right])
    assert blobs.get(uri, 100) == blobs.get_input(ROOT, len(CONTENT)) == CONTENT


def test_wrong_in_one_store_and_out_of_reach_in_another_is_worth_another_try(tmp_path: Path) -> None:
    wrong = DirectoryBlobs(tmp_path)
    wrong.write_named(blob_name(CONTENT), b"nonsense")
    with pytest.raises(Unavailable, match="no blob store could help"):
        SeveralBlobs([wrong, DEAD]).get(f"blob:{blob_name(CONTENT)}", 100)
    with pytest.raises(Rejected) as refusal:
        SeveralBlobs([wrong, wrong]).get(f"blob:{blob_name(CONTENT)}", 100)
    assert refusal.value.reason is Reject.BLOB_MISMATCH
    with pytest.raises(Rejected) as refusal:
        SeveralBlobs([DEAD, wrong]).get("blob:nonsense", 100)
    assert refusal.value.reason is Reject.BLOB_URI


def test_it_is_enough_that_one_store_keeps_it(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    one, two = (DirectoryBlobs(folder) for folder in folders)
    blobs = SeveralBlobs([one, DEAD, two])
    uri = blobs.put(CONTENT)
    blobs.put_output(ROOT, CONTENT)
    for store in (one, two, blobs):
        assert store.get(uri, 100) == store.get_output(ROOT, len(CONTENT)) == CONTENT
        assert store.has_output(ROOT, len(CONTENT))
    with pytest.raises(Unavailable):
        SeveralBlobs([DEAD, DEAD]).put(CONTENT)
    with pytest.raises(Unavailable):
        SeveralBlobs([DEAD, DEAD]).has_output(ROOT, len(CONTENT))


@pytest.mark.parametrize(
    "place",
    [
        *("ftp://x", "file:///x", "", " ", "localhost:8545", "s3:bucket"),
        *("http://[", "http://", "http://x:99999", "http://x/?y"),
    ],
)
def test_what_is_no_store_is_refused(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Rejected) as refusal:
        open_blobs([place])
    assert refusal.value.reason is Reject.BLOB_STORE
    assert list(tmp_path.iterdir()) == []


def test_one_place_or_several(tmp_path: Path) -> None:
    places = [str(tmp_path / "one"), str(tmp_path / "two")]
    assert isinstance(open_blobs(places[0]), DirectoryBlobs)
    assert isinstance(open_blobs("https://blobs.example"), HttpBlobs)
    uri = open_blobs(places).put(CONTENT)
    assert [open_blobs(place).get(uri, 100) for place in places] == [CONTENT, CONTENT]


class SlowBlobs(DirectoryBlobs):
    """A store that gives nothing before it is asked to stop."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked = 0
        self.stopped = threading.Event()

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        self.asked += 1
        while not should_stop():
            time.sleep(0.01)
        self.stopped.set()
        raise Stopped


class Reports:
    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def report(self, kind: str, message: str, **_: Any) -> None:
        self.said.append((kind, message))


def test_a_late_store_is_overtaken_and_told_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "LATE_SECONDS", 0.05)
    slow, right = SlowBlobs(tmp_path / "slow"), DirectoryBlobs(tmp_path / "right")
    uri = right.put(CONTENT)
    assert SeveralBlobs([slow, right]).get(uri, 100) == CONTENT
    assert slow.asked == 1 and slow.stopped.wait(10)


def test_a_store_that_lied_is_named_once_and_asked_last(tmp_path: Path) -> None:
    wrong, right = DirectoryBlobs(tmp_path / "wrong"), DirectoryBlobs(tmp_path / "right")
    uris, reports = [right.put(CONTENT), right.put(CONTENT * 2)], Reports()
    for uri in uris:
        wrong.write_named(uri.removeprefix("blob:"), b"nonsense")
    only = wrong.put(b"only here")
    blobs = SeveralBlobs([wrong, right], ["the liar", "the honest one"], reports)
    assert [blobs.get(uri, 100) for uri in uris] == [CONTENT, CONTENT * 2]
    assert [kind for kind, _ in reports.said] == ["store_lied"] and "the liar" in reports.said[0][1]
    assert blobs.get(only, 100) == b"only here"


def test_whoever_wants_to_stop_does_not_wait(tmp_path: Path) -> None:
    slow = SlowBlobs(tmp_path)
    with pytest.raises(Stopped):
        SeveralBlobs([slow, slow]).get(f"blob:{'0' * 64}", 100, should_stop=lambda: True)
