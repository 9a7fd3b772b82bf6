"""Markets in virtual time: what is decided, paid and lost in them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.economy.settings import played
from truestep.protocol.settlement.state import LifeCycle
from truestep.simulation.economy.market import Market, Setting
from truestep.simulation.economy.measure import delays, honest_operators_wei, profit_wei
from truestep.simulation.economy.strategies import (
    COLLUDING,
    HONEST,
    LAZY,
    LYING,
    SELF_CHALLENGING,
    WITHHOLDING,
    Strategy,
)

SMALL = Setting(operators=10, jobs=8)


def money(market: Market) -> dict[str, int]:
    """What everybody has in the end."""
    return {name: market.world.chain.wealth_wei(name) for name in market.nodes}


def test_all_honest_everybody_is_paid_and_nobody_disputes() -> None:
    market = played(SMALL)
    chain = market.world.chain
    assert len(market.final_at) == SMALL.jobs
    assert market.false_final == []
    assert chain.calls["Open"] == 0
    assert not chain.refusals
    assert honest_operators_wei(market) > 0
    assert all(profit_wei(market, node.name) <= 0 for node in market.challengers), "checking pays nothing"


@pytest.mark.parametrize("strategy", [LAZY, LYING, COLLUDING, SELF_CHALLENGING], ids=lambda each: each.name)
def test_no_lie_becomes_final_and_every_job_gets_its_result(strategy: Strategy) -> None:
    market = played(replace(SMALL, strategy=strategy, share_bps=3_300))
    assert market.false_claims > 0
    assert market.false_final == []
    assert len(market.final_at) == SMALL.jobs
    assert market.world.chain.calls["Reward"] >= market.false_claims


def test_a_lease_that_is_missed_costs_and_somebody_else_does_the_task() -> None:
    market = played(replace(SMALL, strategy=WITHHOLDING, share_bps=3_300))
    missed = market.attempts["withholding"]
    assert missed > 0
    burned_wei = market.rules.operator_bond_wei * market.rules.lease_penalty_bps // 10_000
    assert market.world.chain.life.burned_wei == missed * burned_wei
    assert len(market.final_at) == SMALL.jobs


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    setting = replace(SMALL, strategy=LYING, share_bps=3_300, is_recorded=True)
    first, second, other = played(setting), played(setting), played(setting, seed=2)
    assert first.world.chain.record == second.world.chain.record
    assert money(first) == money(second)
    assert first.world.chain.record != other.world.chain.record


@pytest.mark.parametrize("strategy", [HONEST, LYING, COLLUDING], ids=lambda each: each.name)
def test_checks_that_are_only_counted_leave_the_same_money_as_checks_that_are_decided(
    strategy: Strategy,
) -> None:
    setting = replace(SMALL, strategy=strategy, share_bps=3_300 if strategy.lies_bps else 0, is_recorded=True)
    fast, exact = played(setting), played(replace(setting, is_exact=True))
    assert fast.world.chain.record == exact.world.chain.record
    assert money(fast) == money(exact)


def test_tables_that_share_their_entries_leave_the_same_state_as_copied_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setting = replace(SMALL, strategy=LYING, share_bps=3_300)
    shared = played(setting)
    monkeypatch.setattr("truestep.simulation.economy.chain.Versions", dict)
    copied = played(setting)
    assert money(shared) == money(copied)
    assert _as_values(shared.world.chain.life) == _as_values(copied.world.chain.life)


def _as_values(life: LifeCycle) -> tuple[object, ...]:
    return dict(life.jobs), dict(life.batches), dict(life.stakes), dict(life.credits), life.burned_wei


def test_without_challengers_lies_become_final() -> None:
    market = played(replace(SMALL, strategy=LYING, share_bps=3_300, challengers=0))
    assert len(market.false_final) == market.false_claims > 0


def test_results_take_a_window_and_little_more() -> None:
    market = played(SMALL)
    window = market.rules.window_seconds
    assert all(window <= each <= window + 2 * 3_600 * 4 for each in delays(market))
