"""`fractions.Fraction` of numbers that are written out: its value is known when the guest is compiled.

Fractions are computed exactly there. With a float they are floats, as in Python, and are compared with it
exactly. A fraction of numbers that the guest computes is refused.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import math
import operator
from fractions import Fraction
from typing import Any

from numba import njit
from numba.core import datamodel, errors, imputils, ir, ir_utils, types
from numba.core.extending import overload, overload_attribute, typeof_impl

from truestep.guest.python.compiler.hopeless import note_hopeless

_lowering: Any = imputils.builtin_registry
_COMPARED = {
    operator.lt: (operator.lt, operator.le), operator.le: (operator.lt, operator.le),
    operator.gt: (operator.ge, operator.gt), operator.ge: (operator.ge, operator.gt),
}  # fmt: skip
"""How a float is compared with the float next to a fraction: if that is above it, and if it is below."""
_MIRRORED = {
    operator.lt: operator.gt, operator.le: operator.ge, operator.gt: operator.lt, operator.ge: operator.le,
    operator.eq: operator.eq, operator.ne: operator.ne,
}  # fmt: skip
_ARITHMETIC = (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow)
_REFUSED = (
    "a guest has fractions only of integers that are written out; "
    "compute with integers for numerator and denominator, with math.gcd, or with floats"
)
_SIZE_MAX = 1 << 20
"""Bits of a numerator or denominator: more are no constant of a formula."""


class ExactFraction(types.Opaque):
    """The type of one fraction."""

    def __init__(self, value: Fraction) -> None:
        self.value = value
        kind: Any = super()
        kind.__init__(f"Fraction({value.numerator}, {value.denominator})")


def install_exact_fractions() -> None:
    """Let guests have them."""
    datamodel.register_default(ExactFraction)(datamodel.models.OpaqueModel)
    typeof_impl.register(Fraction)(_type_of)
    _lowering.lower_constant(ExactFraction)(_dummy)
    _lowering.lower_cast(ExactFraction, types.float64)(_cast)
    overload(Fraction, prefer_literal=True, strict=False)(_made)
    overload(float, strict=False)(_as_float)
    overload(operator.neg, strict=False)(_negated)
    overload_attribute(ExactFraction, "numerator")(lambda fraction: _answering(fraction.value.numerator))
    overload_attribute(ExactFraction, "denominator")(lambda fraction: _answering(fraction.value.denominator))
    for function in _ARITHMETIC:
        overload(function, prefer_literal=True, strict=False)(_arithmetic(function))
    for function in _MIRRORED:
        overload(function, prefer_literal=True, strict=False)(_comparison(function))


_ITEMS = {"getitem", "static_getitem", "pair_first", "exhaust_iter"}
"""What gives an item, which is no number that is written out."""


def check_fractions(func_ir: Any, name: str) -> None:
    """Refuse calls of `Fraction`, which a variable holds, with items. Raises TypingError."""
    for block in func_ir.blocks.values():
        for call in block.find_exprs(op="call"):
            if call.func.name == name and any(_is_item(func_ir, argument) for argument in call.args):
                raise errors.TypingError(_REFUSED, loc=call.loc)


def _is_item(func_ir: Any, variable: Any) -> bool:
    made: Any = ir_utils.guard(ir_utils.get_definition, func_ir, variable)
    return isinstance(made, ir.Expr) and made.op in _ITEMS


def _type_of(value: Fraction, context: Any) -> Any:
    del context
    return ExactFraction(value)


def _dummy(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    del builder, kind, value
    return context.get_dummy_value()


def _cast(context: Any, builder: Any, from_: Any, to: Any, value: Any) -> Any:
    del builder, value
    return context.get_constant(to, float(from_.value))


def _known(kind: Any) -> Any:
    """The number that a type stands for; None if it is not known."""
    if isinstance(kind, ExactFraction):
        return kind.value
    if isinstance(kind, types.Omitted):
        return kind.value
    value: Any = getattr(kind, "literal_value", None)
    known: Any = value if type(value) is int else None
    return known


def _made(numerator: Any, denominator: Any = 1) -> Any:
    values: list[Any] = [_known(numerator), denominator if denominator == 1 else _known(denominator)]
    if None in values or values[1] == 0:
        note_hopeless()
        raise errors.TypingError(_REFUSED)
    made = Fraction(*values)
    return lambda numerator, denominator=1: made


def _as_float(value: Any) -> Any:
    if not isinstance(value, ExactFraction):
        return None
    number = float(value.value)
    return lambda value: number


def _negated(value: Any) -> Any:
    if not isinstance(value, ExactFraction):
        return None
    made = -value.value
    return lambda value: made


def _answering(number: int) -> Any:
    return lambda fraction: number


def _arithmetic(function: Any) -> Any:
    def computed(one: Any, other: Any) -> Any:
        """Exactly if both are known; else with the float next to the fraction, as Python computes it."""
        if not (isinstance(one, ExactFraction) or isinstance(other, ExactFraction)):
            return None
        first, second = _known(one), _known(other)
        if first is not None and second is not None:
            return _computed_exactly(function, first, second)
        number: Any = first if second is None else second
        given = one if first is None else other
        if not isinstance(given, types.Float | types.Complex):
            return None
        if function is operator.pow and first is None and number.denominator == 1:
            exponent = int(number)
            return lambda one, other: one**exponent
        value = float(number)
        if first is None:
            return lambda one, other: function(one, value)
        return lambda one, other: function(value, other)

    return computed


def _computed_exactly(function: Any, first: Any, second: Any) -> Any:
    if function is operator.pow and Fraction(second).denominator != 1:
        base, exponent = float(first), float(second)
        return lambda one, other: base**exponent
    if function is operator.pow and abs(second) * _bits_of(first) > _SIZE_MAX:
        return None
    try:
        made = function(first, second)
    except ZeroDivisionError:
        return None
    return lambda one, other: made


def _bits_of(number: Any) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def _comparison(function: Any) -> Any:
    def compared(one: Any, other: Any) -> Any:
        first, second = _known(one), _known(other)
        if not (isinstance(one, ExactFraction) or isinstance(other, ExactFraction)):
            return None
        if first is not None and second is not None:
            holds = function(first, second)
            return lambda one, other: holds
        if first is None:
            known: Any = second
            number_compared = _compared_with(one, function, known)
            return number_compared and (lambda one, other: number_compared(one))
        number_compared = _compared_with(other, _MIRRORED[function], first)
        return number_compared and (lambda one, other: number_compared(other))

    return compared


def _compared_with(kind: Any, function: Any, fraction: Fraction) -> Any:
    """What compares a number with a fraction; None for what is no number."""
    if isinstance(kind, types.Integer):
        return njit(_of_integer(function, fraction))
    if not isinstance(kind, types.Float):
        return None
    value = float(fraction)
    next_to = Fraction(value)
    if function is operator.eq and next_to != fraction:
        return njit(lambda number: False)
    if function is operator.ne and next_to != fraction:
        return njit(lambda number: True)
    if next_to != fraction:
        function = _COMPARED[function][next_to < fraction]
    return njit(lambda number: function(number, value))


def _of_integer(function: Any, fraction: Fraction) -> Any:
    is_whole = fraction.denominator == 1
    if function in {operator.eq, operator.ne} and not is_whole:
        answer = function is operator.ne
        return lambda number: answer
    rounds_down = function in {operator.gt, operator.le}
    limit = math.floor(fraction) if rounds_down else math.ceil(fraction)
    return lambda number: function(number, limit)
