"""Random schedules under *audited*: no coin is made or lost, and everything ends (docs/audits.md)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.audits.schedule import audits_schedule, wind_down_audits
from tests.protocol.audits.world import AuditsWorld
from tests.protocol.settlement.policy_episodes import play_policy_episode
from truestep.protocol.audits.audits import HANDLERS


def play_episode(seed: int, inputs: int) -> Counter[str]:
    schedule = audits_schedule(seed, AuditsWorld())
    world, ending = schedule.audits_world, wind_down_audits(schedule)
    return play_policy_episode(schedule, world, "audits", ending, seed=seed, inputs=inputs)


@pytest.mark.parametrize("seed", range(4))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int) -> None:
    play_episode(seed, 400)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    total: Counter[str] = Counter()
    for seed in range(106, 114):
        total += play_episode(seed, 1_000)
    assert {kind.__name__ for kind in HANDLERS} <= {*total}
    refusals = {name.partition(": ")[2] for name in total}
    for reason in (
        "batch is drawn",
        "batch is prepared",
        "batch is not prepared",
        "bond is too small for audits",
        "claim is not audited",
        "fees may still be needed",
        "no auditor is free",
        "no round draws now",
        "not the stage of the audit",
        "commitment is to something else",
        "statement is not that published",
        "task is certified",
        "time of the stage is not over",
        "time of the stage is over",
        "traps: proof",
    ):
        assert reason in refusals, f"{reason}: never happened"
