"""The order of checks: all in time while that is possible; else nobody can aim, and it is said."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from truestep.base.ids import ClaimId
from truestep.roles.checks import Check, plan

NOW = 1_000
SALT = b"salt"


def check(number: int, deadline: int, seconds: float = 1.0, value_wei: int = 10**15) -> Check:
    return Check(
        claim_id=ClaimId(number), work=number, deadline=deadline, seconds=seconds, value_wei=value_wei
    )


def test_a_third_of_the_places_goes_by_deadline_and_the_shortfall_is_counted() -> None:
    checks = [check(number, NOW + 100 - number) for number in range(50)]
    made = plan(checks, NOW, 2, SALT)
    assert made.order.index(ClaimId(49)) <= 2
    assert (made.late_count, made.backlog_seconds) == (0, 25.0)
    assert plan(checks, NOW + 55, 2, SALT).late_count > 0


def test_a_backlog_does_not_hide_what_is_valuable_or_late() -> None:
    """A burst of claims with early deadlines: by deadline alone, each check would come too late."""
    burst = [check(number, NOW + 10) for number in range(1_000)]
    later = [check(number, NOW + 300) for number in range(1_000, 1_020)]
    first = set(plan([*burst, *later], NOW, 2, SALT).order[:300])
    assert len(first & set(range(1_000, 1_020))) >= 1


def test_an_estimate_puts_nothing_last() -> None:
    """What a stranger's programs taught this node must not hide the most valuable claim."""
    cheap = [check(number, NOW + 100, value_wei=0) for number in range(28)]
    dear = check(28, NOW + 150, seconds=1e6, value_wei=10**18)
    for salt in range(20):
        assert plan([*cheap, dear], NOW, 2, bytes([salt])).order.index(ClaimId(28)) <= 2


def test_nobody_can_foresee_what_is_checked_first() -> None:
    burst = [check(number, NOW + 10) for number in range(1_000)]
    orders = {plan(burst, NOW, 1, bytes([salt])).order[:10] for salt in range(8)}
    assert len(orders) == 8


def test_a_third_of_the_places_goes_by_value() -> None:
    cheap = [check(number, NOW + 10, value_wei=0) for number in range(1_000)]
    dear = [check(number, NOW + 10, value_wei=10**18) for number in range(1_000, 1_005)]
    made = plan([*cheap, *dear], NOW, 1, SALT)
    assert set(range(1_000, 1_005)) <= set(made.order[:15])
    assert len(set(made.order[:15]) - set(range(1_000, 1_005))) == 10


def test_what_many_claims_need_counts_once() -> None:
    same = [replace(check(number, NOW + 2), work="run") for number in range(100)]
    assert plan(same, NOW, 1, SALT).late_count == 0


@given(
    st.lists(st.tuples(st.integers(0, 400), st.floats(0.01, 50.0), st.integers(0, 10**20)), max_size=40),
    st.integers(1, 8),
    st.binary(max_size=4),
)
def test_every_claim_has_one_place(rows: list[tuple[int, float, int]], at_once: int, salt: bytes) -> None:
    checks = [check(number, NOW + row[0], row[1], row[2]) for number, row in enumerate(rows)]
    made = plan(checks, NOW, at_once, salt)
    assert sorted(made.order) == list(range(len(rows)))
    assert 0 <= made.late_count <= len(rows)
