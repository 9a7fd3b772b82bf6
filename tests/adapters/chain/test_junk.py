"""Whatever a node answers, reading ends with `Rejected` or `Unavailable`, and the next answer works."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from web3 import Account, Web3
from web3.exceptions import TransactionNotFound
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from tests.e2e.network import POLICY, Log, Network, open_network
from truestep.adapters.chain.connection import asking_node, connect
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.endpoint import wire_form
from truestep.adapters.chain.endpoints import Patience
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import ProgramId, claim_of_game, job_of_task, task_of_claim
from truestep.commitments.keccak import keccak256
from truestep.machine.interpreter import ReferenceEngine
from truestep.ports.chain import Chain, Inquiry
from truestep.protocol.events import GameOpened, GameSplit
from truestep.simulation.faulty_engine import Fault, FaultyEngine

AT_ONCE = Patience(first_pause_seconds=0.0, pause_limit_seconds=0.0)

FAULT = FaultyEngine(ReferenceEngine(), Fault(cycle=40))
Spoil = Callable[[str, Any], Any]


class JunkProvider(BaseProvider):
    """A node in this process whose responses are spoilt on their way; its chain stands still."""

    def __init__(self, node: BaseProvider) -> None:
        super().__init__()
        web3 = Web3(node, middleware=[])
        self._request = node.request_func(web3, web3.middleware_onion)
        self.spoil: Callable[[str, Any], Any] = lambda _, response: response
        self.seen: list[str] = []
        self._kept: dict[str, Any] = {}

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        self.seen.append(method)
        key = Web3.to_json({"asked": [method, params]})
        if key not in self._kept:
            self._kept[key] = wire_form(self._request(method, params))
        return self.spoil(method, self._kept[key])


@dataclass
class Scene:
    """A dispute in its middle, and everything that can be read of it."""

    network: Network
    node: JunkProvider
    chain: Web3Chain
    readers: dict[str, Callable[[Chain], Any]] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    methods: dict[str, set[str]] = field(default_factory=dict)


def open_chain(network: Network, node: Any) -> Web3Chain:
    account = Account.from_key(keccak256(b"reader"))
    return Web3Chain(node, network.deployment, account, SqliteStore(), POLICY, patience=AT_ONCE)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    network = open_network(EmbeddedDevnet(), tmp_path_factory.mktemp("network"))
    network.post(shard_count=2)
    liar = network.worker("liar", network.store("liar"), Log(), FAULT)
    challenger = network.challenger("challenger", network.store("challenger"), Log())
    found: list[GameSplit] = []

    def is_split() -> bool:
        events = network.requester.events(0, network.requester.head().number)
        found[:] = [event for event in events if isinstance(event, GameSplit)]
        return bool(found)

    network.drive([liar, challenger], is_split)
    node = JunkProvider(network.devnet.node)  # type: ignore[arg-type]
    chain = open_chain(network, node)
    game_id = found[-1].game_id
    claim_id = claim_of_game(game_id)
    task_id = task_of_claim(claim_id)
    opened = next(e for e in chain.events(0, chain.head().number) if isinstance(e, GameOpened))
    last, at = chain.head().number, chain.head().time_seconds
    readers: dict[str, Callable[[Chain], Any]] = {
        "head": lambda c: c.head(),
        "block_hash": lambda c: c.block_hash(3),
        "block_hashes": lambda c: c.block_hashes([1, last, last + 9]),
        "result": lambda c: c.result(task_id),
        "facts": lambda c: (
            c.parameters(),
            c.program(ProgramId(1)),
            c.job(job_of_task(task_id)),
            c.tasks([task_id, task_id + 1, task_id << 9]),  # type: ignore[list-item]
            c.games([game_id, game_id + 1], at),  # type: ignore[list-item]
            c.duties(at),
            _refusal(lambda: c.evidence(task_id)),
        ),
        "counters": lambda c: c.counters(),
        "blocks": lambda c: c.blocks(last - 8, last),
        "records": lambda c: c.records(
            Inquiry(
                tasks=[task_id], games=[game_id], claims=[claim_id], balances_of=c.account, has_counters=True
            ),
            last,
        ),
        "events": lambda c: c.events(0, last),
        "new events": lambda c: c.events(last - 8, last),
        "balances": lambda c: c.balances(opened.operator),
        "roles_of": lambda c: c.roles_of(opened.operator, opened.challenger),
    }
    opened_scene = Scene(network, node, chain, readers)
    chain.forget_after(-1)
    for name, reader in readers.items():
        node.seen.clear()
        opened_scene.expected[name] = reader(chain)
        opened_scene.methods[name] = set(node.seen)
        chain.forget_after(-1)
    yield opened_scene
    network.close()


def _refusal(read: Callable[[], Any]) -> Reject | None:
    """Why something is refused; None if it is not."""
    try:
        read()
    except Rejected as refusal:
        return refusal.reason
    return None


# --- kinds of junk ---------------------------------------------------------------------------------------

WORDS = [
    "0x",
    "0x" + "ff" * 32,
    "0xzz",
    "-0x1",
    None,
    -1,
    1.5,
    True,
    [],
    {},
    "0x" + "ff" * 31,
    "0x" + "f" * 70,
]
RESULTS: list[Any] = [
    *WORDS, "", "0x0", "0x1", "0x7fffffffffffffff", "<html>", "0x" + "00" * 31, "0x" + "ff" * 4_000,
    "0x" + "00" * 4_000, [None], [[]], [{}], ["0x1"], {"a": 1}, 0, 10**80,
]  # fmt: skip
RESPONSES: list[Any] = [
    {}, None, "text", 7, [], {"result": None}, {"error": "text"}, {"error": []}, {"error": {}},
    {"error": {"code": "x", "message": 5}}, {"error": {"code": -32000, "message": "x" * 100_000}},
    {"error": {"code": 3, "message": "execution reverted", "data": "0x08c379a0" + "ff" * 80}},
    {"error": {"code": 3, "message": "execution reverted", "data": "0x08c379a0" + "00" * 20}},
    {"error": {"code": 3, "message": "execution reverted", "data": 5}},
    {"error": {"code": 3, "message": "execution reverted", "data": {"data": {"data": 1}}}},
    {"error": {"code": -32601, "message": "method not found"}},
    {"error": {"code": -32005, "message": "limit exceeded"}},
    {"error": {"code": -32000, "message": "query returned more than 10000 results"}},
    {"error": {"code": -32000, "message": "header not found"}},
    {"error": {"code": 10**30, "message": "\x1b[31m\x07"}},
]  # fmt: skip


def whole_results() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    for result in RESULTS:
        yield f"result {result!r:.30}", lambda _, result=result: {"result": result}
    for response in RESPONSES:
        yield f"response {response!r:.60}", lambda _, response=response: response


def fields_spoilt() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Of the object, or of each object of the list, one field after the other."""
    names = [
        "number", "hash", "parentHash", "timestamp", "logsBloom", "address", "topics", "data", "blockNumber",
        "blockHash", "logIndex", "transactionHash", "removed",
    ]  # fmt: skip
    for name in names:
        for word in ["missing", None, "0x", "0xzz", -1, True, [], "0x" + "ff" * 32]:
            yield f"{name} = {word!r:.20}", lambda response, name=name, word=word: _with(response, name, word)


