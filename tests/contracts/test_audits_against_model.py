"""Audits does what the pure model does, on random schedules (docs/audits.md)."""

from __future__ import annotations

import pytest

from tests.contracts.audits_comparison import compare_episode


@pytest.mark.parametrize("seed", range(4))
def test_audits_does_what_the_model_does(seed: int) -> None:
    """`make model` compares many more calls."""
    compare_episode(seed, 350)
