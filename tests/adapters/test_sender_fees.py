"""Prices of gas that move, caps, junk about gas, and coins that run out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.sending import (
    EAGER,
    SWIFT,
    Ask,
    Node,
    answer,
    key_of,
    mine,
    open_chain,
    refusal,
    request,
    sent_count,
    stop_mining,
)
from tests.e2e.network import COIN_WEI, Network
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.fees import (
    GWEI,
    Offer,
    TransactionPolicy,
    believed_tip,
    first_offer,
    higher_offer,
)
from truestep.adapters.chain.journal import ATTEMPTS_KEPT
from truestep.adapters.chain.refusals import Refusal, refusal_of
from truestep.adapters.chain.sender import Sender
from truestep.adapters.chain.settlement import encode_call
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.chain import Outcome
from truestep.protocol.calls import Deposit
from truestep.protocol.settlement.contracts import operators
from truestep.protocol.settlement.facts.rehearsal import Ready

CAP_WEI = 500 * GWEI


def set_base_fee(network: Network, gwei: int) -> None:
    request(network, "anvil_setNextBlockBaseFeePerGas", hex(gwei * GWEI))
    mine(network)


# --- offers, as values --------------------------------------------------------------------------------------


def test_a_first_offer_leaves_room_and_keeps_the_cap() -> None:
    policy = TransactionPolicy()
    assert first_offer(10 * GWEI, GWEI, policy) == Offer(fee_cap_wei=21 * GWEI, tip_wei=GWEI)
    assert first_offer(400 * GWEI, GWEI, policy) == Offer(fee_cap_wei=CAP_WEI, tip_wei=GWEI)
    with pytest.raises(Rejected, match="--max-fee 1202gwei") as refused:
        first_offer(600 * GWEI, GWEI, policy)
    assert refused.value.reason is Reject.FEE_ABOVE_CAP
    urgent = first_offer(600 * GWEI, GWEI, policy, is_urgent=True)
    assert urgent == Offer(fee_cap_wei=1201 * GWEI, tip_wei=GWEI)
    with pytest.raises(Rejected, match="--max-fee-urgent"):
        first_offer(3_000 * GWEI, GWEI, policy, is_urgent=True)


def test_an_urgent_cap_is_never_below_the_other() -> None:
    assert TransactionPolicy(urgent_fee_cap_wei=1).cap_wei(is_urgent=True) == CAP_WEI
    assert TransactionPolicy(fee_cap_wei=7).cap_wei(is_urgent=True) == 28


def test_blob_gas_has_a_cap_of_its_own() -> None:
    """What gas costs says nothing of it: blobs may cost a hundredth of gas, or a hundred times as much."""
    policy = TransactionPolicy(blob_fee_cap_wei=50 * GWEI)
    offered = first_offer(GWEI, GWEI, policy, blob_price_wei=10 * GWEI)
    assert offered == Offer(fee_cap_wei=3 * GWEI, tip_wei=GWEI, blob_fee_cap_wei=40 * GWEI)
    assert first_offer(GWEI, GWEI, policy, blob_price_wei=1).blob_fee_cap_wei == GWEI
    assert first_offer(GWEI, GWEI, policy, blob_price_wei=20 * GWEI).blob_fee_cap_wei == 50 * GWEI
    with pytest.raises(Rejected, match="--max-blob-fee 102gwei") as refused:
        first_offer(GWEI, GWEI, policy, blob_price_wei=51 * GWEI)
    assert refused.value.reason is Reject.FEE_ABOVE_CAP
    urgent = first_offer(GWEI, GWEI, policy, is_urgent=True, blob_price_wei=51 * GWEI)
    assert urgent.blob_fee_cap_wei == 200 * GWEI
    with pytest.raises(Rejected, match=r"its cap is 200 gwei.*--max-blob-fee 150gwei"):
        first_offer(GWEI, GWEI, policy, is_urgent=True, blob_price_wei=300 * GWEI)


def test_replacements_of_blob_transactions_double_all_three_fees_within_their_caps() -> None:
    policy, offers = (
        TransactionPolicy(),
        [Offer(fee_cap_wei=GWEI, tip_wei=GWEI // 1000, blob_fee_cap_wei=GWEI)],
    )
    while (higher := higher_offer(offers[-1], GWEI, policy, blob_price_wei=GWEI)) is not None:
        last = offers[-1]
        assert higher.fee_cap_wei >= 2 * last.fee_cap_wei and higher.tip_wei >= 2 * last.tip_wei
        assert 2 * last.blob_fee_cap_wei <= higher.blob_fee_cap_wei <= policy.blob_fee_cap_wei
        offers.append(higher)
    assert 4 < len(offers) < 20 and 2 * offers[-1].blob_fee_cap_wei > policy.blob_fee_cap_wei


@pytest.mark.parametrize("base_gwei", [0, 1, 30, 600])
def test_every_replacement_raises_both_fields_by_a_tenth_and_ends_at_the_cap(base_gwei: int) -> None:
    policy, offers = TransactionPolicy(), [Offer(fee_cap_wei=1, tip_wei=0)]
    while (higher := higher_offer(offers[-1], base_gwei * GWEI, policy)) is not None:
        last = offers[-1]
        assert higher.fee_cap_wei * 10 > last.fee_cap_wei * 11
        assert higher.tip_wei * 10 > last.tip_wei * 11 or last.tip_wei == 0 < higher.tip_wei
        assert higher.tip_wei <= min(higher.fee_cap_wei, policy.tip_cap_wei)
        assert higher.fee_cap_wei <= policy.fee_cap_wei
        offers.append(higher)
        assert len(offers) < 200


@pytest.mark.parametrize(
    ("suggested", "paid", "believed"),
    [
        (None, None, GWEI),
        (None, 5, 5),
        (0, None, 0),
        (2 * GWEI, None, 2 * GWEI),
        (10**18, None, 3 * GWEI),
        (10**18, 30 * GWEI, 60 * GWEI),
        (30 * GWEI, 30 * GWEI, 30 * GWEI),
    ],
)
def test_a_suggested_tip_is_believed_within_reason(
    suggested: int | None, paid: int | None, believed: int
) -> None:
    assert believed_tip(suggested, paid) == believed


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("already known", Refusal.KNOWN),
        ("AlreadyKnown", Refusal.KNOWN),
        ("Known transaction", Refusal.KNOWN),
        ("transaction already imported", Refusal.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_USED),
        ("OldNonce", Refusal.NONCE_USED),
        ("replacement transaction underpriced", Refusal.UNDERPRICED),
        ("transaction underpriced: tip needed 25000000000, tip permitted 1", Refusal.UNDERPRICED),
        ("max fee per gas less than block base fee", Refusal.UNDERPRICED),
        ("FeeTooLow, EffectivePriorityFeePerGas too low", Refusal.UNDERPRICED),
        ("insufficient funds for gas * price + value", Refusal.FUNDS),
        ("Upfront cost exceeds account balance", Refusal.FUNDS),
        ("intrinsic gas too low", Refusal.GAS),
        ("exceeds block gas limit", Refusal.GAS),
        ("it rains", Refusal.OTHER),
    ],
)
def test_refusals_of_many_nodes_are_understood(said: str, meant: Refusal) -> None:
    assert refusal_of(said) is meant


# --- on a chain ---------------------------------------------------------------------------------------------


@pytest.mark.anvil
def test_at_600_gwei_sends_wait_and_go_on_by_themselves_when_it_is_over(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", EAGER)
    stop_mining(network)
    chain.submit(Deposit(amount_wei=5), intent="stake")
    set_base_fee(network, 600)
    for _ in range(8):
        assert chain.refresh()[0].outcome is Outcome.PENDING
        set_base_fee(network, 600)
    alarms = " ".join(chain.alarms())
    assert "the cap is 500 gwei" in alarms
    assert "--max-fee" in alarms
    with pytest.raises(Rejected) as refused:
        chain.submit(Deposit(amount_wei=5), intent="more")
    assert refused.value.reason is Reject.FEE_ABOVE_CAP
    set_base_fee(network, 100)
    chain.refresh()
    mine(network)
    assert chain.refresh()[0].outcome is Outcome.CONFIRMED
    assert sent_count(network, "ann") == 1


@pytest.mark.anvil
def test_what_is_urgent_lands_at_600_gwei(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", SWIFT)
    call = operators.SetDelegate(delegate=network.account("bob"), roles=1)
    sender = chain._sender
    message = encode_call(network.deployment, Ready(call=call))
    set_base_fee(network, 600)
    sender.submit(message, "move", is_urgent=True)
    assert chain.refresh()[0].outcome is Outcome.CONFIRMED


@pytest.mark.anvil
def test_what_became_too_cheap_is_raised_at_once_whatever_stands_before_it(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", EAGER)
    stop_mining(network)
    for number in range(3):
        chain.submit(Deposit(amount_wei=1), intent=f"stake/{number}")
    set_base_fee(network, 100)
    chain.refresh()
    set_base_fee(network, 100)
    assert [each.outcome for each in chain.refresh()] == [Outcome.CONFIRMED] * 3


@pytest.mark.anvil
def test_attempts_in_the_journal_are_bounded_and_each_may_land(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", EAGER)
    stop_mining(network)
    first = chain.submit(Deposit(amount_wei=5), intent="stake")
    for _ in range(12):
        chain.refresh()
    entry = chain._sender.entry("stake")
    assert entry is not None
    assert (len(entry.attempts), len(entry.hashes)) == (ATTEMPTS_KEPT, 13)
    assert first.transaction_hash.hex() in entry.hashes
    mine(network)
    assert chain.refresh()[0].outcome is Outcome.CONFIRMED


@pytest.mark.parametrize(
    "tip", [refusal("the method does not exist", -32601), refusal("no"), answer("0x38d7ea4c68000")]
)
def test_a_tip_that_is_missing_or_silly_is_replaced_by_what_was_paid(network: Network, tip: Any) -> None:
    def twist(method: str, params: Any, ask: Ask) -> Any:
        return tip if method == "eth_maxPriorityFeePerGas" else ask()

    node = Node(network.devnet.node, twist)
    chain = open_chain(network, "ann", SWIFT, node.provider)
    landed = chain.transact(Deposit(amount_wei=5), intent="stake")
    assert node.counts["eth_feeHistory"] >= 1
    entry = chain._sender.entry("stake")
    assert entry is not None
    assert entry.attempts[-1].tip_wei <= 3 * GWEI
    assert landed.outcome is Outcome.CONFIRMED


@pytest.mark.parametrize("estimate", ["0x0", "0x5208", hex(2**40), hex(2**24 + 1), None, "junk", [], "0x"])
def test_estimates_that_cannot_be_true_send_nothing(network: Network, estimate: Any) -> None:
    def twist(method: str, params: Any, ask: Ask) -> Any:
        return answer(estimate) if method == "eth_estimateGas" else ask()

    node = Node(network.devnet.node, twist)
    chain = open_chain(network, "ann", SWIFT, node.provider)
    with pytest.raises(Unavailable):
        chain.submit(Deposit(amount_wei=5), intent="stake")
    assert ("eth_sendRawTransaction" in node.counts, chain.transaction("stake")) == (False, None)


@pytest.mark.anvil
def test_coins_that_ran_out_are_said_and_sends_go_on_when_they_come(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", SWIFT)
    stop_mining(network)
    chain.submit(Deposit(amount_wei=COIN_WEI), intent="stake")
    request(network, "anvil_dropAllTransactions")
    request(network, "anvil_setBalance", chain.account, "0x10")
    chain.refresh()
    chain.refresh()
    alarms = " ".join(chain.alarms())
    assert "short of coins" in alarms
    assert chain.account in alarms
    request(network, "anvil_setBalance", chain.account, hex(10 * COIN_WEI))
    mine(network)
    chain.refresh()
    mine(network)
    assert chain.refresh()[0].outcome is Outcome.CONFIRMED


def test_the_key_of_nobody_is_asked_for_nothing(network: Network) -> None:
    """A sender without anything under way asks the node nothing."""
    node = Node(network.devnet.node)
    sender = Sender(
        connect(node.provider), network.deployment.chain_id, key_of("ann"), SqliteStore(), replace(SWIFT)
    )
    assert (sender.refresh(), node.counts) == ([], {})
