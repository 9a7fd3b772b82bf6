from __future__ import annotations

from pathlib import Path

import pytest

from truestep.adapters.blobs.addresses import blob_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.several import SeveralBlobs
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.commitments.merkle import root_of_bytes
from truestep.composition.network import open_blobs
from truestep.machine.layout import RANGE_LEVEL

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
