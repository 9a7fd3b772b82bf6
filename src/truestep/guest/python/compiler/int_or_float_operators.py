"""Operators of numbers that may be ints or floats: each gives what Python gives for both operands' kinds."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import operator
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, overload_method, register_jitable

from truestep.guest.python.compiler.int_or_float import IntOrFloat, either, float_of, holds_float, int_of

_LIMIT = 2.0**63
_EXACT = 1 << 53
"""Integers up to it are floats, so that both are compared as floats."""
_SINGLE: Any = (types.Integer, types.Float, types.Boolean, IntOrFloat)

_ARITHMETIC = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
}
_QUOTIENTS = {"floordiv": operator.floordiv, "mod": operator.mod}
_COMPARISONS = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_BITS = {
    "and_": operator.and_,
    "or_": operator.or_,
    "xor": operator.xor,
    "lshift": operator.lshift,
    "rshift": operator.rshift,
}


def install_int_or_float_operators() -> None:
    """Add them to Numba's."""
    for name, function in _ARITHMETIC.items():
        _add(name, _arithmetic(function))
    for name, function in _QUOTIENTS.items():
        _add(name, _quotient(function))
    for name, function in _BITS.items():
        _add(name, _of_bits(function))
    for function in _COMPARISONS.values():
        overload(function, strict=False)(_comparison(function))
    _add("truediv", _divided)
    _add("pow", _power)
    overload(pow, strict=False)(_power)
    overload(divmod, strict=False)(_divided_with_rest)
    overload(operator.neg, strict=False)(_same_kind(operator.neg))
    overload(operator.pos, strict=False)(_same_kind(operator.pos))
    overload(abs, strict=False)(_same_kind(abs))
    overload(operator.invert, strict=False)(_inverted)
    overload(operator.truth, strict=False)(_truth)
    overload(operator.not_, strict=False)(_falsehood)
    overload_method(IntOrFloat, "__hash__")(_hash)


def _add(name: str, implementation: Any) -> None:
    operators: Any = operator
    overload(getattr(operators, name), strict=False)(implementation)
    overload(getattr(operators, f"i{name.removesuffix('_')}"), strict=False)(implementation)


def has_either(*kinds: Any) -> bool:
    """Whether one of the types is that of a number of either kind, and all are of single numbers."""
    return any(isinstance(kind, IntOrFloat) for kind in kinds) and all(
        isinstance(kind, _SINGLE) for kind in kinds
    )


def _has_floats(*kinds: Any) -> bool:
    return any(isinstance(kind, types.Float) for kind in kinds)


def _check_partner(function: Any, *kinds: Any) -> Any:
    """How a number of either kind meets what is no single real number; None if it meets none."""
    if not any(isinstance(kind, IntOrFloat) for kind in kinds):
        return None
    other: Any = next((kind for kind in kinds if not isinstance(kind, _SINGLE)), None)
    item = other.dtype if isinstance(other, types.Array) else other
    if isinstance(item, types.Complex) or item == types.float64:
        if isinstance(kinds[0], IntOrFloat):
            return lambda left, right: function(float_of(left), right)
        return lambda left, right: function(left, float_of(right))
    if isinstance(other, types.Array | types.UnicodeType | types.List | types.Bytes):
        raise errors.TypingError(
            f"a guest cannot combine {other} with a number that is an int at one time and a float at"
            " another: write float(x) or int(x)"
        )
    return None


def _arithmetic(function: Any) -> Any:
    def computed(left: Any, right: Any) -> Any:
        if not has_either(left, right):
            return _check_partner(function, left, right)
        if _has_floats(left, right):
            return lambda left, right: function(float_of(left), float_of(right))

        def compute(left: Any, right: Any) -> Any:
            if holds_float(left) or holds_float(right):
                return either(function(float_of(left), float_of(right)))
            return either(function(int_of(left), int_of(right)))

        return compute

    return computed


def text_of_zero(function: Any, number: Any) -> str:
    """What this version of Python says of a division by zero."""
    try:
        function(number, number * 0)
    except ZeroDivisionError as error:
        return str(error)
    raise AssertionError(f"expected {function} to refuse zero")


def _quotient(function: Any) -> Any:
    of_floats, of_ints = text_of_zero(function, 1.0), text_of_zero(function, 1)

    @register_jitable
    def of_reals(left: Any, right: Any) -> Any:
        if right == 0.0:
            raise ZeroDivisionError(of_floats)
        return function(left, right)

    @register_jitable
    def of_integers(left: Any, right: Any) -> Any:
        if right == 0:
            raise ZeroDivisionError(of_ints)
        return function(left, right)

    def divided(left: Any, right: Any) -> Any:
        if not has_either(left, right):
            return _check_partner(function, left, right)
        if _has_floats(left, right):
            return lambda left, right: of_reals(float_of(left), float_of(right))

        def compute(left: Any, right: Any) -> Any:
            if holds_float(left) or holds_float(right):
                return either(of_reals(float_of(left), float_of(right)))
            return either(of_integers(int_of(left), int_of(right)))

        return compute

    return divided


