"""What float instructions compute, in integers (docs/machine.md M8): first exactly, then rounded once."""

import operator
from collections.abc import Callable
from functools import partial
from math import isqrt

from truestep.base.integers import sign_extend, signed
from truestep.machine.decode import Instruction
from truestep.machine.float_formats import DOUBLE, SINGLE, Exact, Format, Rounding, exact, rounded, shifted
from truestep.machine.float_words import operand_count

DYNAMIC_ROUNDING = 7

FORMATS = {"s": SINGLE, "d": DOUBLE}
INTEGER_BITS = {"w": 32, "wu": 32, "l": 64, "lu": 64}
"""Widths of the integer types of conversions; types without a `u` are signed."""

Bits = int
"""The bits of a float, as many as its format has."""


def operate(instruction: Instruction, a: int, b: int, c: int) -> int:
    """The 64-bit value for rd, from the values of rs1, rs2 and rs3; unused ones are ignored."""
    mnemonic, *types = instruction.name.split(".")
    if mnemonic == "fcvt":
        target, source = types
        return _convert(target, source, a, rounding_of(instruction))
    form = FORMATS[types[0]]
    operands = [form.low_bits(register) for register in (a, b, c)[: operand_count(instruction.name)]]
    if mnemonic in _TESTS:
        return _TESTS[mnemonic](form, *operands)
    return sign_extend(_ARITHMETIC[mnemonic](form, *operands), form.width)


def rounding_of(instruction: Instruction) -> Rounding:
    """The rounding of an instruction: dynamic is RNE (M8.2)."""
    is_dynamic = instruction.rounding == DYNAMIC_ROUNDING
    return Rounding.RNE if is_dynamic else Rounding(instruction.rounding)


# --- arithmetic: bits in, bits out --------------------------------------------------------------------------


def _add(form: Format, a: Bits, b: Bits) -> Bits:
    if form.is_nan(a) or form.is_nan(b):
        return form.canonical_nan
    if form.is_infinite(a) or form.is_infinite(b):
        return _add_infinite(form, a, b)
    return rounded(form, _sum(exact(form, a), exact(form, b)))


def _subtract(form: Format, a: Bits, b: Bits) -> Bits:
    return _add(form, a, b ^ form.sign_bit)


def _multiply(form: Format, a: Bits, b: Bits) -> Bits:
    special = _special_product(form, a, b)
    return rounded(form, _product(exact(form, a), exact(form, b))) if special is None else special


def _divide(form: Format, a: Bits, b: Bits) -> Bits:
    sign = (form.sign(a) ^ form.sign(b)) * form.sign_bit
    if form.is_nan(a) or form.is_nan(b):
        return form.canonical_nan
    if form.is_infinite(a):
        return form.canonical_nan if form.is_infinite(b) else sign | form.infinity
    if form.is_infinite(b):
        return sign
    if form.is_zero(b):
        return form.canonical_nan if form.is_zero(a) else sign | form.infinity
    return rounded(form, _quotient(form, exact(form, a), exact(form, b)))


def _square_root(form: Format, a: Bits) -> Bits:
    if form.is_zero(a) or a == form.infinity:
        return a
    if form.is_nan(a) or form.sign(a):
        return form.canonical_nan
    return rounded(form, _root(form, exact(form, a)))


def _multiply_add(
    form: Format, a: Bits, b: Bits, c: Bits, *, negated_product: int, negated_addend: int
) -> Bits:
    """±(a · b) ± c, rounded once."""
    a, c = a ^ negated_product * form.sign_bit, c ^ negated_addend * form.sign_bit
    special = _special_product(form, a, b)
    if special is not None:
        return _add(form, special, c)
    if form.is_nan(c):
        return form.canonical_nan
    if form.is_infinite(c):
        return c
    return rounded(form, _sum(_product(exact(form, a), exact(form, b)), exact(form, c)))


def _add_infinite(form: Format, a: Bits, b: Bits) -> Bits:
    """A sum of which at least one side is infinite and neither is a NaN."""
    if form.is_infinite(a) and form.is_infinite(b) and a != b:
        return form.canonical_nan
    return a if form.is_infinite(a) else b


def _special_product(form: Format, a: Bits, b: Bits) -> Bits | None:
    """The product if a factor is a NaN or infinite."""
    if form.is_nan(a) or form.is_nan(b):
        return form.canonical_nan
    if not form.is_infinite(a) and not form.is_infinite(b):
        return None
    if form.is_zero(a) or form.is_zero(b):
        return form.canonical_nan
    return (form.sign(a) ^ form.sign(b)) * form.sign_bit | form.infinity


# --- exact values -------------------------------------------------------------------------------------------


def _sum(a: Exact, b: Exact) -> Exact:
    """The exact sum. A zero sum is negative only if both sides are (RNE)."""
    exponent = min(a.exponent, b.exponent)
    total = a.scaled(exponent) + b.scaled(exponent)
    sign = a.sign & b.sign if total == 0 else int(total < 0)
    return Exact(sign=sign, significand=abs(total), exponent=exponent)


def _product(a: Exact, b: Exact) -> Exact:
    return Exact(
        sign=a.sign ^ b.sign,
        significand=a.significand * b.significand,
        exponent=a.exponent + b.exponent,
    )


def _quotient(form: Format, a: Exact, b: Exact) -> Exact:
    """The quotient with more bits than rounding needs; the last bit says whether there is a remainder."""
    shift = 3 * form.significand_bits
    whole, rest = divmod(a.significand << shift, b.significand)
    return Exact(
        sign=a.sign ^ b.sign,
        significand=whole << 1 | (rest > 0),
        exponent=a.exponent - b.exponent - shift - 1,
    )


