"""The contracts of the life cycle do what the pure model does: refusals, events, coins and tokens."""

from __future__ import annotations

from random import Random

import pytest

from tests.contracts.comparison import compare_episode
from tests.contracts.life_chain import CONTRACT_OF, contract_types, fast_contracts
from tests.protocol.settlement.schedule import Schedule
from tests.protocol.settlement.world import World
from truestep.protocol.settlement.messages import Message


@pytest.mark.parametrize("seed", range(3))
def test_the_contracts_do_what_the_model_does(seed: int) -> None:
    """`make model` compares millions of calls."""
    compare_episode(seed, 250)


@pytest.mark.parametrize("seed", range(4))
def test_disputes_does_what_the_model_does(seed: int) -> None:
    compare_episode(seed, 350, has_games=True)


def test_the_fast_encoder_agrees_with_the_codec() -> None:
    world = World()
    schedule = Schedule(rng=Random(1), world=world)
    for step in schedule.steps(300):
        if isinstance(step, Message):
            contract = CONTRACT_OF[type(step.call)]
            assert fast_contracts()[contract].payload(step.call) == contract_types()[contract].payload(
                step.call
            )
        world.play(step)
