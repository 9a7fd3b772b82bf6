"""What a failing node's answer may show in a log."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from truestep.adapters.chain.connection import asking_node, connect
from truestep.base.errors import Unavailable

KEY = "0123456789abcdef"


class Refusing(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


@pytest.mark.parametrize("is_up", [True, False])
def test_the_key_in_a_nodes_url_is_not_shown(*, is_up: bool) -> None:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    thread = threading.Thread(target=server.handle_request)
    if is_up:
        thread.start()
    else:
        server.server_close()
    web3 = connect(f"http://127.0.0.1:{server.server_port}/v3/{KEY}")
    with pytest.raises(Unavailable) as failure, asking_node():
        _ = web3.eth.block_number
    assert KEY not in str(failure.value)
    if is_up:
        thread.join()
        server.server_close()
