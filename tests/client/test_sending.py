"""A deposit and an order happen once, whatever interrupts them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.sending import SWIFT, Ask, Node, answer, open_chain, sent_count
from tests.e2e.network import ELF, INPUT, Network, open_network
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.client.client import Client, Order
from truestep.client.sending import LAG_BLOCKS, raise_stake
from truestep.protocol.calls import WithdrawStake

TERMS = Order(max_cycles=10_000, lifetime_seconds=100_000)
SOON = 0.05


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    opened = open_network(EmbeddedDevnet(), tmp_path)
    yield opened
    opened.close()


class Killed(Bug):
    """The process ends here. A bug is no outage: whoever sends passes it on, from its thread too."""


def kill_at_send(number: int) -> Any:
    """The node takes the send with this number, and the process dies before it hears so."""
    count = 0

    def twist(method: str, params: Any, ask: Ask) -> Any:
        nonlocal count
        response = ask()
        if method == "eth_sendRawTransaction":
            count += 1
            if count == number:
                raise Killed
        return response

    return twist


def client_of(network: Network, node: Any = None) -> Client:
    chain = open_chain(network, "ann", SWIFT, node)
    return Client(chain, network.blobs, network.deployment, is_remembering=True)


@pytest.mark.parametrize("number", [1, 2])
def test_an_order_whose_reply_was_lost_is_posted_once(network: Network, number: int) -> None:
    """The first send registers the program, the second posts the job."""
    killed = client_of(network, Node(network.devnet.node, kill_at_send(number)).provider)
    with pytest.raises(Killed):
        killed.submit(ELF, INPUT, order=TERMS)
    first = client_of(network).submit(ELF, INPUT, order=TERMS)
    again = client_of(network).submit(ELF, INPUT, order=TERMS)
    assert (first.job_id, again.job_id, sent_count(network, "ann")) == (1, 1, 2)


def test_names_make_jobs_of_equal_orders(network: Network) -> None:
    client = client_of(network)
    orders = [Order(max_cycles=10_000, lifetime_seconds=100_000, name=name) for name in ("a", "b", "a")]
    assert [client.submit(ELF, INPUT, order=order).job_id for order in orders] == [1, 2, 1]


def test_a_client_without_memory_posts_every_order(network: Network) -> None:
    client = Client(network.requester, network.blobs, network.deployment)
    assert [client.submit(ELF, INPUT, order=TERMS).job_id for _ in range(2)] == [1, 2]


def test_stake_is_raised_to_the_target_and_not_above(network: Network) -> None:
    chain = open_chain(network, "ann")
    assert [raise_stake(chain, target) for target in (5, 5, 7, 3)] == [5, 0, 2, 0]
    assert chain.balances(chain.account).stake_wei == 7


def test_stake_that_fell_is_raised_again_but_not_at_once(network: Network) -> None:
    """So soon after a deposit, a low stake may be the word of a node that lags."""
    chain = open_chain(network, "ann")
    raise_stake(chain, 5)
    chain.transact(WithdrawStake(amount_wei=5), intent="withdraw")
    with pytest.raises(Unavailable, match="it lags, or the stake was slashed"):
        raise_stake(chain, 5)
    for _ in range(LAG_BLOCKS):
        network.devnet.advance(1)
    assert raise_stake(chain, 5) == 5
    assert chain.balances(chain.account).stake_wei == 5


def test_a_deposit_without_a_receipt_is_waited_for_after_a_restart_with_another_target(
    network: Network,
) -> None:
    def hide(method: str, params: Any, ask: Ask) -> Any:
        return answer(None) if method == "eth_getTransactionReceipt" else ask()

    blind = open_chain(network, "ann", SWIFT, Node(network.devnet.node, hide).provider)
    with pytest.raises(Killed):
        raise_stake(_Impatient(blind), 5)  # pyright: ignore[reportArgumentType]
    chain = open_chain(network, "ann")
    assert raise_stake(chain, 6) == 1
    assert (chain.balances(chain.account).stake_wei, sent_count(network, "ann")) == (6, 2)


class _Impatient:
    """A chain whose user presses Ctrl-C instead of waiting."""

    def __init__(self, chain: Any) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def transact(self, call: Any, *, intent: str) -> Any:
        try:
            return self._chain.transact(call, intent=intent, deadline_seconds=SOON)
        except (Rejected, Unavailable):
            raise Killed from None
