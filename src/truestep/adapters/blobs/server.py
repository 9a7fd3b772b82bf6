"""Serves blobs over HTTP: a small ASGI app over a directory, for a local network or a public store.

It supports `GET` and `HEAD /{name}`, with ranges, and `PUT /{name}`. A blob is checked against its name while
it arrives, so that neither side holds a large blob in memory.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import IO

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from truestep.adapters.blobs.addresses import BLOB_LIMIT_BYTES, limit_of, too_large
from truestep.adapters.blobs.checks import NameCheck, name_check
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.files import finish, unfinished
from truestep.adapters.web_server import WebServer
from truestep.base.errors import Reject, Rejected

PUTS_LIMIT = 16
"""Uploads at the same time. Each may use a thread and, for a program, 64 MiB until it is checked."""
CHECKS_LIMIT = 2
"""Programs and large trees that are checked at the same time."""
SILENCE_SECONDS = 60.0
"""The longest pause between two pieces of an upload."""
GRACE_SECONDS, LEAST_BYTES_PER_SECOND = 120.0, 1 << 10
"""After the grace time, an upload must have this average rate. Slow links do, and no upload takes days."""
BLOCK_SIZE_BYTES = 1 << 20
"""The block that a thread writes and hashes in one call."""


class BlobServer:
    """Serves a directory until closed."""

    def __init__(
        self,
        blobs: DirectoryBlobs,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        limit_bytes: int = BLOB_LIMIT_BYTES,
    ) -> None:
        """Listen at once; port 0 takes a free one. Raises OSError if that cannot be."""
        self._server = WebServer(blob_app(blobs, limit_bytes=limit_bytes), host, port)

    @property
    def url(self) -> str:
        """The base URL."""
        return self._server.url

    def close(self) -> None:
        """Stop listening."""
        self._server.close()


def blob_app(blobs: DirectoryBlobs, *, limit_bytes: int = BLOB_LIMIT_BYTES) -> Starlette:
    """The app. It neither accepts nor serves blobs larger than `limit_bytes`."""
    handlers = _Handlers(blobs, limit_bytes)
    return Starlette(
        routes=[
            Route("/{name:path}", handlers.give, methods=["GET", "HEAD"]),
            Route("/{name:path}", handlers.take, methods=["PUT"]),
        ]
    )


class _Handlers:
    def __init__(self, blobs: DirectoryBlobs, limit_bytes: int) -> None:
        self._blobs = blobs
        self._limit_bytes = limit_bytes
        self._puts = 0
        self._checks = asyncio.Semaphore(CHECKS_LIMIT)

    async def give(self, request: Request) -> Response:
        """One blob."""
        name = request.path_params["name"]
        try:
            limit_bytes = min(limit_of(name), self._limit_bytes)
            path = self._blobs.path_of(name)
            status = await asyncio.to_thread(path.stat)
        except (Rejected, OSError):
            return PlainTextResponse("no such blob", 404)
        if not path.is_file() or status.st_size > limit_bytes:
            return PlainTextResponse("no such blob", 404)
        return FileResponse(path, stat_result=status, media_type="application/octet-stream")

    async def take(self, request: Request) -> Response:
        """Keep one blob, if it matches its name."""
        if self._puts >= PUTS_LIMIT:
            return _refusal(503, "too many uploads at the moment; try later")
        self._puts += 1
        try:
            return await self._take(request, request.path_params["name"])
        except Rejected as error:
            return _refusal(_STATUS.get(error.reason, 400), str(error))
        except TimeoutError:
            return _refusal(408, "the upload is too slow")
        except OSError as error:
            return _refusal(507, f"cannot keep it: {error.strerror}")
        except ClientDisconnect:
            return Response(status_code=400)
        finally:
            self._puts -= 1

    async def _take(self, request: Request, name: str) -> Response:
        """1. Check name and size. 2. Read the bytes. 3. Check them against the name. 4. Keep the file."""
        limit_bytes = min(limit_of(name), self._limit_bytes)
        stated = request.headers.get("Content-Length", "")
        if stated.isdecimal() and int(stated) > limit_bytes:  # 1.
            raise too_large(name, limit_bytes)
        target, check = self._blobs.path_of(name), name_check(name)
        opened = unfinished(target)
        file = await asyncio.to_thread(opened.__enter__)
        try:
            async for block in _blocks(request, name, limit_bytes):  # 2.
                await asyncio.to_thread(_write, file, check, block)
            async with self._checks:
                trouble = await asyncio.to_thread(check.mismatch)
            if trouble:  # 3.
                raise Rejected(Reject.BLOB_MISMATCH, trouble)
            await asyncio.to_thread(finish, file, target)  # 4.
        finally:
            await asyncio.to_thread(opened.__exit__, None, None, None)
        return Response(status_code=201)


_STATUS = {Reject.BLOB_URI: 404, Reject.BLOB_TOO_LARGE: 413}


async def _blocks(request: Request, name: str, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body in blocks of 1 MiB. Raises `Rejected` above the limit, TimeoutError if it is too slow."""
    clock, block, size_bytes = asyncio.get_running_loop(), bytearray(), 0
    began, pieces = clock.time(), aiter(request.stream())
    while True:
        due = began + GRACE_SECONDS + size_bytes / LEAST_BYTES_PER_SECOND
        async with asyncio.timeout_at(min(due, clock.time() + SILENCE_SECONDS)):
            piece = await anext(pieces, None)
        if piece is None:
            break
        block += piece
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise too_large(name, limit_bytes)
        if len(block) >= BLOCK_SIZE_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _write(file: IO[bytes], check: NameCheck, block: bytes) -> None:
    file.write(block)
    check.update(block)


def _refusal(status: int, message: str) -> Response:
    """A refusal that closes the connection, because the body may not have been read."""
    return PlainTextResponse(message, status, headers={"Connection": "close"})
