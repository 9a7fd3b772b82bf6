"""Polynomials given by their coefficients, the highest power first."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    common_dtype,
    is_number,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.sums import forget


def install_polynomials() -> None:
    """Add them to Numba's."""
    forget(np.roots, "")
    for function, implementation in (
        (np.polyval, _polyval),
        (np.polyfit, _polyfit),
        (np.polyder, _polyder),
        (np.polyint, _polyint),
        (np.polyadd, _polyadd),
        (np.polysub, _polysub),
        (np.polymul, _polymul),
        (np.roots, _roots),
        (np.poly, _poly),
        (np.polydiv, _polydiv),
    ):
        extend(function, implementation)


def _coefficients(*kinds: Any) -> Any:
    """The types of the arrays of coefficients, or None if one is something else."""
    arrays = [array_of(kind) for kind in kinds]
    fit = all(array is not None and array.ndim == 1 and is_number(array.dtype) for array in arrays)
    return arrays if fit else None


def _polyval(p: Any, x: Any) -> Any:
    arrays = _coefficients(p)
    if arrays is None:
        return None
    if is_number(x):
        number = numpy_support.as_dtype(common_dtype(arrays[0].dtype, types.unliteral(x))).type

        def value(p: Any, x: Any) -> Any:
            result = number(0)
            for coefficient in as_array(p):
                result = number(result * number(x) + number(coefficient))
            return result

        return value
    if array_of(x) is None:
        return None
    dtype = numpy_support.as_dtype(common_dtype(arrays[0].dtype, array_of(x).dtype))

    def values(p: Any, x: Any) -> Any:
        places = as_array(x).astype(dtype)
        results = np.zeros(places.shape, dtype)
        for coefficient in as_array(p).astype(dtype):
            results = results * places + coefficient
        return results

    return values


def _polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None) -> Any:
    refuse(w=w)
    if _coefficients(x, y) is None or not isinstance(deg, types.Integer) or not isinstance(full, bool):
        return None

    def fit(x: Any, y: Any, deg: Any, rcond: Any = None, full: Any = False, w: Any = None) -> Any:
        places = as_array(x).astype(np.float64)
        if len(places) != len(y):
            raise TypeError("expected x and y to have same length")
        powers = np.vander(places, deg + 1)
        scale = np.sqrt((powers * powers).sum(axis=0))
        least = len(places) * 2.0**-52
        return np.linalg.lstsq(powers / scale, as_array(y).astype(np.float64), least)[0] / scale

    return fit if is_none(rcond) else None


def _polyder(p: Any, m: Any = 1) -> Any:
    if _coefficients(p) is None:
        return None

    def derivative(p: Any, m: Any = 1) -> Any:
        result = as_array(p).copy()
        for _ in range(m):
            result = result[:-1] * np.arange(len(result) - 1, 0, -1)
        return result

    return derivative


def _polyint(p: Any, m: Any = 1, k: Any = None) -> Any:
    refuse(k=k)
    if _coefficients(p) is None:
        return None

    def integral(p: Any, m: Any = 1, k: Any = None) -> Any:
        result = as_array(p) / 1.0
        for _ in range(m):
            result = np.append(result / np.arange(len(result), 0, -1), 0.0)
        return result

    return integral if array_of(p).dtype not in {types.float32, types.complex64} else None


def _polyadd(a1: Any, a2: Any) -> Any:
    return _combined(a1, a2, _added)


def _polysub(a1: Any, a2: Any) -> Any:
    return _combined(a1, a2, _subtracted)


def _added(one: Any, other: Any) -> Any:
    return one + other


def _subtracted(one: Any, other: Any) -> Any:
    return one - other


def _combined(a1: Any, a2: Any, function: Any) -> Any:
    arrays = _coefficients(a1, a2)
    if arrays is None:
        return None
    dtype = numpy_support.as_dtype(common_dtype(*(array.dtype for array in arrays)))

    def combined(a1: Any, a2: Any) -> Any:
        one, other = as_array(a1), as_array(a2)
        size = max(len(one), len(other))
        first, second = np.zeros(size, dtype), np.zeros(size, dtype)
        first[size - len(one) :] = one
        second[size - len(other) :] = other
        return function(first, second)

    return combined


def _polymul(a1: Any, a2: Any) -> Any:
    if _coefficients(a1, a2) is None:
        return None
    return lambda a1, a2: np.convolve(_without_zeros(as_array(a1)), _without_zeros(as_array(a2)))


def _without_zeros(coefficients: Any) -> Any:
    """The coefficients from the first that is not 0, but the last in any case."""
    for index in range(len(coefficients) - 1):
        if coefficients[index] != 0:
            return np.ascontiguousarray(coefficients[index:])
    return np.ascontiguousarray(coefficients[len(coefficients) - 1 :])


def _roots(p: Any) -> Any:
    arrays = _coefficients(p)
    if arrays is None or arrays[0].dtype in {types.float32, types.complex64}:
        return None
    number = np.complex128 if isinstance(arrays[0].dtype, types.Complex) else np.float64

    def roots(p: Any) -> Any:
        given = as_array(p).astype(number)
        places = np.flatnonzero(given)
        if len(places) == 0:
            return np.zeros(0, number)
        last = places[-1]
        kept = given[places[0] : last + 1]
        size = len(kept) - 1
        out = np.zeros(size + len(given) - 1 - last, number)
        if size > 0:
            companion = np.diag(np.ones(size - 1, number), -1)
            companion[0] = -kept[1:] / kept[0]
            out[:size] = np.linalg.eigvals(companion)
        return out

    return roots


def _poly(seq_of_zeros: Any) -> Any:
    array = array_of(seq_of_zeros)
    if array is None or array.ndim not in {1, 2} or not is_number(array.dtype):
        return None
    number = np.result_type(numpy_support.as_dtype(array.dtype), np.float32)
    if array.ndim == 2:
        return lambda seq_of_zeros: _product_of_zeros(np.linalg.eigvals(as_array(seq_of_zeros)))
    return lambda seq_of_zeros: _product_of_zeros(as_array(seq_of_zeros).astype(number))


def _product_of_zeros(zeros: Any) -> Any:
    out = np.ones(1, zeros.dtype)
    for zero in zeros:
        longer = np.zeros(len(out) + 1, zeros.dtype)
        longer[:-1] = out
        longer[1:] -= zero * out
        out = longer
    return out


def _polydiv(u: Any, v: Any) -> Any:
    arrays = _coefficients(u, v)
    if arrays is None:
        return None
    dtype = np.result_type(*(numpy_support.as_dtype(array.dtype) for array in arrays), np.float64)

    def divide(u: Any, v: Any) -> Any:
        rest, divisor = as_array(u).astype(dtype), as_array(v).astype(dtype)
        steps, last = len(rest) - len(divisor) + 1, len(divisor)
        quotient = np.zeros(max(steps, 1), dtype)
        scale = 1.0 / divisor[0]
        for index in range(steps):
            factor = scale * rest[index]
            quotient[index] = factor
            rest[index : index + last] -= factor * divisor
        start = 0
        while abs(rest[start]) <= 1e-8 and start < len(rest) - 1:
            start += 1
        return quotient, rest[start:]

    return divide
