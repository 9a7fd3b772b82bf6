"""JSON-RPC to one node, as plainly as possible: the lab sees what the node says, and nothing in between."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0
"""A node on this computer answers in milliseconds; a loaded machine gets this long."""


class NodeRefused(Exception):
    """The node answered with an error."""


class Node:
    """A node by its URL; each thread keeps one connection."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._place = urlsplit(url)
        self._local = threading.local()

    def ask(self, method: str, *params: Any) -> Any:
        """The result. Raises `NodeRefused`, or OSError if there is no node."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = json.loads(self.forward(json.dumps(request).encode()))
        if "error" in answer:
            raise NodeRefused(f"{method}: {answer['error']}")
        return answer["result"]

    def forward(self, body: bytes) -> bytes:
        """The answer's bytes. A kept connection that the node has closed is opened again."""
        for is_last in (False, True):
            try:
                return self._exchange(body)
            except (OSError, http.client.HTTPException):
                self.hang_up()
                if is_last:
                    raise
        raise AssertionError("not reached")

    def hang_up(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    def _exchange(self, body: bytes) -> bytes:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            place = self._place
            connection = http.client.HTTPConnection(
                str(place.hostname), place.port or 80, timeout=TIMEOUT_SECONDS
            )
            self._local.connection = connection
        connection.request("POST", self._place.path or "/", body, {"Content-Type": "application/json"})
        return connection.getresponse().read()
