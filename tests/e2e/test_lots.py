"""A job that is dealt out to drawn operators, of which one is silent: it is done all the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.drawn import LOTS, PLEDGE_WEI, DrawnNetwork, open_drawn
from tests.e2e.network import COIN_WEI, ELF, INPUT, MAX_CYCLES, REWARD_WEI, SPEED, Log, expected_output
from truestep.adapters.chain.round_draws import RoundDraws
from truestep.base.ids import Address, JobId, task_of
from truestep.client import Order
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.protocol.events import TaskFinalized
from truestep.protocol.settlement.facts.records import Facts
from truestep.roles.worker import WorkerPolicy

NAMES = ("ada", "bob", "cyd")
SHARDS = 6
ORDER = Order(
    shard_count=SHARDS,
    reward_wei=REWARD_WEI,
    max_cycles=MAX_CYCLES,
    is_drawn=True,
    lease_seconds=20_000,
    lifetime_seconds=1_000_000,
)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[DrawnNetwork]:
    """On anvil where it is installed."""
    with open_drawn(DrawnNetwork, tmp_path) as opened:
        yield opened


def facts_of(network: DrawnNetwork) -> Facts:
    """What the newest events say."""
    network.requester.refresh()
    return network.requester.facts()


def pledged(network: DrawnNetwork, *names: str) -> None:
    """Operators with a pledge, and with stake for all tasks."""
    network.pledge(*names)
    for name in names:
        account = network.account(name)
        network.devnet.fund(account, 50 * COIN_WEI)
        network.transact(name, "Operators", "deposit_for", account, value_wei=40 * COIN_WEI)


def operator(network: DrawnNetwork, name: str, log: Log, cycles_limit: int = 2**48) -> Daemon:
    """A worker, which needs no option to be drawn."""
    world = network.world(name, network.store(name), log, ReferenceEngine())
    world = replace(world, draws=RoundDraws(network.devnet.node, network.deployment))
    chosen = WorkerPolicy(speed=SPEED, turn_seconds=0, cycles_limit=cycles_limit)
    return worker_node(world, chosen)


def holders(facts: Facts) -> dict[int, Address]:
    """Who holds each lot now."""
    return {number: lot.holder for (_, number), lot in facts.lots.items()}


def test_a_job_is_done_though_a_drawn_operator_is_silent(network: DrawnNetwork) -> None:
    pledged(network, *NAMES)
    job = network.client().submit(ELF, INPUT, order=ORDER)
    log = Log()
    network.randomness()
    first = operator(network, "ada", log)
    network.drive([first], lambda: len(facts_of(network).lots) == SHARDS)
    drawn = [*holders(facts_of(network)).values()]
    silent = next(each for each in ("bob", "cyd") if network.account(each) in drawn)
    awake = [operator(network, name, log) for name in NAMES if name != silent]
    held = [number for number, lot in enumerate(drawn) if lot == network.account(silent)]
    taken = SHARDS - len(held)
    network.drive(awake, lambda: facts_of(network).jobs[job.job_id].job.standing.bit_count() == taken)
    network.devnet.advance(LOTS.turn_seconds + 1)
    charged = PLEDGE_WEI - len(held) * LOTS.late_wei
    network.drive(awake, lambda: network.pledge_of(silent) == charged)
    assert (job.job_id, network.account(silent)) in facts_of(network).late
    network.randomness()
    network.drive(awake, lambda: len(network.told(TaskFinalized)) == SHARDS)
    for shard in range(SHARDS):
        assert network.output(task_of(job.job_id, shard)) == expected_output(shard)
    assert [network.pledge_of(name) for name in NAMES if name != silent] == [PLEDGE_WEI] * 2


def test_an_operator_that_does_not_want_its_lots_declines_them(network: DrawnNetwork) -> None:
    """One has no time for any task, the other does all; neither pays."""
    pledged(network, "ada", "bob")
    job = network.client().submit(ELF, INPUT, order=ORDER)
    log = Log()
    daemons = [operator(network, "ada", log), operator(network, "bob", log, cycles_limit=1)]
    before: dict[int, int] = {}
    for _ in range(12):
        network.randomness()
        network.drive(daemons, partial(is_quiet, network, job.job_id, before), pause_seconds=60)
        before = {number: lot.declines for (_, number), lot in facts_of(network).lots.items()}
        if facts_of(network).jobs[job.job_id].job.standing.bit_count() == SHARDS:
            break
    network.drive(daemons, lambda: len(network.told(TaskFinalized)) == SHARDS)
    assert [network.pledge_of(name) for name in ("ada", "bob")] == [PLEDGE_WEI] * 2


def is_quiet(network: DrawnNetwork, job_id: JobId, before: dict[int, int], shard_count: int = SHARDS) -> bool:
    """Whether every lot that waited was drawn, and was taken or declined."""
    facts = facts_of(network)
    lots, job = facts.lots, facts.jobs[job_id].job
    return len(lots) == shard_count and all(
        job.busy >> number & 1 or lot.declines > before.get(number, 0) for (_, number), lot in lots.items()
    )
