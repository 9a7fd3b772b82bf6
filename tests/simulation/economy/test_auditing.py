"""Auditors: only running what one audits pays."""

from __future__ import annotations

from tests.simulation.economy.settings import ASSUMED, mainnet
from truestep.simulation.economy.auditing import Court, Manner, auditors


def test_an_auditor_that_runs_earns_and_all_others_lose() -> None:
    found = {row.manner: row for row in auditors(mainnet(), ASSUMED, 1, 6)}
    assert found[Manner.RUNNING].mean_profit_wei > 0
    assert found[Manner.RUNNING].failures == 0
    for manner in (Manner.ABSENT, Manner.MAKING_UP):
        assert found[manner].failures == 6
        assert found[manner].mean_profit_wei < -20 * found[manner].fee_wei


def test_whoever_copies_takes_forced_errors_along() -> None:
    row = Court(mainnet(), ASSUMED, 5, Manner.COPYING).hear(40)
    assert 0 < row.failures < row.audits
    assert row.mean_profit_wei < 0
