"""A keeper's service over HTTP: a small ASGI app over its shelf (docs/keepers.md).

All requests are `GET` or `HEAD`: nobody can give it anything. An answer has at most `PLACES_LIMIT` cells or
one manifest, and few are read at a time, so that no client decides how much memory it takes.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from truestep.adapters.keepers.deletion import Deletions
from truestep.adapters.keepers.rates import Rates, client_of
from truestep.adapters.keepers.shelf import Shelf
from truestep.adapters.keepers.wire import (
    CELLS_TYPE,
    PLACES_LIMIT,
    VERSION,
    CellPlace,
    Health,
    error_body,
    pack,
)
from truestep.adapters.web_server import WebServer
from truestep.availability.parts import BLOB_LIMIT
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32
from truestep.commitments.kzg import CELLS_PER_BLOB
from truestep.protocol.availability.ids import ItemId

READS_AT_ONCE = 16
"""Reads of the store at the same time. Others wait; the web server limits how many."""
CONNECTIONS_PER_CLIENT = 32
"""An eighth of all: one client must not keep others out."""
QUERY_LIMIT = 2_048
"""Characters of a query: 128 places have a thousand."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""An item is named by its content."""

_NUMBER = re.compile(r"0|[1-9]\d{0,4}")
_ITEM_NUMBER = re.compile(r"[1-9]\d{0,19}")
_ITEM = re.compile(r"[0-9a-f]{64}")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceLimits:
    """What a client may ask for, per second; a client is an address of IPv4 or a /64 of IPv6."""

    requests: float = 100.0
    bytes: float = 16 << 20


DeletionsOf = Callable[[ItemId], Deletions]
"""The deletion receipts of an item, by its number."""


def nothing_deleted(_: ItemId) -> Deletions:
    """Of a keeper that has signed for nothing."""
    return Deletions(deletions=())


class KeeperServer:
    """Serves a shelf until closed."""

    def __init__(
        self,
        shelf: Shelf,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        limits: ServiceLimits | None = None,
        keeper: str = "",
        deletions: DeletionsOf = nothing_deleted,
    ) -> None:
        """Listen at once; port 0 takes a free one. Raises OSError if that cannot be."""
        app = keeper_app(shelf, limits=limits or ServiceLimits(), keeper=keeper, deletions=deletions)
        self._server = WebServer(app, host, port, connections_per_client=CONNECTIONS_PER_CLIENT)

    @property
    def url(self) -> str:
        """The base URL."""
        return self._server.url

    def close(self) -> None:
        """Stop listening."""
        self._server.close()


def keeper_app(
    shelf: Shelf,
    *,
    limits: ServiceLimits,
    keeper: str = "",
    clock: Callable[[], float] = time.monotonic,
    deletions: DeletionsOf = nothing_deleted,
) -> Starlette:
    """The app; `keeper` is the address that it says is its own, `deletions` are its deletion receipts."""
    handlers = _Handlers(shelf, limits, keeper, clock, deletions)
    routes = {
        f"/v{VERSION}/health": handlers.health,
        f"/v{VERSION}/deletions/{{number}}": handlers.deletions,
        f"/v{VERSION}/items/{{item}}/manifest": handlers.manifest,
        f"/v{VERSION}/items/{{item}}/held": handlers.held,
        f"/v{VERSION}/items/{{item}}/cells": handlers.batch,
        f"/v{VERSION}/items/{{item}}/cells/{{blob}}": handlers.stretch,
    }
    return Starlette(
        routes=[Route(path, handlers.guarded(work), methods=["GET"]) for path, work in routes.items()]
    )


