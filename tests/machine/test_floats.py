"""What M8 says of floats, clause by clause; tests/differential compares everything with others."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.machine.encode import FLOAT_ENCODINGS, encode_float
from tests.machine.float_operands import (
    LAYOUTS,
    Layout,
    operand_count,
    random_operands,
    roundings,
    source_format,
)
from truestep.machine.decode import decode
from truestep.machine.floats import operate
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.state import Status

RNE, RTZ, RDN, RUP, RMM, DYNAMIC = 0, 1, 2, 3, 4, 7
M64 = 2**64 - 1
ONE_S, ONE_D = 0x3F80_0000, 0x3FF0_0000_0000_0000
INFINITY_S, INFINITY_D = 0x7F80_0000, 0x7FF0_0000_0000_0000
NAN_S, NAN_D = 0x7FC0_0000, 0x7FF8_0000_0000_0000
MINUS_S, MINUS_D = 1 << 31, 1 << 63
WITH_FLOAT_RESULT = ("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fmin", "fmax", "fma", "fms", "fnm")


def run(name: str, *operands: int, rounding: int = RNE) -> int:
    instruction = decode(encode_float(name, rd=1, rs1=2, rs2=3, rs3=4, rounding=rounding))
    assert instruction is not None
    a, b, c = (*operands, 0, 0)[:3]
    return operate(instruction, a, b, c)


def minus(magnitude_s: int) -> int:
    """A negative single, sign-extended."""
    return M64 - 2**32 + 1 + (magnitude_s | MINUS_S)


@pytest.mark.parametrize("name", FLOAT_ENCODINGS)
def test_singles_are_low_halves(name: str, rng: random.Random) -> None:
    """M8.1: the upper half of a single's register is nothing, and its result is sign-extended."""
    for row in random_operands(name, 50, rng):
        for rounding in roundings(name):
            result = run(name, *row, rounding=rounding)
            assert 0 <= result <= M64
            if source_format(name) == "s" or name.endswith((".w", ".wu")):
                changed = [value ^ rng.getrandbits(32) << 32 for value in row]
                assert run(name, *changed, rounding=rounding) == result
            if name.split(".")[1] in ("s", "w", "wu"):
                assert result in (result % 2**31, result | M64 - 2**31 + 1)


@pytest.mark.parametrize("name", [name for name in FLOAT_ENCODINGS if DYNAMIC in roundings(name)])
def test_dynamic_is_to_nearest(name: str, rng: random.Random) -> None:
    """M8.2"""
    for row in random_operands(name, 50, rng):
        assert run(name, *row, rounding=DYNAMIC) == run(name, *row, rounding=RNE)


@pytest.mark.parametrize("letter", "sd")
def test_nans_are_canonical(letter: str) -> None:
    """M8.3: whatever NaN goes in."""
    form = LAYOUTS[letter]
    canonical = NAN_S if letter == "s" else NAN_D
    sign = 1 << (form.width - 1)
    for nan in (form.infinity + 1, form.infinity | 0x1234, sign | canonical, canonical | 5):
        for name in FLOAT_ENCODINGS:
            if name.endswith(f".{letter}") and name.startswith(WITH_FLOAT_RESULT):
                for position in range(operand_count(name)):
                    both = name.startswith(("fmin", "fmax"))
                    operands = [nan if both or n == position else form.power(0) for n in range(3)]
                    assert run(name, *operands) == canonical, (name, operands)
    to_other = {"s": ("fcvt.d.s", NAN_D), "d": ("fcvt.s.d", NAN_S)}[letter]
    assert run(to_other[0], sign | form.infinity | 1) == to_other[1]


@pytest.mark.parametrize(
    ("name", "operands"),
    [
        ("fadd.d", (INFINITY_D, INFINITY_D | MINUS_D)),
        ("fsub.d", (INFINITY_D, INFINITY_D)),
        ("fmul.d", (INFINITY_D, MINUS_D)),
        ("fdiv.d", (0, MINUS_D)),
        ("fdiv.d", (INFINITY_D, INFINITY_D)),
        ("fsqrt.d", (1 | MINUS_D,)),
        ("fmadd.d", (0, INFINITY_D, ONE_D)),
        ("fmadd.d", (ONE_D, INFINITY_D, INFINITY_D | MINUS_D)),
        ("fmsub.d", (ONE_D, INFINITY_D, INFINITY_D)),
        ("fnmsub.d", (ONE_D, INFINITY_D, INFINITY_D)),
        ("fnmadd.d", (ONE_D, INFINITY_D, INFINITY_D | MINUS_D)),
    ],
)
def test_invalid_operations_give_a_nan(name: str, operands: tuple[int, ...]) -> None:
    assert run(name, *operands) == NAN_D


