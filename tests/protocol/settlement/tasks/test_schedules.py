"""Random schedules, told to a node at every step."""

from __future__ import annotations

import pytest

from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.facts.episodes import play_out
from tests.protocol.settlement.tasks.watched_chain import watched_players


@pytest.mark.parametrize("seed", range(4))
def test_told_events_agree_with_the_model(seed: int) -> None:
    model = ModelChain()
    players, watched = watched_players(model, model, 200 + seed)
    play_out(players, model, 150)
    assert watched.tally.total() > 150
    assert sum(watched.watch.tally.values()) > 100
