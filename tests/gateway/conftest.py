"""Gateways of a chain that is told, and of a real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from web3 import Account

from tests.client.conftest import CYCLES_LIMIT, POLICY, Network, elf, network, settle  # noqa: F401 (fixtures)
from tests.composition.test_network import OTHER as DEPLOYMENT
from tests.dashboard.stories import ToldChain, story
from tests.gateway.desk import COIN_WEI, SIGNER, Desk
from truestep.adapters.store.sqlite import SqliteStore
from truestep.adapters.web_server import WebServer
from truestep.composition.network import open_chain
from truestep.dashboard.reading import Reading
from truestep.gateway.journal import OrderJournal
from truestep.gateway.orders import Orders
from truestep.gateway.reads import Reads
from truestep.gateway.results import Results
from truestep.gateway.service import Gateway
from truestep.gateway.tokens import Token, Tokens, new_token

MANY_PER_SECOND = 1e6
Serve = Callable[[Gateway], httpx.Client]


@contextmanager
def served() -> Iterator[Serve]:
    """Serves gateways until it is left."""
    servers: list[WebServer] = []

    def opened(gateway: Gateway) -> httpx.Client:
        servers.append(WebServer(gateway.app()))
        return httpx.Client(base_url=servers[-1].url)

    yield opened
    for server in servers:
        server.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves gateways until the test ends."""
    with served() as serve:
        yield serve


def reads_of(chain: ToldChain) -> tuple[Reading, Reads]:
    """What is read of a chain that is told, read once."""
    wanted: Any = chain
    reading = Reading(wanted, 1)
    reading.poll()
    return reading, Reads(reading, Results(wanted, DEPLOYMENT, None), DEPLOYMENT, "a network")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A gateway of a small network, which does not change."""
    _, reads = reads_of(ToldChain(story()))
    with served() as serve:
        yield serve(Gateway(reads.operations(), requests_per_second=MANY_PER_SECOND))


@pytest.fixture(scope="module")
def funded(network: Network) -> Any:  # noqa: F811 (the fixture)
    """The gateway's account; a program is registered."""
    network.client.register(network.elf, max_cycles=CYCLES_LIMIT)
    account = Account.create()
    network.devnet.fund(account.address, 10 * COIN_WEI)
    return account


@pytest.fixture
def desk(network: Network, funded: Any) -> Iterator[Desk]:  # noqa: F811 (the fixture)
    store = SqliteStore()
    chain = open_chain(network.devnet.node, network.deployment, funded, store, POLICY)
    reading = Reading(chain, network.deployment.block_number)
    reading.poll()
    (token, sha256), journal = new_token(), OrderJournal(store)
    signers = frozenset({SIGNER.address.lower()})
    tokens = Tokens({"shop": Token(name="shop", sha256=sha256, signers=signers, budget_wei=COIN_WEI)})
    orders = Orders(chain, reading, journal, tokens, network.deployment)
    with served() as serve:
        yield Desk(
            network=network,
            chain=chain,
            store=store,
            reading=reading,
            journal=journal,
            client=serve(Gateway(orders.operations(), requests_per_second=MANY_PER_SECOND)),
            token=token,
            told=[],
        )
