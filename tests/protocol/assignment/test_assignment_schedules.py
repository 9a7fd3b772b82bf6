"""The pure model of Randomness and Sortition under random schedules (docs/assignment.md)."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.protocol.assignment.schedule import AssignmentSchedule, everybody_leaves
from tests.protocol.assignment.world import AssignmentWorld
from truestep.base.errors import Reject

INPUTS = 1_000


@pytest.mark.parametrize("seed", range(3))
def test_promises_hold_on_random_schedules(seed: int) -> None:
    world = AssignmentWorld()
    schedule = AssignmentSchedule(rng=Random(seed), world=world)
    tally: Counter[str] = Counter()
    for step in schedule.steps(INPUTS):
        before = world.state, world.randomness, world.sortition
        outcome = world.play(step)
        tally[f"{type(step.call).__name__}: {outcome.refusal or 'done'}"] += 1
        assert outcome.refusal is None or (world.state, world.randomness, world.sortition) == before
        world.check_money()
        world.check_assignment()
    for step in everybody_leaves(schedule):
        outcome = world.play(step)
        assert outcome.refusal is None, f"seed {seed}: {step} was refused: {outcome.refusal}"
    world.check_assignment()
    assert not world.sortition.members
    assert all(pool.total == 0 for pool in world.sortition.pools.values())
    assert all(stake.locked_wei == 0 for stake in world.state.stakes.values())
    for call in ("Commit", "Reveal", "Join", "Leave", "Refresh", "Penalise", "Collect"):
        assert tally[f"{call}: done"] > 2, f"seed {seed}: {tally}"
    assert tally[f"Join: {Reject.POOL_OTHER}"] and tally[f"Join: {Reject.COMMIT_OVER}"]
