"""What one node leaves out or makes up, another, or the headers of the blocks, bring to light."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web3 import Account, Web3
from web3.types import RPCEndpoint

from tests.adapters.chain.faulty_node import Call, FaultyNode, error, faulty_node, response
from tests.e2e.network import POLICY, Log, Network, open_network
from truestep.adapters.chain.answers import header, raw_log
from truestep.adapters.chain.bloom import bloom_of
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet, EmbeddedDevnet
from truestep.adapters.chain.endpoints import Patience
from truestep.adapters.chain.left_out import REFUSALS_LIMIT
from truestep.adapters.chain.settlement import event_topic
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.base.ids import Bytes32, JobId, TaskId, task_of
from truestep.commitments.keccak import keccak256
from truestep.ports.chain import Inquiry
from truestep.protocol.calls import Deposit, RegisterProgram, TakeTasks
from truestep.protocol.events import ChainEvent, ProgramRegistered, TaskTaken
from truestep.protocol.records import TaskStage
from truestep.protocol.settlement.contracts import jobs

QUICK = Patience(first_pause_seconds=0.001, pause_limit_seconds=0.002, timeout_seconds=5.0)
IS_BUSY = f"0x{bytes(Web3.keccak(text='is_busy(uint256)'))[:4].hex()}"
TAKEN = f"0x{event_topic(jobs.Taken).hex()}"


@pytest.fixture(scope="module", params=["anvil", "embedded"])
def any_network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Network]:
    """A network on either chain, with a job of which one task is taken."""
    is_anvil = request.param == "anvil"
    devnet = AnvilDevnet(request.getfixturevalue("anvil_program")) if is_anvil else EmbeddedDevnet()
    opened = open_network(devnet, tmp_path_factory.mktemp("network"))
    take_a_task(opened)
    yield opened
    opened.close()
    devnet.stop()


@pytest.fixture(scope="module")
def taken(anvil_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    """The same on anvil."""
    devnet = AnvilDevnet(anvil_program)
    opened = open_network(devnet, tmp_path_factory.mktemp("network"))
    take_a_task(opened)
    yield opened
    opened.close()
    devnet.stop()


def take_a_task(network: Network) -> None:
    network.post(shard_count=3)
    worker = network.chain("worker", network.store("worker"))
    worker.transact(Deposit(amount_wei=3 * 10**18), intent="stake")
    worker.transact(TakeTasks(tasks=(task_of(JobId(1), 1),)), intent="take")


def open_through(network: Network, node: Any, log: Log | None = None) -> Web3Chain:
    account = Account.from_key(keccak256(b"reader"))
    return Web3Chain(node, network.deployment, account, SqliteStore(), POLICY, reporter=log, patience=QUICK)


def url_of(network: Network) -> str:
    assert isinstance(network.devnet.node, str)
    return network.devnet.node


def without(*methods: str) -> Callable[[Call], Any]:
    """A node that does not know these methods."""
    return lambda call: error(call, -32601, "method not found") if call["method"] in methods else None


def leaving_out(topic: str) -> Callable[[Call, Any], Any]:
    """Logs with this topic are not in what `eth_getLogs` gives."""

    def change(call: Call, found: Any) -> Any:
        if call["method"] != "eth_getLogs":
            return found
        return response(call, [log for log in found["result"] if log["topics"][0] != topic])

    return change


def taken_events(events: tuple[ChainEvent, ...]) -> list[TaskTaken]:
    return [event for event in events if isinstance(event, TaskTaken)]


# --- blooms ----------------------------------------------------------------------------------------------


def test_headers_have_the_bloom_of_their_logs(any_network: Network) -> None:
    """Else a node of this kind would seem to leave something out, or to make something up."""
    web3 = connect(any_network.devnet.node)
    last = web3.eth.block_number
    provider = web3.provider
    for number in range(last + 1):
        block: Any = provider.make_request(RPCEndpoint("eth_getBlockByNumber"), [hex(number), False])
        filter_: Any = {"fromBlock": hex(number), "toBlock": hex(number)}
        logs: Any = provider.make_request(RPCEndpoint("eth_getLogs"), [filter_])
        bits = 0
        for log in logs["result"]:
            bits |= bloom_of(raw_log(log))
        assert header(block["result"]).logs_bloom == bits
    assert open_through(any_network, any_network.devnet.node).events(last - 5, last)


def test_a_log_that_one_node_leaves_out_is_found_in_the_receipts(taken: Network) -> None:
    expected = taken.requester.events(0, taken.requester.head().number)
    with faulty_node(url_of(taken)) as node:
        node.change = leaving_out(TAKEN)
        chain = open_through(taken, node.url)
        last = chain.head().number
        assert taken_events(chain.events(0, last)) == taken_events(expected) != []


def test_a_log_that_was_found_in_the_receipts_is_said_once(taken: Network) -> None:
    with faulty_node(url_of(taken), change=leaving_out(TAKEN)) as node:
        log = Log()
        chain = open_through(taken, node.url, log)
        last = chain.head().number
        for first in (last - 5, last - 6):
            assert chain.events(first, last) == taken.requester.events(first, last)
        ((kind, said),) = log.lines
        assert kind == "rpc_log_missing"
        assert f"{node.url.removeprefix('http://')} left out events of block" in said
        assert "--rpc" in said


def test_a_log_that_is_given_nowhere_is_asked_for_again_then_said(taken: Network) -> None:
    with faulty_node(url_of(taken)) as node:
        node.change, node.instead = leaving_out(TAKEN), without("eth_getBlockReceipts")
        log = Log()
        chain = open_through(taken, node.url, log)
        last = chain.head().number
        for _ in range(REFUSALS_LIMIT):
            with pytest.raises(Unavailable, match="leaves out events"):
                chain.events(last - 5, last)
        assert chain.events(last - 5, last)
        assert log.kinds() == ["rpc_log_missing"]
        chain.events(last - 5, last)
        assert log.kinds() == ["rpc_log_missing"]
        node.change = lambda _, found: found
        assert taken_events(chain.events(last - 5, last))


def test_one_of_two_like_logs_that_is_left_out_is_found(taken: Network) -> None:
    """Both in one block: the event is known there, but not all of the bloom's bits are explained."""
    web3 = connect(url_of(taken))
    mining: Any = web3.provider.make_request
    other = taken.chain("other", taken.store("other"))
    root = Bytes32(keccak256(b"twin"))
    mining(RPCEndpoint("evm_setAutomine"), [False])
    try:
        for name, chain in (("one", taken.requester), ("two", other)):
            call = RegisterProgram(image_root=root, entry=0, max_cycles=1, digest=root, uri=name)
            chain.submit(call, intent=f"twin {name}")
        mining(RPCEndpoint("evm_mine"), [])
    finally:
        mining(RPCEndpoint("evm_setAutomine"), [True])

    def change(call: Call, found: Any) -> Any:
        if call["method"] == "eth_getLogs" and found["result"]:
            found = copy.deepcopy(found)
            del found["result"][-1]
        return found

    with faulty_node(url_of(taken), change=change) as node:
        reader = open_through(taken, node.url)
        last = reader.head().number
        events = reader.events(last, last)
        assert sorted(event.uri for event in events if isinstance(event, ProgramRegistered)) == ["one", "two"]


