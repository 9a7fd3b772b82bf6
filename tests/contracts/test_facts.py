"""What players know from the events of the real contracts, through the codecs, suffices for every call."""

from __future__ import annotations

import pytest

from tests.contracts.event_chain import EventChain
from tests.contracts.runs import FLOATS, SUM, Run, falsified_float_run, falsified_run
from tests.protocol.settlement.facts.episodes import new_players, play_out
from tests.protocol.settlement.facts.whole_dispute import FALSE_SHARD, play_whole_dispute
from truestep.protocol.settlement.ids import NOBODY


@pytest.mark.parametrize("seed", range(2))
def test_the_contracts_accept_what_builders_make_from_their_events(seed: int) -> None:
    chain = EventChain()
    players = new_players(chain, chain.model, seed)
    players.consumers = (NOBODY, chain.contracts.surroundings.consumer)
    players.callback_failures = 0
    play_out(players, chain.model, 80)


@pytest.mark.parametrize(
    ("words", "lie"),
    [(SUM, falsified_run(SUM, FALSE_SHARD)), (FLOATS, falsified_float_run(6, FALSE_SHARD))],
    ids=["integer", "float"],
)
def test_a_whole_dispute_is_made_of_events(words: tuple[int, ...], lie: Run) -> None:
    chain = EventChain()
    done = play_whole_dispute(new_players(chain, chain.model, 1), words, lie)
    assert done.count("Reward") == 2
