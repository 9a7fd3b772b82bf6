"""A log's server that strangers ask to sign epochs: they stand in nobody's way."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from eth_account import Account

from truestep.adapters.logs.keys import Anchoring, LogKeys
from truestep.adapters.logs.serving import PROPOSALS_PER_CLIENT, PROPOSALS_WAITING, LogServer
from truestep.adapters.logs.signatory import Group, Signatory
from truestep.base.errors import Rejected
from truestep.base.ids import Address
from truestep.protocol.logs.contracts.anchors import LogNumber

KEYS = LogKeys(cast(Any, Account.from_key(b"k" * 32)))
ANCHORS = Address("0x" + "11" * 20)


def sending(url: str) -> socket.socket:
    """A client that begins to send a proposal, and goes on never."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(b"POST /epoch HTTP/1.1\r\nHost: log\r\nContent-Length: 60000\r\n\r\n{")
    return connection


def test_who_sends_slowly_takes_no_place_of_others(tmp_path: Path) -> None:
    with closing(LogServer(tmp_path, sign=lambda content: content)) as server, ExitStack() as stack:
        for _ in range(PROPOSALS_WAITING):
            stack.enter_context(closing(sending(server.url)))
        answer = httpx.post(f"{server.url}/epoch", content=b"{}", timeout=20)
        assert (answer.status_code, answer.content) == (200, b"{}")


def test_a_client_has_few_proposals_under_way(tmp_path: Path) -> None:
    begun, gate = threading.Semaphore(0), threading.Event()

    def sign(content: bytes) -> bytes:
        begun.release()
        gate.wait()
        return content

    with closing(LogServer(tmp_path, sign=sign)) as server, ExitStack() as stack:
        stack.callback(gate.set)
        statuses: Queue[int] = Queue()

        def ask() -> None:
            statuses.put(httpx.post(f"{server.url}/epoch", content=b"{}", timeout=20).status_code)

        asking = [threading.Thread(target=ask) for _ in range(PROPOSALS_PER_CLIENT + 2)]
        for each in asking:
            each.start()
        assert begun.acquire(timeout=20)
        assert [statuses.get(timeout=20) for _ in range(2)] == [503, 503]
        gate.set()
        assert [statuses.get(timeout=20) for _ in range(PROPOSALS_PER_CLIENT)] == [200] * PROPOSALS_PER_CLIENT
        for each in asking:
            each.join()
        assert httpx.post(f"{server.url}/epoch", content=b"{}", timeout=20).status_code == 200


class CountingDesk:
    """Anchors with one log, which counts what it is asked."""

    chain_id, address, anchoring = 1, ANCHORS, Anchoring(chain_id=1, anchors=ANCHORS)
    terms = SimpleNamespace(epoch_seconds=600)

    def __init__(self) -> None:
        self.questions = 0

    def now(self) -> int:
        self.questions += 1
        return 600

    def log_of(self, operator: Address) -> Any:
        return SimpleNamespace(number=LogNumber(1), operator=operator, signer=operator)

    def members(self, group: int) -> dict[LogNumber, Any]:
        return {LogNumber(1): self.log_of(KEYS.signer)} if group == 0 else {}


def test_a_stranger_cannot_have_the_node_asked(tmp_path: Path) -> None:
    desk = CountingDesk()
    signatory = Signatory(tmp_path, KEYS, Group(cast(Any, desk), KEYS))
    file = {
        "chain_id": 1,
        "anchors": ANCHORS,
        "group": 0,
        "epoch": 1,
        "rows": [{"number": 1, "size": 0, "root": "00" * 32}],
        "signatures": {},
    }
    unsigned = {"file": file, "proposer": 1, "signature": "11" * 65}
    for _ in range(3):
        with pytest.raises(Rejected, match="it is not signed by"):
            signatory.answer(json.dumps(unsigned).encode())
    assert desk.questions == 0
