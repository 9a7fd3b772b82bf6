"""A quick part of `economics.py`: nothing pays but telling and defending the truth."""

from __future__ import annotations

import random

import pytest

from tests.protocol.settlement.arena import ENGINE_MACHINES
from tests.protocol.settlement.economics import LATE_CLOCKS_BAR, SECOND_CLOCKS, SPONSORED_CLOCKS_BAR
from tests.protocol.settlement.liars import fall_of_lie
from tests.protocol.settlement.selfplay import climb, play, random_schedule
from tests.protocol.settlement.sybils import attack_truth


@pytest.mark.parametrize("machine", ENGINE_MACHINES)
def test_sybils_lose_all_they_bonded_to_an_operator_that_can_just_play_one_game(machine: str) -> None:
    attack = attack_truth(machine, None, 3, sybil_count=16)
    assert (attack.won, attack.is_struck, attack.lost_share) == (0, False, 1)


def test_an_operator_that_is_away_loses_without_a_sponsor_and_not_with_one() -> None:
    saved = attack_truth("sha256", None, 5, sybil_count=4, is_away=True)
    assert (saved.won, saved.lost_share) == (0, 1)
    assert saved.sponsor_wei > 0


@pytest.mark.parametrize("seed", range(4))
def test_a_lie_falls_in_time_and_its_honest_challenger_is_made_whole(seed: int) -> None:
    fall = fall_of_lie(seed, has_rivals=False, all_know=seed % 2 == 0)
    assert fall.late_clocks <= LATE_CLOCKS_BAR + SECOND_CLOCKS
    assert fall.honest_wei > 0


def test_friends_that_sponsor_a_lie_delay_its_fall_by_one_defence() -> None:
    fall = fall_of_lie(1, companions=16, has_rivals=False, is_sponsored=True)
    assert fall.late_clocks <= SPONSORED_CLOCKS_BAR + SECOND_CLOCKS


def test_playing_against_oneself_loses() -> None:
    rng = random.Random(7)
    results = [play(random_schedule(rng)) for _ in range(150)]
    assert max(each.profit for each in results if each.games) < 0
    assert max(each.profit for each in results if each.struck) <= -0.5
    assert climb(rng, 60, only_struck=True)[0] <= -0.5
