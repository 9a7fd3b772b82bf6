"""An address that cannot be listened at is named, with the reason."""

from __future__ import annotations

import re
import socket

import pytest

from truestep.adapters.web_server import CannotListen, WebServer


async def _app(_scope: object, _receive: object, _send: object) -> None:
    raise AssertionError("nobody asks it")


def test_an_address_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        words = f"expected to listen at 127.0.0.1:{port}, got: Address already in use"
        with pytest.raises(CannotListen, match=f"{re.escape(words)}$"):
            WebServer(_app, "127.0.0.1", port)
    for host in ("192.0.2.1", "a" * 64 + ".example", "host.invalid"):
        with pytest.raises(CannotListen, match=re.escape(f"expected to listen at {host}:0, got: ")):
            WebServer(_app, host)
