from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.e2e.floats import FLOAT_ELF
from truestep.adapters.blobs.cache import BlobCache
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.adapters.files import UNFINISHED_SUFFIX
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.elf import load_elf
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.blobs import Blobs, never
from truestep.ports.executor import ShouldStop, Stopped

OUTPUT = b"an output of a task" * 3
ROOT = root_of_bytes(OUTPUT, RANGE_LEVEL)
LIMIT_BYTES = 50_000


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


def test_programs_and_inputs_are_found_by_what_the_chain_knows_of_them(blobs: Blobs) -> None:
    program = load_elf(FLOAT_ELF)
    blobs.put_program(program.root(), program.entry, FLOAT_ELF)
    assert blobs.get_program(program.root(), program.entry) == FLOAT_ELF
    for content in (b"", b"an input", b"with a zero behind it\0", bytes(70)):
        root = root_of_bytes(content, RANGE_LEVEL)
        blobs.put_input(root, content)
        assert blobs.get_input(root, len(content)) == content


def test_an_output_whose_guest_wrote_behind_it_is_published(blobs: Blobs) -> None:
    """The root is of the whole range."""
    root = root_of_bytes(OUTPUT + b"more", RANGE_LEVEL)
    assert not blobs.has_output(root, len(OUTPUT))
    blobs.put_output(root, OUTPUT + b"more", len(OUTPUT))
    assert blobs.get_output(root, len(OUTPUT)) == OUTPUT
    assert blobs.has_output(root, len(OUTPUT))
    assert not blobs.has_output(root, len(OUTPUT) + 1)


def test_what_is_not_there_is_unavailable(blobs: Blobs) -> None:
    with pytest.raises(Unavailable):
        blobs.get(f"blob:{'0' * 64}", 10)
    with pytest.raises(Unavailable):
        blobs.get_output(ROOT, len(OUTPUT))
    with pytest.raises(Unavailable):
        blobs.get_input(ROOT, len(OUTPUT))
    with pytest.raises(Unavailable):
        blobs.get_program(ROOT, 0x1000)


def test_what_is_larger_than_asked_for_is_refused(blobs: Blobs) -> None:
    with pytest.raises(Rejected) as refusal:
        blobs.get(blobs.put(b"0123456789"), 9)
    assert reason_of(refusal) is Reject.BLOB_TOO_LARGE


def test_what_was_falsified_is_refused(blobs: Blobs, folder: Path) -> None:
    uri = blobs.put(b"true")
    blobs.put_output(ROOT, OUTPUT)
    blobs.put_input(ROOT, OUTPUT)
    program = load_elf(FLOAT_ELF)
    blobs.put_program(program.root(), program.entry, FLOAT_ELF)
    for file in (path for path in folder.rglob("*") if path.is_file()):
        file.write_bytes(b"!" + file.read_bytes()[1:])
    for get in (
        lambda: blobs.get(uri, 100),
        lambda: blobs.get_output(ROOT, len(OUTPUT)),
        lambda: blobs.get_input(ROOT, len(OUTPUT)),
        lambda: blobs.get_program(program.root(), program.entry),
    ):
        with pytest.raises(Rejected) as refusal:
            get()
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
    with pytest.raises(Unavailable, match="permissions"):
        DirectoryBlobs(folder).put(b"x")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("../escape", b"x", 404),
        ("0" * 64, b"not of this hash", 400),
        (f"outputs/{'0' * 64}-3", b"abc", 400),
        (f"inputs/{ROOT.hex()}-{len(OUTPUT) - 1}", OUTPUT[:-1], 400),
        (f"inputs/{ROOT.hex()}-{len(OUTPUT) + 1}", OUTPUT, 400),
        (f"outputs/{ROOT.hex()}-{len(OUTPUT)}", OUTPUT + b"\0", 400),
        (f"outputs/{ROOT.hex()}-0{len(OUTPUT)}", OUTPUT, 404),
        (f"programs/{'0' * 64}-1000", FLOAT_ELF, 400),
        (f"programs/{'0' * 64}-1000", b"no ELF file", 400),
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
    assert [path for path in folder.rglob("*") if path.is_file()] == []


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


def test_what_was_fetched_stays_when_its_owner_takes_it_away(tmp_path: Path) -> None:
    theirs, kept = tmp_path / "theirs", tmp_path / "kept"
    uri = DirectoryBlobs(theirs).put(b"an input")
    assert BlobCache(DirectoryBlobs(theirs), kept).get(uri, 100) == b"an input"
    (theirs / uri.removeprefix("blob:")).unlink()
    restarted = BlobCache(DirectoryBlobs(theirs), kept)
    assert restarted.get(uri, 100) == b"an input"
    (kept / uri.removeprefix("blob:")).write_bytes(b"spoilt!!")
    with pytest.raises(Unavailable):
        restarted.get(uri, 100)


