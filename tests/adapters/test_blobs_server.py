"""The blob server against what strangers send it, over real sockets."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest

from truestep.adapters import web_server
from truestep.adapters.blobs import server as blob_server
from truestep.adapters.blobs.addresses import blob_name, output_name
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.http import HttpBlobs
from truestep.adapters.blobs.server import BlobServer
from truestep.base.errors import Unavailable
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import StreamedRoot
from truestep.engine.runtime.keccak import vector_hash_pairs
from truestep.machine.layout import RANGE_LEVEL

CONTENT = bytes(range(200))
NAME = blob_name(CONTENT)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BlobServer]:
    opened = BlobServer(DirectoryBlobs(tmp_path))
    yield opened
    opened.close()


def address(server: BlobServer) -> tuple[str, int]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return host, int(port)


def ask(server: BlobServer, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(*address(server), timeout=30)
    connection.request(method, path, headers=headers)
    return connection.getresponse()


def test_head_and_ranges(server: BlobServer) -> None:
    HttpBlobs(server.url).put(CONTENT)
    head = ask(server, "HEAD", f"/{NAME}")
    assert (head.status, head.headers["Content-Length"], head.read()) == (200, "200", b"")
    part = ask(server, "GET", f"/{NAME}", Range="bytes=10-19")
    assert (part.status, part.read()) == (206, CONTENT[10:20])
    assert part.headers["Content-Range"] == "bytes 10-19/200"
    assert ask(server, "GET", f"/{NAME}", Range="bytes=200-").status == 416
    assert ask(server, "HEAD", f"/{blob_name(b'')}").status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/x",
        "//",
        f"/{NAME}/",
        f"/../{NAME}",
        f"/{NAME}%00",
        "/outputs",
        "/outputs/",
        "/%2e%2e/x",
        "/%c3%a9",
    ],
)
def test_nothing_but_blobs_is_given(server: BlobServer, path: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("not a blob")
    (tmp_path.parent / "x").write_text("not in the directory")
    assert ask(server, "GET", path).status == 404


def test_other_methods_are_refused(server: BlobServer) -> None:
    for method in ("POST", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"):
        assert ask(server, method, f"/{NAME}").status == 405


def test_a_body_in_chunks_is_taken_and_bounded(tmp_path: Path) -> None:
    server = BlobServer(DirectoryBlobs(tmp_path), limit_bytes=1_000)
    for size_bytes, status in ((1_000, 201), (1_001, 413), (10_000_000, 413)):
        content = bytes(size_bytes)
        connection = http.client.HTTPConnection(*address(server), timeout=30)
        try:
            connection.request("PUT", f"/{blob_name(content)}", iter([content]), encode_chunked=True)
        except OSError:
            continue  # it hung up in the middle, which is as good
        assert connection.getresponse().status == status
    server.close()
    assert [path.name for path in tmp_path.iterdir()] == [blob_name(bytes(1_000))]


def test_what_is_cut_off_leaves_nothing(server: BlobServer, tmp_path: Path) -> None:
    for _ in range(3):
        with socket.create_connection(address(server), timeout=30) as connection:
            connection.sendall(f"PUT /{NAME} HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n".encode())
            connection.sendall(CONTENT[:100])
            wait_for(lambda: any(tmp_path.iterdir()))
        wait_for(lambda: not any(tmp_path.iterdir()))
    HttpBlobs(server.url).put(CONTENT)


def test_a_body_in_a_trickle_is_cut_off(
    server: BlobServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_server, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(blob_server, "LEAST_BYTES_PER_SECOND", 1_000)
    with socket.create_connection(address(server), timeout=30) as connection:
        connection.sendall(f"PUT /{NAME} HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\n\r\n".encode())
        stopping = threading.Event()
        feeding = threading.Thread(target=feed, args=(connection, stopping))
        feeding.start()
        answer = connection.recv(1_000)
        stopping.set()
        feeding.join()
    assert b" 408 " in answer
    wait_for(lambda: not any(tmp_path.iterdir()))


def feed(connection: socket.socket, stopping: threading.Event) -> None:
    while not stopping.wait(0.1):
        try:
            connection.sendall(b"x")
        except OSError:
            return


def test_connections_that_only_hold_their_place_are_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WATCH_SECONDS", 0.1), ("HEAD_SECONDS", 0.5), ("STALL_SECONDS", 0.5)):
        monkeypatch.setattr(web_server, name, value)
    blobs = DirectoryBlobs(tmp_path)
    uri = blobs.put(bytes(32 << 20))
    server = BlobServer(blobs)
    begun = (
        b"",
        b"GET",
        f"GET /{NAME} HTTP/1.1\r\nHost: x\r\n\r\nGET".encode(),
        f"GET /{uri.removeprefix('blob:')} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    )
    connections = [socket.create_connection(address(server), timeout=30) for _ in begun]
    for connection, said in zip(connections, begun, strict=True):
        connection.sendall(said)
    time.sleep(1.5)
    for connection in connections:
        assert read_to_end(connection) < 32 << 20
        connection.close()
    assert len(HttpBlobs(server.url).get(uri, 32 << 20)) == 32 << 20
    server.close()


def read_to_end(connection: socket.socket) -> int:
    """How many bytes came until the other side closed."""
    size_bytes = 0
    try:
        while piece := connection.recv(1 << 20):
            size_bytes += len(piece)
    except ConnectionResetError:
        pass
    return size_bytes


def test_too_many_connections_are_refused_and_the_rest_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_server, "CONNECTIONS_LIMIT", 5)
    server = BlobServer(DirectoryBlobs(tmp_path))
    held = [socket.create_connection(address(server), timeout=30) for _ in range(5)]
    with pytest.raises(Unavailable):
        HttpBlobs(server.url).put(CONTENT)
    for connection in held:
        connection.close()
    wait_for(lambda: _is_served(server))
    server.close()


def _is_served(server: BlobServer) -> bool:
    try:
        HttpBlobs(server.url).put(CONTENT)
    except Unavailable:
        return False
    return True


def test_too_many_puts_at_a_time_are_refused(server: BlobServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blob_server, "PUTS_LIMIT", 0)
    with pytest.raises(Unavailable, match="503"):
        HttpBlobs(server.url).put(CONTENT)


def test_many_at_once(server: BlobServer) -> None:
    blobs = HttpBlobs(server.url)
    contents = [bytes([number]) * 100_000 for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        uris = list(pool.map(blobs.put, contents))
        assert list(pool.map(blobs.get, uris * 5, repeat(100_000))) == contents * 5


class Large:
    """64 MiB in pieces."""

    size_bytes = 64 << 20

    def __iter__(self) -> Iterator[bytes]:
        return (bytes([number]) * (1 << 20) for number in range(1, 65))


def test_a_large_output_passes_in_pieces(server: BlobServer, tmp_path: Path) -> None:
    root = StreamedRoot(RANGE_LEVEL, vector_hash_pairs)
    for piece in Large():
        root.update(piece)
    output_root = root.finish()
    blobs = HttpBlobs(server.url)
    blobs.put_output(output_root, Large(), 5)
    assert blobs.has_output(output_root, 5)
    assert (tmp_path / output_name(output_root, 5)).stat().st_size == 64 << 20
    assert blobs.get_output(output_root, 5) == b"\x01" * 5


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("in the way")
    server = BlobServer(DirectoryBlobs(tmp_path / "blobs"))
    with pytest.raises(Unavailable, match="507"):
        HttpBlobs(server.url).put(CONTENT)
    server.close()


def test_junk_ends_only_its_own_connection(server: BlobServer, capfd: pytest.CaptureFixture[str]) -> None:
    for junk in (
        b"\x00\xff" * 100,
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        f"PUT /{NAME} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".encode(),
        f"PUT /{NAME} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".encode(),
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(address(server), timeout=30) as connection:
            connection.sendall(junk)
            connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
    uri = HttpBlobs(server.url).put(CONTENT)
    assert uri == f"blob:{keccak256(CONTENT).hex()}"
    assert capfd.readouterr() == ("", "")


def wait_for(condition: Callable[[], bool]) -> None:
    """Until `condition()` is true."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
