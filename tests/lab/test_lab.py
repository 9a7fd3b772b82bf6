"""The lab's own parts, and one short scenario through all of them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

import tests.lab.scenarios  # noqa: F401 - puts them on the list
from tests.lab.__main__ import STANDARD
from tests.lab.decoys import cold, endless, known_end, padded
from tests.lab.faults import Answer, Close, DropLogs, Error, Hang, Html, Spoil, Stale, Status
from tests.lab.guests import POLYNOMIAL, SMALL_INPUT, spinning, task_of_job, true_claim
from tests.lab.node import Node
from tests.lab.processes import Process
from tests.lab.proxy import FaultyProxy
from tests.lab.scenario import rules, run, scenarios
from tests.lab.scenarios.story import Story
from tests.lab.stores import HostileStore, Manner
from tests.lab.world import World
from tests.roles.views import JOB
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.program import Task

HEAD = 100
LOGS = [
    {"blockNumber": "0x50", "topics": ["0xaa"]},
    {"blockNumber": "0x5f", "topics": ["0xbb"]},
]


class _Upstream(BaseHTTPRequestHandler):
    """A node that knows a head, some logs, and otherwise says what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answers = [self.answer(request) for request in (asked if isinstance(asked, list) else [asked])]
        body = json.dumps(answers if isinstance(asked, list) else answers[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        known = {"eth_blockNumber": hex(HEAD), "eth_getLogs": LOGS}
        result = known.get(request["method"], [request["method"], request["params"]])
        return {"jsonrpc": "2.0", "id": request["id"], "result": result}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Upstream)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(upstream: str) -> Iterator[FaultyProxy]:
    made = FaultyProxy(upstream, seed=1)
    yield made
    made.close()


def ask(proxy: FaultyProxy, method: str, *params: Any) -> Any:
    return Node(proxy.url).ask(method, *params)


def post(url: str, body: object) -> Any:
    request = urllib.request.Request(url, data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())


def test_without_rules_everything_passes(proxy: FaultyProxy) -> None:
    assert ask(proxy, "eth_chainId") == ["eth_chainId", []]
    assert proxy.counts == {"eth_chainId": 1}


def test_statuses_carry_retry_after(proxy: FaultyProxy) -> None:
    proxy.rules.add(Status(429, retry_after_seconds=3), "eth_call")
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(proxy.url, {"id": 1, "method": "eth_call", "params": []})
    assert (caught.value.code, caught.value.headers["Retry-After"]) == (429, "3")
    assert ask(proxy, "eth_chainId") == ["eth_chainId", []]


def test_a_limit_and_a_stop_end_a_rule(proxy: FaultyProxy) -> None:
    rule = proxy.rules.add(Answer("0x"), "eth_call", limit=1)
    assert [ask(proxy, "eth_call"), ask(proxy, "eth_call")] == ["0x", ["eth_call", []]]
    assert rule.hits == 1
    other = proxy.rules.add(Answer("0x"), "eth_call")
    other.stop()
    assert ask(proxy, "eth_call") == ["eth_call", []]


def test_batches_are_spoiled_item_by_item(proxy: FaultyProxy) -> None:
    proxy.rules.add(Answer(None), "eth_call")
    proxy.rules.add(Error(-32005, "slow down"), "eth_getCode")
    methods = ("eth_call", "eth_chainId", "eth_getCode")
    answers = post(proxy.url, [{"id": n, "method": m, "params": []} for n, m in enumerate(methods)])
    assert answers == [
        {"jsonrpc": "2.0", "id": 0, "result": None},
        {"jsonrpc": "2.0", "id": 1, "result": ["eth_chainId", []]},
        {"jsonrpc": "2.0", "id": 2, "error": {"code": -32005, "message": "slow down"}},
    ]


@pytest.mark.parametrize("fault", [Close(), Hang(0.01), Hang(0.01, is_forwarded=True)])
def test_closed_and_hanging_connections_give_no_answer(proxy: FaultyProxy, fault: Any) -> None:
    proxy.rules.add(fault)
    with pytest.raises((OSError, urllib.error.URLError)):
        post(proxy.url, {"id": 1, "method": "eth_call", "params": []})


def test_html_is_no_json(proxy: FaultyProxy) -> None:
    proxy.rules.add(Html())
    with pytest.raises(ValueError):
        ask(proxy, "eth_call")


@pytest.mark.parametrize(
    ("method", "params", "seen"),
    [
        ("eth_blockNumber", [], "0x50"),
        ("eth_call", [{}, "latest"], ["eth_call", [{}, "0x50"]]),
        ("eth_call", [{}], ["eth_call", [{}, "0x50"]]),
        ("eth_getBalance", ["0x1", "0x10"], ["eth_getBalance", ["0x1", "0x10"]]),
        ("eth_getBlockByNumber", ["latest", False], ["eth_getBlockByNumber", ["0x50", False]]),
        ("eth_getBlockByNumber", ["0x51", False], None),
        ("eth_getLogs", [{}], LOGS[:1]),
    ],
)
def test_a_stale_node_knows_no_newer_block(
    proxy: FaultyProxy, method: str, params: list[Any], seen: Any
) -> None:
    proxy.rules.add(Stale(20))
    assert ask(proxy, method, *params) == seen


def test_logs_are_left_out_for_a_time_or_for_ever(proxy: FaultyProxy) -> None:
    fault = DropLogs(lambda log: log["topics"][0] == "0xaa")
    proxy.rules.add(fault, "eth_getLogs")
    assert (ask(proxy, "eth_getLogs", {}), fault.dropped) == (LOGS[1:], 1)
    proxy.rules.clear()
    proxy.rules.add(DropLogs(lambda log: True, seconds=-1.0), "eth_getLogs")
    assert ask(proxy, "eth_getLogs", {}) == LOGS


def test_results_can_be_spoiled(proxy: FaultyProxy) -> None:
    proxy.rules.add(Spoil(lambda logs: logs[0]), "eth_getLogs")
    assert ask(proxy, "eth_getLogs", {}) == LOGS[0]


def test_chance_comes_from_the_seed(upstream: str) -> None:
    runs: list[list[bool]] = []
    for _ in range(2):
        proxy = FaultyProxy(upstream, seed=7)
        proxy.rules.add(Answer("0x"), "eth_call", probability=0.5)
        runs.append([ask(proxy, "eth_call") == "0x" for _ in range(20)])
        proxy.close()
    assert runs[0] == runs[1]
    assert {True, False} == set(runs[0])


def test_the_store_keeps_and_spoils() -> None:
    store = HostileStore()
    request = urllib.request.Request(f"{store.url}/name", data=b"content", method="PUT")
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 201
    store.misbehave(Manner.WRONG, lambda path: path == "/name")
    with urllib.request.urlopen(f"{store.url}/name", timeout=10) as response:
        assert response.read() == bytes(byte ^ 0xFF for byte in b"content")
    store.misbehave(Manner.BROKEN)
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{store.url}/name", timeout=10)
    store.behave()
    with urllib.request.urlopen(f"{store.url}/name", timeout=10) as response:
        assert response.read() == b"content"
    store.close()


def test_guests_halt_within_their_maximum() -> None:
    claimed = true_claim(POLYNOMIAL, Task(input=SMALL_INPUT))
    assert (claimed.cycle, claimed.code, claimed.output_size) == (3_853, 0, 8)
    claimed = true_claim(spinning(1_000, 10_000), Task(input=b"x"))
    assert (claimed.cycle, claimed.code, claimed.output_size) == (4_013, 0, 8)


def test_the_end_of_a_decoy_is_known_without_a_run() -> None:
    job = replace(JOB, input_root=root_of_bytes(SMALL_INPUT, RANGE_LEVEL), input_size=len(SMALL_INPUT))
    for guest, cycles in (cold(1, rounds=3, words_in_round=100), endless(2, doublings=9), padded(3, b"abc")):
        claimed = true_claim(replace(guest, is_long=False), task_of_job(job, 0, SMALL_INPUT))
        assert claimed == known_end(guest, job, 0, cycles), guest.name


def test_every_standard_scenario_exists() -> None:
    assert set(STANDARD.split(",")) <= set(scenarios())
    assert all(kind.summary for kind in scenarios().values())


@pytest.mark.long
@pytest.mark.anvil
def test_a_short_story_loses_nothing(anvil_program: Path, tmp_path: Path) -> None:
    result = run(scenarios()["brief"], tmp_path, seed=1)
    outcome = (result.lies_final, result.honest_bonds_lost, result.lost_wei, result.is_passed)
    assert outcome == (0, 0, 0, True), result.sentence
    assert result.books is not None
    assert result.books.faults() == []


class Absent(Story):
    """The worker goes away in mid-dispute: the lab must see what that costs."""

    name = "absent"
    true_tasks = 1
    lies = 0

    def start_challenger(self, world: World) -> Process:
        """Nobody is needed."""
        return Process("nobody", (), {}, world.folder)

    def in_dispute(self, world: World) -> None:
        self.worker.kill()
        world.anvil.skip(self.parameters.clock_seconds + self.parameters.rescue_seconds + 1)


@pytest.mark.anvil
def test_a_lost_bond_is_seen(anvil_program: Path, tmp_path: Path) -> None:
    result = run(Absent, tmp_path, seed=1)
    bond_wei = rules().operator_bond_wei
    outcome = (result.lies_final, result.honest_bonds_lost, result.lost_wei, result.is_passed)
    assert outcome == (0, 1, bond_wei, False)
    assert result.sentence == "operator lost the bond of a claim"
    assert result.books is not None
    operator = next(party for party in result.books.parties if party.name == "operator")
    assert operator.net_wei == -bond_wei