def _with(response: Any, name: str, word: Any) -> Any:
    spoilt = copy.deepcopy(response)
    found = spoilt.get("result")
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict) and name in (*one, "removed"):
            if word == "missing":
                one.pop(name, None)
            else:
                one[name] = word
    return spoilt


def bytes_spoilt() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Of what a function returned, or of each log's data and topics: one word after the other."""
    for place in range(14):
        for word in ("ff" * 32, "00" * 31 + "09", "80" + "00" * 31):
            yield f"word {place} = {word:.8}", lambda response, p=place, w=word: _with_word(response, p, w)
    for cut in (1, 31, 32, 33, 64):
        yield f"cut {cut}", lambda response, cut=cut: _cut(response, cut)


def _changed(response: Any, change: Callable[[str], str]) -> Any:
    spoilt = copy.deepcopy(response)
    found = spoilt.get("result")
    if isinstance(found, str):
        spoilt["result"] = change(found)
    for log in found if isinstance(found, list) else []:
        log["data"] = change(log["data"])
        log["topics"] = [change(topic) for topic in log["topics"]][: len(log["topics"])]
    return spoilt


def _with_word(response: Any, place: int, word: str) -> Any:
    start = 2 + 64 * place
    return _changed(
        response, lambda text: text[:start] + word + text[start + 64 :] if len(text) > start else text
    )


def _cut(response: Any, size_bytes: int) -> Any:
    return _changed(response, lambda text: text[: max(len(text) - 2 * size_bytes, 2)])


def log_lists() -> Iterator[tuple[str, Callable[[Any], Any]]]:
    def logs(change: Callable[[list[Any]], Any]) -> Callable[[Any], Any]:
        return lambda response: {"result": change(copy.deepcopy(response["result"]))}

    yield "doubled", logs(lambda found: [*found, *found])
    yield "reversed", logs(lambda found: found[::-1])
    yield "without topics", logs(lambda found: [log | {"topics": []} for log in found])
    yield "too many topics", logs(lambda found: [log | {"topics": log["topics"] * 5} for log in found])
    yield "first topics only", logs(lambda found: [log | {"topics": log["topics"][:1]} for log in found])
    yield "of another block", logs(lambda found: [log | {"blockNumber": "0x7777"} for log in found])
    yield "of a stranger", logs(lambda found: [log | {"address": "0x" + "12" * 20} for log in found])
    yield "removed", logs(lambda found: [log | {"removed": True} for log in found])
    yield "of another branch", logs(lambda found: [log | {"blockHash": "0x" + "12" * 32} for log in found])


