"""Lots does what the pure model does, on random schedules (docs/drawn.md)."""

from __future__ import annotations

import pytest

from tests.contracts.lots_comparison import compare_episode


@pytest.mark.parametrize("seed", range(4))
def test_lots_do_what_the_model_does(seed: int) -> None:
    """`make model` compares many more calls."""
    compare_episode(seed, 350)
