"""Stakes, credits and delegates of an account."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.client.conftest import CYCLES_LIMIT, Network
from tests.client.strangers import deploy_token
from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Address, Bytes32
from truestep.client import Client, Order, Role
from truestep.client.pledges import pool_in_words
from truestep.client.stakes import withdraw_stake
from truestep.ports.chain import Balances, Chain, Head

RECEIVER = Address("0x" + "77" * 20)


def client_of(network: Network, chain: Chain) -> Client:
    return Client(chain, network.client.blobs, network.deployment)


def test_stake_is_deposited_for_another_and_withdrawn_to_a_receiver(network: Network) -> None:
    operator, friend = network.chain(10**18), network.chain(10**18)
    client_of(network, friend).deposit(500, operator.account)
    client_of(network, operator).deposit(7)
    assert operator.balances(operator.account).stake_wei == 507
    assert friend.balances(friend.account).stake_wei == 0
    client_of(network, operator).withdraw_stake(200, RECEIVER)
    assert operator.balances(operator.account).stake_wei == 307
    assert operator.balances(RECEIVER).wallet_wei >= 200
    with pytest.raises(Rejected, match=r"expected up to 307 wei of free stake, got 308 wei") as refused:
        client_of(network, operator).withdraw_stake(308)
    assert refused.value.reason is Reject.STAKE_TOO_LOW


class Capped:
    """A chain on which a withdrawal would break the operator's cap; no network of these tests has one."""

    account = RECEIVER

    def balances(self, account: Address) -> Balances:
        return Balances(wallet_wei=0, stake_wei=10, locked_wei=4, rewards_wei=0, winnings_wei=0)

    def head(self) -> Head:
        return Head(number=1, hash=Bytes32(bytes(32)), time_seconds=1)

    def transact(self, call: object, *, intent: str) -> None:
        raise Rejected(Reject.CAP_EXCEEDED, "nothing was sent")


def test_stake_that_bears_what_is_locked_is_not_withdrawn() -> None:
    chain: Any = Capped()
    with pytest.raises(Rejected, match="below what its bonds lock, 4 wei; take less") as refused:
        withdraw_stake(chain, 6)
    assert refused.value.reason is Reject.CAP_EXCEEDED


def test_stake_that_a_pledge_locks_is_named_as_such() -> None:
    chain: Any = Capped()
    with pytest.raises(Rejected, match="by a pledge until `truestep stake unpledge`"):
        withdraw_stake(chain, 7)


@pytest.mark.parametrize(
    ("pool", "words"),
    [
        (0, "committees and audits, and who is drawn and silent pays: .* with --member --auditor$"),
        (1, "^no policy of this network draws from pool 1: nothing is earned"),
    ],
)
def test_whoever_pledges_is_told_what_a_pool_is_drawn_for(pool: int, words: str) -> None:
    assert re.search(words, pool_in_words(pool, 0, 0))


def test_pools_of_one_duty_and_networks_without_policies_are_told_apart() -> None:
    assert pool_in_words(2, 3, 2).endswith(
        "drawn for audits, and who is drawn and silent pays: keep a worker running with --auditor"
    )
    assert "no policy" in pool_in_words(0, None, None)


def test_all_credits_are_withdrawn_at_once(network: Network) -> None:
    token, chain = deploy_token(network), network.chain(10**18)
    client, receiver = client_of(network, chain), Address("0x" + "78" * 20)
    token.send("mint", chain.account, 50)
    assert client.withdraw().is_empty
    for order in (
        Order(reward_wei=1_000, max_cycles=CYCLES_LIMIT),
        Order(reward_wei=50, asset=token.address, max_cycles=CYCLES_LIMIT),
    ):
        job = client.submit(network.elf, b"changed my mind", order=order)
        network.cancel(job)
    done = client.withdraw(receiver)
    assert (done.receiver, done.rewards_wei, done.tokens) == (receiver, 1_000, {token.address: 50})
    assert (chain.balances(receiver).wallet_wei, token.call("balanceOf", receiver)) == (1_000, 50)
    assert client.withdraw().is_empty


def test_delegates_have_the_roles_that_they_are_given(network: Network) -> None:
    chain = network.chain(10**18)
    client, delegate = client_of(network, chain), Address("0x" + "79" * 20)
    assert client.set_delegate(delegate, Role.TAKE | Role.CLAIM)
    assert chain.roles_of(chain.account, delegate) == 3
    assert not client.set_delegate(delegate, Role.TAKE | Role.CLAIM)
    assert client.set_delegate(delegate, 0)
    assert chain.roles_of(chain.account, delegate) == 0
    with pytest.raises(Rejected, match="expected another account") as refused:
        client.set_delegate(chain.account, Role.TAKE)
    assert refused.value.reason is Reject.NOT_DELEGATE
