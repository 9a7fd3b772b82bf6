"""A node that acts for an operator whose key stays elsewhere (S1.8)."""

from __future__ import annotations

from dataclasses import replace

from tests.e2e.network import COIN_WEI, REWARD_WEI, SPEED, Log, Network, expected_output
from truestep.base.ids import Address, task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.protocol import events
from truestep.protocol.calls import Deposit, SetDelegate
from truestep.protocol.records import GameStage
from truestep.protocol.settlement.ids import ALL_ROLES
from truestep.roles.worker import WorkerPolicy
from truestep.simulation.faulty_engine import Fault, FaultyEngine


def delegate_of(network: Network, operator: str, name: str, log: Log) -> tuple[Daemon, Address]:
    """A worker called `name` for an operator with a stake, which has nothing but gas of its own."""
    owner = network.chain(operator, network.store(operator))
    world = network.world(name, network.store(name), log, ReferenceEngine())
    owner.transact(Deposit(amount_wei=3 * COIN_WEI), intent="stake")
    owner.transact(SetDelegate(delegate=network.account(name), roles=ALL_ROLES), intent="delegate")
    world = replace(world, operator=network.account(operator))
    return worker_node(world, WorkerPolicy(speed=SPEED)), network.account(operator)


def test_a_delegate_takes_claims_and_earns_for_its_operator(network: Network) -> None:
    job_id = network.post(shard_count=2)
    worker, operator = delegate_of(network, "cold", "hot", Log())
    network.drive([worker], lambda: network.is_final(job_id, 0) and network.is_final(job_id, 1))
    assert network.output(task_of(job_id, 1)) == expected_output(1)
    assert {event.operator for event in network.told(events.TaskFinalized)} == {operator}
    has = network.requester.balances(operator)
    assert (has.rewards_wei, has.stake_wei, has.locked_wei) == (2 * REWARD_WEI, 3 * COIN_WEI, 0)
    view = worker.tick()
    assert (view.account, view.operator) == (network.account("hot"), operator)
    assert (view.free_stake_wei, view.rewards_wei) == (3 * COIN_WEI, 0), "it withdraws for itself alone"


def test_a_delegate_defends_its_operators_claim(network: Network) -> None:
    job_id = network.post()
    worker, operator = delegate_of(network, "cold", "hot", Log())
    wrong = network.challenger(
        "wrong", network.store("wrong"), Log(), FaultyEngine(ReferenceEngine(), Fault(cycle=5))
    )
    network.drive([worker, wrong], lambda: network.is_final(job_id))
    assert [event.stage for event in network.told(events.GameSettled)] == [GameStage.OPERATOR_WON]
    assert network.requester.balances(operator).stake_wei == 3 * COIN_WEI
