"""While the guardian keeps batches from ending, claims are open to challenges after their windows (S6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from web3 import Account

from tests.e2e.network import POLICY, Log, Network, open_network
from truestep.adapters.chain import deploy
from truestep.adapters.chain.codec import Message
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.sender import Sender
from truestep.adapters.chain.settlement import contract_types
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.machine.interpreter import ReferenceEngine
from truestep.protocol import events
from truestep.protocol.deployment.plans import TimelockTerms
from truestep.protocol.settlement.contracts.assurances import Stop
from truestep.simulation.faulty_engine import Fault, FaultyEngine

DAY_SECONDS = 86_400
owned_by = deploy.owned_by


def guarded_by(account: Address) -> TimelockTerms:
    return replace(owned_by(account), guardian_seconds=100 * DAY_SECONDS)


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """One whose deployer is its guardian."""
    monkeypatch.setattr(deploy, "owned_by", guarded_by)
    opened = open_network(EmbeddedDevnet(), tmp_path)
    yield opened
    opened.close()


def stop(network: Network, seconds: int) -> None:
    sender = Sender(
        connect(network.devnet.node),
        network.deployment.chain_id,
        Account.from_key(keccak256(b"deployer")),
        SqliteStore(),
        POLICY,
    )
    payload = contract_types()["Assurances"].payload(Stop(seconds=seconds))
    sender.submit(Message(to=Address(network.deployment.address("Assurances")), payload=payload), "stop")
    sender.wait("stop", 60)


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_false_claim_is_disputed_after_its_window_while_batches_are_stopped(
    network: Network, is_stopped: bool
) -> None:
    job_id, window_seconds = network.post(), network.deployment.rules.window_seconds
    liar = network.worker(
        "liar", network.store("liar"), Log(), FaultyEngine(ReferenceEngine(), Fault(cycle=5))
    )
    network.drive([liar], lambda: bool(network.told(events.TaskClaimed)))
    if is_stopped:
        stop(network, 3 * window_seconds)
    network.devnet.advance(window_seconds + 1)
    log = Log()
    challenger = network.challenger("challenger", network.store("challenger"), log)
    honest = network.worker("honest", network.store("honest"), Log())
    for _ in range(12):
        challenger.tick()
        network.devnet.advance(1)
    assert ("open_landed" in log.kinds()) == is_stopped
    assert "open_refused" not in log.kinds()
    if is_stopped:
        everybody = [liar, challenger, honest]
        network.drive(everybody, lambda: bool(network.told(events.ClaimStruck)))
        network.drive(everybody, lambda: network.is_final(job_id), rounds=400)
