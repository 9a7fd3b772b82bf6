"""The numbers of a quorum, and windows that grow (docs/quorum.md Q1.2, Q2.1, Q7)."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.quorum.world import RULES
from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.rules import (
    STRETCH_LIMIT_SECONDS,
    least_fee,
    least_lease,
    load_at,
    require_bounds,
    stretch,
)
from truestep.protocol.quorum.state import Load

WEI = st.integers(0, 2**128 - 1)
ADAPTIVE = st.builds(
    lambda seconds, value_wei, tasks, forgotten: replace(
        RULES,
        stretch_seconds=seconds,
        full_value_wei=value_wei,
        full_tasks=tasks,
        load_seconds=forgotten,
    ),
    st.integers(0, STRETCH_LIMIT_SECONDS),
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.integers(1, 2**32 - 1),
)


@given(ADAPTIVE, WEI, WEI)
def test_a_window_is_never_shorter_than_the_set_s_and_never_longer_than_the_hold(
    rules: Rules, value_wei: int, load: int
) -> None:
    require_bounds(rules)
    assert 0 <= stretch(rules, value_wei, load) <= rules.stretch_seconds <= STRETCH_LIMIT_SECONDS


@given(ADAPTIVE, WEI, WEI, WEI, WEI)
def test_more_value_and_more_load_never_shorten_it(
    rules: Rules, value_wei: int, more_wei: int, load: int, more: int
) -> None:
    assert stretch(rules, value_wei, load) <= stretch(rules, value_wei + more_wei, load + more)


@given(ADAPTIVE)
def test_full_value_or_full_load_lengthen_it_in_full(rules: Rules) -> None:
    assert stretch(rules, rules.full_value_wei, 0) == rules.stretch_seconds
    assert stretch(rules, 0, rules.full_tasks * rules.load_seconds) == rules.stretch_seconds
    assert stretch(rules, 0, 0) == 0


@given(ADAPTIVE, st.integers(0, 2**32))
def test_a_full_load_is_forgotten_in_its_time(rules: Rules, at: int) -> None:
    load = Load(amount=rules.full_tasks * rules.load_seconds, at=at)
    assert load_at(rules, load, at) == load.amount
    assert load_at(rules, load, at + rules.load_seconds) == 0
    assert load_at(rules, load, at + rules.load_seconds - 1) == rules.full_tasks


def test_fees_and_leases_are_rounded_up() -> None:
    assert least_fee(replace(RULES, fee_wei=7, cycle_fee_wei=3), 10**9 // 3) == 8
    assert least_fee(replace(RULES, fee_wei=7, cycle_fee_wei=3), 0) == 7
    assert least_lease(replace(RULES, commit_seconds=5), 3, 10, 10**6) == 12
