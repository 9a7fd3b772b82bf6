"""Random schedules on the pure model: no coin is made or lost, no shard is final twice, everything ends."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.settlement.episodes import play_episode
from truestep.protocol.settlement.apply import HANDLERS
from truestep.protocol.settlement.dispute_apply import HANDLERS as GAME_HANDLERS


@pytest.mark.parametrize("has_games", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int, has_games: bool) -> None:
    """`make model` plays millions of inputs."""
    play_episode(seed, 300, check_all_every=5, has_games=has_games)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    """A schedule that does nothing would hold as well."""
    total: Counter[str] = Counter()
    for seed in range(100, 108):
        total += play_episode(seed, 1_000, check_all_every=200, has_games=seed > 100)
    assert {kind.__name__ for kind in (*HANDLERS, *GAME_HANDLERS)} <= {*total}
    refusals = {name.split(": ", 1)[1] for name in total if ": " in name}
    assert len(refusals) >= 60
