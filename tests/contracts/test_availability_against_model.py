"""The contracts of availability do what the pure model does: refusals, events, coins, views."""

from __future__ import annotations

import pytest

from tests.contracts.availability_chain import compare_episode


@pytest.mark.parametrize("seed", range(4))
def test_the_contracts_do_what_the_model_does(seed: int) -> None:
    """`make model` compares many more calls."""
    compare_episode(seed, 400)
