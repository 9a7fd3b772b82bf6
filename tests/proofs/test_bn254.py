from __future__ import annotations

import random

import pytest
from py_ecc.bn128 import bn128_curve

from tests.proofs.trapdoor import G1, G2
from truestep.proofs import bn254
from truestep.proofs.fields import (
    FIELD,
    NON_RESIDUE,
    ONE12,
    ORDER,
    invert12,
    multiply2,
    multiply12,
    power2,
    power12,
    square12,
)

SEED = 20_260_801


def any12(chance: random.Random) -> tuple:
    pairs = [(chance.randrange(FIELD), chance.randrange(FIELD)) for _ in range(6)]
    return (tuple(pairs[:3]), tuple(pairs[3:]))


def test_the_tower_is_a_field() -> None:
    chance = random.Random(SEED)
    a, b, c = (any12(chance) for _ in range(3))
    assert multiply12(a, multiply12(b, c)) == multiply12(multiply12(a, b), c)
    assert square12(a) == multiply12(a, a)
    assert multiply12(a, invert12(a)) == ONE12
    assert power12(a, 19) == multiply12(power12(a, 16), multiply12(square12(a), a))


def test_what_the_tower_is_made_with_is_neither_a_square_nor_a_cube() -> None:
    order = FIELD**2 - 1
    assert power2(NON_RESIDUE, order // 2) != (1, 0) != power2(NON_RESIDUE, order // 3)
    assert power2(NON_RESIDUE, order) == (1, 0) == multiply2(NON_RESIDUE, power2(NON_RESIDUE, order - 1))


def test_multiples_are_those_of_another_library() -> None:
    chance = random.Random(SEED)
    for scalar in (1, 2, 3, ORDER - 1, chance.randrange(ORDER)):
        first = bn128_curve.multiply(bn128_curve.G1, scalar)
        assert first is not None
        assert bn254.multiply(G1, scalar) == tuple(int(each) for each in first)
        second = bn128_curve.multiply(bn128_curve.G2, scalar)
        assert second is not None
        found = bn254.multiply_second(G2, scalar)
        assert found == tuple(tuple(int(part) for part in each.coeffs) for each in second)
        assert bn254.is_on_curve(bn254.multiply(G1, scalar))


def test_multiples_of_the_order_are_infinity() -> None:
    assert bn254.multiply(G1, ORDER) is None
    assert bn254.multiply(G1, 0) is None
    assert bn254.multiply_second(G2, ORDER) is None
    assert bn254.add(G1, bn254.negate(G1)) is None


def test_the_pairing_is_bilinear() -> None:
    chance = random.Random(SEED)
    a, b = chance.randrange(1, ORDER), chance.randrange(1, ORDER)
    point, other = bn254.multiply(G1, a), bn254.multiply_second(G2, b)
    product = bn254.multiply(G1, a * b % ORDER)
    assert bn254.pairing_is_one([(point, other), (bn254.negate(product), G2)])
    assert not bn254.pairing_is_one([(point, other), (bn254.negate(bn254.add(product, G1)), G2)])


def test_the_pairing_is_not_degenerate() -> None:
    assert not bn254.pairing_is_one([(G1, G2)])
    assert bn254.pairing_is_one([(None, G2), (G1, None)])
    assert bn254.pairing_is_one([(G1, G2), (G1, bn254.negate_second(G2))])


def test_other_numbers_are_not_points() -> None:
    assert not bn254.is_on_curve((1, 3))
    assert not bn254.is_on_curve((1 + FIELD, 2))
    assert not bn254.is_on_curve((0, 0))
    x, y = G2 or pytest.fail("a point")
    assert bn254.is_in_second_group(G2)
    assert not bn254.is_in_second_group((x, (y[0], y[1] + FIELD)))
    assert not bn254.is_in_second_group((x, x))


def test_points_of_the_twist_outside_the_subgroup_are_refused() -> None:
    """The twist has more points than the group; a check of its equation alone would take them."""
    point = a_point_outside_the_subgroup()
    assert not bn254.is_in_second_group(point)


def a_point_outside_the_subgroup() -> bn254.G2:
    for x0 in range(1, 100):
        x = (x0, 0)
        square = multiply2(multiply2(x, x), x)
        square = ((square[0] + bn254.TWIST_B[0]) % FIELD, (square[1] + bn254.TWIST_B[1]) % FIELD)
        root = square_root(square)
        if root is not None:
            return x, root
    raise AssertionError("every second x has a point")


def square_root(square: tuple[int, int]) -> tuple[int, int] | None:
    first = power2(square, (FIELD - 3) // 4)
    norm = multiply2(multiply2(first, first), square)
    root = multiply2(first, square)
    if norm == (FIELD - 1, 0):
        root = (-root[1] % FIELD, root[0])
    else:
        root = multiply2(power2(((1 + norm[0]) % FIELD, norm[1]), (FIELD - 1) // 2), root)
    return root if multiply2(root, root) == square else None
