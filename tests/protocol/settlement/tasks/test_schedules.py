"""Random schedules, told to a node at every step: it sees what the model has, and can do what it lists."""

from __future__ import annotations

import pytest

from tests.protocol.settlement.tasks.episodes import watch_one


@pytest.mark.parametrize("seed", range(200, 203))
def test_nodes_see_and_can_do_what_the_model_has(seed: int) -> None:
    """`python -m tests.protocol.settlement.tasks.episodes` plays for as long as one likes."""
    watched = watch_one(seed, 90)
    assert watched.tally.total() > 90
    assert watched.watch.tally.total() > 80
