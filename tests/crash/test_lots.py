"""Operators that are drawn die between two deeds: no lot is drawn or declined twice, and nobody is late."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.crash.mortals import BOUNDARIES, TIMELESS, Executioner, Mortal, mortal_store
from tests.e2e.drawn import PLEDGE_WEI, DrawnNetwork, open_drawn
from tests.e2e.network import ELF, INPUT, SPEED, Log
from tests.e2e.test_lots import ORDER, facts_of, is_quiet, pledged
from truestep.adapters.chain.round_draws import RoundDraws
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.tasks.agent import Daemon
from truestep.node.worker import worker_node
from truestep.roles.worker import WorkerPolicy

SHARDS = 3
LIMITS = {"ada": 2**48, "bob": 1}
"""The cycles that each would run: one takes what it is drawn for, the other declines all."""
IDLE_LIMIT = 24
JOURNALED = BOUNDARIES[1]
"""What was to be sent is written down, and is not sent."""


@pytest.fixture
def network(tmp_path: Path) -> Iterator[DrawnNetwork]:
    with open_drawn(DrawnNetwork, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    "boundary",
    [each if each == JOURNALED else pytest.param(each, marks=pytest.mark.long) for each in BOUNDARIES],
)
def test_dying_at_every_boundary_costs_nobody_a_turn(network: DrawnNetwork, boundary: str) -> None:
    pledged(network, *LIMITS)
    job, log = network.client().submit(ELF, INPUT, order=replace(ORDER, shard_count=SHARDS)), Log()
    network.policy = TIMELESS
    executioners = {name: Executioner(boundary=boundary) for name in LIMITS}

    def operator(name: str) -> Daemon:
        store = mortal_store(network, name, executioners[name])
        draws = RoundDraws(network.devnet.node, network.deployment)
        world = replace(network.world(name, store, log, ReferenceEngine()), draws=draws)
        return worker_node(world, WorkerPolicy(speed=SPEED, turn_seconds=0, cycles_limit=LIMITS[name]))

    daemons = [Mortal(partial(operator, name), network.clock) for name in LIMITS]
    first_block = network.requester.head().number + 1
    for executioner in executioners.values():
        executioner.is_armed = True
    before: dict[int, int] = {}
    for _ in range(12):
        network.randomness()
        is_still = partial(is_quiet, network, job.job_id, before, SHARDS)
        network.drive(daemons, is_still, rounds=900, idle_limit=IDLE_LIMIT, pause_seconds=30)
        before = {number: lot.declines for (_, number), lot in facts_of(network).lots.items()}
        if facts_of(network).jobs[job.job_id].job.standing.bit_count() == SHARDS:
            break
    assert facts_of(network).jobs[job.job_id].job.standing.bit_count() == SHARDS
    assert {name: network.pledge_of(name) for name in LIMITS} == dict.fromkeys(LIMITS, PLEDGE_WEI)
    assert network.reverted(first_block) == {}, "a deed that was done already"
    assert sum(executioner.kills for executioner in executioners.values()) > 1
