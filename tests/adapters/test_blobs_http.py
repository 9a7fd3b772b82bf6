"""A blob store may be anybody's: whatever it does, a fetch ends soon, in its bytes or in a refusal."""

from __future__ import annotations

import gzip
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, repeat

import pytest

from tests.adapters.hostile_server import Behaviour, answer, read_head, saying, serving_raw, silent
from truestep.adapters.blobs import transfer
from truestep.adapters.blobs.http import HttpBlobs
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.ports.executor import Stopped

CONTENT = b"an input" * 100
URI = f"blob:{keccak256(CONTENT).hex()}"
ROOT = root_of_bytes(CONTENT, RANGE_LEVEL)
LENGTH = f"Content-Length: {len(CONTENT)}".encode()
GOOD = answer(CONTENT, LENGTH)
LIMIT_BYTES = 1 << 20


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_all(monkeypatch, 1.0)
    monkeypatch.setattr(transfer, "CHECK_BYTES_PER_SECOND", 1 << 30)


def limit_all(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    for name in ("ANSWER", "SILENCE", "GRACE", "UPLOAD_SILENCE", "CHECK"):
        monkeypatch.setattr(transfer, f"{name}_SECONDS", seconds)


def get(url: str) -> bytes:
    return HttpBlobs(url).get(URI, LIMIT_BYTES)


def redirect(location: bytes) -> Behaviour:
    return saying(answer(b"", b"Location: " + location, b"Content-Length: 0", status=b"302 Found"))


def endless_interim_answers(connection: socket.socket) -> None:
    read_head(connection)
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def endless_headers(connection: socket.socket) -> None:
    read_head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n" * 100)


SHORT_SECONDS = 0.3
"""Every limit, where nothing but a limit can end the test."""
TRICKLE = tuple(bytes([byte]) for byte in GOOD)

UNAVAILABLE: dict[str, Behaviour] = {
    "hangs up": lambda connection: None,
    "hangs up after the request": saying(),
    "says nothing": silent,
    "says nothing after its headers": lambda c: (saying(answer(b"", LENGTH))(c), silent(c))[0],
    "body in a trickle": saying(answer(b"", LENGTH), *TRICKLE, wait_seconds=SHORT_SECONDS / 3),
    "headers in a trickle": saying(*TRICKLE, wait_seconds=SHORT_SECONDS / 3),
    "body shorter than it says": saying(answer(CONTENT[:-1], LENGTH)),
    "a length that is no number": saying(answer(CONTENT, b"Content-Length: many")),
    "a negative length": saying(answer(CONTENT, b"Content-Length: -5")),
    "two lengths": saying(answer(CONTENT, LENGTH, b"Content-Length: 3")),
    "a chunk without end": saying(answer(b"ffffffffffffffffff\r\nxx", b"Transfer-Encoding: chunked")),
    "a chunk that is none": saying(answer(b"zz\r\nxx\r\n", b"Transfer-Encoding: chunked")),
    "crumbs": saying(answer(b"", b"Transfer-Encoding: chunked"), b"1\r\nx\r\n" * 20_000),
    "packed": saying(answer(gzip.compress(CONTENT), b"Content-Encoding: gzip")),
    "a packed bomb": saying(answer(gzip.compress(bytes(1 << 24)), b"Content-Encoding: gzip")),
    "packed by nobody knows what": saying(answer(CONTENT, LENGTH, b"Content-Encoding: \xff\xfe")),
    "not HTTP": saying(b"SSH-2.0-OpenSSH_9.6\r\n" * 10),
    "HTTP of another age": saying(CONTENT),
    "a status that is none": saying(b"HTTP/1.1 9999999 ?\r\n\r\n"),
    "nothing but a newline": saying(b"\r\n\r\n"),
    "not found": saying(answer(b"", b"Content-Length: 0", status=b"404 Not Found")),
    "an error with a long story": saying(answer(bytes(1 << 20), status=b"500 Oops")),
    "nothing new": saying(answer(b"", status=b"304 Not Modified")),
    "interim answers without end": endless_interim_answers,
    "headers without end": endless_headers,
    "switches protocols": saying(answer(b"", b"Upgrade: x", b"Connection: upgrade", status=b"101 Switch")),
}

SLOW = ("says nothing", "says nothing after its headers", "body in a trickle", "headers in a trickle")

LOCATIONS = (
    b"",
    b"/",
    b"http://[",
    b"http://[::1",
    b"http://",
    b"http:///x",
    b"//",
    b"file:///etc/passwd",
    b"ftp://127.0.0.1/x",
    b"javascript:alert(1)",
    b"data:,an%20input",
    b"http://127.0.0.1:99999/",
    b"http://127.0.0.1:-1/",
    b"http://127.0.0.1:port/",
    b"http://exa mple/",
    b"http://xn--/",
    b"http://xn--999999999/",
    b"http://\xff\xfe/",
    "http://\u2488.\u00adexample/".encode(),
    b"http://" + b"a" * 70 + b".example/",
    b"http://" + b"a." * 2_000,
    b"x" * 70_000,
    b"http://user:secret@127.0.0.1:1/",
    b"\x01\x02",
)


@pytest.mark.parametrize("name", UNAVAILABLE)
def test_a_server_that_does_not_deliver_is_unavailable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in SLOW:
        limit_all(monkeypatch, SHORT_SECONDS)
    with serving_raw(UNAVAILABLE[name]) as url, pytest.raises(Unavailable, match="another store"):
        get(url)


@pytest.mark.parametrize("location", LOCATIONS, ids=lambda location: repr(location[:30]))
def test_a_redirection_leads_to_nothing_but_a_blob(location: bytes) -> None:
    with serving_raw(redirect(location)) as url:
        with pytest.raises(Unavailable, match="another store"):
            get(url)
        with pytest.raises(Unavailable):
            HttpBlobs(url).has_output(ROOT, 5)
        with pytest.raises(Unavailable):
            HttpBlobs(url).put(CONTENT)


@pytest.mark.parametrize(
    "behave",
    [
        saying(GOOD),
        saying(answer(CONTENT)),
        saying(answer(b"%x\r\n%b\r\n0\r\n\r\n" % (len(CONTENT), CONTENT), b"Transfer-Encoding: chunked")),
        saying(b"HTTP/1.1 100 Continue\r\n\r\n", GOOD),
        saying(answer(CONTENT, LENGTH, b"Content-Encoding: identity")),
        saying(GOOD + b"and something behind it"),
    ],
)
def test_a_server_that_delivers(behave: Behaviour) -> None:
    with serving_raw(behave) as url:
        assert get(url) == CONTENT
        location = f"{url}/elsewhere".encode()
        with serving_raw(redirect(location)) as redirecting:
            assert get(redirecting) == CONTENT


def test_other_bytes_and_too_many_are_refused() -> None:
    with serving_raw(saying(answer(b"nonsense"))) as url, pytest.raises(Rejected) as refusal:
        get(url)
    assert refusal.value.reason is Reject.BLOB_MISMATCH
    endless = repeat(bytes(1 << 16), 1_000)
    with serving_raw(saying(answer(b""), *endless)) as url, pytest.raises(Rejected) as refusal:
        get(url)
    assert refusal.value.reason is Reject.BLOB_TOO_LARGE


def test_whatever_a_server_says_ends_in_bytes_or_a_refusal(rng: random.Random) -> None:
    responses = [_mutated(rng) for _ in range(300)]
    remaining = cycle(responses)
    lock = threading.Lock()

    def behave(connection: socket.socket) -> None:
        with lock:
            response = next(remaining)
        saying(response)(connection)

    def outcome(url: str) -> object:
        try:
            return get(url) == CONTENT
        except (Rejected, Unavailable):
            return True

    with serving_raw(behave) as url, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(outcome, repeat(url, len(responses))))


