"""Random schedules on the pure model: no coin is made or lost, no shard is final twice, everything ends."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.protocol.settlement.episodes import play_episode
from truestep.protocol.settlement.apply import HANDLERS


@pytest.mark.parametrize("seed", range(12))
def test_everything_ends_and_all_coins_are_accounted_for(seed: int) -> None:
    """`python -m tests.protocol.settlement.episodes` plays millions of inputs."""
    play_episode(seed, 300, check_all_every=5)


def test_schedules_reach_every_call_and_most_refusals() -> None:
    """A schedule that does nothing would hold as well."""
    total: Counter[str] = Counter()
    for seed in range(100, 104):
        total += play_episode(seed, 1_000, check_all_every=200)
    assert {kind.__name__ for kind in HANDLERS} <= {*total}
    refusals = {name.split(": ", 1)[1] for name in total if ": " in name}
    assert len(refusals) >= 40
