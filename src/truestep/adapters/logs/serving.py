"""Serves a log over HTTP as the files that it is (docs/logs.md L3), and signs epochs of its group (L5.6)."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from truestep.adapters.keepers.rates import Rates, client_of
from truestep.adapters.logs.epoch_file import EPOCH_PATH, PROPOSAL_LIMIT_BYTES
from truestep.adapters.web_server import WebServer
from truestep.base.errors import Rejected, Unavailable
from truestep.protocol.logs.tiles import BUNDLE_LIMIT_BYTES, CHECKPOINT_PATH, KEY_PATH, parse_path

Sign = Callable[[bytes], bytes]
"""What a log answers to a proposal. Raises `Rejected`, `Unavailable`."""
CONNECTIONS_PER_CLIENT = 16
READS_AT_ONCE = 8
"""Others wait, so that no client decides how much memory is taken."""
REQUESTS_PER_SECOND, BYTES_PER_SECOND = 100.0, 16 << 20
"""Of one client. Four million entries an hour."""
PROPOSALS_WAITING, PROPOSALS_PER_CLIENT = 8, 2
"""Of all clients together, and of one. A proposal that is still being sent is none yet."""
BODY_SECONDS = 10.0
"""For 64 KiB."""
_EPOCH_PATH = re.compile(r"epoch/(0|[1-9][0-9]{0,18})/[0-9a-f]{64}", re.ASCII)
TEXT_TYPE, TILE_TYPE = "text/plain; charset=utf-8", "application/octet-stream"
FRESH, IMMUTABLE = "no-cache", "public, max-age=31536000, immutable"


class LogServer:
    """Serves a log's folder until closed."""

    def __init__(
        self, folder: Path, host: str = "127.0.0.1", port: int = 0, sign: Sign | None = None
    ) -> None:
        """Listen at once; port 0 takes a free one. Raises OSError if that cannot be."""
        app = log_app(folder, sign)
        self._server = WebServer(app, host, port, connections_per_client=CONNECTIONS_PER_CLIENT)

    @property
    def url(self) -> str:
        """The base URL."""
        return self._server.url

    def close(self) -> None:
        """Stop listening."""
        self._server.close()


def log_app(folder: Path, sign: Sign | None = None) -> Starlette:
    """The app that serves what is in a log's folder, and nothing else that may lie there.

    `sign` answers proposals of epochs (L5.6).
    """
    requests, octets = Rates(REQUESTS_PER_SECOND, time.monotonic), Rates(BYTES_PER_SECOND, time.monotonic)
    reads = asyncio.Semaphore(READS_AT_ONCE)

    def admitted(request: Request) -> str | Response:
        """Who asks, or what it is told if that is too often."""
        client = client_of(request.client.host if request.client else "")
        wait = max(requests.wait_seconds(client), octets.wait_seconds(client))
        if wait > 0:
            return _refusal(429, "too many requests; wait", {"Retry-After": f"{int(wait) + 1}"})
        requests.take(client, 1.0)
        return client

    async def answer(request: Request) -> Response:
        path = request.path_params["path"]
        is_fixed = parse_path(path) is not None or _EPOCH_PATH.fullmatch(path) is not None
        if not is_fixed and path not in (CHECKPOINT_PATH, KEY_PATH):
            return _refusal(404, "there is no such file of a log")
        client = admitted(request)
        if isinstance(client, Response):
            return client
        async with reads:
            try:
                content = await asyncio.to_thread(_content, folder / path)
            except OSError:
                return _refusal(503, "the log's disk fails at the moment", {"Retry-After": "5"})
        if content is None:
            return _refusal(404, "the log has no such file")
        octets.take(client, len(content))
        headers = {"Cache-Control": IMMUTABLE if is_fixed else FRESH}
        return Response(content, media_type=TILE_TYPE if is_fixed else TEXT_TYPE, headers=headers)

    routes = [Route("/{path:path}", answer, methods=["GET"])]
    if sign is not None:
        desk = _SigningDesk(sign)

        async def signed(request: Request) -> Response:
            client = admitted(request)
            return client if isinstance(client, Response) else await desk.answer(request, client)

        routes.insert(0, Route(f"/{EPOCH_PATH}", signed, methods=["POST"]))
    return Starlette(routes=routes)


class _SigningDesk:
    """Answers proposals one after the other: a signature takes a second of a core."""

    def __init__(self, sign: Sign) -> None:
        self._sign = sign
        self._turn = asyncio.Semaphore(1)
        self._waiting: Counter[str] = Counter()

    async def answer(self, request: Request, client: str) -> Response:
        """The signature, or why there is none."""
        try:
            content = await _body(request, PROPOSAL_LIMIT_BYTES)
        except TimeoutError:
            return _refusal(408, "the proposal has not come in time")
        if content is None:
            return _refusal(413, f"expected a proposal of at most {PROPOSAL_LIMIT_BYTES:,} bytes")
        if self._waiting.total() >= PROPOSALS_WAITING or self._waiting[client] >= PROPOSALS_PER_CLIENT:
            return _refusal(503, "other proposals are looked at", {"Retry-After": "5"})
        self._waiting[client] += 1
        try:
            async with self._turn:
                answer = await asyncio.to_thread(self._sign, content)
        except Rejected as error:
            return _refusal(409, f"{error}")
        except Unavailable as error:
            return _refusal(503, f"{error}", {"Retry-After": "5"})
        finally:
            self._waiting -= Counter({client: 1})
        return Response(answer, media_type="application/json", headers={"Cache-Control": "no-store"})


async def _body(request: Request, limit_bytes: int) -> bytes | None:
    """What a client sends; None if it is too much. Raises TimeoutError."""
    content = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for piece in request.stream():
            content += piece
            if len(content) > limit_bytes:
                return None
    return bytes(content)


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return Response(message + "\n", status_code=status, media_type=TEXT_TYPE, headers=headers)


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(BUNDLE_LIMIT_BYTES)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
