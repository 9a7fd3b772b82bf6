"""Silent liars and sleepers under the policy *drawn*: what E4 of docs/economics.md says, on few jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from tests.simulation.economy.settings import ASSUMED, OWNERS, mainnet
from truestep.adapters.parameter_files import read_settings
from truestep.base.ids import Address
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.lots.contracts.lots import Rules
from truestep.protocol.lots.rules import LOT_LIMIT
from truestep.simulation.economy.drawing import SLEEPING, Dealer, DrawnMarket
from truestep.simulation.economy.drawn_queues import (
    SETTING,
    covered,
    drawn_queues,
    played,
    rivalled,
    row_chance,
    sleepers,
)
from truestep.simulation.economy.strategies import LAZY, Strategy

SETTINGS = read_settings("mainnet", OWNERS, Address("0x" + "0" * 39 + "1"))
DRAWN_BY = SETTINGS.drawn_by
FEW = replace(SETTING, jobs=60, days=4)


def rules_of_lots(lot_tasks: int = 1) -> Rules:
    """The shipped rules, with lots of so many tasks."""
    assert SETTINGS.judged_by.drawn is not None
    return replace(SETTINGS.judged_by.drawn, lot_tasks=lot_tasks)


def market(strategy: Strategy, names: int, seed: int = 1) -> DrawnMarket:
    """Few jobs, with a third of the pool."""
    setting = rivalled(FEW, strategy, 3_300)
    return played(mainnet(), ASSUMED, seed, rules_of_lots(), DRAWN_BY, setting, names)


@pytest.fixture(scope="module", params=[8, 1_024])
def lied(request: pytest.FixtureRequest) -> DrawnMarket:
    """Silent liars under some names."""
    return market(LAZY, request.param)


def test_liars_have_the_lots_that_their_share_says(lied: DrawnMarket) -> None:
    """Each job is drawn again until an honest operator has it: a third means half a lie for each job."""
    assert 0.25 * FEW.jobs < lied.false_claims < 0.75 * FEW.jobs
    assert not lied.false_final
    assert len(lied.final_at) == FEW.jobs


def test_nobody_lies_twice_on_one_job_and_each_liar_has_failed_it(lied: DrawnMarket) -> None:
    told = Counter((story.task_id, story.liar) for story in lied.world.told.values() if not story.is_true)
    assert set(told.values()) == {1}
    assert len(told) == lied.false_claims == len(lied.late)


def test_no_honest_operator_that_is_awake_is_late(lied: DrawnMarket) -> None:
    assert {lied.nodes[ended.holder].strategy.name for ended in lied.late} == {LAZY.name}
    assert {ended.penalty_wei for ended in lied.late} == {rules_of_lots().late_wei}


def test_each_row_keeps_the_average_below_the_bar_and_makes_defenders_whole() -> None:
    rows = drawn_queues(mainnet(), ASSUMED, 1, rules_of_lots(), DRAWN_BY, FEW)
    assert [(row.names, row.stake_share) for row in rows] == [
        (8, 0.1),
        (8, 0.33),
        (1_024, 0.1),
        (1_024, 0.33),
    ]
    for row in rows:
        assert row.lies > 0
        assert row.mean_delay_seconds < row.bar_seconds / 3
        assert row.over_bar <= 3
        assert row.over_bar_chance < 0.005, "four liars in a row fit into a window and a game"
        assert row.are_defenders_whole
        assert row.capital_ratio >= 10
        assert row.attacker_loss_wei >= row.lies * (mainnet().operator_bond_wei + rules_of_lots().late_wei)
        least_wei = row.lies * (mainnet().operator_bond_wei + DRAWN_BY.least_pledge_wei)
        assert least_wei >= 10 * row.defender_wei, "the bar of ten, with the least pledge of each liar"


def test_a_row_of_four_at_a_third_is_as_likely_as_the_share_says() -> None:
    assert row_chance(3_300, 10**9, 4) == pytest.approx(0.33**4)
    assert row_chance(3_300, 8, 9) == 0
    assert row_chance(3_300, 1, 1) == pytest.approx(0.33)


def test_sleepers_lose_three_times_what_a_delay_of_lots_of_any_size_is_worth() -> None:
    usual = SETTINGS.judged_by.drawn
    assert usual is not None
    small, large = sleepers(mainnet(), ASSUMED, 1, usual, DRAWN_BY, sizes=(usual.lot_tasks, LOT_LIMIT))
    assert small.turns > 0
    for each in (small, large):
        assert each.loss_over_gain >= 3
        assert list(each.under_load) == sorted(each.under_load, reverse=True)
    turn_seconds, round_seconds = usual.turn_seconds, DRAWN_BY.phases.round_seconds
    assert turn_seconds < small.mean_delay_seconds <= turn_seconds + 2 * round_seconds


def test_the_same_seed_gives_the_same_market() -> None:
    first, second, other = (market(SLEEPING, 8, seed) for seed in (1, 1, 2))
    assert first.final_at == second.final_at
    assert first.late == second.late
    assert first.final_at != other.final_at


@pytest.mark.parametrize(
    ("load", "turns", "part"), [(1e-9, 1, 1), (1, 1, 0.632), (0.5, 2, 0.896), (0.5, 64, 1)]
)
def test_a_pledge_pays_for_as_many_turns_at_once_as_it_has_room_for(
    load: float, turns: int, part: float
) -> None:
    """Of one turn: the chance of at least one, over their mean number."""
    assert covered(load, turns) == pytest.approx(part, abs=0.001)


@pytest.mark.parametrize("since", [0, 119, 120, 479])
@pytest.mark.parametrize("later", [0, 1, 100, 479, 480, 1_000])
def test_a_lot_is_drawn_in_the_first_draw_phase_whose_seed_is_younger(since: int, later: int) -> None:
    dealer, now = Dealer(rules=rules_of_lots(), drawn_by=DRAWN_BY, seed=1), since + later
    second = dealer.next_draw(since, now)
    assert dealer.can_draw(since, second)
    assert not any(dealer.can_draw(since, each) for each in range(now, second))
    assert DRAWN_BY.phases.phase_at(second) is Phase.DRAW
