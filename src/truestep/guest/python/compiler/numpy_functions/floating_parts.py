"""Parts of floats and steps of them: modf, frexp, fix, heaviside, i0, and rounding to decimal places."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import math
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.core.typing import mathdecl
from numba.np import arraymath, numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.sums import forget

_bessel: Any = arraymath._i0


def install_floating_parts() -> None:
    """Add them to Numba's."""
    extend(np.modf, _modf)
    extend(np.frexp, _frexp)
    globals_of_math: Any = mathdecl.registry.globals
    globals_of_math[:] = [entry for entry in globals_of_math if entry[0] is not math.frexp]
    extend(math.frexp, _frexp_of_python)
    extend(np.fix, _fix)
    extend(np.heaviside, _heaviside)
    extend(np.i0, _i0)
    for function in (np.round, np.around):
        forget(function, "impl_np_round")
        extend(function, _round)


def float_dtype(ufunc: Any, *kinds: Any) -> Any:
    """The dtype of a ufunc's first result for arrays or numbers of these types."""
    arrays = [array_of(kind) for kind in kinds]
    items = [
        types.unliteral(kind) if array is None else array.dtype
        for kind, array in zip(kinds, arrays, strict=True)
    ]
    if not all(map(is_number, items)):
        raise errors.TypingError(f"a guest has np.{ufunc.__name__} of arrays and numbers")
    found = ufunc.resolve_dtypes((*map(numpy_support.as_dtype, items), *[None] * ufunc.nout))
    if found[ufunc.nin] == np.float16:
        raise errors.TypingError(f"a guest has no float16, which np.{ufunc.__name__} gives for {items[0]}")
    return found[ufunc.nin]


def _modf(x: Any) -> Any:
    number = float_dtype(np.modf, x).type
    if array_of(x) is None:
        return lambda x: (_fraction(number(x), number), np.trunc(number(x)))

    def modf(x: Any) -> Any:
        items = as_array(x).astype(number)
        fractions = np.empty(items.shape, number)
        for place in np.ndindex(items.shape):
            fractions[place] = _fraction(items[place], number)
        return fractions, np.trunc(items)

    return modf


def _fraction(x: Any, number: Any) -> Any:
    """What remains without the integer; it has the sign of x, also if it is zero."""
    if np.isfinite(x):
        return np.copysign(number(x - np.trunc(x)), x)
    return x if np.isnan(x) else np.copysign(number(0), x)


def _frexp(x: Any) -> Any:
    number = float_dtype(np.frexp, x).type
    if array_of(x) is None:

        def frexp_of_number(x: Any) -> Any:
            mantissa, exponent = _mantissa_and_exponent(np.float64(x))
            return number(mantissa), np.int32(exponent)

        return frexp_of_number

    def frexp(x: Any) -> Any:
        items = as_array(x)
        mantissas, exponents = np.empty(items.shape, number), np.empty(items.shape, np.int32)
        for place in np.ndindex(items.shape):
            mantissa, exponent = _mantissa_and_exponent(np.float64(items[place]))
            mantissas[place], exponents[place] = number(mantissa), exponent
        return mantissas, exponents

    return frexp


def _frexp_of_python(x: Any) -> Any:
    return (lambda x: _mantissa_and_exponent(np.float64(x))) if is_number(types.unliteral(x)) else None


def _mantissa_and_exponent(x: Any) -> Any:
    """The mantissa from 0.5 to 1 and the exponent, which is 0 for 0, inf and nan."""
    if x == 0 or not np.isfinite(x):
        return x, np.int64(0)
    shift = 0
    if abs(x) < 2.0**-1022:  # subnormal
        x *= 2.0**54
        shift = 54
    bits = np.float64(x).view(np.int64)
    exponent = ((bits >> 52) & 0x7FF) - 1022
    mantissa = np.int64(bits - (exponent << 52)).view(np.float64)
    return mantissa, np.int64(exponent - shift)


