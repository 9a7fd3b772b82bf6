"""Daemons whose node leaves out events for a while: whoever is honest keeps its bond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from tests.e2e.network import COIN_WEI, SPEED, Log, Network
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.base.ids import task_of
from truestep.composition.daemons import daemon_memory
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.worker import worker_node
from truestep.ports.chain import Blocks
from truestep.protocol.events import ChainEvent, GameOpened, GameSettled
from truestep.protocol.records import GameStage
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.faulty_engine import Fault, FaultyEngine

ROUNDS = 60


class Forgetful:
    """A chain whose node does not tell of events of some kinds until somebody has complained."""

    def __init__(self, chain: Web3Chain, log: Log, *hidden: type[ChainEvent]) -> None:
        self._chain = chain
        self._log = log
        self._hidden = hidden

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        found = self._chain.blocks(from_block, to_block)
        hidden = () if "log_hidden" in self._log.kinds() else self._hidden
        return replace(found, events=tuple(event for event in found.events if not isinstance(event, hidden)))


def test_an_operator_defends_its_claim_in_a_game_that_its_node_left_out(network: Network) -> None:
    job_id, log = network.post(), Log()
    store = network.store("worker")
    own = network.chain("worker", store, memory=daemon_memory(network.account("worker")))
    chain = cast(Any, Forgetful(own, log, GameOpened))
    network.stake("worker", chain)
    worker = worker_node(
        network.world("worker", store, log, ReferenceEngine(), chain=chain), WorkerPolicy(speed=SPEED)
    )
    wrong = network.challenger(
        "wrong", network.store("wrong"), Log(), FaultyEngine(ReferenceEngine(), Fault(cycle=5))
    )
    for _ in range(ROUNDS):
        worker.tick()
        wrong.tick()
        network.devnet.advance(1)
    assert "log_hidden" in log.kinds()
    network.drive([worker, wrong], lambda: network.is_final(job_id))
    assert [event.stage for event in network.told(GameSettled)] == [GameStage.OPERATOR_WON]
    assert network.requester.task(task_of(job_id, 0)).operator == network.account("worker")
    assert network.requester.balances(network.account("worker")).stake_wei == 3 * COIN_WEI
