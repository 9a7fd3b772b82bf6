"""Random schedules under Kept: no coin is made or lost, and everything ends (docs/availability.md A5)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.availability.kept_schedule import kept_schedule, wind_down_kept
from tests.protocol.availability.kept_world import KeptWorld
from truestep.protocol.availability.kept import HANDLERS
from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.messages import Message


def play_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode and check it; what happened, by kind of call and refusal."""
    schedule = kept_schedule(seed, KeptWorld())
    world = schedule.kept_world
    tally: Counter[str] = Counter()
    try:
        for number, step in enumerate(schedule.steps(inputs)):
            before = world.state, world.kept
            outcome = world.play(step)
            name = type(step.call if isinstance(step, Message) else step).__name__
            tally[name if outcome.refusal is None else f"{name}: {outcome.refusal}"] += 1
            assert outcome.refusal is None or (world.state, world.kept) == before
            world.check_money()
            if number % 20 == 0 and not schedule.follow_ups:
                world.check_all()
        for step in wind_down_kept(schedule):
            outcome = world.play(step)
            assert outcome.refusal is None, f"{step} was refused: {outcome.refusal}"
        world.check_all()
        assert world.balances[NATIVE, world.address] == world.kept.burned_wei
    except Exception as error:
        error.add_note(f"seed {seed}, step {sum(tally.values())}")
        raise
    return tally


@pytest.mark.parametrize("seed", range(6))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int) -> None:
    play_episode(seed, 400)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    total: Counter[str] = Counter()
    for seed in range(100, 106):
        total += play_episode(seed, 1_000)
    assert {kind.__name__ for kind in HANDLERS} <= {*total}
