"""Kept does what the pure model does, on random schedules (docs/availability.md A5)."""

from __future__ import annotations

import pytest

from tests.contracts.kept_comparison import compare_episode


@pytest.mark.parametrize("seed", range(4))
def test_kept_does_what_the_model_does(seed: int) -> None:
    """`make model` compares many more calls."""
    compare_episode(seed, 350)
