"""Reads through nodes that fail: what an ordinary outage does must not reach whoever asks."""

from __future__ import annotations

import itertools
import json
import logging
import random
import re
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from web3 import Account
from web3.types import RPCEndpoint

from tests.adapters.chain.faulty_node import (
    CLOSED,
    EMPTY,
    HTML,
    SERVER_ERROR,
    TOO_MANY,
    TOO_MANY_WITH_PAUSE,
    Call,
    Reply,
    behind,
    error,
    faulty_node,
    now_and_then,
)
from tests.e2e.network import POLICY, Log, Network, open_network
from truestep.adapters.chain import endpoints, health
from truestep.adapters.chain.connection import Node, connect
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.adapters.chain.endpoint import FAILED_BATCHES_REGROWTH
from truestep.adapters.chain.endpoints import Patience
from truestep.adapters.chain.web3_chain import EVERYTHING, Memory, Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, BatchId, JobId, ProgramId, claim_of, game_of, task_of
from truestep.commitments.keccak import keccak256
from truestep.ports.chain import Chain, Inquiry
from truestep.protocol.calls import Deposit

QUICK = Patience(first_pause_seconds=0.001, pause_limit_seconds=0.002, timeout_seconds=2.0)
KEY = "s3cret0123456789"
FAULTS = [lambda: TOO_MANY, lambda: SERVER_ERROR, lambda: HTML, lambda: CLOSED, lambda: EMPTY]


@pytest.fixture(scope="module")
def posted(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """A network on anvil with a job of three shards."""
    devnet = AnvilDevnet(anvil_program)
    opened = open_network(devnet, tmp_path_factory.mktemp("network"))
    opened.post(shard_count=3)
    yield opened
    opened.close()
    devnet.stop()


def open_through(
    network: Network,
    node: Node,
    log: Log | None = None,
    patience: Patience = QUICK,
    memory: Memory = EVERYTHING,
) -> Web3Chain:
    account, store = Account.from_key(keccak256(b"reader")), SqliteStore()
    return Web3Chain(
        node, network.deployment, account, store, POLICY, reporter=log, patience=patience, memory=memory
    )


def upstream(network: Network) -> str:
    assert isinstance(network.devnet.node, str)
    return network.devnet.node


def everything(chain: Chain, job_id: Any = 1) -> dict[str, Any]:
    """What every reading method says."""
    head = chain.head()
    claims = [claim_of(task_of(job_id, shard), BatchId(1)) for shard in range(3)]
    tasks = [task_of(job_id, shard) for shard in range(3)]
    nobody = Address("0x" + "12" * 20)
    return {
        "head": head,
        "block_hash": chain.block_hash(head.number - 1),
        "block_hashes": chain.block_hashes([1, 2, head.number]),
        "parameters": chain.parameters(),
        "program": chain.program(ProgramId(1)),
        "job": chain.job(job_id),
        "task": chain.task(tasks[0]),
        "result": chain.result(tasks[0]),
        "counters": chain.counters(),
        "tasks": chain.tasks([*tasks, task_of(job_id + 7, 0)]),
        "games": chain.games([game_of(claims[0], 1)], head.time_seconds),
        "duties": chain.duties(head.time_seconds),
        "events": chain.events(0, head.number),
        "blocks": chain.blocks(max(head.number - 5, 0), head.number),
        "records": chain.records(
            Inquiry(
                tasks=tasks,
                games=[game_of(claims[0], 1)],
                claims=claims,
                balances_of=nobody,
                has_counters=True,
            ),
            head.number,
        ),
        "balances": chain.balances(nobody),
        "roles_of": chain.roles_of(nobody, nobody),
    }


@pytest.mark.parametrize("part", [0.05, 0.2, 0.5])
def test_failing_requests_are_repeated(posted: Network, part: float, rng: random.Random) -> None:
    expected = everything(posted.requester)
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url)
        node.fault = now_and_then(rng, part, FAULTS)
        for _ in range(5):
            assert everything(chain) == expected


def test_failures_that_repetition_hides_are_said_with_their_number_once(
    posted: Network, rng: random.Random
) -> None:
    """An only endpoint is never put aside, so nothing else would tell the operator."""
    expected = everything(posted.requester)
    with faulty_node(upstream(posted), f"/v3/{KEY}") as node:
        log = Log()
        chain = open_through(posted, node.url, log)
        node.fault = now_and_then(rng, 0.3, [lambda: TOO_MANY])
        for _ in range(5):
            assert everything(chain) == expected
        ((kind, said),) = log.lines
        assert kind == "rpc_trouble"
        assert re.search(r"did not answer \d+ of \d+ requests properly .* HTTP status 429.* --rpc", said)
        assert KEY not in said


