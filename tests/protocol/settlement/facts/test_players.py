"""Players who see only events and call only by builders play whole lives of jobs, and whole disputes."""

from __future__ import annotations

import pytest

from tests.contracts.runs import FLOATS, SUM, falsified_float_run, falsified_run
from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.facts.episodes import new_players, play
from tests.protocol.settlement.facts.whole_dispute import FALSE_SHARD, play_whole_dispute


@pytest.mark.parametrize("seed", range(3))
def test_what_a_builder_makes_is_accepted_and_everything_ends(seed: int) -> None:
    """`python -m tests.protocol.settlement.facts.episodes` plays for as long as one likes."""
    players = play(seed, 120)
    assert players.tally.total() > 120


def test_a_dispute_ends_in_an_integer_step() -> None:
    chain = ModelChain()
    done = play_whole_dispute(new_players(chain, chain, 1), SUM, falsified_run(SUM, FALSE_SHARD))
    assert done.count("Split") == done.count("Pick") == 2
    assert done.count("Step") == 1


def test_a_dispute_ends_in_a_step_of_a_float_instruction() -> None:
    chain = ModelChain()
    done = play_whole_dispute(new_players(chain, chain, 1), FLOATS, falsified_float_run(6, FALSE_SHARD))
    assert [name for name in done if name in ("Descend", "Reveal", "Step")] == ["Descend", "Reveal", "Step"]