KINDS: dict[str, list[Callable[[], Iterator[tuple[str, Callable[[Any], Any]]]]]] = {
    "eth_getBlockByNumber": [whole_results, fields_spoilt],
    "eth_call": [whole_results, bytes_spoilt],
    "eth_getLogs": [whole_results, fields_spoilt, bytes_spoilt, log_lists],
    "eth_getBalance": [whole_results],
}


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        pytest.param(
            method, kind, marks=pytest.mark.long if method == "eth_getLogs" and kind in kinds[1:3] else ()
        )
        for method, kinds in KINDS.items()
        for kind in kinds
    ],
)
def test_junk_ends_no_reader(scene: Scene, method: str, kind: Any) -> None:
    wrong: list[str] = []
    names = [name for name, methods in scene.methods.items() if method in methods]
    for number, (what, spoil) in enumerate(kind()):
        for name in dict.fromkeys((names[number % len(names)], names[(number + 1) % len(names)])):
            scene.node.spoil = lambda asked, response, spoil=spoil: (
                spoil(response) if asked == method and "result" in response else response
            )
            scene.chain.forget_after(-1)
            try:
                scene.readers[name](scene.chain)
            except (Rejected, Unavailable) as failure:
                if len(str(failure)) > 1_000 or not str(failure).isprintable():
                    wrong.append(f"{name} with {what}: said {str(failure)[:80]!r}")
            except Exception as error:  # what a daemon would die of
                wrong.append(f"{name} with {what}: {type(error).__name__} {error}")
        scene.node.spoil = lambda _, response: response
        for name in ("head", names[number % len(names)]):
            scene.chain.forget_after(-1)
            assert scene.readers[name](scene.chain) == scene.expected[name], (name, what)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("method", ["eth_chainId", "eth_getBlockByNumber", "eth_getCode", "eth_call"])
def test_junk_while_a_chain_is_opened_is_unavailable_or_refused(scene: Scene, method: str) -> None:
    for _, spoil in whole_results():
        scene.node.spoil = lambda asked, response, spoil=spoil: (
            spoil(response) if asked == method else response
        )
        with suppress(Rejected, Unavailable):
            open_chain(scene.network, scene.node)
    scene.node.spoil = lambda _, response: response
    assert open_chain(scene.network, scene.node).head() == scene.expected["head"]


SENDERS_METHODS = [
    "eth_getTransactionReceipt", "eth_getTransactionByHash", "eth_getTransactionCount", "eth_estimateGas",
    "eth_maxPriorityFeePerGas", "eth_getBlockByNumber", "eth_blockNumber",
]  # fmt: skip


@pytest.mark.parametrize("method", SENDERS_METHODS)
def test_junk_for_those_who_ask_through_web3_is_unavailable(scene: Scene, method: str) -> None:
    block: Any = connect(scene.network.devnet.node).eth.get_block("latest", True)
    sent = block["transactions"][0]
    web3 = connect(scene.node, patience=AT_ONCE)
    message: Any = {"from": sent["from"], "to": sent["from"], "value": 1}
    questions: dict[str, Callable[[], Any]] = {
        "eth_getTransactionReceipt": lambda: web3.eth.get_transaction_receipt(sent["hash"]),
        "eth_getTransactionByHash": lambda: web3.eth.get_transaction(sent["hash"]),
        "eth_getTransactionCount": lambda: web3.eth.get_transaction_count(sent["from"], "pending"),
        "eth_estimateGas": lambda: web3.eth.estimate_gas(message),
        "eth_maxPriorityFeePerGas": lambda: web3.eth.max_priority_fee,
        "eth_getBlockByNumber": lambda: web3.eth.get_block("latest"),
        "eth_blockNumber": lambda: web3.eth.block_number,
    }
    wrong: list[str] = []
    for what, spoil in [*whole_results(), *fields_spoilt()]:
        scene.node.spoil = lambda asked, response, spoil=spoil: (
            spoil(response) if asked == method else response
        )
        try:
            with asking_node():
                questions[method]()
        except (Rejected, Unavailable, TransactionNotFound):
            pass
        except Exception as error:
            wrong.append(f"{what}: {type(error).__name__} {error}")
    scene.node.spoil = lambda _, response: response
    assert not wrong, "\n".join(wrong)