def test_signs_of_zero() -> None:
    assert run("fadd.d", 0, MINUS_D) == 0
    assert run("fadd.d", MINUS_D, MINUS_D) == MINUS_D
    assert run("fsub.d", ONE_D, ONE_D) == 0
    assert run("fmul.d", MINUS_D, ONE_D) == MINUS_D
    assert run("fsqrt.d", MINUS_D) == MINUS_D
    assert run("fmadd.d", 1, 1 | MINUS_D, 0) == MINUS_D  # underflows: not an exact zero
    assert run("fmadd.d", 0, MINUS_D, 0) == 0
    assert run("fnmadd.d", ONE_D, ONE_D, ONE_D | MINUS_D) == 0
    assert run("fnmadd.s", 0, ONE_S, 0) == minus(0)
    assert run("fcvt.d.l", 0, rounding=RDN) == 0
    assert run("feq.d", 0, MINUS_D) == 1
    assert run("flt.d", MINUS_D, 0) == 0


def test_minimum_and_maximum() -> None:
    """M8.3: numbers before NaNs, signalling ones too; -0 below +0."""
    for nan in (NAN_D, INFINITY_D + 1, NAN_D | MINUS_D):
        for name in ("fmin.d", "fmax.d"):
            assert run(name, nan, ONE_D) == run(name, ONE_D, nan) == ONE_D
            assert run(name, nan, INFINITY_D + 1) == NAN_D
    assert run("fmin.d", 0, MINUS_D) == run("fmin.d", MINUS_D, 0) == MINUS_D
    assert run("fmax.d", 0, MINUS_D) == run("fmax.d", MINUS_D, 0) == 0
    assert run("fmin.s", ONE_S, ONE_S | MINUS_S) == minus(ONE_S)


def test_sign_injection_moves_bits_of_nans_too() -> None:
    payload = INFINITY_S | 0x1234
    assert run("fsgnj.s", payload, MINUS_S) == minus(payload)
    assert run("fsgnjn.s", payload, 0) == minus(payload)
    assert run("fsgnjx.s", payload | MINUS_S, NAN_S | MINUS_S) == payload
    assert run("fsgnjx.d", MINUS_D | 7, 0) == MINUS_D | 7


@pytest.mark.parametrize("letter", "sd")
def test_classes(letter: str) -> None:
    """The ten bits of the specification's table."""
    form = LAYOUTS[letter]
    sign, least, infinity = 1 << (form.width - 1), 1 << form.fraction_bits, form.infinity
    quiet = infinity | least >> 1
    rows = {
        0: (sign | infinity,),
        1: (sign | least, sign | infinity - 1),
        2: (sign | 1, sign | least - 1),
        3: (sign,),
        4: (0,),
        5: (1, least - 1),
        6: (least, infinity - 1),
        7: (infinity,),
        8: (infinity + 1, quiet - 1, sign | infinity + 1),
        9: (quiet, quiet | 1, sign | quiet),
    }
    for bit, values in rows.items():
        assert [run(f"fclass.{letter}", value) for value in values] == [1 << bit] * len(values)


def double(value: float) -> int:
    """Its bits, from the hexadecimal form."""
    mantissa, _, exponent = abs(value).hex().partition("p")
    digits = int(mantissa.replace("0x", "").replace(".", ""), 16) if value else 0
    return (value < 0) << 63 | ((int(exponent) + 1023 << 52) + digits % 2**52 if digits else 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.5, {RNE: 2, RTZ: 2, RDN: 2, RUP: 3, RMM: 3}),
        (3.5, {RNE: 4, RTZ: 3, RDN: 3, RUP: 4, RMM: 4}),
        (-2.5, {RNE: -2, RTZ: -2, RDN: -3, RUP: -2, RMM: -3}),
        (-0.5, {RNE: 0, RTZ: 0, RDN: -1, RUP: 0, RMM: -1}),
        (0.4, {RNE: 0, RTZ: 0, RDN: 0, RUP: 1, RMM: 0}),
        (7.0, {RNE: 7, RTZ: 7, RDN: 7, RUP: 7, RMM: 7}),
    ],
)
def test_five_roundings_to_an_integer(value: float, expected: dict[int, int]) -> None:
    """M8.2"""
    for rounding, integer in expected.items():
        for kind in ("w", "l"):
            assert run(f"fcvt.{kind}.d", double(value), rounding=rounding) == integer % 2**64
        for kind in ("wu", "lu"):
            assert run(f"fcvt.{kind}.d", double(value), rounding=rounding) == max(integer, 0)


