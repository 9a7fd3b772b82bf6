"""Errors of Python where NumPy would give NaN or infinity: `math`'s functions, and integers of floats.

Only calls in the user's own functions raise: those in functions of NumPy or Numba have NumPy's results.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils, imputils, types
from numba.core.extending import intrinsic
from numba.cpython import builtins, mathimpl

from truestep.guest.python.compiler.calls import place_of_compilation

_NUMBA = Path(numba.__file__).parent
_OWN = Path(__file__).parent
_FOR_USERS = {_OWN / "mathematics.py", _OWN / "int_or_float_functions.py"}
"""The modules whose calls stand for the user's, such as those of `math.log(x, base)`."""

_RANGE: set[Any] = {math.exp, math.expm1, math.cosh, math.sinh, math.gamma, getattr(math, "exp2", math.exp)}
"""Functions whose infinite results are too large, not outside of the domain."""
_DOMAIN: set[Any] = {
    math.sqrt, math.log, math.log1p, math.log2, math.log10, math.sin, math.cos, math.tan, math.acos,
    math.asin, math.acosh, math.atanh, math.lgamma, math.fmod,
}  # fmt: skip
_WHOLE: set[Any] = {math.floor, math.ceil, math.trunc}

_LIMIT = 2.0**63


def install_domain_errors() -> None:
    """Check the results of Numba's functions."""
    _wrap(mathimpl.registry, _DOMAIN | _RANGE, _check_result)
    _wrap(mathimpl.registry, {math.pow}, _check_power)
    _wrap(mathimpl.registry, {math.ldexp, math.hypot}, _check_size)
    _wrap(mathimpl.registry, _WHOLE, _check_whole, before=True)
    _wrap(imputils.builtin_registry, {round}, _check_whole, before=True)
    builtins.cast_int = _cast_int


def _wrap(registry: Any, functions: set[Any], check: Callable[..., None], *, before: bool = False) -> None:
    for index, (implementation, function, kinds) in enumerate(registry.functions):
        if function in functions:
            checked = _checking(implementation, function, check, before=before)
            registry.functions[index] = checked, function, kinds


def _checking(implementation: Any, function: Any, check: Callable[..., None], *, before: bool) -> Any:
    def checked(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        is_checked = is_users_place(place_of_compilation())
        if is_checked and before:
            check(context, builder, signature, arguments)
        result = implementation(context, builder, signature, arguments)
        if is_checked and not before:
            given = [
                context.cast(builder, value, kind, types.float64)
                for value, kind in zip(arguments, signature.args, strict=True)
            ]
            wide = context.cast(builder, result, signature.return_type, types.float64)
            check(context, builder, function, given, wide)
        return result

    return checked


def is_users_place(place: Any) -> bool:
    """Whether a line is one of the user's own functions."""
    file = Path(place.filename) if place is not None else _NUMBA
    return file in _FOR_USERS or not (file.is_relative_to(_NUMBA) or file.is_relative_to(_OWN))


def _raise_if(context: Any, builder: Any, condition: Any, kind: type, text: str) -> None:
    with builder.if_then(condition, likely=False):
        context.call_conv.return_user_exc(builder, kind, (text,))


def _all(builder: Any, given: list[Any], test: Callable[..., Any]) -> Any:
    found = cgutils.true_bit
    for value in given:
        found = builder.and_(found, test(builder, value))
    return found


def _is_number(builder: Any, value: Any) -> Any:
    return builder.fcmp_ordered("ord", value, value)


def _check_result(context: Any, builder: Any, function: Any, given: list[Any], result: Any) -> None:
    is_invalid = builder.and_(mathimpl.is_nan(builder, result), _all(builder, given, _is_number))
    is_pole = builder.and_(mathimpl.is_inf(builder, result), _all(builder, given, mathimpl.is_finite))
    if function not in _RANGE:
        _raise_if(context, builder, builder.or_(is_invalid, is_pole), ValueError, "math domain error")
        return
    if function is math.gamma:  # infinite at 0
        is_zero = builder.fcmp_ordered("==", given[0], given[0].type(0.0))
        is_invalid = builder.or_(is_invalid, is_zero)
    _raise_if(context, builder, is_invalid, ValueError, "math domain error")
    _raise_if(context, builder, is_pole, OverflowError, "math range error")


def _check_power(context: Any, builder: Any, function: Any, given: list[Any], result: Any) -> None:
    del function
    is_zero = builder.fcmp_ordered("==", given[0], given[0].type(0.0))
    is_infinite = builder.and_(mathimpl.is_inf(builder, result), _all(builder, given, mathimpl.is_finite))
    is_invalid = builder.and_(mathimpl.is_nan(builder, result), _all(builder, given, _is_number))
    is_invalid = builder.or_(is_invalid, builder.and_(is_infinite, is_zero))
    _raise_if(context, builder, is_invalid, ValueError, "math domain error")
    _raise_if(context, builder, is_infinite, OverflowError, "math range error")


def _check_size(context: Any, builder: Any, function: Any, given: list[Any], result: Any) -> None:
    del function
    is_infinite = builder.and_(mathimpl.is_inf(builder, result), _all(builder, given, mathimpl.is_finite))
    _raise_if(context, builder, is_infinite, OverflowError, "math range error")


def _check_whole(context: Any, builder: Any, signature: Any, arguments: Any) -> None:
    """The only argument becomes an integer. Numba's `//` asks for a floor that remains a float."""
    kind = signature.args[0]
    is_made_whole = isinstance(kind, types.Float) and isinstance(signature.return_type, types.Integer)
    if len(arguments) != 1 or not is_made_whole:
        return
    value = context.cast(builder, arguments[0], kind, types.float64)
    bound = ir.Constant(value.type, _LIMIT)
    fits = builder.and_(
        builder.fcmp_ordered("<", value, bound), builder.fcmp_ordered(">=", value, value.type(-_LIMIT))
    )
    with builder.if_then(builder.not_(fits), likely=False):
        is_nan = mathimpl.is_nan(builder, value)
        _raise_if(context, builder, is_nan, ValueError, "cannot convert float NaN to integer")
        is_infinite = mathimpl.is_inf(builder, value)
        _raise_if(context, builder, is_infinite, OverflowError, "cannot convert float infinity to integer")
        text = "an integer of a guest has 64 bits, and this one has more"
        _raise_if(context, builder, cgutils.true_bit, OverflowError, text)


@intrinsic
def _cast_int(typing_context: Any, number: Any) -> Any:
    """`int(x)` as in Python: a signed number, even if x is a byte of the input.

    Numba keeps the type of x. Then the sum of two bytes is a uint64, and adding an int64 makes it a float.
    """
    del typing_context
    wide = number if number == types.uint64 else types.int64

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _check_whole(context, builder, signature, arguments)
        return context.cast(builder, arguments[0], signature.args[0], signature.return_type)

    return wide(number), generate
