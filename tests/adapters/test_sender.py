"""The transaction manager against a chain that is slow, forgetful, or used by somebody else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from web3 import Account, Web3
from web3.types import RPCEndpoint

from tests.e2e.network import COIN_WEI, POLICY, Network, WatchedProvider
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import AnvilDevnet, EmbeddedDevnet
from truestep.adapters.chain.fees import GWEI, TransactionPolicy
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import JobId, task_of
from truestep.base.units import coins
from truestep.commitments.keccak import keccak256
from truestep.ports.chain import Outcome
from truestep.protocol.calls import Deposit, TakeTasks

EAGER = replace(POLICY, bump_after_seconds=0.0, nonce_grace_seconds=0.0)


def open_chain(
    network: Network, name: str, policy: TransactionPolicy = POLICY, node: Any = None
) -> Web3Chain:
    """The chain as a restarted process of `name` sees it, on the journal of the one before."""
    network.chain(name, SqliteStore())
    store = network.store(name)
    account = Account.from_key(keccak256(name.encode()))
    return Web3Chain(node or network.devnet.node, network.deployment, account, store, policy)


def request(network: Network, method: str, *params: Any) -> Any:
    return connect(network.devnet.node).provider.make_request(RPCEndpoint(method), params)


def sent_count(network: Network, name: str) -> int:
    address = Web3.to_checksum_address(network.account(name))
    return connect(network.devnet.node).eth.get_transaction_count(address)


def test_an_intent_is_sent_once_also_after_a_restart(network: Network) -> None:
    chain = open_chain(network, "ann")
    first = chain.transact(Deposit(amount_wei=5), intent="stake")
    assert chain.transact(Deposit(amount_wei=5), intent="stake") == first
    assert open_chain(network, "ann").transact(Deposit(amount_wei=5), intent="stake") == first
    assert (first.outcome, sent_count(network, "ann")) == (Outcome.CONFIRMED, 1)
    assert chain.balances(chain.account).stake_wei == 5


def test_the_journal_knows_a_transaction_before_the_node_does(network: Network) -> None:
    known: list[bool] = []

    def look(method: str) -> None:
        if method == "eth_sendRawTransaction":
            known.append(any("stake" in key for key, _ in network.stores["ann"].rows("transactions")))

    chain = open_chain(network, "ann", node=WatchedProvider(network.devnet.node, look))
    chain.transact(Deposit(amount_wei=5), intent="stake")
    assert known == [True]


def test_what_a_dead_node_did_not_take_is_sent_after_the_restart(network: Network) -> None:
    def cut(method: str) -> None:
        if method == "eth_sendRawTransaction":
            raise ConnectionError("cut")

    chain = open_chain(network, "ann", node=WatchedProvider(network.devnet.node, cut))
    with pytest.raises(Unavailable, match=r"is not confirmed .* The node said: .*cut"):
        chain.transact(Deposit(amount_wei=5), intent="stake", deadline_seconds=0.05)
    assert sent_count(network, "ann") == 0
    again = open_chain(network, "ann")
    assert [transaction.outcome for transaction in again.refresh()] == [Outcome.PENDING]
    assert [transaction.outcome for transaction in again.refresh()] == [Outcome.CONFIRMED]
    assert again.refresh() == ()


def test_a_reorganised_transaction_lands_again_and_only_once(network: Network) -> None:
    chain = open_chain(network, "ann")
    devnet = network.devnet
    assert isinstance(devnet, EmbeddedDevnet)
    tester: Any = getattr(devnet.node, "ethereum_tester")  # noqa: B009 - eth-tester is untyped here
    snapshot = tester.take_snapshot()
    landed = chain.transact(Deposit(amount_wei=5), intent="stake")
    tester.revert_to_snapshot(snapshot)
    tester.mine_block()  # a chain that is only shorter looks like a node that lags
    assert chain.balances(chain.account).stake_wei == 0
    again = chain.transact(Deposit(amount_wei=5), intent="stake")
    assert (again.outcome, again.transaction_hash) == (Outcome.CONFIRMED, landed.transaction_hash)
    assert (chain.balances(chain.account).stake_wei, sent_count(network, "ann")) == (5, 1)


def test_refusals_are_known_before_anything_is_sent(network: Network) -> None:
    chain = open_chain(network, "ann")
    with pytest.raises(Rejected) as refusal:
        chain.transact(TakeTasks(tasks=(task_of(JobId(77), 0),)), intent="take")
    assert refusal.value.reason is Reject.JOB_UNKNOWN
    with pytest.raises(Rejected) as refusal:
        chain.transact(Deposit(amount_wei=1_000 * COIN_WEI), intent="stake")
    assert refusal.value.reason is Reject.FUNDS_TOO_LOW
    have_wei = chain.balances(chain.account).wallet_wei
    needed = ("needs 1,000 ETH to send", " ETH more, and coins for gas")
    for figure in (chain.account, f"has {coins(have_wei)}", *needed):
        assert figure in str(refusal.value)
    with pytest.raises(Rejected, match=r"\(.* ETH to send, up to [0-9].* for gas\)") as refusal:
        chain.transact(Deposit(amount_wei=have_wei), intent="stake")
    assert "up to 0 ETH" not in str(refusal.value)
    dear = open_chain(network, "ann", replace(POLICY, fee_cap_wei=1))
    with pytest.raises(Rejected) as refusal:
        dear.transact(Deposit(amount_wei=1), intent="stake")
    assert refusal.value.reason is Reject.FEE_ABOVE_CAP
    assert (sent_count(network, "ann"), dear.transaction("stake")) == (0, None)


@pytest.mark.anvil
def test_a_stuck_transaction_is_replaced_by_a_dearer_one_of_the_same_nonce(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", EAGER)
    request(network, "evm_setAutomine", False)
    first = chain.submit(Deposit(amount_wei=5), intent="stake")
    (dearer,) = chain.refresh()
    assert dearer.transaction_hash != first.transaction_hash
    request(network, "evm_mine")
    (landed,) = chain.refresh()
    assert (landed.outcome, sent_count(network, "ann")) == (Outcome.CONFIRMED, 1)
    assert chain.balances(chain.account).stake_wei == 5


@pytest.mark.anvil
def test_replacements_stay_below_the_cap(anvil_network: Network) -> None:
    network = anvil_network
    chain = open_chain(network, "ann", replace(EAGER, fee_cap_wei=3 * GWEI, tip_cap_wei=2 * GWEI))
    request(network, "evm_setAutomine", False)
    hashes = {chain.submit(Deposit(amount_wei=5), intent="stake").transaction_hash}
    hashes |= {chain.refresh()[0].transaction_hash for _ in range(8)}
    assert 1 < len(hashes) < 8
    request(network, "evm_mine")
    (landed,) = chain.refresh()
    assert landed.outcome is Outcome.CONFIRMED
    assert landed.gas_price_wei <= 3 * GWEI


@pytest.mark.anvil
def test_a_revert_is_explained_by_the_contract_and_costs_no_second_try(anvil_network: Network) -> None:
    network = anvil_network
    job_id = network.post()
    chains = [open_chain(network, name) for name in ("ann", "bob")]
    for chain in chains:
        chain.transact(Deposit(amount_wei=COIN_WEI), intent="stake")
    request(network, "evm_setAutomine", False)
    for chain in chains:
        chain.submit(TakeTasks(tasks=(task_of(job_id, 0),)), intent="take")
    request(network, "evm_mine")
    first, second = (chain.refresh()[0] for chain in chains)
    assert (first.outcome, second.outcome) == (Outcome.CONFIRMED, Outcome.REVERTED)
    request(network, "evm_setAutomine", True)
    with pytest.raises(Rejected) as refusal:
        chains[1].transact(TakeTasks(tasks=(task_of(job_id, 0),)), intent="take")
    assert refusal.value.reason is Reject.TASK_NOT_OPEN
    assert sent_count(network, "bob") == 2


@pytest.mark.anvil
def test_an_outcome_waits_for_its_confirmations(anvil_network: Network) -> None:
    network = anvil_network
    assert isinstance(network.devnet, AnvilDevnet)
    chain = open_chain(network, "ann", replace(POLICY, confirmations=3))
    assert chain.submit(Deposit(amount_wei=5), intent="stake").outcome is Outcome.PENDING
    request(network, "evm_mine")
    assert [each.outcome for each in chain.refresh()] == [Outcome.PENDING]
    request(network, "evm_mine")
    assert [each.outcome for each in chain.refresh()] == [Outcome.CONFIRMED]