def test_five_roundings_from_an_integer() -> None:
    tie, above = 2**53 + 1, 2**54 + 3
    ulps = {rounding: run("fcvt.d.l", tie, rounding=rounding) - double(2.0**53) for rounding in range(5)}
    assert ulps == {RNE: 0, RTZ: 0, RDN: 0, RUP: 1, RMM: 1}
    ulps = {r: run("fcvt.d.l", -tie % 2**64, rounding=r) - double(-(2.0**53)) for r in range(5)}
    assert ulps == {RNE: 0, RTZ: 0, RDN: 1, RUP: 0, RMM: 1}
    ulps = {rounding: run("fcvt.d.lu", above, rounding=rounding) - double(2.0**54) for rounding in range(5)}
    assert ulps == {RNE: 1, RTZ: 0, RDN: 0, RUP: 1, RMM: 1}
    assert run("fcvt.s.lu", M64, rounding=RUP) == 0x5F80_0000  # 2^64
    assert run("fcvt.s.lu", M64, rounding=RTZ) == 0x5F7F_FFFF


@pytest.mark.parametrize(
    ("kind", "least", "largest"),
    [
        ("w", -(2**31), 2**31 - 1),
        ("wu", 0, -1),  # all ones in 32 bits, sign-extended
        ("l", -(2**63), 2**63 - 1),
        ("lu", 0, -1),
    ],
)
def test_saturation(kind: str, least: int, largest: int) -> None:
    """M8.4"""
    for too_large in (INFINITY_D, NAN_D, NAN_D | MINUS_D, INFINITY_D + 1, double(1e300), double(2.0**64)):
        assert run(f"fcvt.{kind}.d", too_large) == largest % 2**64
    for too_small in (INFINITY_D | MINUS_D, double(-1e300), double(-(2.0**64))):
        assert run(f"fcvt.{kind}.d", too_small) == least % 2**64
    assert run(f"fcvt.{kind}.s", NAN_S | MINUS_S) == largest % 2**64


def value_of(form: Layout, bits: int) -> Fraction:
    """The value of a finite float, written apart from the machine's."""
    field = bits >> form.fraction_bits & (1 << form.exponent_bits) - 1
    fraction = Fraction(bits % (1 << form.fraction_bits), 1 << form.fraction_bits)
    magnitude = (fraction + (field > 0)) * Fraction(2) ** (max(field, 1) - form.bias)
    return -magnitude if bits >> (form.width - 1) & 1 else magnitude


@pytest.mark.parametrize("letter", "sd")
@given(choice=st.data())
def test_the_result_is_the_nearest_of_all(letter: str, choice: st.DataObject) -> None:
    """M8.3: no neighbour of a finite result is nearer to the exact one; of two equally near, the even one."""
    form = LAYOUTS[letter]
    finite = st.integers(0, form.infinity - 1)
    near = st.integers(form.power(-3), form.power(3))
    a, b, c = (choice.draw(st.one_of(finite, near)) for _ in range(3))
    x, y, z = (value_of(form, bits) for bits in (a, b, c))
    exact = {"fadd": x + y, "fsub": x - y, "fmul": x * y, "fmadd": x * y + z, "fnmsub": z - x * y}
    if y:
        exact["fdiv"] = x / y
    for name, value in exact.items():
        result = run(f"{name}.{letter}", a, b, c) % (1 << form.width)
        magnitude = result % (1 << (form.width - 1))
        if magnitude >= form.infinity - 1:
            continue
        distance = abs(value_of(form, result) - value)
        for neighbour in (magnitude - 1, magnitude + 1):
            if neighbour >= 0:
                sign = result - magnitude
                other = abs(value_of(form, sign | neighbour) - value)
                assert (distance, magnitude % 2) <= (other, neighbour % 2), (name, hex(a), hex(b), hex(c))


@pytest.mark.parametrize("letter", "sd")
def test_overflow_begins_half_an_ulp_above_the_largest(letter: str) -> None:
    form = LAYOUTS[letter]
    largest, half_ulp = form.infinity - 1, form.power(form.bias - form.fraction_bits - 1)
    assert run(f"fadd.{letter}", largest, half_ulp - 1) == largest
    assert run(f"fadd.{letter}", largest, half_ulp) == form.infinity
    assert run(f"fmul.{letter}", largest, largest) == form.infinity


def test_x0_reads_zero_and_drops_a_result() -> None:
    """M8.1, on the machine itself; pc and cycle go on."""
    memory = Memory()
    words = (encode_float("fadd.d", rd=0, rs1=5, rs2=5), encode_float("fmadd.d", rd=6, rs1=5, rs2=5, rs3=0))
    memory.write(0x1000, b"".join(word.to_bytes(4, "little") for word in words))
    machine = ReferenceMachine(memory, 0x1000)
    machine.registers[5] = double(3.0)
    machine.step()
    assert machine.registers == [0, 0, 0, 0, 0, double(3.0), *[0] * 26]
    machine.step()
    assert (machine.registers[6], machine.pc, machine.cycle) == (double(9.0), 0x1008, 2)
    assert machine.status is Status.RUNNING