def _fix(x: Any) -> Any:
    if array_of(x) is not None:
        return lambda x: np.trunc(as_array(x))
    return (lambda x: np.trunc(x)) if is_number(types.unliteral(x)) else None


def _heaviside(x1: Any, x2: Any) -> Any:
    number = float_dtype(np.heaviside, x1, x2).type
    if array_of(x1) is None and array_of(x2) is None:
        return lambda x1, x2: _step(number(x1), number(x2), number)

    def heaviside(x1: Any, x2: Any) -> Any:
        items, middles = np.broadcast_arrays(x1, x2)
        out = np.empty(items.shape, number)
        for place in np.ndindex(items.shape):
            out[place] = _step(number(items[place]), number(middles[place]), number)
        return out

    return heaviside


def _step(x: Any, middle: Any, number: Any) -> Any:
    if np.isnan(x):
        return x
    if x == 0:
        return middle
    return number(1) if x > 0 else number(0)


def _i0(x: Any) -> Any:
    array = array_of(x)
    dtype = types.unliteral(x) if array is None else array.dtype
    if not is_number(dtype) or isinstance(dtype, types.Complex):
        raise errors.TypingError("i0 not supported for complex values")
    number = np.float32 if dtype == types.float32 else np.float64

    def i0(x: Any) -> Any:
        items = np.asarray(x)
        out = np.empty(items.shape, number)
        for place in np.ndindex(items.shape):
            out[place] = _bessel(abs(np.float64(items[place])))
        return out

    return i0


def _round(a: Any, decimals: Any = 0, out: Any = None) -> Any:
    array = array_of(a)
    dtype = types.unliteral(a) if array is None else array.dtype
    if not is_number(dtype):
        return None
    if isinstance(dtype, types.Boolean):
        raise errors.TypingError("a guest has no float16, which np.round gives for bool")
    kind = numpy_support.as_dtype(dtype)
    number = kind.type
    if not is_none(out):

        def round_into(a: Any, decimals: Any = 0, out: Any = None) -> Any:
            out[...] = np.round(a, decimals)
            return out

        return round_into
    if array is None:
        return lambda a, decimals=0, out=None: number(_rounded(number(a), decimals))

    def rounded(a: Any, decimals: Any = 0, out: Any = None) -> Any:
        items = as_array(a)
        result = np.empty_like(items)
        for place in np.ndindex(items.shape):
            result[place] = _rounded(items[place], decimals)
        return result

    return rounded


def _rounded(x: Any, decimals: Any) -> Any:
    """As NumPy rounds: by a multiplication, a rounding and a division in the item's own precision."""
    raise NotImplementedError


@overload(_rounded, strict=False)
def _rounded_of(x: Any, decimals: Any) -> Any:
    if isinstance(x, types.Complex):
        number = numpy_support.as_dtype(x).type
        return lambda x, decimals: number(_rounded(x.real, decimals) + 1j * _rounded(x.imag, decimals))
    if isinstance(x, types.Integer):

        def rounded_integer(x: Any, decimals: Any) -> Any:
            if decimals >= 0:
                return np.int64(x)
            unit = np.float64(10) ** -decimals
            return np.int64(np.rint(np.float64(x) / unit) * unit)

        return rounded_integer
    number = numpy_support.as_dtype(x).type

    def rounded_float(x: Any, decimals: Any) -> Any:
        if decimals == 0:
            return np.rint(x)
        unit = number(_power_of_ten(abs(decimals)))
        if decimals > 0:
            return number(np.rint(number(x * unit)) / unit)
        return number(np.rint(number(x / unit)) * unit)

    return rounded_float


def _power_of_ten(exponent: Any) -> Any:
    """By multiplications, as in NumPy: beyond 22 it is not the nearest float."""
    power = 1.0
    for _ in range(exponent):
        power *= 10.0
    return power