def test_a_log_that_is_in_no_block_is_not_believed(taken: Network) -> None:
    """Made up by the only node: unavailable. By one of two: left away."""
    last = taken.requester.head().number

    def change(call: Call, found: Any) -> Any:
        if call["method"] != "eth_getLogs" or not found["result"]:
            return found
        made_up = copy.deepcopy(next(log for log in found["result"] if log["topics"][0] == TAKEN))
        made_up["topics"][1] = f"0x{2:064x}"
        made_up["logIndex"] = "0x77"
        return response(call, [*found["result"], made_up])

    with faulty_node(url_of(taken), change=change) as node:
        with pytest.raises(Unavailable):
            open_through(taken, node.url).events(last - 5, last)
        expected = taken.requester.events(last - 5, last)
        assert open_through(taken, [node.url, url_of(taken)]).events(last - 5, last) == expected
        assert open_through(taken, [url_of(taken), node.url]).events(last - 5, last) == expected
        whole = taken.requester.events(0, last)
        assert open_through(taken, [node.url, url_of(taken)]).events(0, last) == whole


# --- two endpoints ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_first", [True, False])
def test_events_of_two_endpoints_are_united(taken: Network, is_first: bool) -> None:
    last = taken.requester.head().number
    with faulty_node(url_of(taken)) as node:
        node.change, node.instead = leaving_out(TAKEN), without("eth_getBlockReceipts")
        log = Log()
        nodes = [node.url, url_of(taken)] if is_first else [url_of(taken), node.url]
        chain = open_through(taken, nodes, log)
        for first in (0, last - 5):
            assert chain.events(first, last) == taken.requester.events(first, last)
        assert "rpc_disagreement" in log.kinds()
        said = next(line for kind, line in log.lines if kind == "rpc_disagreement")
        assert node.url.removeprefix("http://") in said


