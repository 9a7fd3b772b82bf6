"""Workers and challengers give secrets on a real chain, through kills and outages (docs/assignment.md D2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.network import SPEED, Log, Network, open_network
from truestep.adapters.chain.connection import connect
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.draws import DrawsReader
from truestep.client.pledges import withdraw_entropy
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.challenger import challenger_node
from truestep.node.drawing.desk import TABLE
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.protocol.assignment.randomness import ZERO_HASH
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker import WorkerPolicy


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    opened = open_network(EmbeddedDevnet(), tmp_path)
    yield opened
    opened.close()


class Scene:
    """A worker or a challenger that gives secrets, which may be killed."""

    def __init__(self, network: Network, *, is_challenger: bool = False) -> None:
        self.network, self.log, self.is_challenger = network, Log(), is_challenger
        self.reader = DrawsReader(connect(network.devnet.node), network.deployment)
        self.phases = self.reader.rules.phases
        self.pass_to(20)
        self.number = self.phases.round_at(self.now)
        self.worker = self.started()

    @property
    def now(self) -> int:
        return self.network.requester.head().time_seconds

    def pass_to(self, second: int) -> None:
        """To this second of a round, the next one to come."""
        self.network.devnet.advance((second - self.now) % self.phases.round_seconds)

    def started(self) -> Daemon:
        network = self.network
        world = network.world("worker", network.store("worker"), self.log, ReferenceEngine())
        network.stake("worker", world.chain)
        world = replace(world, rounds=self.reader)
        if self.is_challenger:
            return challenger_node(world, ChallengerPolicy())
        return worker_node(world, WorkerPolicy(speed=SPEED))

    def tick(self, count: int = 6) -> None:
        for _ in range(count):
            self.network.clock.sleep(2)
            self.worker.tick()

    def promised(self) -> bool:
        found = self.reader.promises(self.network.account("worker"), [self.number])
        return found.commitments[self.number] != ZERO_HASH

    def owed_wei(self) -> int:
        return self.reader.promises(self.network.account("worker"), []).owed_wei


@pytest.mark.parametrize("is_challenger", [False, True])
def test_a_secret_is_promised_revealed_and_its_bond_used_again(
    network: Network, *, is_challenger: bool
) -> None:
    scene = Scene(network, is_challenger=is_challenger)
    scene.tick()
    assert scene.promised() and scene.owed_wei() == 0
    scene.worker.stop()
    scene.worker = scene.started()  # a kill loses nothing: the secret follows from the node's own
    scene.pass_to(scene.phases.commit_seconds + scene.phases.reveal_seconds // 2)
    scene.tick()
    assert not scene.promised()
    bond_wei = scene.reader.rules.entropy_bond_wei
    assert scene.owed_wei() == bond_wei
    scene.pass_to(20)
    scene.number += 1
    scene.tick()
    assert scene.promised() and scene.owed_wei() == 0  # no other coins went in
    scene.pass_to(scene.phases.commit_seconds + scene.phases.reveal_seconds // 2)
    scene.tick()
    scene.worker.stop()
    assert scene.log.kinds().count("entropy_pending") == 1  # at the first stop, and not after a reveal
    account = network.chain("worker", network.store("worker"))
    assert withdraw_entropy(account, scene.reader, None) == bond_wei
    assert scene.owed_wei() == withdraw_entropy(account, scene.reader, None) == 0
    rows = network.stores["worker"].rows(TABLE)
    assert [key for key, _ in rows] == [f"{scene.number}"]
    assert not [kind for kind in scene.log.kinds() if kind.startswith("entropy_missed")]


def test_a_worker_that_was_away_says_what_it_has_lost(network: Network) -> None:
    scene = Scene(network)
    scene.tick()
    scene.worker.stop()
    assert "entropy_pending" in scene.log.kinds()
    scene.pass_to(scene.phases.round_seconds)
    scene.worker = scene.started()
    scene.tick()
    assert f"entropy_missed/{scene.number}" in scene.log.kinds()
    assert f"{scene.number}" not in {key for key, _ in network.stores["worker"].rows(TABLE)}
