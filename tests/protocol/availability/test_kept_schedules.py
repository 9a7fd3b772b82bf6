"""Random schedules under Kept: no coin is made or lost, and everything ends (docs/availability.md A5)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.availability.kept_schedule import kept_schedule, wind_down_kept
from tests.protocol.availability.kept_world import KeptWorld
from tests.protocol.settlement.policy_episodes import play_policy_episode
from truestep.protocol.availability.kept import HANDLERS


def play_episode(seed: int, inputs: int) -> Counter[str]:
    schedule = kept_schedule(seed, KeptWorld())
    world, ending = schedule.kept_world, wind_down_kept(schedule)
    return play_policy_episode(schedule, world, "kept", ending, seed=seed, inputs=inputs)


@pytest.mark.parametrize("seed", range(6))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int) -> None:
    play_episode(seed, 400)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    total: Counter[str] = Counter()
    for seed in range(100, 106):
        total += play_episode(seed, 1_000)
    assert {kind.__name__ for kind in HANDLERS} <= {*total}