def lying_about_tasks(node: FaultyNode) -> None:
    """No task is busy."""

    def change(call: Call, found: Any) -> Any:
        is_question = call["method"] == "eth_call" and call["params"][0]["data"].startswith(IS_BUSY)
        return response(call, "0x" + "00" * 32) if is_question else found

    node.change = change


def stage_of(chain: Web3Chain, task_id: TaskId) -> TaskStage:
    """The stage of a task as the contracts have it."""
    return chain.records(Inquiry(tasks=[task_id]), chain.head().number).tasks[task_id].stage


def test_a_third_endpoint_decides_between_two(taken: Network) -> None:
    with faulty_node(url_of(taken)) as liar, faulty_node(url_of(taken)) as honest:
        lying_about_tasks(liar)
        log = Log()
        chain = open_through(taken, [liar.url, honest.url, url_of(taken)], log)
        assert stage_of(chain, task_of(JobId(1), 1)) is TaskStage.TAKEN
        assert "rpc_disagreement" in log.kinds()


def test_two_endpoints_that_differ_are_reported(taken: Network) -> None:
    with faulty_node(url_of(taken)) as liar:
        lying_about_tasks(liar)
        log = Log()
        chain = open_through(taken, [url_of(taken), liar.url], log)
        assert stage_of(chain, task_of(JobId(1), 1)) is TaskStage.TAKEN
        assert log.kinds() == ["rpc_disagreement"]


def test_an_unknown_game_of_a_late_node_is_asked_of_a_block_that_it_does_not_know(taken: Network) -> None:
    """Reads name their block, so a node that is late errs, and the other's answer counts."""
    with faulty_node(url_of(taken)) as node:
        chain = open_through(taken, node.url)
        chain.counters()
        calls: list[Any] = []
        node.instead = lambda call: calls.append(call) if call["method"] == "eth_call" else None
        chain.counters()
        assert {call["params"][1] for call in calls} == {hex(chain.head().number)}


def test_a_range_that_is_too_large_is_halved(taken: Network) -> None:
    last = taken.requester.head().number

    def refuse(call: Call) -> Any:
        if call["method"] != "eth_getLogs":
            return None
        asked = call["params"][0]
        blocks = int(asked["toBlock"], 16) - int(asked["fromBlock"], 16) + 1
        return error(call, -32005, "query returned more than 10000 results") if blocks > 2 else None

    with faulty_node(url_of(taken), instead=refuse) as node:
        assert open_through(taken, node.url).events(0, last) == taken.requester.events(0, last)
