"""What the scenarios say: bars, sybils, copycats, and the same figures for the same seed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.economy.settings import ASSUMED, mainnet
from truestep.simulation.economy.cells import CENSORED, CRASHED, SHOCKED, Cell, Series, cell_of, played
from truestep.simulation.economy.committees import committees
from truestep.simulation.economy.market import Setting
from truestep.simulation.economy.sieges import besieged, queued
from truestep.simulation.economy.strategies import (
    COPYCAT,
    GRIEFING,
    LAZY,
    RUNNING_AHEAD,
    SELDOM,
    SIEGES,
    SYBIL,
    WITHHOLDING,
    Strategy,
    named,
)

SERIES = Series(rules=mainnet(), assumptions=ASSUMED, setting=Setting(operators=10, jobs=12), seed=1)


def silent(words: str) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(
    "cell", [*map(cell_of, (SELDOM, SYBIL, WITHHOLDING, GRIEFING, COPYCAT)), CENSORED, SHOCKED, CRASHED],
    ids=lambda cell: cell.name,
)  # fmt: skip
def test_each_attack_loses_three_times_what_it_could_gain(cell: Cell) -> None:
    ((market, row),) = played(SERIES, [cell], [3_300], silent)
    assert row.attempts > 0
    assert row.loss_over_gain is not None
    assert row.loss_over_gain >= 3
    assert row.believed == 0
    assert len(market.final_at) == len(market.posted_at)


def test_a_thousand_names_gain_nothing_over_one_with_the_same_stake() -> None:
    one = replace(SYBIL, name="one", identity_wei=300 * 10**18)
    rows = {
        strategy.name: next(iter(played(SERIES, [cell_of(strategy)], [3_300], silent)))[1]
        for strategy in (SYBIL, one)
    }
    assert rows["sybil"].identities > 50
    assert rows["one"].identities == 1
    per_lie = {name: row.loss_wei / row.attempts for name, row in rows.items()}
    assert per_lie["sybil"] == pytest.approx(per_lie["one"], rel=0.01)


def test_a_copycat_that_runs_ahead_strikes_and_wins_nothing() -> None:
    ((_, row),) = played(SERIES, [cell_of(RUNNING_AHEAD)], [1_000], silent)
    assert row.attempts > 0
    assert row.loss_wei > 100 * row.gain_wei, "docs/economics.md E7: it has spared runs, and is paid nothing"


@pytest.mark.parametrize("manner", SIEGES, ids=lambda each: each.name)
def test_sybils_delay_one_job_by_less_than_a_window_and_pay_ten_times_as_much(manner: Strategy) -> None:
    siege = besieged(mainnet(), ASSUMED, 2, manner, 8)
    assert siege.games_won == 0
    assert siege.is_held
    assert siege.attacker_loss_wei >= siege.attacker_wei


def test_small_committees_are_friends_more_often() -> None:
    rows = committees(mainnet(), ASSUMED, 1, (3_300,))
    lies = [row.lies for row in rows]
    assert lies[0] > max(lies[1:])
    assert lies[0] == pytest.approx(0.21, abs=0.02)
    assert all(row.loss_over_gain >= 3 for row in rows)
    assert rows[0].loss_without_result_over_gain >= 3


def test_strategies_are_found_by_name() -> None:
    assert [each.name for each in named(["sybil", "lazy"])] == ["lazy", "sybil"]
    with pytest.raises(ValueError, match="expected a strategy"):
        named(["honest"])


def test_silent_liars_in_a_row_delay_a_job_by_a_game_each() -> None:
    """What open taking cannot prevent, and docs/economics.md E4 says."""
    one, four = (queued(mainnet(), ASSUMED, 1, LAZY, count) for count in (1, 4))
    assert (one.liars, four.liars) == (1, 4)
    assert one.delay_seconds < one.bar_seconds / 3
    assert abs(four.delay_seconds - 4 * one.delay_seconds) < 600
    assert four.attacker_loss_wei >= four.attacker_wei