def test_one_failure_is_no_trouble(posted: Network) -> None:
    with faulty_node(upstream(posted)) as node:
        log = Log()
        chain = open_through(posted, node.url, log)
        faults = iter([SERVER_ERROR])
        node.fault = lambda _: next(faults, None)
        assert everything(chain) == everything(posted.requester)
        assert log.lines == []


def test_a_pause_that_a_node_asks_for_is_kept(
    posted: Network, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = everything(posted.requester)
    pauses: list[float] = []
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url)
        monkeypatch.setattr("tenacity.nap.time.sleep", pauses.append)
        node.fault = now_and_then(rng, 0.2, [lambda: TOO_MANY_WITH_PAUSE])
        assert everything(chain) == expected
    assert {seconds for seconds in pauses if seconds} == {1.0}  # the proxy sleeps for 0 s


def test_transactions_are_sent_through_failing_nodes(posted: Network, rng: random.Random) -> None:
    account = Account.from_key(keccak256(b"sender through faults"))
    posted.devnet.fund(account.address, 10**18)
    with faulty_node(upstream(posted)) as node:
        node.fault = now_and_then(rng, 0.2, FAULTS)
        chain = Web3Chain(node.url, posted.deployment, account, SqliteStore(), POLICY, patience=QUICK)
        for number in range(3):
            chain.transact(Deposit(amount_wei=5), intent=f"deposit {number}")
        assert chain.balances(chain.account).stake_wei == 15


def test_one_of_two_endpoints_may_be_dead(posted: Network) -> None:
    expected = everything(posted.requester)
    for nodes in (["http://127.0.0.1:1", upstream(posted)], f"{upstream(posted)} http://127.0.0.1:1"):
        chain = open_through(posted, nodes)
        assert everything(chain) == expected


def mine(network: Network, blocks: int) -> None:
    for _ in range(blocks):
        network.devnet.advance(3)


def test_an_endpoint_that_lags_is_put_aside_and_said_so(posted: Network) -> None:
    mine(posted, 25)
    with faulty_node(upstream(posted)) as late, faulty_node(upstream(posted)) as fresh:
        late.instead = behind(late, 20)
        log = Log()
        chain = open_through(posted, [late.url, fresh.url, upstream(posted)], log)
        assert everything(chain) == everything(posted.requester)
        assert [kind for kind in log.kinds() if kind == "rpc_aside"]
        said = next(line for kind, line in log.lines if kind == "rpc_aside")
        assert "blocks behind" in said
        assert late.url.removeprefix("http://") in said


def test_half_of_the_requests_may_meet_a_late_node_behind_the_same_url(
    posted: Network, rng: random.Random
) -> None:
    mine(posted, 25)
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url)
        chain.head()
        node.instead = behind(node, 20, lambda: rng.random() < 0.5)
        for _ in range(5):
            mine(posted, 1)
            assert everything(chain)["head"].number > 20


