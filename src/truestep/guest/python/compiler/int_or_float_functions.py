"""Functions of numbers that may be ints or floats: what Python gives for the kind that they are of."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, overload, overload_method, register_jitable

from truestep.guest.python.compiler.int_or_float import (
    IntOrFloat,
    either,
    float_of,
    holds_float,
    int_of,
    is_member,
)
from truestep.guest.python.compiler.int_or_float_operators import has_either, whole

_REAL = {
    *(math.sqrt, math.exp, math.expm1, math.log1p, math.log2, math.log10, math.sin, math.cos, math.tan),
    *(math.asin, math.acos, math.atan, math.sinh, math.cosh, math.tanh, math.asinh, math.acosh, math.atanh),
    *(math.erf, math.erfc, math.gamma, math.lgamma, math.fabs, math.degrees, math.radians),
    *(math.isnan, math.isinf, math.isfinite, math.modf, math.frexp, math.cbrt, math.log),
}
_REAL_PAIRS = {math.pow, math.atan2, math.hypot, math.fmod, math.copysign, math.isclose, math.log}
_UFUNCS = (
    *(np.sqrt, np.exp, np.expm1, np.exp2, np.log, np.log1p, np.log2, np.log10, np.sin, np.cos, np.tan),
    *(np.arcsin, np.arccos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.arccosh, np.arctanh),
    *(np.isnan, np.isinf, np.isfinite, np.radians, np.degrees, np.deg2rad, np.rad2deg, np.cbrt),
)
"""Ufuncs whose result does not depend on whether they are given an int or the float that is equal to it."""
_MIXED_ARRAY = (
    "a guest cannot make an array of this list: all its numbers are ints now, and they may be floats at other"
    " times; write dtype=float or dtype=int"
)


def install_int_or_float_functions() -> None:
    """Add them to Numba's."""
    for function in _REAL:
        overload(function, strict=False)(_of_real(function))
    for function in _REAL_PAIRS:
        overload(function, strict=False)(_of_reals(function))
    for function in _UFUNCS:
        overload(function, strict=False)(_of_ufunc(function))
    for function in (math.floor, math.ceil, math.trunc):
        overload(function, strict=False)(_made_whole(function))
    overload(int, strict=False)(_made_whole(int))
    overload(float, strict=False)(_as_float)
    overload(round, strict=False)(_rounded)
    overload(complex, strict=False)(_complex)
    overload(min, strict=False)(_extreme(operator.lt))
    overload(max, strict=False)(_extreme(operator.gt))
    overload(range, strict=False)(_range)
    overload(operator.getitem, strict=False)(_item)
    overload(operator.setitem, strict=False)(_set_item)
    overload(isinstance, strict=False)(_is_instance)
    overload_method(IntOrFloat, "is_integer")(_is_integer)


def answer_by_kind(of_int: bool, of_float: bool) -> Any:
    """What answers a question about a value's class."""
    return lambda value: of_float if holds_float(value) else of_int


def _is_instance(var: Any, typs: Any) -> Any:
    if not isinstance(var, IntOrFloat):
        return None
    asked = typs.types if isinstance(typs, types.BaseTuple) else (typs,)
    classes = tuple(getattr(kind, "typing_key", object) for kind in asked)
    of_int, of_float = int in classes, float in classes
    return lambda var, typs: of_float if holds_float(var) else of_int


def _as_float(x: Any) -> Any:
    return (lambda x: 1.0 * float_of(x)) if isinstance(x, IntOrFloat) else None


def _of_real(function: Any) -> Any:
    def of_one(x: Any) -> Any:
        return (lambda x: function(float_of(x))) if isinstance(x, IntOrFloat) else None

    return of_one


def _of_reals(function: Any) -> Any:
    def of_two(x: Any, y: Any) -> Any:
        return (lambda x, y: function(float_of(x), float_of(y))) if has_either(x, y) else None

    return of_two


def _of_ufunc(function: Any) -> Any:
    def of_one(x: Any) -> Any:
        return (lambda x: function(float_of(x))) if isinstance(x, IntOrFloat) else None

    return of_one


def _made_whole(function: Any) -> Any:
    def of_one(x: Any) -> Any:
        if not isinstance(x, IntOrFloat):
            return None
        return lambda x: function(float_of(x)) if holds_float(x) else int_of(x)

    return of_one


