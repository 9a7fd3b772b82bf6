"""Draws follow the weights, exactly and without replacement (docs/assignment.md D4)."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import permutations

import pytest

from tests.protocol.settlement.world import account
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.pools import entered, left, pool_of, reweighed, select

ANN, BOB, CID, DAN = (account(digits) for digits in ("a1", "b1", "c1", "d1"))
WEIGHTS = {ANN: 1, BOB: 2, CID: 3, DAN: 10}
DRAWS = 4_000
CHI_SQUARE_999 = {3: 16.27, 11: 31.26}
"""The largest value in 999 of 1,000 cases, by degrees of freedom (NIST, critical values of chi-square)."""


def seeds(count: int) -> list[Bytes32]:
    """Always the same ones."""
    return [keccak256(b"draw %d" % number) for number in range(count)]


def chi_square(found: Counter[object], expected: dict[object, Fraction], count: int) -> float:
    """How far counts are from what is expected."""
    assert sum(expected.values()) == 1
    return sum(float((found[key] - count * part) ** 2 / (count * part)) for key, part in expected.items())


def test_one_is_drawn_by_its_weight() -> None:
    pool = pool_of(WEIGHTS)
    found = Counter[object](select(pool, seed, 1)[0] for seed in seeds(DRAWS))
    expected: dict[object, Fraction] = {who: Fraction(weight, 16) for who, weight in WEIGHTS.items()}
    assert chi_square(found, expected, DRAWS) < CHI_SQUARE_999[3]


def test_two_are_drawn_without_replacement() -> None:
    """Each ordered pair as often as the product of both chances."""
    pool = pool_of(WEIGHTS)
    found = Counter[object](select(pool, seed, 2) for seed in seeds(DRAWS))
    expected: dict[object, Fraction] = {
        (first, second): Fraction(WEIGHTS[first], 16) * Fraction(WEIGHTS[second], 16 - WEIGHTS[first])
        for first, second in permutations(WEIGHTS, 2)
    }
    assert chi_square(found, expected, DRAWS) < CHI_SQUARE_999[11]


def test_the_statistic_sees_a_draw_that_ignores_weights() -> None:
    found = Counter[object](select(pool_of(dict.fromkeys(WEIGHTS, 1)), seed, 1)[0] for seed in seeds(DRAWS))
    expected: dict[object, Fraction] = {who: Fraction(weight, 16) for who, weight in WEIGHTS.items()}
    assert chi_square(found, expected, DRAWS) > 10 * CHI_SQUARE_999[3]


def seat_chances(weights: tuple[tuple[str, int], ...], seats: int) -> list[Fraction]:
    """The chance of the attacker in each seat, exactly: every order of draws with its chance."""
    total = sum(weight for _, weight in weights)
    found = [Fraction(0)] * seats
    if seats == 0 or total == 0:
        return found
    for place, (owner, weight) in enumerate(weights):
        chance = Fraction(weight, total)
        found[0] += chance * (owner == "attacker")
        later = seat_chances(weights[:place] + weights[place + 1 :], seats - 1)
        found[1:] = [before + chance * more for before, more in zip(found[1:], later, strict=True)]
    return found


@pytest.mark.parametrize("others", [(1,) * 18, (3,) * 6, (9, 9), (10, 7, 1)])
@pytest.mark.parametrize("parts", [(6,), (3, 3), (2, 2, 2), (1, 1, 1, 1, 1, 1), (5, 1)])
def test_splitting_a_pledge_gains_no_more_than_the_law_says(
    parts: tuple[int, ...], others: tuple[int, ...]
) -> None:
    """A quarter of the weight is a quarter of the first seat, however it is split (D4.4)."""
    weights = (*(("attacker", part) for part in parts), *(("other", other) for other in others))
    chances = seat_chances(weights, 2 if len(others) == 18 else 3)
    assert chances[0] == Fraction(1, 4)
    largest = Fraction(max(others), 24)
    for seat, chance in enumerate(chances):
        assert chance * (1 - seat * largest) <= Fraction(1, 4)
    if {*parts, *others} == {1}:  # all are of one size: exactly its share of every seat
        assert set(chances) == {Fraction(1, 4)}


def test_a_split_pledge_is_the_same_part_of_the_line() -> None:
    """Whichever of its identities is drawn first, it is drawn by the same seeds."""
    whole = pool_of({ANN: 8, BOB: 24})
    parts = pool_of({ANN: 1, CID: 3, DAN: 4, BOB: 24})
    for seed in seeds(500):
        assert (select(whole, seed, 1)[0] == BOB) == (select(parts, seed, 1)[0] == BOB)


def test_all_are_drawn_and_no_more() -> None:
    pool = pool_of({ANN: 1, BOB: 2**63, CID: 3})
    for seed in seeds(20):
        assert sorted(select(pool, seed, 16)) == sorted((ANN, BOB, CID))
    assert select(pool, seeds(1)[0], 0) == ()
    assert select(pool_of({}), seeds(1)[0], 5) == ()


def test_the_excluded_are_never_drawn_and_change_no_other_chance() -> None:
    pool = pool_of(WEIGHTS)
    without = pool_of({who: weight for who, weight in WEIGHTS.items() if who != DAN})
    for seed in seeds(200):
        assert select(pool, seed, 3, (DAN, DAN, account("ee"))) == select(without, seed, 3)
    assert select(pool, seeds(1)[0], 3, tuple(WEIGHTS)) == ()


def test_one_draw_is_the_beginning_of_a_larger_one() -> None:
    pool = pool_of({Address(f"0x{number:040x}"): 1 + number % 7 for number in range(1, 300)})
    for seed in seeds(50):
        drawn = select(pool, seed, 16)
        assert len(set(drawn)) == 16
        assert select(pool, seed, 5) == drawn[:5]
        assert select(pool, seed, 16, drawn[:3])[:1] != drawn[:1]


def test_a_slot_that_was_left_is_filled_again() -> None:
    pool = pool_of(WEIGHTS)
    pool = left(pool, pool.slot_of[BOB])
    assert pool.total == 14
    assert BOB not in {who for seed in seeds(100) for who in select(pool, seed, 4)}
    pool, slot = entered(pool, BOB)
    assert slot == 1
    assert reweighed(pool, slot, 5).total == 19