def test_copies_that_nobody_asked_for_make_room(tmp_path: Path) -> None:
    theirs, folder = DirectoryBlobs(tmp_path / "theirs"), tmp_path / "kept"
    kept = BlobCache(theirs, folder, limit_bytes=250)
    uris = [theirs.put(bytes([number]) * 100) for number in range(4)]
    for number, uri in enumerate((uris[0], uris[1], uris[0], uris[2], uris[3])):
        kept.get(uri, 100)
        os.utime(folder / uri.removeprefix("blob:"), (number, number))
    assert {path.name for path in folder.iterdir()} == {uri.removeprefix("blob:") for uri in uris[2:]}
    kept.get(uris[0], 100)
    assert (folder / uris[0].removeprefix("blob:")).exists()


def test_a_store_cannot_send_us_to_a_local_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")

    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", secret.as_uri())
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Redirecting)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    try:
        with pytest.raises(Unavailable):
            HttpBlobs(f"http://127.0.0.1:{server.server_port}").get(f"blob:{keccak256(b'secret').hex()}", 100)
    finally:
        thread.join()
        server.server_close()


class CountingBlobs(DirectoryBlobs):
    """Slow, and counts how often it is asked."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[str] = []

    def get(self, uri: str, limit_bytes: int, *, should_stop: ShouldStop = never) -> bytes:
        self.asked.append(uri)
        threading.Event().wait(0.01)
        return super().get(uri, limit_bytes)


def test_a_hundred_parallel_fetches(tmp_path: Path) -> None:
    """With so little room that nearly every copy is dropped at once, by threads in each other's way."""
    theirs, folder = DirectoryBlobs(tmp_path / "theirs"), tmp_path / "kept"
    kept = BlobCache(theirs, folder, limit_bytes=2_000)
    contents = [bytes([number]) * 1_000 for number in range(10)]
    uris = [theirs.put(content) for content in contents]
    for _ in range(3):
        with ThreadPoolExecutor(20) as pool:
            got = list(pool.map(lambda number: kept.get(uris[number % 10], 1_000), range(100)))
        assert got == contents * 10
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 2_000


def test_what_two_threads_want_is_fetched_once(tmp_path: Path) -> None:
    theirs = CountingBlobs(tmp_path / "theirs")
    uri = theirs.put(b"an input")
    kept = BlobCache(theirs, tmp_path / "kept")
    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda _: kept.get(uri, 100), range(100))) == {b"an input"}
    assert theirs.asked == [uri]


def test_who_waits_for_anothers_fetch_stops_when_asked_to(tmp_path: Path) -> None:
    is_asked, is_answering = threading.Event(), threading.Event()

    class Hanging(DirectoryBlobs):
        def get_input(
            self, input_root: Bytes32, size_bytes: int, *, should_stop: ShouldStop = never
        ) -> bytes:
            is_asked.set()
            is_answering.wait(30)
            return super().get_input(input_root, size_bytes)

    theirs = Hanging(tmp_path / "theirs")
    theirs.put_input(ROOT, OUTPUT)
    kept = BlobCache(theirs, tmp_path / "kept")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kept.get_input, ROOT, len(OUTPUT))
        assert is_asked.wait(30)
        with pytest.raises(Stopped):
            kept.get_input(ROOT, len(OUTPUT), should_stop=lambda: True)
        is_answering.set()
        assert first.result() == OUTPUT


def test_own_copies_are_found_by_root_when_every_store_is_dead(tmp_path: Path) -> None:
    program = load_elf(FLOAT_ELF)
    dead = HttpBlobs("http://127.0.0.1:1")
    kept = BlobCache(dead, tmp_path)
    for put in (
        lambda: kept.put_input(ROOT, OUTPUT),
        lambda: kept.put_program(program.root(), program.entry, FLOAT_ELF),
    ):
        with pytest.raises(Unavailable):
            put()
    assert kept.get_input(ROOT, len(OUTPUT)) == OUTPUT
    assert kept.get_program(program.root(), program.entry) == FLOAT_ELF
    with pytest.raises(Unavailable):
        kept.get_input(ROOT, len(OUTPUT) + 1)


def test_a_full_disk_costs_the_copies_only(tmp_path: Path) -> None:
    theirs, folder = DirectoryBlobs(tmp_path / "theirs"), tmp_path / "kept"
    uri = theirs.put(b"an input")
    folder.write_text("in the way")
    log: list[tuple[str, str]] = []

    class Log:
        def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
            del fields
            log.append((kind, message))

    kept = BlobCache(theirs, folder, reporter=Log())
    for _ in range(3):
        assert kept.get(uri, 100) == b"an input"
    ((kind, message),) = log
    assert kind == "cache_failed"
    assert "check disk space and permissions" in message
    folder.unlink()
    kept.get(uri, 100)
    assert (folder / uri.removeprefix("blob:")).is_file()


def test_what_a_killed_writer_left_makes_room(tmp_path: Path) -> None:
    theirs, folder = DirectoryBlobs(tmp_path / "theirs"), tmp_path / "kept"
    folder.mkdir()
    fresh, stale = folder / f".a{UNFINISHED_SUFFIX}", folder / f".b{UNFINISHED_SUFFIX}"
    for path in (fresh, stale):
        path.write_bytes(bytes(1_000))
    os.utime(stale, (0, 0))
    BlobCache(theirs, folder, limit_bytes=500).get(theirs.put(b"an input"), 100)
    assert fresh.exists()
    assert not stale.exists()
