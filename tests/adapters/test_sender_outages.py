"""The transaction manager with many threads, with a node that hangs or talks junk, and on a full disk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.adapters.sending import SWIFT, Ask, Node, answer, mine, open_chain, refusal, request, sent_count
from tests.e2e.network import Network
from tests.stores import PassingStore
from truestep.adapters.chain import broadcasts
from truestep.adapters.chain.journal import DONE_TABLE, TABLE
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.store import Change
from truestep.protocol.calls import Deposit

THREADS = 8


@dataclass
class FullDisk(PassingStore):
    """Writes fail while it is full."""

    is_full: bool = False

    def write(self, changes: Sequence[Change]) -> None:
        if self.is_full:
            raise Unavailable("no space left on the device; free some")
        super().write(changes)


def stake_of(network: Network, name: str) -> int:
    return network.requester.balances(network.account(name)).stake_wei


def outcome(chain: Web3Chain, intent: str) -> Outcome | None:
    known = chain.transaction(intent)
    return known.outcome if known else None


@pytest.mark.anvil
def test_many_threads_and_one_intent_make_one_transaction(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann")
    start = threading.Barrier(THREADS)

    def deposit(_: int) -> Transaction:
        start.wait()
        return chain.submit(Deposit(amount_wei=5), intent="stake")

    with ThreadPoolExecutor(THREADS) as pool:
        hashes = {each.transaction_hash for each in pool.map(deposit, range(THREADS))}
    chain.refresh()
    assert (len(hashes), sent_count(network, "ann"), stake_of(network, "ann")) == (1, 1, 5)


@pytest.mark.anvil
def test_many_threads_and_many_intents_get_nonces_without_holes(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann")
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            chain.refresh()

    watcher = threading.Thread(target=look)
    watcher.start()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda n: chain.submit(Deposit(amount_wei=1), intent=f"stake/{n % 12}"), range(24)))
    is_over.set()
    watcher.join()
    for _ in range(3):
        mine(network)
        chain.refresh()
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (12, 12)
    assert {outcome(chain, f"stake/{number}") for number in range(12)} == {Outcome.CONFIRMED}


@pytest.mark.anvil
def test_a_broadcast_that_hangs_is_said_and_delays_no_other_send_and_no_look(
    anvil_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node takes the transaction, then is silent."""
    network = anvil_network
    is_freed, hung = threading.Event(), threading.Event()

    def hang(method: str, params: Any, ask: Ask) -> Any:
        response = ask()
        if method == "eth_sendRawTransaction" and not hung.is_set():
            hung.set()
            is_freed.wait()
        return response

    policy = replace(SWIFT, broadcast_wait_seconds=0.05)
    monkeypatch.setattr(broadcasts, "HANGING_SECONDS", 0.0)
    chain = open_chain(network, "ann", policy, Node(network.devnet.node, hang).provider)
    try:
        assert chain.submit(Deposit(amount_wei=1), intent="first").outcome is Outcome.PENDING
        assert hung.is_set()
        (said,) = chain.alarms()
        assert "silent" in said
        assert "first" in said
        assert chain.alarms() == ()
        assert chain.transact(Deposit(amount_wei=2), intent="second").outcome is Outcome.CONFIRMED
        assert outcome(chain, "first") is Outcome.CONFIRMED
    finally:
        is_freed.set()
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (2, 3)


@pytest.mark.anvil
def test_an_estimate_that_hangs_holds_no_lock(anvil_network: Network) -> None:
    network = anvil_network
    is_freed, hung = threading.Event(), threading.Event()

    def hang(method: str, params: Any, ask: Ask) -> Any:
        if method == "eth_estimateGas" and not hung.is_set():
            hung.set()
            is_freed.wait()
        return ask()

    chain = open_chain(network, "ann", SWIFT, Node(network.devnet.node, hang).provider)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: chain.submit(Deposit(amount_wei=1), intent="slow"))
        hung.wait()
        try:
            assert chain.transact(Deposit(amount_wei=2), intent="quick").outcome is Outcome.CONFIRMED
        finally:
            is_freed.set()
        assert slow.result().outcome is Outcome.PENDING
    chain.refresh()
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (2, 3)


class Killed(Bug):
    """The process ends here. A bug is no outage: whoever sends passes it on, from its thread too."""


@pytest.mark.parametrize("is_taken", [False, True])
def test_killed_between_journal_and_reply_it_is_sent_once(network: Network, is_taken: bool) -> None:
    def kill(method: str, params: Any, ask: Ask) -> Any:
        if method == "eth_sendRawTransaction":
            if is_taken:
                ask()
            raise Killed
        return ask()

    chain = open_chain(network, "ann", SWIFT, Node(network.devnet.node, kill).provider)
    with pytest.raises(Killed):
        chain.submit(Deposit(amount_wei=5), intent="stake")
    again = open_chain(network, "ann")
    again.submit(Deposit(amount_wei=5), intent="stake")
    for _ in range(2):
        again.refresh()
    assert outcome(again, "stake") is Outcome.CONFIRMED
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (1, 5)


