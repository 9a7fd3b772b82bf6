"""Large answers: whole for whoever reads them, and a bounded memory for those who do not."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.gateway.conftest import MANY_PER_SECOND, Serve
from truestep.gateway import large
from truestep.gateway.large import LargeAnswer, Room
from truestep.gateway.operations import BYTES, Operation
from truestep.gateway.problems import Refused
from truestep.gateway.service import Gateway, client_name

CONTENT = bytes(range(256)) * (8 << 12)
"""8 MiB, more than the system's buffers of a connection."""


def served_with(serve: Serve, room: Room) -> httpx.Client:
    """A gateway that has one large answer."""

    async def answer(request: Any, values: Any) -> LargeAnswer:
        del values
        return LargeAnswer(CONTENT, BYTES, room, client_name(request))

    row = Operation(name="large", path="/large", summary="A large answer", handler=answer, kind=BYTES)
    return serve(Gateway([row], requests_per_second=MANY_PER_SECOND))


def reader(client: httpx.Client) -> socket.socket:
    """Asks, and reads the first bytes only."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(5.0)
    connection.connect((client.base_url.host, client.base_url.port or 80))
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def wait_for(client: httpx.Client, status: int) -> httpx.Response:
    while (answer := client.get("/large")).status_code != status:
        threading.Event().wait(0.02)
    return answer


def test_a_large_answer_is_whole_and_has_its_length(serve: Serve) -> None:
    client = served_with(serve, Room(len(CONTENT), len(CONTENT)))
    for _ in range(3):
        answer = wait_for(client, 200)
        assert answer.content == CONTENT and answer.headers["Content-Length"] == str(len(CONTENT))
    assert client.head("/large").headers["Content-Length"] == str(len(CONTENT))


def test_whoever_does_not_read_gets_no_more_and_has_room_again_once_it_is_gone(serve: Serve) -> None:
    client = served_with(serve, Room(10 * len(CONTENT), 2 * len(CONTENT)))
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(reader(client))
        refused = client.get("/large")
        assert refused.status_code == 429 and refused.headers["Retry-After"]
    assert wait_for(client, 200).content == CONTENT


def test_whoever_reads_too_slowly_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(large, "LEAST_BYTES_PER_SECOND", 1 << 40)
    client = served_with(serve, Room(len(CONTENT), len(CONTENT)))
    with reader(client) as slow:
        monkeypatch.setattr(large, "GRACE_SECONDS", 60.0)  # for whoever comes after it
        assert wait_for(client, 200).content == CONTENT
        size_bytes = 0
        while piece := slow.recv(65_536):
            size_bytes += len(piece)
        assert size_bytes < len(CONTENT)


def test_all_clients_together_have_room_for_so_much() -> None:
    room = Room(100, 60)
    room.take("a", 60)
    with pytest.raises(Refused, match="first"):
        room.take("a", 1)
    room.take("b", 40)
    with pytest.raises(Refused, match="too many"):
        room.take("c", 1)
    room.take("c", 0)
    room.give_back("c", 0)
    room.give_back("a", 60)
    room.take("c", 60)
