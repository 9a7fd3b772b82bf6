"""Random schedules under *validity*: no coin is made or lost, and everything ends (docs/validity.md)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.validity.schedule import validity_schedule, wind_down_validity
from tests.protocol.validity.world import ValidityWorld
from truestep.protocol.settlement.ids import NATIVE
from truestep.protocol.settlement.messages import Message
from truestep.protocol.validity.verifiers import HANDLERS


def play_episode(seed: int, inputs: int) -> Counter[str]:
    """Play one episode and check it; what happened, by kind of call and refusal."""
    schedule = validity_schedule(seed, ValidityWorld())
    world = schedule.validity_world
    tally: Counter[str] = Counter()
    try:
        for number, step in enumerate(schedule.steps(inputs)):
            before = world.state, world.verifiers
            outcome = world.play(step)
            name = type(step.call if isinstance(step, Message) else step).__name__
            tally[name if outcome.refusal is None else f"{name}: {outcome.refusal}"] += 1
            assert outcome.refusal is None or (world.state, world.verifiers) == before
            world.check_money()
            if number % 20 == 0 and not schedule.follow_ups:
                world.check_all()
        for step in wind_down_validity(schedule):
            outcome = world.play(step)
            assert outcome.refusal is None, f"{step} was refused: {outcome.refusal}"
        world.check_all()
        assert world.balances[NATIVE, world.address] == world.verifiers.burned_wei
    except Exception as error:
        error.add_note(f"seed {seed}, step {sum(tally.values())}")
        raise
    return tally


@pytest.mark.parametrize("seed", range(4))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int) -> None:
    play_episode(seed, 400)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    total: Counter[str] = Counter()
    for seed in range(100, 104):
        total += play_episode(seed, 1_000)
    assert {kind.__name__ for kind in HANDLERS} <= {*total}
    refusals = {name.partition(": ")[2] for name in total}
    for reason in (
        "entry is stopped",
        "entry is not active yet",
        "entry has expired",
        "entry is for another program",
        "claim is above the value cap",
        "verifier refuses the proof",
        "proof is of another system",
        "proof time is over",
        "proof time is not over",
        "claim is proven",
        "claim stands",
    ):
        assert reason in refusals, f"{reason}: never happened"
