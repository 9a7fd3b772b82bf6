"""Transfers one blob over HTTP, with limits on size, time, pieces and redirects for a hostile server."""

import asyncio
import functools
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

from truestep.adapters.blobs.addresses import content_size, too_large
from truestep.base.errors import Rejected, Unavailable
from truestep.ports.blobs import Pieces

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 10.0
"""Time for DNS, connection and TLS. A server that takes longer is down or overloaded."""
ANSWER_SECONDS = 30.0
"""Time from the request to the last header of the answer, including the connection."""
SILENCE_SECONDS = 20.0
"""The longest pause between two pieces of a body."""
GRACE_SECONDS = 10.0
"""How long a body may be slower than the least rate at its beginning."""
LEAST_BYTES_PER_SECOND = 64 << 10
"""The least average rate after the grace time, half a megabit: 512 MiB may take two and a half hours."""
CRUMBS_LIMIT, LEAST_PIECE_SIZE_BYTES = 4_096, 256
"""After the first few thousand pieces, the least average size. Smaller pieces cost too much time."""
UPLOAD_SILENCE_SECONDS = 60.0
"""The longest time without progress of an upload. While it makes progress, however slow, it goes on."""
UPLOAD_PIECE_SIZE_BYTES = 16 << 10
"""Small compared with the system's buffer, which determines how often progress is seen."""
SEND_BUFFER_SIZE_BYTES = 256 << 10
"""The system's buffer. Enough for megabytes per second around the world."""
CHECK_SECONDS, CHECK_BYTES_PER_SECOND = 60.0, 1 << 20
"""Time for a server to answer after an upload; it may first hash the blob at this rate."""
REDIRECTS_LIMIT = 5
"""An object store redirects once or twice."""

STORE_ADVICE = "try later, or another store"

_REDIRECTS = (301, 302, 303, 307, 308)
_ABSENT = (404, 410)
_NO_ENCODING = {"Accept-Encoding": "identity"}
"""Content must not be compressed, so that it cannot unpack to more than was sent."""

Answer = TypeVar("Answer")


async def download(url: str, name: str, limit_bytes: int, advice: str = STORE_ADVICE) -> bytes:
    """The body at `url`, unchecked. Raises `Rejected` if it is over the limit, else only `Unavailable`.

    `advice` is what to do if it cannot be had.
    """

    async def fetch() -> bytes:
        async with _answered("GET", url) as response:
            _expect_success(response)
            return await _body(response, name, limit_bytes)

    return await _guarded(f"cannot get {name} from {origin(url)}", fetch, advice)


async def is_there(url: str, name: str) -> bool:
    """Whether the server says that it has `url`. Raises only `Unavailable`."""

    async def ask() -> bool:
        async with _answered("HEAD", url) as response:
            if response.status_code in _ABSENT:
                return False
            _expect_success(response)
            return True

    return await _guarded(f"cannot ask {origin(url)} for {name}", ask)


async def upload(url: str, name: str, content: bytes | Pieces) -> None:
    """Put `content` at `url`. Raises only `Unavailable`."""

    async def send() -> None:
        size_bytes = content_size(content)
        headers = {"Content-Length": str(size_bytes), "Content-Type": "application/octet-stream"}
        async with asyncio.timeout(CONNECT_SECONDS + UPLOAD_SILENCE_SECONDS) as timer, _client() as client:
            body = _sent(content, size_bytes, timer)
            extensions = {"trace": _bound_send_buffer}
            request = client.build_request("PUT", url, content=body, headers=headers, extensions=extensions)
            response = await client.send(request, stream=True)
            try:
                _expect_success(response)
            finally:
                await response.aclose()

    await _guarded(f"cannot put {name} into {origin(url)}", send)