_ZERO_OF_FLOATS, _ZERO_OF_INTS = text_of_zero(operator.truediv, 1.0), text_of_zero(operator.truediv, 1)


def _divided(left: Any, right: Any) -> Any:
    if not has_either(left, right):
        return _check_partner(operator.truediv, left, right)

    def divide(left: Any, right: Any) -> Any:
        divisor = float_of(right)
        if divisor == 0.0:
            if holds_float(left) or holds_float(right):
                raise ZeroDivisionError(_ZERO_OF_FLOATS)
            raise ZeroDivisionError(_ZERO_OF_INTS)
        return float_of(left) / divisor

    return divide


def _divided_with_rest(left: Any, right: Any) -> Any:
    if not has_either(left, right):
        return None
    return lambda left, right: (left // right, left % right)


@register_jitable
def _power_of_floats(base: Any, exponent: Any) -> Any:
    result = base**exponent
    if np.isfinite(base) and np.isfinite(exponent) and not np.isfinite(result):
        if np.isnan(result):
            raise ValueError(
                "a negative number to the power of a fraction is complex: in a guest, write"
                " complex(base) ** exponent"
            )
        if base == 0.0:
            raise ZeroDivisionError("0.0 cannot be raised to a negative power")
        raise OverflowError("(34, 'Numerical result out of range')")
    return result


def _power(left: Any, right: Any) -> Any:
    if not has_either(left, right):
        return _check_partner(operator.pow, left, right)
    if _has_floats(left, right):
        return lambda left, right: _power_of_floats(float_of(left), float_of(right))

    def raised(left: Any, right: Any) -> Any:
        if holds_float(left) or holds_float(right) or int_of(right) < 0:
            return either(_power_of_floats(float_of(left), float_of(right)))
        return either(int_of(left) ** int_of(right))

    return raised


@register_jitable
def _order(whole: Any, real: Any) -> int:
    """-1, 0 or 1 as an integer is less than, equal to or greater than a float; 2 if that is not a number."""
    if np.isnan(real):
        return 2
    if real >= _LIMIT:
        return -1
    if real < -_LIMIT:
        return 1
    below = int(np.trunc(real))
    if whole != below:
        return -1 if whole < below else 1
    rest = real - np.trunc(real)
    if rest == 0.0:
        return 0
    return -1 if rest > 0.0 else 1


def _compared(function: Any) -> Any:
    @register_jitable
    def compared(order: int, is_turned: bool) -> bool:
        if order == 2:
            return function(0.0, np.nan)
        return function(-order if is_turned else order, 0)

    return compared


def _comparison(function: Any) -> Any:
    answer = _compared(function)

    def compare(left: Any, right: Any) -> Any:
        if not has_either(left, right):
            return _compared_with_other(function, left, right)

        def compared(left: Any, right: Any) -> Any:
            if holds_float(left):
                if holds_float(right):
                    return function(float_of(left), float_of(right))
                return answer(_order(int_of(right), float_of(left)), True)
            if holds_float(right):
                return answer(_order(int_of(left), float_of(right)), False)
            return function(int_of(left), int_of(right))

        return compared

    return compare


def _compared_with_other(function: Any, left: Any, right: Any) -> Any:
    partner = _check_partner(function, left, right) if not _is_text(left, right) else None
    if partner is not None or function not in {operator.eq, operator.ne}:
        return partner
    if _is_text(left, right) and any(isinstance(kind, IntOrFloat) for kind in (left, right)):
        is_different = function is operator.ne
        return lambda left, right: is_different
    return None


def _is_text(*kinds: Any) -> bool:
    return any(isinstance(kind, types.UnicodeType | types.StringLiteral | types.NoneType) for kind in kinds)


def _same_kind(function: Any) -> Any:
    def of_one(value: Any) -> Any:
        if not isinstance(value, IntOrFloat):
            return None

        def compute(value: Any) -> Any:
            if holds_float(value):
                return either(function(float_of(value)))
            return either(function(int_of(value)))

        return compute

    return of_one


@register_jitable
def whole(number: Any) -> Any:
    """The integer where Python takes integers alone. Compiled only."""
    if holds_float(number):
        raise TypeError("'float' object cannot be interpreted as an integer")
    return int_of(number)


def _of_bits(function: Any) -> Any:
    def of_bits(left: Any, right: Any) -> Any:
        if not has_either(left, right) or _has_floats(left, right):
            return None
        return lambda left, right: function(whole(left), whole(right))

    return of_bits


def _inverted(value: Any) -> Any:
    return (lambda value: ~whole(value)) if isinstance(value, IntOrFloat) else None


def _truth(value: Any) -> Any:
    if not isinstance(value, IntOrFloat):
        return None
    return lambda value: float_of(value) != 0.0 if holds_float(value) else int_of(value) != 0


def _falsehood(value: Any) -> Any:
    return (lambda value: not bool(value)) if isinstance(value, IntOrFloat) else None


def _hash(value: Any) -> Any:
    def hashed(value: Any) -> Any:
        return hash(np.float64(float_of(value))) if holds_float(value) else hash(np.int64(int_of(value)))

    return hashed
