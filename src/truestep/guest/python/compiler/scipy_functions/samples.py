"""scipy.integrate: rules for samples of a function."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload

from truestep.guest.python.compiler.scipy_functions.vectors import doubles


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0) -> Any:
    """`scipy.integrate.trapezoid` of a vector."""
    values = doubles(y)
    widths = _widths(x, dx, len(values))
    return np.sum(widths * (values[1:] + values[:-1]) / 2.0)


def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, initial: Any = None) -> Any:
    """`scipy.integrate.cumulative_trapezoid` of a vector."""
    values = doubles(y)
    widths = _widths(x, dx, len(values))
    return _begun(np.cumsum(widths * (values[1:] + values[:-1]) / 2.0), initial)


def simpson(y: Any, x: Any = None, dx: Any = 1.0) -> Any:
    """`scipy.integrate.simpson` of a vector, with Cartwright's correction for an even number of samples."""
    values = doubles(y)
    count = len(values)
    widths = _widths(x, dx, count)
    if count == 2:
        return 0.5 * widths[0] * (values[1] + values[0])
    if count % 2 == 1:
        return _pairs(values, widths, x)
    h0, h1 = widths[-2], widths[-1]
    last = (2 * h1 * h1 + 3 * h0 * h1) / (6 * (h1 + h0)) if h1 + h0 != 0 else 0.0
    middle = (h1 * h1 + 3.0 * h0 * h1) / (6 * h0) if h0 != 0 else 0.0
    first = h1 * h1 * h1 / (6 * h0 * (h0 + h1)) if h0 * (h0 + h1) != 0 else 0.0
    correction = last * values[-1] + middle * values[-2] - first * values[-3]
    return _pairs(values[:-1], widths[:-1], x) + correction


def _pairs(values: Any, widths: Any, x: Any) -> Any:
    """Simpson's rule over pairs of intervals."""
    first, middle, last = values[:-2:2], values[1:-1:2], values[2::2]
    if x is None:
        return np.sum(first + 4.0 * middle + last) * (widths[0] / 3.0)
    h0, h1 = widths[::2], widths[1::2]
    both, product, ratio = h0 + h1, h0 * h1, h0 / h1
    parts = (
        both / 6.0 * (first * (2.0 - 1.0 / ratio) + middle * (both * (both / product)) + last * (2.0 - ratio))
    )
    return np.sum(parts)


def _widths(x: Any, dx: Any, count: Any) -> Any:
    """The widths of the intervals. Compiled only."""
    return np.full(count - 1, float(dx)) if x is None else np.diff(doubles(x))


def _begun(sums: Any, initial: Any) -> Any:
    """The sums, behind the first value if one is given. Compiled only."""
    return sums if initial is None else np.concatenate((np.full(1, float(initial)), sums))


@overload(_widths, strict=False)
def _widths_of(x: Any, dx: Any, count: Any) -> Any:
    if x is None or isinstance(x, types.NoneType | types.Omitted):
        return lambda x, dx, count: np.full(count - 1, float(dx))
    return lambda x, dx, count: np.diff(doubles(x))


@overload(_begun, strict=False)
def _begun_of(sums: Any, initial: Any) -> Any:
    if initial is None or isinstance(initial, types.NoneType | types.Omitted):
        return lambda sums, initial: sums
    return lambda sums, initial: np.concatenate((np.full(1, float(initial)), sums))