def _mutated(rng: random.Random) -> bytes:
    chunked = answer(b"%x\r\n%b\r\n0\r\n\r\n" % (len(CONTENT), CONTENT), b"Transfer-Encoding: chunked")
    response = bytearray(rng.choice((GOOD, chunked, answer(b"", b"Location: http://x", status=b"302 F"))))
    for _ in range(rng.randint(1, 6)):
        position = rng.randrange(min(len(response), 120))
        match rng.randrange(4):
            case 0:
                response[position] = rng.randrange(256)
            case 1:
                del response[position : position + rng.randint(1, 9)]
            case 2:
                response[position:position] = rng.randbytes(rng.randint(1, 9))
            case _:
                response[position:position] = rng.choice((b"\r\n", b"\r\n\r\n", b":", b"\0", b"-1"))
    return bytes(response)


@pytest.mark.parametrize(
    "use",
    [
        lambda blobs, stop: blobs.get(URI, 100, should_stop=stop),
        lambda blobs, stop: blobs.put(CONTENT, should_stop=stop),
        lambda blobs, stop: blobs.has_output(ROOT, 5, should_stop=stop),
    ],
)
def test_it_stops_when_asked_to(
    use: Callable[[HttpBlobs, Callable[[], bool]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANSWER_SECONDS", "UPLOAD_SILENCE_SECONDS", "CHECK_SECONDS"):
        monkeypatch.setattr(transfer, name, 600.0)
    asked_at = time.monotonic()
    with serving_raw(silent) as url, pytest.raises(Stopped):
        use(HttpBlobs(url), lambda: time.monotonic() - asked_at > 0.3)


class Large:
    """Content in pieces."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.size_bytes = count << 20

    def __iter__(self) -> Iterator[bytes]:
        return repeat(b"p" * (1 << 20), self.count)


def test_an_upload_may_take_long_as_long_as_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """This one takes longer than any limit that does not move on with it."""
    for name in ("CONNECT", "UPLOAD_SILENCE", "CHECK"):
        monkeypatch.setattr(transfer, f"{name}_SECONDS", 1.0)
    got = bytearray()

    def behave(connection: socket.socket) -> None:
        got.extend(read_head(connection).partition(b"\r\n\r\n")[2])
        waits = 0
        while len(got) < 24 << 20:
            got.extend(connection.recv(1 << 18))
            if len(got) >> 20 > waits:
                waits += 1
                threading.Event().wait(0.1)
        connection.sendall(answer(b"", b"Content-Length: 0", status=b"201 Created"))

    with serving_raw(behave) as url:
        HttpBlobs(url).put_output(ROOT, Large(24), 5)
    assert len(got) == 24 << 20


def test_an_upload_that_nobody_takes_is_given_up() -> None:
    is_given_up = threading.Event()

    def behave(connection: socket.socket) -> None:
        read_head(connection)
        is_given_up.wait(60)

    def refuse(connection: socket.socket) -> None:
        read_head(connection)
        connection.sendall(answer(b"", b"Content-Length: 0", status=b"413 Too Large"))

    for unwilling in (behave, refuse, silent, saying(b"nonsense"), saying()):
        with serving_raw(unwilling) as url, pytest.raises(Unavailable, match="another store"):
            try:
                HttpBlobs(url).put_output(ROOT, Large(64), 5)
            finally:
                is_given_up.set()


def test_a_message_tells_no_secret() -> None:
    with pytest.raises(Unavailable) as failure:
        HttpBlobs("http://user:secret@127.0.0.1:1/secret").get(URI, 100)
    assert "secret" not in str(failure.value)
    assert "http://127.0.0.1:1" in str(failure.value)
