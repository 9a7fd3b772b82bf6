"""KZG from its definition, on py_ecc: polynomials of few terms, so that a page of Python is fast enough.

It shares with the library only the points of the trusted setup. Formulas: EIP-4844, EIP-7594 and the
specification of Ethereum's consensus (deneb/polynomial-commitments, fulu/polynomial-commitments-sampling).
"""

from __future__ import annotations

from functools import cache

from py_ecc.bls.point_compression import compress_G1, decompress_G1
from py_ecc.bls.typing import G1Compressed
from py_ecc.fields import optimized_bls12_381_FQ as FQ
from py_ecc.optimized_bls12_381.optimized_curve import Z1, add, curve_order, multiply
from py_ecc.typing import Optimized_Point3D

from truestep.adapters.trusted_setup import setup_path

Point = Optimized_Point3D[FQ]
Polynomial = dict[int, int]
"""Coefficients by their power of x."""

ELEMENTS = 4096
CELL_ELEMENTS = 64


@cache
def _setup_words() -> list[str]:
    return setup_path().read_text("ascii").split()


@cache
def power_of_tau(power: int) -> Point:
    """[tau^power] in G1: the file has 4,096 points of another basis and 65 of G2 before these."""
    return decompress_G1(G1Compressed(int(_setup_words()[2 + ELEMENTS + 65 + power], 16)))


def root_of_unity(order: int) -> int:
    return pow(7, (curve_order - 1) // order, curve_order)


def reverse_bits(number: int, order: int) -> int:
    return int(format(number, f"0{order.bit_length() - 1}b")[::-1], 2)


def value(polynomial: Polynomial, x: int) -> int:
    return sum(each * pow(x, power, curve_order) for power, each in polynomial.items()) % curve_order


def commitment(polynomial: Polynomial) -> bytes:
    total: Point = Z1
    for power, coefficient in polynomial.items():
        if coefficient:
            total = add(total, multiply(power_of_tau(power), coefficient))
    return compress_G1(total).to_bytes(48, "big")


def quotient(polynomial: Polynomial, step: int, shift: int) -> Polynomial:
    """polynomial / (x^step - shift), no rest: x^n = x^(n - step) (x^step - shift) + shift x^(n - step)."""
    left, found = dict(polynomial), Polynomial()
    while left:
        power = max(left)
        coefficient = left.pop(power)
        if power >= step:
            found[power - step] = (found.get(power - step, 0) + coefficient) % curve_order
            left[power - step] = (left.get(power - step, 0) + coefficient * shift) % curve_order
    return found


def blob(polynomial: Polynomial) -> bytes:
    """The values at the roots of unity, in bit-reversed order."""
    return b"".join(_element(polynomial, number, ELEMENTS) for number in range(ELEMENTS))


def cell(polynomial: Polynomial, index: int) -> bytes:
    """Cell `index` of the extended blob: 64 values at roots of unity of twice the order."""
    first = index * CELL_ELEMENTS
    return b"".join(_element(polynomial, first + step, 2 * ELEMENTS) for step in range(CELL_ELEMENTS))


def cell_proof(polynomial: Polynomial, index: int) -> bytes:
    """The points of a cell are the solutions of x^64 = h^64, where h is the first of them."""
    h = _point(index * CELL_ELEMENTS, 2 * ELEMENTS)
    return commitment(quotient(polynomial, CELL_ELEMENTS, pow(h, CELL_ELEMENTS, curve_order)))


def opening(polynomial: Polynomial, z: int) -> tuple[bytes, bytes]:
    return value(polynomial, z).to_bytes(32, "big"), commitment(quotient(polynomial, 1, z))


def _point(number: int, order: int) -> int:
    return pow(root_of_unity(order), reverse_bits(number, order), curve_order)


def _element(polynomial: Polynomial, number: int, order: int) -> bytes:
    return value(polynomial, _point(number, order)).to_bytes(32, "big")
