"""Random schedules under *validity*: no coin is made or lost, and everything ends (docs/validity.md)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.settlement.policy_episodes import play_policy_episode
from tests.protocol.validity.schedule import validity_schedule, wind_down_validity
from tests.protocol.validity.world import ValidityWorld
from truestep.protocol.validity.verifiers import HANDLERS


def play_episode(seed: int, inputs: int) -> Counter[str]:
    schedule = validity_schedule(seed, ValidityWorld())
    world, ending = schedule.validity_world, wind_down_validity(schedule)
    return play_policy_episode(schedule, world, "verifiers", ending, seed=seed, inputs=inputs)


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
        "claim is below the least bond",
        "least bond out of bounds",
        "verifier refuses the proof",
        "proof is of another system",
        "proof time is over",
        "proof time is not over",
        "claim is proven",
        "claim stands",
    ):
        assert reason in refusals, f"{reason}: never happened"
