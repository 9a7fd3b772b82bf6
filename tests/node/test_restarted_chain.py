"""A daemon whose node begins another chain says so, and neither ends nor hurries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from web3 import Web3
from web3.providers.base import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from tests.e2e.network import Log, Network
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.base.errors import Unavailable
from truestep.node.loop.loop import OUTAGE_WAIT

LOOKS = 12


@dataclass
class Switched(BaseProvider):
    """A connection to whatever chain runs at an address now, and to none for a while in between."""

    node: BaseProvider
    failures_left: int = 0
    chain_id: int | None = None

    def request_func(self, w3: Web3, middleware_onion: Any) -> Callable[..., RPCResponse]:
        def request(method: RPCEndpoint, params: Any) -> RPCResponse:
            if self.failures_left:
                self.failures_left -= 1
                raise ConnectionError("connection refused")
            if method == "eth_chainId" and self.chain_id is not None:
                return {"jsonrpc": "2.0", "id": 1, "result": hex(self.chain_id)}
            made: Any = connect(self.node).provider.request_func(w3, middleware_onion)
            return made(method, params)

        return request


@pytest.mark.parametrize("role", ["worker", "challenger"])
@pytest.mark.parametrize("is_longer", [False, True])
def test_a_daemon_says_that_its_contracts_are_gone(network: Network, role: str, is_longer: bool) -> None:
    """Devnets have the same chain id each time, and contracts of their own."""
    network.post()
    assert isinstance(network.devnet.node, BaseProvider)
    switched = Switched(network.devnet.node)
    network.node, log = switched, Log()
    daemon = getattr(network, role)(role, network.store(role), log)
    daemon.tick()
    other = EmbeddedDevnet()
    for _ in range(network.requester.head().number + 5 if is_longer else 1):
        other.advance(1)
    switched.node, switched.failures_left = other.node, 10
    looks: list[float] = []

    def should_stop() -> bool:
        looks.append(network.clock.seconds)
        return len(looks) > LOOKS

    said_before = len(log.lines)
    daemon.run(should_stop)
    said = [line for kind, line in log.lines[said_before:] if kind == "unavailable"]
    address = network.deployment.address("Jobs")
    assert any(f"no contract Jobs at {address}" in line and "new deployment file" in line for line in said), (
        log.lines
    )
    assert len(said) <= 4 + 2 * network.clock.seconds / 60, "the same is said once a minute"
    assert "take_sent" not in log.kinds()[said_before:], "coins sent to an address without code are lost"
    assert looks[-1] - looks[0] >= OUTAGE_WAIT.limit_seconds, "it waits ever longer"


def test_a_daemon_says_that_its_node_is_of_another_chain_now(network: Network) -> None:
    assert isinstance(network.devnet.node, BaseProvider)
    switched = Switched(network.devnet.node)
    network.node = switched
    daemon = network.challenger("challenger", network.store("challenger"), Log())
    daemon.tick()
    switched.failures_left, switched.chain_id = 10, 5
    said: set[str] = set()
    for _ in range(LOOKS):
        with pytest.raises(Unavailable) as trouble:
            daemon.tick()
        said.add(str(trouble.value))
    expected = f"it is of chain 5, expected {network.deployment.chain_id}, as the deployment file says"
    assert any(expected in each and "--rpc" in each for each in said), said
