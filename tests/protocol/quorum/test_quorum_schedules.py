"""Random schedules under *quorum*: no coin is made or lost, and everything ends (docs/quorum.md)."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.quorum.schedule import quorum_schedule, wind_down_quorum
from tests.protocol.quorum.world import QuorumWorld
from tests.protocol.settlement.policy_episodes import play_policy_episode
from truestep.protocol.quorum.quorums import HANDLERS


def play_episode(seed: int, inputs: int) -> Counter[str]:
    schedule = quorum_schedule(seed, QuorumWorld())
    world, ending = schedule.quorum_world, wind_down_quorum(schedule)
    return play_policy_episode(schedule, world, "quorums", ending, seed=seed, inputs=inputs)


@pytest.mark.parametrize("seed", range(4))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int) -> None:
    play_episode(seed, 400)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    total: Counter[str] = Counter()
    for seed in range(300, 308):
        total += play_episode(seed, 1_000)
    assert {kind.__name__ for kind in HANDLERS} <= {*total}
    refusals = {name.partition(": ")[2] for name in total}
    for reason in (
        "not drawn for this job",
        "job is funded",
        "committee is drawn",
        "committee of another job",
        "turn is another's",
        "seat has spoken",
        "signature is not the member's",
        "commitment is to something else",
        "fees may still be earned",
        "lease is too short",
    ):
        assert reason in refusals, f"{reason}: never happened"
