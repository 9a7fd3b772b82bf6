"""Random schedules under *drawn*: nobody pays that could not take, and all coins are accounted for."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.lots.schedule import lots_schedule, wind_down_lots
from tests.protocol.lots.world import LotsWorld
from tests.protocol.settlement.policy_episodes import play_policy_episode
from truestep.protocol.lots.lots import HANDLERS


def play_episode(seed: int, inputs: int) -> Counter[str]:
    schedule = lots_schedule(seed, LotsWorld())
    world, ending = schedule.lots_world, wind_down_lots(schedule)
    return play_policy_episode(schedule, world, "lots", ending, seed=seed, inputs=inputs)


@pytest.mark.parametrize("seed", range(4))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int) -> None:
    play_episode(seed, 400)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    total: Counter[str] = Counter()
    for seed in range(300, 304):
        total += play_episode(seed, 1_000)
    assert {kind.__name__ for kind in HANDLERS} <= {*total}
    refusals = {name.partition(": ")[2] for name in total}
    for reason in (
        "not drawn for this job",
        "job has its input",
        "caller is not the requester",
        "lot size out of bounds",
        "lot does not wait",
        "turn is another's",
        "turn is not over",
        "turn is over",
        "task is not open",
        "shard index is not below shard count",
        "caller may not act for the operator",
    ):
        assert reason in refusals, f"{reason}: never happened"
