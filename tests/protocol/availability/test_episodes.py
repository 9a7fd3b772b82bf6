"""Random schedules of availability: coins are conserved, states fit, and everything can end."""

from __future__ import annotations

import pytest

from tests.protocol.availability.episodes import play_episode


@pytest.mark.parametrize("seed", range(6))
def test_everything_that_must_hold_holds(seed: int) -> None:
    play_episode(seed, 400, check_all_every=5)