def test_a_late_node_behind_the_same_url_is_not_waited_for(
    posted: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pauses that double would make a move late: the next request may meet another node."""
    pauses: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", pauses.append)
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url, patience=Patience())
        head = chain.head()
        late = iter([True] * 8)
        node.instead = behind(node, 5, lambda: next(late, False))
        pauses.clear()
        assert chain.block_hashes([head.number]) == {head.number: head.hash}
    waited = [seconds for seconds in pauses if seconds]  # the proxy sleeps for 0 s
    assert len(waited) == 8
    assert max(waited) <= endpoints.STALE_PAUSE_SECONDS


def test_a_single_node_that_falls_back_is_unavailable_not_believed(posted: Network) -> None:
    mine(posted, 25)
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url)
        chain.head()
        node.instead = behind(node, 20)
        with pytest.raises(Unavailable, match="was seen before"):
            chain.head()
        with pytest.raises(Unavailable):
            chain.task(task_of(JobId(1), 0))
        node.instead = lambda _: None
        assert everything(chain) == everything(posted.requester)


def test_an_endpoint_that_hangs_is_left_for_another(posted: Network) -> None:
    with faulty_node(upstream(posted)) as hanging:
        hanging.fault = lambda _: Reply(delay_seconds=3.0, is_closed=True)
        log = Log()
        patience = Patience(timeout_seconds=0.3, first_pause_seconds=0.001)
        chain = open_through(posted, [hanging.url, upstream(posted)], log, patience)
        assert everything(chain) == everything(posted.requester)
        assert "rpc_aside" in log.kinds()


def test_a_body_that_trickles_in_is_given_up(posted: Network) -> None:
    with faulty_node(upstream(posted)) as node:
        node.fault = lambda _: Reply(b" " * 1_000, trickle_seconds=0.05)
        patience = Patience(timeout_seconds=0.3, budget_seconds=0.5, first_pause_seconds=0.001)
        with pytest.raises(Unavailable, match="no answer in"):
            open_through(posted, node.url, patience=patience)


def test_answers_without_end_are_cut_off(posted: Network) -> None:
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url)
        node.fault = lambda _: Reply(b"[" * (5 << 20))
        with pytest.raises(Unavailable, match="longer than"):
            chain.head()
        node.fault = lambda _: Reply(b"[" * (1 << 20))
        with pytest.raises(Unavailable, match="no JSON"):
            chain.head()


def test_an_endpoint_that_recovers_is_used_again(posted: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ASIDE_SECONDS", 0.05)
    monkeypatch.setattr(endpoints, "HEADS_EVERY_SECONDS", 0.0)
    with faulty_node(upstream(posted)) as node:
        log = Log()
        chain = open_through(posted, [node.url, upstream(posted)], log)
        node.fault = lambda _: Reply(is_closed=True)
        for _ in range(12):
            chain.counters()
        assert "rpc_aside" in log.kinds()
        node.fault = lambda _: None
        deadline = time.monotonic() + 20
        while "rpc_back" not in log.kinds() and time.monotonic() < deadline:
            chain.head()
            time.sleep(0.02)
        assert "rpc_back" in log.kinds()
        node.seen.clear()
        chain.counters()
        assert node.seen


def test_an_endpoint_of_another_chain_is_not_used(posted: Network, anvil_program: Path) -> None:
    other = AnvilDevnet(anvil_program, chain_id=77)
    try:
        log = Log()
        chain = open_through(posted, [other.node, upstream(posted)], log)
        assert everything(chain) == everything(posted.requester)
        assert any("it is of chain 77" in line for _, line in log.lines)
        with pytest.raises(Rejected) as refusal:
            open_through(posted, other.node)
        assert refusal.value.reason is Reject.WRONG_CHAIN
    finally:
        other.stop()


# --- batches ---------------------------------------------------------------------------------------------


def test_a_node_that_takes_no_batches_is_asked_one_by_one(posted: Network) -> None:
    with faulty_node(upstream(posted), takes_batches=False) as node:
        chain = open_through(posted, node.url)
        assert everything(chain) == everything(posted.requester)


def test_a_node_that_refuses_batches_by_its_status_is_asked_one_by_one(posted: Network) -> None:
    with faulty_node(upstream(posted)) as node:
        node.fault = lambda calls: Reply(b"", 413) if len(calls) > 4 else None
        chain = open_through(posted, node.url)
        assert everything(chain) == everything(posted.requester)
        node.seen.clear()
        chain.counters()
        assert max(map(len, node.seen)) > 1


@pytest.mark.parametrize("broken", [CLOSED, SERVER_ERROR, HTML, Reply(b"", 502)])
def test_a_node_that_breaks_at_batches_is_asked_one_by_one(posted: Network, broken: Reply) -> None:
    with faulty_node(upstream(posted)) as node:
        node.fault = lambda calls: broken if len(calls) > 1 else None
        chain = open_through(posted, node.url)
        assert everything(chain) == everything(posted.requester)
        node.seen.clear()
        everything(chain)
        assert sum(len(calls) > 1 for calls in node.seen) <= 1 + len(node.seen) // FAILED_BATCHES_REGROWTH


def test_batches_go_on_after_failures_that_have_nothing_to_do_with_them(posted: Network) -> None:
    """Single calls would take as long as there are calls."""
    with faulty_node(upstream(posted)) as node:
        for reply in (TOO_MANY, SERVER_ERROR, Reply(b'{"error":"overloaded"}', 500), CLOSED):
            chain = open_through(posted, node.url)
            chain.parameters()
            faults = iter([reply] * 3)
            node.fault = lambda _, faults=faults: next(faults, None)
            node.seen.clear()
            assert chain.balances(chain.account).stake_wei == 0
            assert [len(methods) for methods in node.seen] == [6] * 4


@pytest.mark.parametrize("spoil", ["reversed", "short", "doubled", "errors"])
def test_batches_may_come_back_in_any_order_and_with_holes(posted: Network, spoil: str) -> None:
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url)
        expected = everything(posted.requester)
        rounds = itertools.count()

        def fault(calls: list[Call]) -> Reply | None:
            if len(calls) < 2:
                return None
            answers = [node.call(call) for call in calls]
            is_first = next(rounds) % 2 == 0
            if spoil == "reversed":
                answers.reverse()
            elif spoil == "short" and is_first:
                answers = answers[1:]
            elif spoil == "doubled":
                answers = [*answers, *answers, {"id": 10**9, "result": "0x1"}, "junk", None]
            elif spoil == "errors" and is_first:
                answers[0] = error(calls[0], -32005, "rate limit exceeded")
            return Reply(json.dumps(answers).encode())

        node.fault = fault
        assert everything(chain) == expected


def test_many_tasks_are_one_request(posted: Network) -> None:
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url, memory=Memory(keeps_finished=False))
        head = chain.head()
        chain.blocks(0, head.number)
        node.seen.clear()
        found = chain.records(Inquiry(tasks=[task_of(JobId(1), shard) for shard in range(3)]), head.number)
        assert len(found.tasks) == 3
        assert len(node.seen) == 1


def test_a_read_of_a_slow_node_is_one_request_though_blocks_come_meanwhile(posted: Network) -> None:
    """But not if the newest block known is older than that, or older than a transaction of our own."""

    def mine(calls: list[Call]) -> None:
        if any(call["method"] == "eth_getBalance" for call in calls):
            connect(upstream(posted)).provider.make_request(RPCEndpoint("evm_mine"), [])

    with faulty_node(upstream(posted), fault=mine) as node:
        chain = open_through(posted, node.url)
        chain.parameters()
        board: Any = getattr(chain, "_endpoints").board  # noqa: B009 - nobody else may set it
        for age_seconds, own_block, requests in ((0.0, 0, 1), (60.0, 0, 2), (0.0, 10**9, 2)):
            chain.head()
            board.own_block = own_block
            board.best_head_age_seconds = lambda age_seconds=age_seconds: age_seconds
            node.seen.clear()
            chain.balances(chain.account)
            assert len(node.seen) == requests


def test_an_idle_look_is_one_request(posted: Network) -> None:
    with faulty_node(upstream(posted)) as node:
        chain = open_through(posted, node.url)
        node.seen.clear()
        for _ in range(5):
            chain.head()
        assert node.seen == [["eth_getBlockByNumber"]] * 5


# --- nobody's key ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [f"/v3/{KEY}", f"/?apikey={KEY}", f"/rpc?token={KEY}&x=1"],
)
def test_keys_of_a_url_are_in_no_message_log_or_traceback(
    posted: Network, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log = Log()
    said: list[str] = []
    with faulty_node(upstream(posted), path) as node:
        url = node.url.replace("http://", f"http://user:{KEY}@")
        open_through(posted, [url, upstream(posted)], log)
        echo = json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": f"bad key {path}"}})
        replies = [*(fault() for fault in FAULTS), Reply(echo.encode(), 403), Reply(echo.encode()), TOO_MANY]
        for reply in replies:
            node.fault = lambda _, reply=reply: reply
            try:
                open_through(posted, url)
            except Unavailable as error:
                said.append("".join(traceback.format_exception(error)))
            chain = open_through(posted, [url, upstream(posted)], log)
            everything(chain)
    try:
        open_through(posted, url)
    except Unavailable as error:
        said.append("".join(traceback.format_exception(error)))
    assert len(said) == len(replies) + 1
    everything_said = "\n".join([*said, caplog.text, *(line for _, line in log.lines)])
    assert KEY not in everything_said
    assert "127.0.0.1" in everything_said


@pytest.mark.parametrize(
    "url", ["localhost:8545", "http://[", f"ftp://host/{KEY}", "http://", "", f"/x/{KEY}"]
)
def test_what_is_no_url_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(Rejected) as refusal:
        connect(url)
    assert refusal.value.reason is Reject.NODE_URL
    assert KEY not in str(refusal.value)


def test_proxies_of_the_environment_are_not_used(posted: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert open_through(posted, upstream(posted)).head().number > 0


def test_many_threads_read_through_one_connection(posted: Network) -> None:
    chain = open_through(posted, upstream(posted))
    expected = everything(chain)
    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(lambda _: everything(chain), range(24))) == [expected] * 24
