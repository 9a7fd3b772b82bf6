"""A small HTTP server over a directory of blobs: enough for one's own network."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from truestep.adapters.blobs.addresses import BLOB_LIMIT_BYTES, check_named
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.base.errors import Rejected, Unavailable

SILENCE_SECONDS = 10.0
"""A peer that says nothing for so long is hung up on."""
POLL_SECONDS = 0.05
"""How long closing takes."""
_NAME = re.compile(r"/([0-9a-f]{64}|(?:programs|inputs|outputs)/[0-9a-f]{64}-[0-9a-f]{1,9})")


class BlobServer:
    """Serves until closed. What comes in is checked against its name."""

    def __init__(
        self,
        blobs: DirectoryBlobs,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        limit_bytes: int = BLOB_LIMIT_BYTES,
    ) -> None:
        """Listen at once; port 0 takes a free one."""
        handler = type("Handler", (_Handler,), {"blobs": blobs, "limit_bytes": limit_bytes})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    blobs: DirectoryBlobs
    limit_bytes: int
    timeout = SILENCE_SECONDS

    def do_GET(self) -> None:
        """One blob."""
        matched = _NAME.fullmatch(self.path)
        if matched is None:
            return self._answer(400)
        try:
            content = self.blobs.read_named(matched[1], self.limit_bytes)
        except (Rejected, Unavailable):
            return self._answer(404)
        return self._answer(200, content)

    def do_HEAD(self) -> None:
        """Whether a blob is here."""
        matched = _NAME.fullmatch(self.path)
        self._answer(200 if matched and self.blobs.path_of(matched[1]).is_file() else 404)

    def do_PUT(self) -> None:
        """Keep one blob."""
        matched, length = _NAME.fullmatch(self.path), self.headers.get("Content-Length", "")
        if matched is None or not length.isdecimal():
            return self._answer(400)
        if int(length) > self.limit_bytes:
            return self._answer(413)
        content = self.rfile.read(int(length))
        name = matched[1]
        try:
            self.blobs.write_named(name, check_named(name, content))
        except Rejected:
            return self._answer(400)
        except Unavailable:
            return self._answer(507)
        return self._answer(201)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: requests are not events."""

    def _answer(self, code: int, content: bytes = b"") -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