class _Refused(Exception):
    """A request that is not answered with what it asks for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handlers:
    def __init__(
        self,
        shelf: Shelf,
        limits: ServiceLimits,
        keeper: str,
        clock: Callable[[], float],
        deletions: DeletionsOf,
    ) -> None:
        self._shelf = shelf
        self._deletions = deletions
        self._keeper = keeper
        self._requests = Rates(limits.requests, clock)
        self._bytes = Rates(limits.bytes, clock)
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    def guarded(
        self, work: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """The work of a request under the limits of its client."""

        async def answer(request: Request) -> Response:
            client = client_of(request.client.host if request.client else "")
            wait = max(self._requests.wait_seconds(client), self._bytes.wait_seconds(client))
            if wait > 0:
                return _refusal(429, "too many requests; wait", {"Retry-After": str(int(wait) + 1)})
            self._requests.take(client, 1.0)
            try:
                if len(request.url.query) > QUERY_LIMIT:
                    raise _Refused(414, f"expected a query of at most {QUERY_LIMIT} characters")
                response = await work(request)
            except _Refused as refused:
                return _refusal(refused.status, str(refused))
            except Unavailable:
                return _refusal(503, "the keeper's store fails at the moment", {"Retry-After": "5"})
            self._bytes.take(client, len(response.body))
            return response

        return answer

    async def health(self, request: Request) -> Response:
        """What the keeper says of itself."""
        del request
        said = Health(
            version=VERSION,
            status="ok",
            items=len(self._shelf.items()),
            used_bytes=self._shelf.used_bytes,
            keeper=self._keeper,
        )
        return _json(said.model_dump_json().encode())

    async def deletions(self, request: Request) -> Response:
        """What the keeper has signed about an item that it has dropped, by the item's number."""
        text = request.path_params["number"]
        if not _ITEM_NUMBER.fullmatch(text):
            raise _Refused(400, "expected the number of an item")
        found = await self._read(lambda: self._deletions(ItemId(int(text))))
        if not found.deletions:
            raise _Refused(404, f"this keeper has signed for no deletion of item {text}")
        return _tagged(request, found.model_dump_json().encode(), "application/json")

    async def manifest(self, request: Request) -> Response:
        """The manifest of an item."""
        item = _item(request)
        tag = f'"{item.hex()}"'
        if self._shelf.has(item) and _knows(request, tag):
            return _unchanged(tag, IMMUTABLE)
        found = await self._read(lambda: self._shelf.manifest(item))
        headers = {"ETag": tag, "Cache-Control": IMMUTABLE}
        return Response(_there(found, item), 200, headers, "application/json")

    async def held(self, request: Request) -> Response:
        """Which runs of an item are there."""
        item = _item(request)
        body = _there(self._shelf.held(item), item).model_dump_json().encode()
        return _tagged(request, body, "application/json")

    async def stretch(self, request: Request) -> Response:
        """Cells of one blob that follow each other: `?first=0&count=64`; without, all that are there."""
        blob = _number(request.path_params["blob"], "a blob", BLOB_LIMIT - 1)
        first = _number(request.query_params.get("first", "0"), "first", CELLS_PER_BLOB - 1)
        count = _number(request.query_params.get("count", str(CELLS_PER_BLOB)), "count", CELLS_PER_BLOB)
        places = [CellPlace(blob=blob, cell=(first + step) % CELLS_PER_BLOB) for step in range(count)]
        return await self._cells(request, places)

    async def batch(self, request: Request) -> Response:
        """Cells of any blobs: `?at=BLOB.CELL,BLOB.CELL`."""
        texts = request.query_params.get("at", "").split(",")
        if len(texts) > PLACES_LIMIT:
            raise _Refused(400, f"expected at most {PLACES_LIMIT} cells, got {len(texts)}")
        return await self._cells(request, sorted({_place(text) for text in texts}))

    async def _cells(self, request: Request, places: list[CellPlace]) -> Response:
        item = _item(request)
        cells = _there(await self._read(lambda: self._shelf.cells(item, places)), item)
        return _tagged(request, b"".join(map(pack, cells)), CELLS_TYPE)

    async def _read(self, read: Callable[[], _Found]) -> _Found:
        async with self._reads:
            return await asyncio.to_thread(read)


def _item(request: Request) -> Bytes32:
    text = request.path_params["item"]
    if not _ITEM.fullmatch(text):
        raise _Refused(400, "expected the name of an item, 64 lower-case hex digits")
    return Bytes32(bytes.fromhex(text))


def _there(found: _Found | None, item: Bytes32) -> _Found:
    if found is None:
        raise _Refused(404, f"this keeper has nothing of item {item.hex()}")
    return found


def _number(text: str, what: str, limit: int) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > limit:
        raise _Refused(400, f"expected {what} to be a number of at most {limit}")
    return int(text)


def _place(text: str) -> CellPlace:
    blob, _, cell = text.partition(".")
    return CellPlace(
        blob=_number(blob, "a blob", BLOB_LIMIT - 1), cell=_number(cell, "a cell", CELLS_PER_BLOB - 1)
    )


def _tagged(request: Request, body: bytes, kind: str) -> Response:
    """An answer that changes if the keeper gets or loses cells; short if the client has it."""
    tag = f'"{blake2b(body, digest_size=16).hexdigest()}"'
    if _knows(request, tag):
        return _unchanged(tag, "no-cache")
    return Response(body, 200, {"ETag": tag, "Cache-Control": "no-cache"}, kind)


def _knows(request: Request, tag: str) -> bool:
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return tag in known or known == ["*"]


def _unchanged(tag: str, cache: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": cache})


def _json(body: bytes) -> Response:
    return Response(body, 200, {"Cache-Control": "no-cache"}, "application/json")


def _refusal(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(error_body(message), status, headers, "application/json")
