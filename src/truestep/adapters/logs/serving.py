"""Serves a log over HTTP as the files that it is (docs/logs.md L3): `GET` and `HEAD`, nothing else."""

import asyncio
import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from truestep.adapters.keepers.rates import Rates, client_of
from truestep.adapters.web_server import WebServer
from truestep.protocol.logs.tiles import BUNDLE_LIMIT_BYTES, CHECKPOINT_PATH, KEY_PATH, parse_path

CONNECTIONS_PER_CLIENT = 16
READS_AT_ONCE = 8
"""Others wait, so that no client decides how much memory is taken."""
REQUESTS_PER_SECOND, BYTES_PER_SECOND = 100.0, 16 << 20
"""Of one client. Four million entries an hour."""
TEXT_TYPE, TILE_TYPE = "text/plain; charset=utf-8", "application/octet-stream"
FRESH, IMMUTABLE = "no-cache", "public, max-age=31536000, immutable"


class LogServer:
    """Serves a log's folder until closed."""

    def __init__(self, folder: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen at once; port 0 takes a free one. Raises OSError if that cannot be."""
        self._server = WebServer(log_app(folder), host, port, connections_per_client=CONNECTIONS_PER_CLIENT)

    @property
    def url(self) -> str:
        """The base URL."""
        return self._server.url

    def close(self) -> None:
        """Stop listening."""
        self._server.close()


def log_app(folder: Path) -> Starlette:
    """The app that serves what is in a log's folder, and nothing else that may lie there."""
    requests, octets = Rates(REQUESTS_PER_SECOND, time.monotonic), Rates(BYTES_PER_SECOND, time.monotonic)
    reads = asyncio.Semaphore(READS_AT_ONCE)

    async def answer(request: Request) -> Response:
        path = request.path_params["path"]
        is_tile = parse_path(path) is not None
        if not is_tile and path not in (CHECKPOINT_PATH, KEY_PATH):
            return _refusal(404, "there is no such file of a log")
        client = client_of(request.client.host if request.client else "")
        wait = max(requests.wait_seconds(client), octets.wait_seconds(client))
        if wait > 0:
            return _refusal(429, "too many requests; wait", {"Retry-After": f"{int(wait) + 1}"})
        requests.take(client, 1.0)
        async with reads:
            try:
                content = await asyncio.to_thread(_content, folder / path)
            except OSError:
                return _refusal(503, "the log's disk fails at the moment", {"Retry-After": "5"})
        if content is None:
            return _refusal(404, "the log has no such file")
        octets.take(client, len(content))
        headers = {"Cache-Control": IMMUTABLE if is_tile else FRESH}
        return Response(content, media_type=TILE_TYPE if is_tile else TEXT_TYPE, headers=headers)

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET"])])


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(message + "\n", status_code=status, media_type=TEXT_TYPE, headers=headers)


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(BUNDLE_LIMIT_BYTES)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
