"""The devnet's HTTP server: JSON-RPC at `/`, blobs beside it. Serves programs on this computer alone."""

import functools
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from truestep.adapters.blobs.addresses import BLOB_LIMIT_BYTES, check_named
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.base.errors import Rejected, Unavailable
from truestep.devnet.rpc import DevnetRpc

HOST = "127.0.0.1"
"""Never another: the keys are public and the time can be moved by anybody who can connect."""
RPC_LIMIT_BYTES = 4 << 20
"""A deployment takes 50 KiB of hex, a batch of calls some more."""
CONNECTION_SECONDS = 60
"""A client that says nothing for so long loses its connection, and its thread ends."""
TICK_SECONDS = 0.5

_BLOB_PATH = re.compile(r"/blobs/([0-9a-f]{64}|(?:programs|inputs|outputs)/[0-9a-f]{64}-[0-9a-f]{1,9})")
_OWN_NAMES = ("127.0.0.1", "localhost")


@contextmanager
def serving(rpc: DevnetRpc, blobs: DirectoryBlobs, port: int) -> Generator[str, None, None]:
    """Serve until the block ends, at the address that is the value. Port 0 chooses a free one."""
    try:
        server = ThreadingHTTPServer((HOST, port), functools.partial(_Handler, rpc, blobs))
    except OSError as error:
        raise Unavailable(
            f"expected to serve on port {port}, got: {error.strerror}; choose another with --port"
        ) from error
    stopping = threading.Event()
    threads = [
        threading.Thread(target=server.serve_forever, daemon=True),
        threading.Thread(target=_keep_ticking, args=(rpc, stopping), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        stopping.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()


def _keep_ticking(rpc: DevnetRpc, stopping: threading.Event) -> None:
    while not stopping.wait(TICK_SECONDS):
        rpc.tick()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer is two writes
    timeout = CONNECTION_SECONDS

    def __init__(self, rpc: DevnetRpc, blobs: DirectoryBlobs, *connection: Any) -> None:
        self._rpc = rpc
        self._blobs = blobs
        super().__init__(*connection)

    def do_POST(self) -> None:
        """JSON-RPC."""
        body = self._body(RPC_LIMIT_BYTES)
        if body is not None:
            self._send(HTTPStatus.OK, self._rpc.answer(body))

    def do_GET(self) -> None:
        """A blob's bytes."""
        name = self._blob_name()
        try:
            content = self._blobs.read_named(name, BLOB_LIMIT_BYTES) if name else None
        except (Rejected, Unavailable):
            content = None
        if content is None:
            self._refuse(HTTPStatus.NOT_FOUND, "no such blob")
        else:
            self._send(HTTPStatus.OK, content, "application/octet-stream")

    def do_HEAD(self) -> None:
        """Whether a blob is here."""
        name = self._blob_name()
        is_here = name is not None and self._blobs.path_of(name).is_file()
        self._send(HTTPStatus.OK if is_here else HTTPStatus.NOT_FOUND, b"")

    def do_PUT(self) -> None:
        """Keep a blob or an output that is what its name says."""
        name = self._blob_name()
        if name is None:
            self._refuse(HTTPStatus.NOT_FOUND, "expected /blobs/ and 64 hex digits")
            return
        content = self._body(BLOB_LIMIT_BYTES)
        if content is None:
            return
        try:
            self._blobs.write_named(name, check_named(name, content))
        except Rejected as error:
            self._refuse(HTTPStatus.BAD_REQUEST, str(error))
            return
        except Unavailable as error:
            self._refuse(HTTPStatus.INSUFFICIENT_STORAGE, str(error))
            return
        self._send(HTTPStatus.CREATED, b"")

    def _blob_name(self) -> str | None:
        match = _BLOB_PATH.fullmatch(self.path)
        return match[1] if match and self._is_own_host() else None

    def _body(self, limit_bytes: int) -> bytes | None:
        """The request's body; None after an answer that refuses it."""
        stated = self.headers.get("Content-Length", "")
        if not self._is_own_host():
            self._refuse(HTTPStatus.FORBIDDEN, "this server answers to 127.0.0.1 and localhost only")
        elif not stated.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        elif int(stated) > limit_bytes:
            message = f"expected at most {limit_bytes} bytes, got {stated}"
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        elif len(body := self.rfile.read(int(stated))) == int(stated):
            return body
        else:
            self.close_connection = True
        return None

    def _is_own_host(self) -> bool:
        """Whether the request was meant for this server: a web page that rebinds its name is not."""
        return self.headers.get("Host", "").partition(":")[0] in _OWN_NAMES

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True  # its body may not have been read
        self._send(status, message.encode(), "text/plain")

    def _send(self, status: HTTPStatus, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: requests are not news, nor is a client that hangs up."""
