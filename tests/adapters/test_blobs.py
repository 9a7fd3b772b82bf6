from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.blobs import Blobs

OUTPUT = b"an output of a task" * 3
ROOT = root_of_bytes(OUTPUT, RANGE_LEVEL)
LIMIT_BYTES = 5_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def server(folder: Path) -> Iterator[BlobServer]:
    opened = BlobServer(DirectoryBlobs(folder), limit_bytes=LIMIT_BYTES)
    yield opened
    opened.close()


@pytest.fixture(params=["directory", "http"])
def blobs(request: pytest.FixtureRequest, folder: Path) -> Blobs:
    if request.param == "directory":
        return DirectoryBlobs(folder)
    return HttpBlobs(request.getfixturevalue("server").url)


def reason_of(refusal: pytest.ExceptionInfo[Rejected]) -> Reject:
    return refusal.value.reason


def test_what_was_put_is_got(blobs: Blobs) -> None:
    for content in (b"", b"x", b"y" * LIMIT_BYTES):
        uri = blobs.put(content)
        assert uri == f"blob:{keccak256(content).hex()}"
        assert blobs.get(uri, len(content)) == content
    blobs.put_output(ROOT, OUTPUT)
    assert blobs.get_output(ROOT, len(OUTPUT)) == OUTPUT


def test_what_is_not_there_is_unavailable(blobs: Blobs) -> None:
    with pytest.raises(Unavailable):
        blobs.get(f"blob:{'0' * 64}", 10)
    with pytest.raises(Unavailable):
        blobs.get_output(ROOT, len(OUTPUT))


def test_what_is_larger_than_asked_for_is_refused(blobs: Blobs) -> None:
    with pytest.raises(Rejected) as refusal:
        blobs.get(blobs.put(b"0123456789"), 9)
    assert reason_of(refusal) is Reject.BLOB_TOO_LARGE


def test_what_was_falsified_is_refused(blobs: Blobs, folder: Path) -> None:
    uri = blobs.put(b"true")
    blobs.put_output(ROOT, OUTPUT)
    for file in (path for path in folder.rglob("*") if path.is_file()):
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(Rejected) as refusal:
        blobs.get(uri, 100)
    assert reason_of(refusal) is Reject.BLOB_MISMATCH
    with pytest.raises(Rejected) as refusal:
        blobs.get_output(ROOT, len(OUTPUT))
    assert reason_of(refusal) is Reject.BLOB_MISMATCH


@pytest.mark.parametrize(
    "uri", ["", "blob:", "blob:../../secret", "file:///x", "http://127.0.0.1/x", "blob:" + "A" * 64]
)
def test_only_hashes_are_fetched(blobs: Blobs, uri: str) -> None:
    with pytest.raises(Rejected) as refusal:
        blobs.get(uri, 100)
    assert reason_of(refusal) is Reject.BLOB_URI


def test_an_output_with_zeros_behind_it_does_not_hide_the_true_one(blobs: Blobs) -> None:
    """Zeros do not change the root: the size is part of the name."""
    blobs.put_output(ROOT, OUTPUT + bytes(3))
    blobs.put_output(ROOT, OUTPUT)
    assert blobs.get_output(ROOT, len(OUTPUT)) == OUTPUT


def test_a_store_that_cannot_write_says_so(folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(Unavailable, match="rights"):
        DirectoryBlobs(folder).put(b"x")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("../escape", b"x", 400),
        ("0" * 64, b"not of this hash", 400),
        (f"outputs/{'0' * 64}-3", b"abc", 400),
        (keccak256(bytes(LIMIT_BYTES + 1)).hex(), bytes(LIMIT_BYTES + 1), 413),
    ],
)
def test_the_server_keeps_only_what_its_name_proves(
    server: BlobServer, folder: Path, name: str, content: bytes, code: int
) -> None:
    request = urllib.request.Request(f"{server.url}/{name}", data=content, method="PUT")
    with pytest.raises(urllib.error.URLError) as refusal:
        urllib.request.urlopen(request, timeout=10)
    assert getattr(refusal.value, "code", code) == code
    assert not folder.exists()


def test_a_dead_and_a_flooding_server_are_survived() -> None:
    with pytest.raises(Unavailable, match="another store"):
        HttpBlobs("http://127.0.0.1:1").get(f"blob:{'0' * 64}", 10)

    class Flood(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(bytes(1 << 16))
            except OSError:
                return

        def log_request(self, code: object = 0, size: object = 0) -> None:
            del code, size

    flood = HTTPServer(("127.0.0.1", 0), Flood)
    thread = threading.Thread(target=flood.handle_request)
    thread.start()
    try:
        with pytest.raises(Rejected) as refusal:
            HttpBlobs(f"http://127.0.0.1:{flood.server_port}").get(f"blob:{'0' * 64}", 1 << 20)
        assert reason_of(refusal) is Reject.BLOB_TOO_LARGE
    finally:
        thread.join()
        flood.server_close()
