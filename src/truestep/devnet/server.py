"""The devnet's HTTP server: JSON-RPC at `/`, blobs of transactions as a consensus node has them, and a blob
store. It serves only programs on this computer.
"""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

import truestep
from truestep.adapters.blobs.directory import DirectoryBlobs
from truestep.adapters.blobs.server import blob_app
from truestep.adapters.web_server import CannotListen, WebServer
from truestep.base.errors import Unavailable
from truestep.devnet.rpc import DevnetRpc

HOST = "127.0.0.1"
"""Never another address: the keys are public, and everybody who can connect can move the time."""
RPC_LIMIT_BYTES = 4 << 20
"""A deployment has 50 KiB of hex, a batch of calls some more."""
RPC_SECONDS = 60.0
"""Time for a request to arrive."""
RPC_THREADS = 2
"""The chain answers one request at a time. The others wait and leave threads for blobs."""
TICK_SECONDS = 0.5

_OWN_NAMES = ("127.0.0.1", "localhost")


@contextmanager
def serving(rpc: DevnetRpc, blobs: DirectoryBlobs, port: int) -> Generator[str, None, None]:
    """Serve until the block ends, at the address that is the value. Port 0 chooses a free one."""
    try:
        server = WebServer(_own_hosts_only(_app(rpc, blobs)), HOST, port)
    except CannotListen as error:
        raise Unavailable(f"{error}; choose another with --port") from error
    stopping = threading.Event()
    ticking = threading.Thread(target=_keep_ticking, args=(rpc, stopping), daemon=True)
    ticking.start()
    try:
        yield server.url
    finally:
        stopping.set()
        server.close()
        ticking.join()


def _keep_ticking(rpc: DevnetRpc, stopping: threading.Event) -> None:
    while not stopping.wait(TICK_SECONDS):
        rpc.tick()


def _app(rpc: DevnetRpc, blobs: DirectoryBlobs) -> Starlette:
    turns = asyncio.Semaphore(RPC_THREADS)

    async def answer(request: Request) -> Response:
        try:
            body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return _refusal(408, "the request did not arrive")
        if body is None:
            return _refusal(413, f"expected at most {RPC_LIMIT_BYTES} bytes")
        async with turns:
            content = await asyncio.to_thread(rpc.answer, body)
        return Response(content, media_type="application/json")

    async def published(request: Request) -> Response:
        return await asyncio.to_thread(_published, rpc, request)

    return Starlette(
        routes=[
            Route("/", answer, methods=["POST"]),
            Route("/eth/v1/beacon/blobs/{block_id}", published),
            Route("/eth/v1/node/version", _version),
            Mount("/blobs", blob_app(blobs)),
        ]
    )


def _version(_: Request) -> Response:
    """By which a consensus node is known (Beacon API)."""
    return JSONResponse({"data": {"version": f"truestep-devnet/{truestep.__version__}"}})


def _published(rpc: DevnetRpc, request: Request) -> Response:
    """The blobs of a block (Beacon API), of which the query may name some."""
    named = ",".join(request.query_params.getlist("versioned_hashes"))
    try:
        hashes = [bytes.fromhex(each.removeprefix("0x")) for each in named.split(",") if each]
    except ValueError:
        return _refusal(400, "expected versioned hashes in hex")
    found = rpc.blobs(request.path_params["block_id"], hashes)
    if found is None:
        return _refusal(400, "expected the number of a block")
    return JSONResponse({"data": [f"0x{blob.hex()}" for blob in found]})


async def _body(request: Request) -> bytes | None:
    """The body; None if it is too large."""
    stated, body = request.headers.get("Content-Length", ""), bytearray()
    if stated.isdecimal() and int(stated) > RPC_LIMIT_BYTES:
        return None
    async with asyncio.timeout(RPC_SECONDS):
        async for piece in request.stream():
            body += piece
            if len(body) > RPC_LIMIT_BYTES:
                return None
    return bytes(body)


def _refusal(status: int, message: str) -> Response:
    """A refusal that closes the connection, because the body may not have been read."""
    return PlainTextResponse(message, status, headers={"Connection": "close"})


def _own_hosts_only(app: ASGIApp) -> ASGIApp:
    """Refuses requests for another host, such as those of a web page that rebinds its name."""

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("Host", "")
        if host.partition(":")[0] in _OWN_NAMES:
            await app(scope, receive, send)
        else:
            await _refusal(403, "this server answers to 127.0.0.1 and localhost only")(scope, receive, send)

    return checked
