"""The curve BN254 and its pairing, as the EVM's precompiles compute them (EIP-196, EIP-197).

Written to be read and to be right: one check of four pairings takes a tenth of a second. Inputs are public,
so nothing here takes the same time for all of them.
"""

from collections.abc import Iterable

from truestep.proofs.fields import (
    F2,
    F12,
    FIELD,
    NON_RESIDUE,
    ONE12,
    ORDER,
    ZERO2,
    add2,
    conjugate2,
    conjugate12,
    invert2,
    invert12,
    multiply2,
    multiply12,
    power2,
    power12,
    scale2,
    square2,
    square12,
    subtract2,
)

G1 = tuple[int, int] | None
"""A point of the first group; None is the point at infinity."""
G2 = tuple[F2, F2] | None
"""A point of the second group, on the twist; None is the point at infinity."""

CURVE_B = 3
TWIST_B = scale2(invert2(NON_RESIDUE), CURVE_B)
_LOOP = f"{29793968203157093288:b}"[1:]
"""6t + 2, where t is the parameter of the curve, without its first bit."""
_FINAL_EXPONENT = (FIELD**6 + 1) // ORDER
_TURN_X, _TURN_Y = power2(NON_RESIDUE, (FIELD - 1) // 3), power2(NON_RESIDUE, (FIELD - 1) // 2)
_TURN_X_TWICE = power2(NON_RESIDUE, (FIELD**2 - 1) // 3)
"""What the Frobenius map multiplies the coordinates of a point of the twist with, once and twice."""


def is_on_curve(point: G1) -> bool:
    """Whether the coordinates are reduced and satisfy the equation. The curve has no smaller subgroup."""
    if point is None:
        return True
    x, y = point
    return 0 <= x < FIELD and 0 <= y < FIELD and (y * y - x * x * x - CURVE_B) % FIELD == 0


def is_in_second_group(point: G2) -> bool:
    """Whether the coordinates are reduced, on the twist, and in its subgroup of the right order."""
    if point is None:
        return True
    x, y = point
    if not all(0 <= each < FIELD for each in (*x, *y)):
        return False
    if square2(y) != add2(multiply2(square2(x), x), TWIST_B):
        return False
    return multiply_second(point, ORDER) is None


def add(a: G1, b: G1) -> G1:
    """The sum of two points of the first group."""
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0]:
        if (a[1] + b[1]) % FIELD == 0:
            return None
        slope = 3 * a[0] * a[0] * pow(2 * a[1], -1, FIELD)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, FIELD)
    x = (slope * slope - a[0] - b[0]) % FIELD
    return x, (slope * (a[0] - x) - a[1]) % FIELD


def multiply(point: G1, scalar: int) -> G1:
    """A point of the first group, as many times as the scalar says."""
    result: G1 = None
    for bit in f"{scalar:b}":
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def negate(point: G1) -> G1:
    """The point that adds up to infinity with this one."""
    return None if point is None else (point[0], -point[1] % FIELD)


def multiply_second(point: G2, scalar: int) -> G2:
    """A point of the twist, as many times as the scalar says."""
    result: G2 = None
    for bit in f"{scalar:b}":
        result = _add_second(result, result)
        if bit == "1":
            result = _add_second(result, point)
    return result


def negate_second(point: G2) -> G2:
    """The point of the twist that adds up to infinity with this one."""
    return None if point is None else (point[0], subtract2(ZERO2, point[1]))


def pairing_is_one(pairs: Iterable[tuple[G1, G2]]) -> bool:
    """Whether the product of the pairings is one. The points must be in their groups."""
    product = ONE12
    finite = [(first, second) for first, second in pairs if first is not None and second is not None]
    turning = [second for _, second in finite]
    for bit in _LOOP:
        product = square12(product)
        for number, (first, _) in enumerate(finite):
            product, turning[number] = _stepped(product, turning[number], turning[number], first)
        if bit == "1":
            for number, (first, second) in enumerate(finite):
                product, turning[number] = _stepped(product, turning[number], second, first)
    for number, (first, (x, y)) in enumerate(finite):
        turned = multiply2(conjugate2(x), _TURN_X), multiply2(conjugate2(y), _TURN_Y)
        product, last = _stepped(product, turning[number], turned, first)
        product, _ = _stepped(product, last, (multiply2(x, _TURN_X_TWICE), y), first)
    unitary = multiply12(conjugate12(product), invert12(product))
    return power12(unitary, _FINAL_EXPONENT) == ONE12


def _stepped(
    product: F12, a: tuple[F2, F2], b: tuple[F2, F2], at: tuple[int, int]
) -> tuple[F12, tuple[F2, F2]]:
    """The product times the line through `a` and `b` at a point of the first group, and a + b.

    Neither is infinite, nor their sum: the multiples met on the way are below the order of the group.
    """
    slope = _slope(a, b)
    x = subtract2(subtract2(square2(slope), a[0]), b[0])
    y = subtract2(multiply2(slope, subtract2(a[0], x)), a[1])
    line: F12 = (
        ((at[1], 0), ZERO2, ZERO2),
        (scale2(slope, -at[0]), subtract2(multiply2(slope, a[0]), a[1]), ZERO2),
    )
    return multiply12(product, line), (x, y)


def _slope(a: tuple[F2, F2], b: tuple[F2, F2]) -> F2:
    if a == b:
        return multiply2(scale2(square2(a[0]), 3), invert2(scale2(a[1], 2)))
    return multiply2(subtract2(b[1], a[1]), invert2(subtract2(b[0], a[0])))


def _add_second(a: G2, b: G2) -> G2:
    if a is None or b is None:
        return b if a is None else a
    if a[0] == b[0] and a[1] != b[1]:
        return None
    if a == b and a[1] == ZERO2:
        return None
    slope = _slope(a, b)
    x = subtract2(subtract2(square2(slope), a[0]), b[0])
    return x, subtract2(multiply2(slope, subtract2(a[0], x)), a[1])
