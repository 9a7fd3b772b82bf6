"""A node that fails: an HTTP proxy in front of a real one, with whatever fault a test chooses."""

from __future__ import annotations

import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.request import Request, urlopen

Call = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What the proxy says instead of the node."""

    body: bytes = b""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    is_closed: bool = False
    """Close the connection without a word."""
    delay_seconds: float = 0.0
    trickle_seconds: float = 0.0
    """Between two bytes."""


@dataclass
class FaultyNode:
    """`fault` may answer for all calls of a request; `change` may change each of the node's responses."""

    upstream: str
    fault: Callable[[list[Call]], Reply | None] = lambda _: None
    instead: Callable[[Call], Any] = lambda _: None
    """May change a call on its way, or give the response itself."""
    change: Callable[[Call, Any], Any] = lambda _, response: response
    takes_batches: bool = True
    seen: list[list[str]] = field(default_factory=list)
    url: str = ""

    def ask(self, body: bytes) -> bytes:
        request = Request(self.upstream, body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as response:
            return response.read()

    def call(self, call: Call) -> Any:
        """The node's response to one call."""
        return json.loads(self.ask(json.dumps(call).encode()))

    def answer(self, body: bytes) -> Reply:
        asked = json.loads(body)
        calls: list[Call] = asked if isinstance(asked, list) else [asked]
        self.seen.append([call["method"] for call in calls])
        found = self.fault(calls)
        if found is not None:
            return found
        if isinstance(asked, list) and not self.takes_batches:
            error = {"code": -32600, "message": "batches are not supported"}
            return Reply(json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode())
        changed = [self.change(call, self.instead(call) or self.call(call)) for call in calls]
        return Reply(json.dumps(changed if isinstance(asked, list) else changed[0]).encode())

    def methods(self) -> list[str]:
        """Every method that was asked for."""
        return [method for methods in self.seen for method in methods]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: the second would wait for 40 ms
    node: FaultyNode

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            reply = self.node.answer(body)
            time.sleep(reply.delay_seconds)
            if reply.is_closed:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self._send(reply)
        except OSError:
            self.close_connection = True

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if not reply.trickle_seconds:
            self.wfile.write(reply.body)
        for byte in reply.body if reply.trickle_seconds else b"":
            time.sleep(reply.trickle_seconds)
            self.wfile.write(bytes([byte]))
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that the other side gave up are part of the test."""


@contextmanager
def faulty_node(upstream: str, path: str = "", **options: Any) -> Iterator[FaultyNode]:
    """A running proxy; `path` is what comes after the port in its URL."""
    node = FaultyNode(upstream, **options)
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"node": node}))
    node.url = f"http://127.0.0.1:{server.server_port}{path}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()


def now_and_then(
    rng: random.Random, part: float, replies: list[Callable[[], Reply]]
) -> Callable[[list[Call]], Reply | None]:
    """A fault that befalls this part of all requests."""
    lock = threading.Lock()

    def fault(_: list[Call]) -> Reply | None:
        with lock:
            return rng.choice(replies)() if rng.random() < part else None

    return fault


def response(call: Call, result: Any) -> Call:
    """A response with this result."""
    return {"jsonrpc": "2.0", "id": call["id"], "result": result}


def error(call: Call, code: int, message: str) -> Call:
    """A response with this error."""
    return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": code, "message": message}}


BLOCK_AT = {"eth_call": 1, "eth_getBalance": 1, "eth_getCode": 1, "eth_getTransactionCount": 1}


def behind(node: FaultyNode, blocks: int, chance: Callable[[], bool] = lambda: True) -> Callable[[Call], Any]:
    """Whatever the node answers, it answers as one whose newest block is so many blocks older."""

    def instead(call: Call) -> Any:
        if not chance():
            return None
        head = int(node.call({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"})["result"], 16) - blocks
        method, params = call["method"], call.get("params", [])
        if method == "eth_blockNumber":
            return response(call, hex(head))
        if method == "eth_getLogs":
            params[0]["toBlock"] = hex(min(int(params[0]["toBlock"], 16), head))
            return response(call, []) if int(params[0]["fromBlock"], 16) > head else None
        if method == "eth_getBlockByNumber":
            if params[0] in ("latest", "pending"):
                params[0] = hex(head)
            return response(call, None) if int(params[0], 16) > head else None
        if method in BLOCK_AT:
            place = BLOCK_AT[method]
            if params[place] in ("latest", "pending"):
                params[place] = hex(head)
            return error(call, -32000, "header not found") if int(params[place], 16) > head else None
        return None

    return instead


TOO_MANY = Reply(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32005,"message":"rate limit exceeded"}}', 429)
TOO_MANY_WITH_PAUSE = Reply(b"slow down", 429, (("Retry-After", "1"),))
SERVER_ERROR = Reply(b"Internal Server Error", 500)
HTML = Reply(b"<html><body>checking your browser</body></html>", 200, (("Content-Type", "text/html"),))
CLOSED = Reply(is_closed=True)
EMPTY = Reply(b"")
