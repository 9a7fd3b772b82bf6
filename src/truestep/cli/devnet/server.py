"""The devnet's HTTP server: JSON-RPC at `/`, blobs beside it. Serves programs on this computer alone."""

import functools
import os
import re
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from truestep.base.errors import Unavailable
from truestep.cli.devnet.rpc import DevnetRpc
from truestep.machine.layout import INPUT_LIMIT_BYTES

HOST = "127.0.0.1"
"""Never another: the keys are public and the time can be moved by anybody who can connect."""
RPC_LIMIT_BYTES = 4 << 20
"""A deployment takes 50 KiB of hex, a batch of calls some more."""
BLOB_LIMIT_BYTES = INPUT_LIMIT_BYTES
CONNECTION_SECONDS = 60
"""A client that says nothing for so long loses its connection, and its thread ends."""
TICK_SECONDS = 0.5

_CHUNK_BYTES = 1 << 20
_BLOB_PATH = re.compile(r"/blobs/((?:outputs/)?[0-9a-f]{64})")
_OWN_NAMES = ("127.0.0.1", "localhost", "")


@contextmanager
def serving(rpc: DevnetRpc, blob_folder: Path, port: int) -> Generator[str, None, None]:
    """Serve until the block ends, at the address that is the value. Port 0 chooses a free one."""
    try:
        server = ThreadingHTTPServer((HOST, port), functools.partial(_Handler, rpc, blob_folder))
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

    def __init__(self, rpc: DevnetRpc, blob_folder: Path, *connection: Any) -> None:
        self._rpc = rpc
        self._blob_folder = blob_folder
        super().__init__(*connection)

    def do_POST(self) -> None:
        """JSON-RPC."""
        size_bytes = self._body_size_bytes(RPC_LIMIT_BYTES)
        if size_bytes is not None:
            self._send(HTTPStatus.OK, self._rpc.answer(self.rfile.read(size_bytes)))

    def do_GET(self) -> None:
        """A blob's bytes."""
        path = self._blob_path()
        if path is None or not path.is_file():
            self._refuse(HTTPStatus.NOT_FOUND, "no such blob")
            return
        with path.open("rb") as blob:
            self._send_head(HTTPStatus.OK, path.stat().st_size, "application/octet-stream")
            while chunk := blob.read(_CHUNK_BYTES):
                self.wfile.write(chunk)

    def do_PUT(self) -> None:
        """Keep a blob; whoever reads it checks it against its hash."""
        path = self._blob_path()
        if path is None:
            self._refuse(HTTPStatus.NOT_FOUND, "expected /blobs/ and 64 hex digits")
            return
        size_bytes = self._body_size_bytes(BLOB_LIMIT_BYTES)
        if size_bytes is not None:
            self._keep(path, size_bytes)

    def _keep(self, path: Path, size_bytes: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                while size_bytes and (chunk := self.rfile.read(min(size_bytes, _CHUNK_BYTES))):
                    size_bytes -= file.write(chunk)
            if not size_bytes:
                Path(unfinished).replace(path)
        finally:
            Path(unfinished).unlink(missing_ok=True)
        if size_bytes:
            self.close_connection = True
        else:
            self._send(HTTPStatus.CREATED, b"")

    def _blob_path(self) -> Path | None:
        match = _BLOB_PATH.fullmatch(self.path)
        return self._blob_folder / match[1] if match and self._is_own_host() else None

    def _body_size_bytes(self, limit_bytes: int) -> int | None:
        """The body's stated size; None after an answer that refuses it."""
        stated = self.headers.get("Content-Length", "")
        if not self._is_own_host():
            self._refuse(HTTPStatus.FORBIDDEN, "this server answers to 127.0.0.1 and localhost only")
        elif not stated.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        elif int(stated) > limit_bytes:
            self._refuse(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {limit_bytes} bytes, got {stated}"
            )
        else:
            return int(stated)
        return None

    def _is_own_host(self) -> bool:
        """Whether the request was meant for this server: a web page that rebinds its name is not."""
        return self.headers.get("Host", "").rpartition(":")[0] in _OWN_NAMES

    def _refuse(self, status: HTTPStatus, message: str) -> None:
        self.close_connection = True  # its body has not been read
        self._send(status, message.encode(), "text/plain")

    def _send(self, status: HTTPStatus, body: bytes, content_type: str = "application/json") -> None:
        self._send_head(status, len(body), content_type)
        self.wfile.write(body)

    def _send_head(self, status: HTTPStatus, size_bytes: int, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(size_bytes))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not news; errors of the server itself still are."""