def test_what_cannot_be_journaled_is_not_sent(network: Network) -> None:
    node, disk = Node(network.devnet.node), FullDisk(network.store("ann"))
    chain = open_chain(network, "ann", SWIFT, node.provider, disk)
    disk.is_full = True
    with pytest.raises(Unavailable, match="no space left"):
        chain.submit(Deposit(amount_wei=5), intent="stake")
    assert ("eth_sendRawTransaction" in node.counts, chain.transaction("stake")) == (False, None)
    disk.is_full = False
    assert chain.transact(Deposit(amount_wei=5), intent="stake").outcome is Outcome.CONFIRMED
    disk.is_full = True
    chain.submit(Deposit(amount_wei=5), intent="stake")
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (1, 5)


@pytest.mark.anvil
def test_an_outcome_that_cannot_be_journaled_is_journaled_later(anvil_network: Network) -> None:
    network = anvil_network
    disk = FullDisk(network.store("ann"))
    chain = open_chain(network, "ann", SWIFT, None, disk)
    chain.submit(Deposit(amount_wei=5), intent="stake")
    disk.is_full = True
    with pytest.raises(Unavailable):
        chain.refresh()
    assert outcome(chain, "stake") is Outcome.PENDING
    disk.is_full = False
    mine(network)
    chain.refresh()
    assert (outcome(chain, "stake"), sent_count(network, "ann")) == (Outcome.CONFIRMED, 1)


JUNK = (
    answer(None),
    answer("0x"),
    answer("junk"),
    answer({}),
    answer([]),
    answer(-1),
    {"jsonrpc": "2.0"},
    refusal("no"),
)
METHODS = (
    "eth_getBlockByNumber",
    "eth_maxPriorityFeePerGas",
    "eth_feeHistory",
    "eth_getBalance",
    "eth_getTransactionCount",
    "eth_estimateGas",
    "eth_sendRawTransaction",
    "eth_getTransactionReceipt",
    "eth_getTransactionByHash",
    "eth_call",
)


@pytest.mark.parametrize("method", METHODS)
def test_junk_delays_and_doubles_nothing(network: Network, method: str) -> None:
    junk: list[Any] = []

    def twist(asked: str, params: Any, ask: Ask) -> Any:
        return junk[0] if junk and asked == method else ask()

    chain = open_chain(network, "ann", SWIFT, Node(network.devnet.node, twist).provider)
    for number, each in enumerate(JUNK):
        junk[:] = [each]
        for act in (lambda n=number: chain.submit(Deposit(amount_wei=1), intent=f"stake/{n}"), chain.refresh):
            with suppress(Unavailable, Rejected):
                act()
        junk.clear()
        chain.submit(Deposit(amount_wei=1), intent=f"stake/{number}")
    for _ in range(3):
        network.devnet.advance(1)
        chain.refresh()
    assert {outcome(chain, f"stake/{number}") for number in range(len(JUNK))} == {Outcome.CONFIRMED}
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (len(JUNK), len(JUNK))


@pytest.mark.anvil
def test_what_is_over_and_deep_leaves_memory_but_not_the_store(anvil_network: Network) -> None:
    network = anvil_network
    policy = replace(SWIFT, watch_depth=3)
    chain = open_chain(network, "ann", policy)
    for number in range(6):
        chain.transact(Deposit(amount_wei=1), intent=f"stake/{number}")
    mine(network, 3)
    chain.refresh()
    store = network.stores["ann"]
    assert (len(store.rows(TABLE)), len(store.rows(DONE_TABLE))) == (0, 6)
    again = open_chain(network, "ann", policy)
    for number in range(6):
        assert again.submit(Deposit(amount_wei=1), intent=f"stake/{number}").outcome is Outcome.CONFIRMED
    assert (again.refresh(), sent_count(network, "ann")) == ((), 6)


@pytest.mark.anvil
def test_a_send_takes_few_requests_and_nothing_to_do_takes_none(anvil_network: Network) -> None:
    network = anvil_network
    node = Node(network.devnet.node)
    policy = replace(SWIFT, market_seconds=60.0, watch_after_seconds=60.0, receipt_after_seconds=60.0)
    chain = open_chain(network, "ann", policy, node.provider)
    chain.transact(Deposit(amount_wei=1), intent="stake/0")
    request(network, "evm_setAutomine", False)
    node.counts.clear()
    chain.submit(Deposit(amount_wei=1), intent="stake/1")
    asked = {
        "eth_getBlockByNumber": 2,  # the head, and the one block that the book lacks
        "eth_getLogs": 1,
        "eth_getBalance": 1,
        "eth_getTransactionCount": 1,
        "eth_estimateGas": 1,
        "eth_sendRawTransaction": 1,
    }
    assert node.counts == asked
    chain.refresh()
    node.counts.clear()
    chain = open_chain(network, "ann", replace(policy, rebroadcast_after_seconds=60.0), node.provider)
    chain.refresh()
    node.counts.clear()
    for _ in range(10):
        chain.refresh()
    assert node.counts == {"eth_getBlockByNumber": 10}
    mine(network)
    chain.refresh()
    node.counts.clear()
    for _ in range(10):
        chain.refresh()
    assert node.counts == {}
