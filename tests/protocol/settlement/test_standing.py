"""What fresh identities gain, and what a name is worth (docs/operators.md O3)."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from truestep.protocol.settlement.parameters import BPS
from truestep.protocol.settlement.standing import (
    COUNT_LIMIT,
    FACT,
    FULL,
    LATE_WEIGHT,
    NOTHING_KNOWN,
    PERIOD_SECONDS,
    SHARE_MIN_BPS,
    STAKE_LIMIT_WEI,
    STRUCK_WEIGHT,
    USUAL,
    Admission,
    Counts,
    Entry,
    Fact,
    Phase,
    cap_wei,
    room_wei,
)

SHARES = st.integers(SHARE_MIN_BPS, BPS)
COUNTS = st.integers(0, COUNT_LIMIT)
FACTS = st.builds(Counts, completed=COUNTS, audited=COUNTS, late=COUNTS, struck=COUNTS)


def entry(stake_wei: int, facts: Counts = NOTHING_KNOWN, locked_wei: int = 0) -> Entry:
    return Entry(stake_wei=stake_wei, locked_wei=locked_wei, pledged_wei=0, facts=facts, is_listed=False)


@given(SHARES, st.lists(st.integers(0, STAKE_LIMIT_WEI // 1_024), min_size=1, max_size=1_024))
def test_splitting_a_stake_among_fresh_identities_never_raises_what_is_at_risk(
    share: int, parts: list[int]
) -> None:
    """O3.5, for every division of a stake among up to 2^10 names."""
    admission = Admission(fresh_share_bps=share)
    together = cap_wei(admission, entry(sum(parts)), 0)
    apart = sum(cap_wei(admission, entry(part), 0) for part in parts)
    assert together - len(parts) < apart <= together


@given(SHARES, FACTS, st.integers(0, STAKE_LIMIT_WEI))
def test_nobody_gains_by_a_new_name(share: int, facts: Counts, stake_wei: int) -> None:
    """O3.6: what is known of an operator, a strike too, never makes its cap less than that of a fresh one."""
    admission = Admission(fresh_share_bps=share)
    assert (
        cap_wei(admission, entry(stake_wei), 0) <= cap_wei(admission, entry(stake_wei, facts), 0) <= stake_wei
    )


@given(FACTS)
def test_a_new_strike_takes_all_that_was_earned(facts: Counts) -> None:
    assert facts.noted(Fact.STRUCK, 0).trust(0) == 0
    assert STRUCK_WEIGHT * FACT > 2 * COUNT_LIMIT


def test_what_was_earned_can_be_lost() -> None:
    """An operator that is struck has the cap of a fresh one."""
    facts = NOTHING_KNOWN
    for number in range(64):
        assert (
            USUAL.share_bps(facts, 0) == USUAL.fresh_share_bps + (BPS - USUAL.fresh_share_bps) * number // 64
        )
        facts = facts.noted(Fact.COMPLETED, 0)
    assert USUAL.share_bps(facts, 0) == BPS
    assert USUAL.share_bps(facts.noted(Fact.STRUCK, 0), 0) == USUAL.fresh_share_bps
    assert facts.trust(0) - facts.noted(Fact.LATE, 0).trust(0) == LATE_WEIGHT * FACT
    assert FULL == 64 * FACT


@given(FACTS, st.integers(0, 20), st.integers(0, 20))
def test_fading_does_not_depend_on_when_it_is_looked_at(facts: Counts, first: int, then: int) -> None:
    later = (first + then) * PERIOD_SECONDS
    assert facts.at(first * PERIOD_SECONDS).at(later) == facts.at(later)


def test_moving_stake_from_name_to_name_does_not_help() -> None:
    """What a cap at `lock` alone would allow: lock half, withdraw the rest, deposit it elsewhere."""
    for seed in range(20):
        rng, total = Random(seed), 10**6
        free, names = total, list[list[int]]()
        for _ in range(300):
            if not names or rng.random() < 0.2:
                names.append([0, 0])
            name = rng.choice(names)
            kind = rng.randrange(3)
            if kind == 0:
                amount = rng.randrange(free + 1)
                free, name[0] = free - amount, name[0] + amount
            elif kind == 1:
                name[1] += rng.randrange(
                    room_wei(USUAL, Phase.OPEN, entry(name[0], NOTHING_KNOWN, name[1]), 0) + 1
                )
            else:
                amount = rng.randrange(name[0] - name[1] + 1)
                if name[1] <= cap_wei(USUAL, entry(name[0] - amount), 0):  # withdraw_to (O3.3)
                    free, name[0] = free + amount, name[0] - amount
            assert sum(locked for _, locked in names) <= cap_wei(USUAL, entry(total), 0)
