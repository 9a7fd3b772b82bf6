"""A faulty RPC endpoint: an HTTP server between daemon and node that obeys rules (tests/lab/faults.py)."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.lab.faults import (
    Answer,
    AnswerFault,
    Close,
    Delay,
    DropLogs,
    Error,
    ExchangeFault,
    Hang,
    Html,
    Request,
    Rules,
    Spoil,
    Stale,
    Status,
)
from tests.lab.node import Node, NodeRefused

POLL_SECONDS = 0.05
"""How long closing takes."""


class FaultyProxy:
    """Forwards to `upstream` whatever `rules` let through. Close it at the end."""

    def __init__(self, upstream: str, seed: int = 0) -> None:
        self.rules = Rules(seed)
        self.node = Node(upstream)
        self.counts: Counter[str] = Counter()
        """Requests by method, items of batches one by one."""
        self.exchanges = 0
        """HTTP requests."""
        self.takes_batches = True
        """Whether several requests may come at once; if not, the answer is 413."""
        self.range_limit_blocks: int | None = None
        """How many blocks `eth_getLogs` may ask about at once."""
        self._closing = threading.Event()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """What a daemon takes for its node."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop; whoever hangs is let go."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the proxy."""
        self._closing.wait(seconds)

    def count(self, methods: list[str]) -> None:
        """Remember what was asked."""
        self.exchanges += 1
        self.counts.update(methods)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: daemons are killed in the middle of requests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy: FaultyProxy

    def do_POST(self) -> None:
        """One exchange: a request or a batch of them."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked: Any = json.loads(body)
        requests: list[Request] = asked if isinstance(asked, list) else [asked]
        methods = [request["method"] for request in requests]
        self.proxy.count(methods)
        with suppress(BrokenPipeError, ConnectionResetError):
            is_refused = isinstance(asked, list) and not self.proxy.takes_batches
            fault: Any = Status(413) if is_refused else self.proxy.rules.pick(methods, ExchangeFault)
            if fault is None or self._may_go_on(fault, body):
                self._answer_all(asked, requests, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def _may_go_on(self, fault: ExchangeFault, body: bytes) -> bool:
        """Do what the fault says; whether the true answer follows."""
        match fault:
            case Status(code=code, retry_after_seconds=retry_after):
                extra = {} if retry_after is None else {"Retry-After": str(retry_after)}
                self._send(code, b'{"error":"rate limited or broken"}', "application/json", extra)
            case Html(text=text):
                self._send(200, text.encode(), "text/html")
            case Close():
                self.close_connection = True
            case Hang(seconds=seconds, is_forwarded=is_forwarded):
                if is_forwarded:
                    self.proxy.node.forward(body)
                self.proxy.wait(seconds)
                self.close_connection = True
            case Delay(seconds=seconds):
                self.proxy.wait(seconds)
                return True
        return False

    def _answer_all(self, asked: Any, requests: list[Request], body: bytes) -> None:
        faults: list[Any] = [self.proxy.rules.pick([request["method"]], AnswerFault) for request in requests]
        try:
            if not any(faults) and self.proxy.range_limit_blocks is None:
                return self._send(200, self.proxy.node.forward(body), "application/json")
            answers = [self._answer(request, fault) for request, fault in zip(requests, faults, strict=True)]
        except (OSError, HTTPException) as error:
            return self._send(502, repr(error).encode(), "text/plain")
        shown = answers if isinstance(asked, list) else answers[0]
        return self._send(200, json.dumps(shown).encode(), "application/json")

    def _answer(self, request: Request, fault: AnswerFault | None) -> dict[str, Any]:
        head = {"jsonrpc": "2.0", "id": request.get("id")}
        try:
            return head | {"result": self._result(request, fault)}
        except NodeRefused:
            answer = json.loads(self.proxy.node.forward(json.dumps(request).encode()))
            return head | {key: answer[key] for key in ("error", "result") if key in answer}
        except _Refusal as refusal:
            return head | {"error": {"code": refusal.error.code, "message": refusal.error.message}}

    def _result(self, request: Request, fault: AnswerFault | None) -> Any:
        node, method, params = self.proxy.node, request["method"], request.get("params") or []
        self._check_range(method, params)
        match fault:
            case None:
                return node.ask(method, *params)
            case Answer(result=result):
                return result
            case Error():
                raise _Refusal(fault)
            case Stale():
                return fault.answer(request, node.ask)
            case Spoil() | DropLogs():
                return fault.change(node.ask(method, *params))

    def _check_range(self, method: str, params: list[Any]) -> None:
        limit = self.proxy.range_limit_blocks
        if limit is None or method != "eth_getLogs" or "toBlock" not in params[0]:
            return
        first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
        if last - first >= limit:
            raise _Refusal(Error(-32005, f"eth_getLogs is limited to a {limit} block range"))

    def _send(self, code: int, body: bytes, kind: str, extra: dict[str, str] | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Refusal(Exception):
    def __init__(self, error: Error) -> None:
        self.error = error
