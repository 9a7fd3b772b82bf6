"""Nonces that were used by others, lost to reorganisations, or whose receipts do not come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.sending import (
    SWIFT,
    Ask,
    Node,
    answer,
    mine,
    open_chain,
    reorganise,
    request,
    send_foreign,
    sent_count,
    stop_mining,
)
from tests.e2e.network import Network
from truestep.adapters.chain import watch
from truestep.adapters.chain.fees import TransactionPolicy
from truestep.adapters.chain.settlement import encode_call
from truestep.base.errors import Reject, Rejected
from truestep.ports.chain import Outcome
from truestep.protocol.calls import Deposit, SetDelegate
from truestep.protocol.settlement.contracts.operators import DepositFor
from truestep.protocol.settlement.facts.rehearsal import Ready

pytestmark = pytest.mark.anvil
DEEP: TransactionPolicy = replace(SWIFT, foreign_depth=3)


def delegate(network: Network, name: str = "bob") -> SetDelegate:
    """A call that may be made again under another nonce."""
    return SetDelegate(delegate=network.account(name), roles=1)


def stake_of(network: Network, name: str) -> int:
    return network.requester.balances(network.account(name)).stake_wei


def test_a_call_whose_nonce_somebody_else_used_is_signed_for_the_next(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann")
    stop_mining(network)
    chain.submit(delegate(network), intent="delegate")
    send_foreign(network, "ann", 0)
    mine(network)
    assert chain.refresh()[0].outcome is Outcome.PENDING
    mine(network)
    assert (chain.refresh()[0].outcome, sent_count(network, "ann")) == (Outcome.CONFIRMED, 2)
    assert network.requester.roles_of(network.account("ann"), network.account("bob")) == 1
    (said,) = chain.alarms()
    assert "another program uses the key" in said
    assert chain.alarms() == ()


def test_a_deposit_whose_nonce_somebody_else_used_is_left_to_the_caller(anvil_network: Network) -> None:
    """A contract takes a deposit twice: it is given up when the other transaction is deep, and says why."""
    network = anvil_network
    chain = open_chain(network, "ann", DEEP)
    stop_mining(network)
    chain.submit(Deposit(amount_wei=5), intent="stake")
    send_foreign(network, "ann", 0)
    mine(network)
    assert chain.refresh()[0].outcome is Outcome.PENDING
    mine(network, 2)
    assert chain.refresh()[0].outcome is Outcome.REVERTED
    with pytest.raises(Rejected) as refused:
        chain.transact(Deposit(amount_wei=5), intent="stake")
    assert refused.value.reason is Reject.NONCE_TAKEN
    mine(network, 5)
    assert (chain.refresh(), sent_count(network, "ann"), stake_of(network, "ann")) == ((), 1, 0)


def test_the_same_deposit_sent_by_another_program_is_the_deposit(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", DEEP)
    call = Deposit(amount_wei=5)
    deposit = DepositFor(operator=chain.account)
    message = encode_call(network.deployment, Ready(call=deposit, value_wei=5))
    stop_mining(network)
    chain.submit(call, intent="stake")
    send_foreign(network, "ann", 0, to=message.to, data=message.payload, value=5)
    mine(network)
    chain.refresh()
    assert chain.refresh()[0].outcome is Outcome.CONFIRMED
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (1, 5)


@pytest.mark.parametrize("hidden", [("Receipt",), ("Receipt", "ByHash")])
def test_null_receipts_for_long_never_make_a_second_transaction(
    anvil_network: Network, hidden: tuple[str, ...]
) -> None:
    """The nonce is used, and the node has no receipt; or it does not know our transaction by hash either."""
    network, is_hiding = anvil_network, True

    def hide(method: str, params: Any, ask: Ask) -> Any:
        return answer(None) if is_hiding and method.endswith(hidden) else ask()

    node = Node(network.devnet.node, hide)
    chain = open_chain(network, "ann", SWIFT, node.provider)
    chain.submit(Deposit(amount_wei=5), intent="stake")
    for _ in range(70):
        mine(network)
        assert [each.outcome for each in chain.refresh()] == [Outcome.PENDING]
    again = open_chain(network, "ann", SWIFT, node.provider)
    assert again.submit(Deposit(amount_wei=5), intent="stake").outcome is Outcome.PENDING
    assert again.refresh()[0].outcome is Outcome.PENDING
    assert "no receipt of it yet" in " ".join(again.alarms())
    is_hiding = False
    mine(network)
    assert again.refresh()[0].outcome is Outcome.CONFIRMED
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (1, 5)


def test_a_node_without_old_state_leaves_it_pending_and_says_why(anvil_network: Network) -> None:
    network = anvil_network

    def prune(method: str, params: Any, ask: Ask) -> Any:
        if method.endswith(("Receipt", "ByHash")):
            return answer(None)
        is_old = method == "eth_getTransactionCount" and params[1] != "pending"
        is_old = is_old and int(params[1], 16) < int(request(network, "eth_blockNumber"), 16)
        return (
            {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "missing trie node"}}
            if is_old
            else ask()
        )

    chain = open_chain(network, "ann", SWIFT, Node(network.devnet.node, prune).provider)
    chain.submit(Deposit(amount_wei=5), intent="stake")
    mine(network, 5)
    for _ in range(5):
        assert chain.refresh()[0].outcome is Outcome.PENDING
    assert "missing trie node" in " ".join(chain.alarms())
    assert sent_count(network, "ann") == 1


def test_landed_transactions_that_a_reorganisation_dropped_land_again(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann")
    for number in range(3):
        chain.transact(Deposit(amount_wei=1), intent=f"stake/{number}")
    assert chain.refresh() == ()
    stop_mining(network)
    reorganise(network, 3)
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (0, 0)
    assert {each.outcome for each in chain.refresh()} == {Outcome.PENDING}
    assert ["reorganisation" in said for said in chain.alarms()] == [True] * 3
    request(network, "evm_setAutomine", True)
    mine(network)
    chain.transact(Deposit(amount_wei=1), intent="stake/3")
    chain.refresh()
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (4, 4)
    assert all(chain.transaction(f"stake/{each}").outcome is Outcome.CONFIRMED for each in range(4))  # pyright: ignore[reportOptionalMemberAccess]


def test_reorganisations_again_and_again_lose_and_double_nothing(anvil_network: Network) -> None:
    """Depth 3 every few blocks, also across restarts."""
    network = anvil_network
    chain = open_chain(network, "ann")
    for number in range(10):
        chain.submit(Deposit(amount_wei=1), intent=f"stake/{number}")
        mine(network, 2)
        chain.refresh()
        reorganise(network, 3)
        if number % 3 == 0:
            chain = open_chain(network, "ann")
    for _ in range(6):
        chain.refresh()
        mine(network)
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (10, 10)


def test_a_hole_that_a_foreign_transaction_left_is_filled(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann")
    send_foreign(network, "ann", 0)
    chain.transact(Deposit(amount_wei=5), intent="stake")
    reorganise(network, 2)
    for _ in range(4):
        chain.refresh()
        mine(network)
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (2, 5)
    assert "nonce 0" in " ".join(chain.alarms())
    assert chain.transaction("stake").outcome is Outcome.CONFIRMED  # pyright: ignore[reportOptionalMemberAccess]


def test_a_foreign_transaction_that_is_pending_is_no_hole(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann")
    stop_mining(network)
    send_foreign(network, "ann", 0)
    chain.submit(Deposit(amount_wei=5), intent="stake")
    for _ in range(3):
        chain.refresh()
    mine(network)
    assert chain.refresh()[0].outcome is Outcome.CONFIRMED
    assert (sent_count(network, "ann"), chain.alarms()) == (2, ())


def test_nonces_that_another_program_uses_in_between_are_said_once(anvil_network: Network) -> None:
    """Nothing collides, but it will."""
    network = anvil_network
    chain = open_chain(network, "ann")
    said: list[tuple[str, ...]] = []
    for number in range(3):
        chain.transact(Deposit(amount_wei=1), intent=f"stake/{number}")
        said.append(chain.alarms())
        send_foreign(network, "ann", 2 * number + 1)
    assert [len(each) for each in said] == [0, 1, 0]
    assert "another program uses the key" in said[1][0]


def test_what_does_not_land_for_long_is_said_once(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", replace(SWIFT, late_after_seconds=0.0))
    stop_mining(network)
    chain.submit(Deposit(amount_wei=1), intent="stake")
    for _ in range(3):
        chain.refresh()
    (said,) = chain.alarms()
    assert "stake waits: there is no receipt" in said


def test_a_mempool_that_was_lost_is_filled_again(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann")
    stop_mining(network)
    for number in range(3):
        chain.submit(Deposit(amount_wei=1), intent=f"stake/{number}")
    request(network, "anvil_dropAllTransactions")
    mine(network)
    assert sent_count(network, "ann") == 0
    chain.refresh()
    mine(network)
    assert [each.outcome for each in chain.refresh()] == [Outcome.CONFIRMED] * 3
    assert stake_of(network, "ann") == 3


def lagging(network: Network, blocks: int, is_late: Callable[[Any], bool]) -> Any:
    """A node that answers, when `is_late` says so, as one whose newest block is so many blocks older."""

    def twist(method: str, params: Any, ask: Ask) -> Any:
        if not is_late(params):
            return ask()
        head = int(request(network, "eth_blockNumber"), 16) - blocks
        if method == "eth_getBlockByNumber":
            wanted = head if params[0] == "latest" else int(params[0], 16)
            return answer(request(network, method, hex(wanted), False) if wanted <= head else None)
        if method.endswith(("Receipt", "ByHash")):
            found = ask()
            number = (found["result"] or {}).get("blockNumber") or "0x0"
            return found if int(number, 16) <= head else answer(None)
        return ask()

    return Node(network.devnet.node, twist).provider


def test_a_late_node_is_no_reorganisation(anvil_network: Network) -> None:
    """It has neither the block of what landed nor its receipt: to ask again changes nothing."""
    network, is_late = anvil_network, False
    chain = open_chain(network, "ann", node=lagging(network, 5, lambda _: is_late))
    chain.transact(Deposit(amount_wei=5), intent="stake")
    is_late = True
    for _ in range(3):
        assert chain.submit(Deposit(amount_wei=5), intent="stake").outcome is Outcome.CONFIRMED
        assert all(each.outcome is Outcome.CONFIRMED for each in chain.refresh())
    assert (chain.alarms(), sent_count(network, "ann")) == ((), 1)


def test_now_and_then_a_late_node_for_minutes_is_no_shorter_chain(
    anvil_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a chain that is short each time, for a minute, has lost blocks."""
    network, is_late = anvil_network, False
    monkeypatch.setattr(watch, "SHORT_CHAIN_SECONDS", 1e-9)
    chain = open_chain(network, "ann", node=lagging(network, 5, lambda _: is_late))
    mine(network, 10)
    chain.transact(Deposit(amount_wei=5), intent="stake")
    chain.refresh()
    for _ in range(4):
        is_late = True
        chain.refresh()
        is_late = False
        chain.refresh()
    assert chain.alarms() == ()


def test_what_a_late_node_could_not_show_is_checked_again(anvil_network: Network) -> None:
    """The first check after a reorganisation meets a node without the block: the next one finds out."""
    network, is_late = anvil_network, False
    chain = open_chain(
        network, "ann", node=lagging(network, 5, lambda params: is_late and params[0] != "latest")
    )
    mine(network, 10)
    chain.transact(Deposit(amount_wei=5), intent="stake")
    chain.refresh()
    stop_mining(network)
    reorganise(network, 2)
    is_late = True
    chain.refresh()
    is_late = False
    assert [each.outcome for each in chain.refresh()] == [Outcome.PENDING]
    mine(network)
    assert [each.outcome for each in chain.refresh()] == [Outcome.CONFIRMED]
    assert (sent_count(network, "ann"), stake_of(network, "ann")) == (1, 5)
