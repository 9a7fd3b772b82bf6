"""Randomness and Sortition do what the pure model does, on random schedules (docs/assignment.md)."""

from __future__ import annotations

import pytest

from tests.contracts.assignment_comparison import compare_episode


@pytest.mark.parametrize("seed", range(3))
def test_they_do_what_the_model_does(seed: int) -> None:
    """`make model` compares many more calls."""
    compare_episode(seed, 250)
