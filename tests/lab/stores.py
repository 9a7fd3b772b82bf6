"""A hostile blob store: keeps whatever is put, and gives it back as badly as its rules say."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

POLL_SECONDS = 0.05
TRICKLE_SECONDS = 1.0
"""Between two bytes."""
HUGE_PIECE_BYTES = 1 << 20
HUGE_PIECES = 4_096
"""A body of 4 GiB for who goes on reading."""


class Manner(Enum):
    """How a blob is given back."""

    TRICKLE = auto()
    """A byte a second."""
    REDIRECT = auto()
    """To an address that is none: `http://[`."""
    WRONG = auto()
    """Other bytes of the same size."""
    HUGE = auto()
    """A body without end."""
    MISSING = auto()
    """404."""
    BROKEN = auto()
    """500."""
    SILENT = auto()
    """The connection is open, and nothing comes."""
    GARBAGE = auto()
    """Bytes that are no HTTP."""
    SHORT = auto()
    """Half of the body that was announced."""
    FULL = auto()
    """Nothing can be put: 507."""


Match = Callable[[str], bool]


@dataclass
class _BlobRule:
    match: Match
    manner: Manner


class HostileStore:
    """An HTTP blob store in this process. Without rules it is an honest one."""

    def __init__(self) -> None:
        self.content: dict[str, bytes | memoryview] = {}
        """By path, such as `/ab12...`."""
        self.asked: list[str] = []
        """Paths that were asked for, in order."""
        self.closing = threading.Event()
        self._rules: list[_BlobRule] = []
        handler = type("Handler", (_Handler,), {"store": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The store's base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def keep(self, content: memoryview) -> str:
        """Have a blob without copying it; its URI."""
        name = hashlib.sha256(content).hexdigest()
        self.content[f"/{name}"] = content
        return f"blob:{name}"

    def misbehave(self, manner: Manner, match: Match = lambda _: True) -> None:
        """From now on paths that match are given back like this; the newest rule wins."""
        self._rules.insert(0, _BlobRule(match, manner))

    def behave(self) -> None:
        """From now on everything is given back as it was put."""
        self._rules.clear()

    def manner(self, path: str) -> Manner | None:
        """How this path is given back; None: as it was put."""
        return next((rule.manner for rule in self._rules if rule.match(path)), None)

    def close(self) -> None:
        """Stop; whoever waits is let go."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: daemons are killed in the middle of requests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    store: HostileStore

    def do_GET(self) -> None:
        """One blob, in its manner."""
        self.store.asked.append(self.path)
        content = self.store.content.get(self.path)
        manner = self.store.manner(self.path)
        with suppress(BrokenPipeError, ConnectionResetError):
            if manner is None:
                self._plain(200 if content is not None else 404, content or b"")
            else:
                self._hostile(manner, content or bytes(100))

    def do_HEAD(self) -> None:
        """Whether a blob is there."""
        content = self.store.content.get(self.path)
        self.send_response(200 if content is not None else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()

    def do_PUT(self) -> None:
        """Keep anything."""
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.store.manner(self.path) is Manner.FULL:
            self._plain(507, b"")
            return
        self.store.content[self.path] = content
        self._plain(201, b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def _plain(self, code: int, content: bytes | memoryview) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _hostile(self, manner: Manner, content: bytes | memoryview) -> None:
        match manner:
            case Manner.TRICKLE:
                self._announce(len(content))
                self._trickle(content)
            case Manner.REDIRECT:
                self.send_response(302)
                self.send_header("Location", "http://[")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case Manner.WRONG:
                self._plain(200, bytes(byte ^ 0xFF for byte in content))
            case Manner.HUGE:
                self._announce(HUGE_PIECES * HUGE_PIECE_BYTES)
                for _ in range(HUGE_PIECES):
                    self.wfile.write(bytes(HUGE_PIECE_BYTES))
            case Manner.MISSING:
                self._plain(404, b"")
            case Manner.BROKEN:
                self._plain(500, b"")
            case Manner.SILENT:
                self.store.closing.wait()
                self.close_connection = True
            case Manner.GARBAGE:
                self.wfile.write(bytes(range(256)))
                self.close_connection = True
            case Manner.SHORT:
                self._announce(len(content))
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
            case Manner.FULL:
                self._plain(200, content)

    def _announce(self, size_bytes: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(size_bytes))
        self.end_headers()

    def _trickle(self, content: bytes | memoryview) -> None:
        for byte in content:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self.store.closing.wait(TRICKLE_SECONDS):
                return