def _root(form: Format, a: Exact) -> Exact:
    """The square root in the same way; the exponent is made even first."""
    shift = 4 * form.significand_bits + (a.exponent % 2)
    square = a.significand << shift
    whole = isqrt(square)
    return Exact(
        sign=0,
        significand=whole << 1 | (whole * whole < square),
        exponent=(a.exponent - shift) // 2 - 1,
    )


# --- bits, order, classes -----------------------------------------------------------------------------------


def _inject(form: Format, a: Bits, b: Bits, *, negated: int, kept: int) -> Bits:
    """The magnitude of a with the sign of b, negated (if 1) or combined with the sign of a (if 1)."""
    sign = form.sign(b) ^ negated ^ form.sign(a) * kept
    return sign * form.sign_bit | form.magnitude(a)


def _order(form: Format, bits: Bits) -> int:
    """A number whose order is that of the floats, with -0 below +0."""
    return ~form.magnitude(bits) if form.sign(bits) else form.magnitude(bits)


def _extreme(form: Format, a: Bits, b: Bits, *, choose: Callable[[int, int], int]) -> Bits:
    """The smaller or larger operand; a number is preferred to a NaN."""
    if form.is_nan(a):
        return form.canonical_nan if form.is_nan(b) else b
    if form.is_nan(b):
        return a
    return a if choose(_order(form, a), _order(form, b)) == _order(form, a) else b


def _compare(form: Format, a: Bits, b: Bits, *, relation: Callable[[int, int], bool]) -> int:
    """1 if the relation holds. Zeros are equal; no relation holds for a NaN."""
    if form.is_nan(a) or form.is_nan(b):
        return 0
    return int(relation(_value_order(form, a), _value_order(form, b)))


def _value_order(form: Format, bits: Bits) -> int:
    """A number whose order is that of the values; both zeros are 0."""
    return -form.magnitude(bits) if form.sign(bits) else form.magnitude(bits)


def _classify(form: Format, a: Bits) -> int:
    """One of ten bits: the classes from -∞ to +∞, then signalling and quiet NaN."""
    if form.is_nan(a):
        return 1 << 9 if a & form.quiet_bit else 1 << 8
    magnitude = form.magnitude(a)
    distance = sum(magnitude >= bound for bound in (1, 1 << form.fraction_bits, form.infinity))
    return 1 << (3 - distance if form.sign(a) else 4 + distance)


# --- conversions --------------------------------------------------------------------------------------------


def _to_integer(form: Format, kind: str, a: Bits, rounding: Rounding) -> int:
    """The integer, as a Python number; a value that does not fit saturates (M8.4)."""
    bits, is_signed = INTEGER_BITS[kind], not kind.endswith("u")
    least = -(1 << (bits - 1)) if is_signed else 0
    largest = (1 << (bits - is_signed)) - 1
    if form.is_nan(a):
        return largest
    if form.is_infinite(a):
        return least if form.sign(a) else largest
    value = exact(form, a)
    whole = shifted(value.significand, -value.exponent, value.sign, rounding)
    return max(least, min(-whole if value.sign else whole, largest))


def _from_integer(form: Format, kind: str, register: int, rounding: Rounding) -> Bits:
    bits = INTEGER_BITS[kind]
    value = register % (1 << bits) if kind.endswith("u") else signed(register, bits)
    return rounded(form, Exact(sign=int(value < 0), significand=abs(value), exponent=0), rounding)


def _to_format(form: Format, source: Format, a: Bits) -> Bits:
    if source.is_nan(a):
        return form.canonical_nan
    if source.is_infinite(a):
        return source.sign(a) * form.sign_bit | form.infinity
    return rounded(form, exact(source, a))


# --- instructions: registers in, registers out --------------------------------------------------------------


def _convert(target: str, source: str, register: int, rounding: Rounding) -> int:
    """`fcvt.target.source`; each is a float format or an integer type."""
    if source in INTEGER_BITS:
        form = FORMATS[target]
        return sign_extend(_from_integer(form, source, register, rounding), form.width)
    form = FORMATS[source]
    a = form.low_bits(register)
    if target in INTEGER_BITS:
        return sign_extend(_to_integer(form, target, a, rounding), INTEGER_BITS[target])
    return sign_extend(_to_format(FORMATS[target], form, a), FORMATS[target].width)


_ARITHMETIC: dict[str, Callable[..., Bits]] = {
    "fadd": _add,
    "fsub": _subtract,
    "fmul": _multiply,
    "fdiv": _divide,
    "fsqrt": _square_root,
    "fsgnj": partial(_inject, negated=0, kept=0),
    "fsgnjn": partial(_inject, negated=1, kept=0),
    "fsgnjx": partial(_inject, negated=0, kept=1),
    "fmin": partial(_extreme, choose=min),
    "fmax": partial(_extreme, choose=max),
    "fmadd": partial(_multiply_add, negated_product=0, negated_addend=0),
    "fmsub": partial(_multiply_add, negated_product=0, negated_addend=1),
    "fnmsub": partial(_multiply_add, negated_product=1, negated_addend=0),
    "fnmadd": partial(_multiply_add, negated_product=1, negated_addend=1),
}
"""Operations whose result is a float."""
_TESTS: dict[str, Callable[..., int]] = {
    "fle": partial(_compare, relation=operator.le),
    "flt": partial(_compare, relation=operator.lt),
    "feq": partial(_compare, relation=operator.eq),
    "fclass": _classify,
}
"""Operations whose result is a small integer."""
