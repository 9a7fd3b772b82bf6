"""How often a look at the chain waits for its node: if each answer takes a second, moves are that late."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.adapters.chain.faulty_node import FaultyNode, faulty_node
from tests.e2e.network import SPEED, InlineExecutor, Log, Network, open_network
from truestep.adapters.chain.devnet import AnvilDevnet
from truestep.base.ids import task_of
from truestep.composition.daemons import daemon_memory
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.challenger import challenger_node
from truestep.node.tasks.agent import Daemon
from truestep.node.tasks.world import World
from truestep.node.worker import worker_node
from truestep.ports.chain import Inquiry
from truestep.protocol.events import ChainEvent, GameOpened, GameSettled, GameSplit
from truestep.roles.challenger import ChallengerPolicy
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.faulty_engine import Fault, FaultyEngine

ROUND_TRIPS = 3
"""The newest block; the events up to it; what the contracts say of it."""
FIRST_LOOKS = 2
"""Looks that ask what never changes, in addition."""


@dataclass
class Apart:
    """An executor whose questions to the node do not count: a daemon does not wait for them."""

    executor: Any
    node: FaultyNode

    def __getattr__(self, name: str) -> Any:
        return getattr(self.executor, name)

    def start(self, key: Hashable, item: object) -> bool:
        count = len(self.node.seen)
        is_begun = self.executor.start(key, item)
        del self.node.seen[count:]
        return is_begun


def through(
    network: Network, node: FaultyNode, name: str, engine: Any, make: Callable[[World], Daemon]
) -> Daemon:
    """A daemon with a node of its own, whose looks can be counted."""
    direct, network.node = network.node, node.url
    store = network.store(name)
    world = network.world(name, store, Log(), engine)
    network.node = direct
    assert isinstance(world.sends, InlineExecutor)
    return make(replace(world, sends=Apart(world.sends, node)))


def test_a_look_waits_for_three_answers_one_after_the_other(anvil_program: Path, tmp_path: Path) -> None:
    devnet = AnvilDevnet(anvil_program)
    network = open_network(devnet, tmp_path)
    assert isinstance(devnet.node, str)
    with faulty_node(devnet.node) as one, faulty_node(devnet.node) as other:
        network.post()
        network.stake("liar", network.chain("liar", network.store("liar")))
        daemons = {
            "liar": through(
                network,
                one,
                "liar",
                FaultyEngine(ReferenceEngine(), Fault(cycle=5)),
                lambda world: worker_node(world, WorkerPolicy(speed=SPEED)),
            ),
            "challenger": through(
                network,
                other,
                "challenger",
                ReferenceEngine(),
                lambda world: challenger_node(world, ChallengerPolicy()),
            ),
        }
        waits = {name: list[int]() for name in daemons}

        def tick(name: str, node: FaultyNode) -> None:
            node.seen.clear()
            daemons[name].tick()
            waits[name].append(len(node.seen))

        for _ in range(60):
            if has(network, GameSettled):
                break
            tick("liar", one)
            tick("challenger", other)
            network.devnet.advance(1)
        kinds = {type(event) for event in events_of(network)}
        assert kinds >= {GameOpened, GameSplit, GameSettled}, "there was no dispute to be late in"
        for name, counts in waits.items():
            assert max(counts[FIRST_LOOKS:]) <= ROUND_TRIPS, (name, counts)
    network.close()
    devnet.stop()


def events_of(network: Network) -> tuple[ChainEvent, ...]:
    return network.requester.events(0, network.requester.head().number)


def has(network: Network, kind: type[ChainEvent]) -> bool:
    return any(isinstance(event, kind) for event in events_of(network))


def test_more_questions_than_fit_a_batch_are_asked_at_once(anvil_program: Path, tmp_path: Path) -> None:
    """One batch after the other would wait for each: here none is answered before all have come."""
    devnet = AnvilDevnet(anvil_program)
    network = open_network(devnet, tmp_path)
    assert isinstance(devnet.node, str)
    job_id = network.post(shard_count=150)
    with faulty_node(devnet.node) as node:
        network.node = node.url
        memory = daemon_memory(network.account("reader"))
        chain = network.chain("reader", network.store("reader"), memory=memory)
        wanted = [task_of(job_id, shard) for shard in range(150)]
        gathering = threading.Barrier(3, timeout=10.0)

        def gather(calls: list[dict[str, Any]]) -> None:
            gathering.wait()

        head = chain.head()
        chain.blocks(chain.first_block, head.number)
        node.fault = gather
        records = chain.records(Inquiry(tasks=wanted), head.number)
        assert records.tasks == network.requester.tasks(wanted)
        assert not gathering.broken
    network.close()
    devnet.stop()