@intrinsic
def _rounded_float(typing_context: Any, number: Any, digits: Any) -> Any:
    """A float of Python to the nearest multiple of a power of ten."""
    del typing_context, number, digits

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), ir.IntType(64)])
        function = cgutils.get_or_insert_function(builder.module, kind, "truestep_round")
        return builder.call(function, arguments)

    return types.float64(types.float64, types.int64), generate


def _rounded(number: Any, ndigits: Any = None) -> Any:
    if not isinstance(number, IntOrFloat):
        return None
    if ndigits is None or isinstance(ndigits, types.NoneType | types.Omitted):
        return lambda number, ndigits=None: round(float_of(number)) if holds_float(number) else int_of(number)

    def rounded(number: Any, ndigits: Any = None) -> Any:
        if holds_float(number):
            return either(_rounded_float(float_of(number), ndigits))
        return either(round(int_of(number), ndigits))

    return rounded


def _complex(real: Any, imag: Any = 0) -> Any:
    given = [kind for kind in (real, imag) if isinstance(kind, types.Type)]
    if not has_either(*given):
        return None
    return lambda real, imag=0: complex(float_of(real), float_of(imag))


def _extreme(is_better: Any) -> Any:
    """Min or max of several numbers: the first of those that are equal."""

    @register_jitable
    def better(one: Any, other: Any) -> Any:
        return either(other) if is_better(either(other), either(one)) else either(one)

    def of_several(*numbers: Any) -> Any:
        given = numbers[0].types if len(numbers) == 1 and isinstance(numbers[0], types.BaseTuple) else numbers
        if not has_either(*given) or not all(map(is_member, given)) or not 2 <= len(given) <= 4:
            return None
        if len(given) == 2:
            return lambda *numbers: better(numbers[0], numbers[1])
        if len(given) == 3:
            return lambda *numbers: better(better(numbers[0], numbers[1]), numbers[2])
        return lambda *numbers: better(better(better(numbers[0], numbers[1]), numbers[2]), numbers[3])

    return of_several


def _range(start: Any, stop: Any = None, step: Any = None) -> Any:
    given = [kind for kind in (start, stop, step) if isinstance(kind, types.Type)]
    given = [kind for kind in given if not isinstance(kind, types.Omitted)]
    if not has_either(*given):
        return None
    if len(given) == 1:
        return lambda start, stop=None, step=None: range(whole(start))
    if len(given) == 2:
        return lambda start, stop=None, step=None: range(whole(start), whole(stop))
    return lambda start, stop=None, step=None: range(whole(start), whole(stop), whole(step))


def _item(items: Any, index: Any) -> Any:
    is_sequence = isinstance(items, types.List | types.UnicodeType | types.Array | types.UniTuple)
    if not isinstance(index, IntOrFloat) or not is_sequence:
        return None
    return lambda items, index: items[whole(index)]


def _set_item(items: Any, index: Any, value: Any) -> Any:
    if isinstance(index, IntOrFloat) and isinstance(items, types.List | types.Array):

        def set_at(items: Any, index: Any, value: Any) -> None:
            items[whole(index)] = value

        return set_at
    if isinstance(value, IntOrFloat) and isinstance(items, types.Array):
        if isinstance(items.dtype, types.Float | types.Complex):

            def set_real(items: Any, index: Any, value: Any) -> None:
                items[index] = float_of(value)

            return set_real
        if isinstance(items.dtype, types.Integer):

            def set_whole(items: Any, index: Any, value: Any) -> None:
                items[index] = int(value)

            return set_whole
    return None


def _is_integer(number: Any) -> Any:
    return lambda number: float_of(number).is_integer() if holds_float(number) else True


@register_jitable
def all_ints(numbers: Any) -> bool:
    """Whether a list has items, and no float."""
    for number in numbers:
        if holds_float(number):
            return False
    return len(numbers) > 0


def is_mixed_list(kind: Any) -> bool:
    """Whether it is the type of a list of numbers that may be ints or floats."""
    return isinstance(kind, types.List) and isinstance(kind.dtype, IntOrFloat)


@register_jitable
def mixed_array(numbers: Any) -> Any:
    """np.array of a list of numbers that may be ints or floats. Compiled only."""
    if all_ints(numbers):
        raise NotImplementedError(_MIXED_ARRAY)
    array = np.empty(len(numbers), np.float64)
    for index in range(len(numbers)):
        array[index] = float_of(numbers[index])
    return array