def origin(url: str) -> str:
    """The server of `url`, for messages. The rest of a URL may be secret."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('/')[0].rpartition('@')[2]}"


@asynccontextmanager
async def _answered(method: str, url: str) -> AsyncGenerator["httpx.Response"]:
    """The headers of the answer, after redirects to http and https URLs. Its body is not yet read."""
    import httpx

    async with _client() as client:
        target = httpx.URL(url)
        for _ in range(REDIRECTS_LIMIT + 1):
            request = client.build_request(method, target, headers=_NO_ENCODING)
            async with asyncio.timeout(ANSWER_SECONDS):
                response = await client.send(request, stream=True)
            try:
                if response.status_code not in _REDIRECTS:
                    yield response
                    return
                target = target.join(response.headers.get("Location", ""))
            finally:
                await response.aclose()
            if target.scheme not in ("http", "https") or not target.host:
                raise Unavailable(f"it redirects to {str(target)[:100]!r}, which is not an http or https URL")
        raise Unavailable(f"it redirects more than {REDIRECTS_LIMIT} times")


async def _body(response: "httpx.Response", name: str, limit_bytes: int) -> bytes:
    """The pieces of a body as they arrive, whatever `Content-Length` says. Each moves the deadline."""
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unavailable("it compresses its answer, although it was asked not to")
    clock = asyncio.get_running_loop()
    began, content, pieces, size_bytes = clock.time(), BytesIO(), 0, 0
    async with asyncio.timeout(GRACE_SECONDS) as timer:
        async for piece in response.aiter_raw():
            size_bytes += content.write(piece)
            pieces += 1
            if size_bytes > limit_bytes:
                raise too_large(name, limit_bytes)
            if pieces > CRUMBS_LIMIT + size_bytes // LEAST_PIECE_SIZE_BYTES:
                raise Unavailable(f"it sends pieces of less than {LEAST_PIECE_SIZE_BYTES} bytes")
            due = began + GRACE_SECONDS + size_bytes / LEAST_BYTES_PER_SECOND
            timer.reschedule(min(due, clock.time() + SILENCE_SECONDS))
    return content.getvalue()  # the buffer itself, not a copy of half a gigabyte


async def _bound_send_buffer(event: str, facts: dict[str, Any]) -> None:
    """Limit the send buffer: a large one empties in jumps that look like silence on a slow link."""
    if event == "connection.connect_tcp.complete":
        connection = facts["return_value"].get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_SIZE_BYTES)


async def _sent(content: bytes | Pieces, size_bytes: int, timer: asyncio.Timeout) -> AsyncGenerator[bytes]:
    """The pieces to send. Each moves the deadline; the last leaves time for the server's checks."""
    clock, pieces = asyncio.get_running_loop(), iter([content] if isinstance(content, bytes) else content)
    while piece := await asyncio.to_thread(next, pieces, b""):  # from a disk, perhaps
        for start in range(0, len(piece), UPLOAD_PIECE_SIZE_BYTES):
            timer.reschedule(clock.time() + UPLOAD_SILENCE_SECONDS)
            yield piece[start : start + UPLOAD_PIECE_SIZE_BYTES]
    timer.reschedule(clock.time() + CHECK_SECONDS + size_bytes / CHECK_BYTES_PER_SECOND)


def _expect_success(response: "httpx.Response") -> None:
    if not response.is_success:
        raise Unavailable(f"it answers {response.status_code}")


async def _guarded(what: str, work: Callable[[], Awaitable[Answer]], advice: str = STORE_ADVICE) -> Answer:
    """The result of `work`. Libraries read a stranger's bytes in it, so all errors become `Unavailable`."""
    try:
        return await work()
    except Rejected:
        raise
    except TimeoutError as error:
        raise Unavailable(f"{what}: it is too slow; {advice}") from error
    except Exception as error:
        why = str(error) or type(error).__name__
        raise Unavailable(f"{what}: {why}; {advice}") from error


def _client() -> "httpx.AsyncClient":
    """A client for a single request, so that no cookie, connection or leftover reaches another."""
    import httpx

    return httpx.AsyncClient(verify=_tls(), timeout=httpx.Timeout(None, connect=CONNECT_SECONDS))


@functools.cache
def _tls() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()
