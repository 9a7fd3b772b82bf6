"""Histograms of pairs of numbers."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, literal
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.selecting import bin_of


def install_histograms() -> None:
    """Add them to Numba's."""
    extend(np.histogram2d, _histogram2d)


def _histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = False, weights: Any = None
) -> Any:
    arrays = [array_of(x), array_of(y)]
    if any(array is None or array.ndim != 1 or array.dtype not in _DTYPES for array in arrays):
        raise errors.TypingError("a guest has np.histogram2d of two arrays of float64 or int64")
    if isinstance(bins, types.Array | types.List):
        raise errors.TypingError("a guest has np.histogram2d with a number of bins, or a tuple of two")
    is_density = bool(literal(density, "density"))

    def histogram2d(
        x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = False, weights: Any = None
    ) -> Any:
        one, other = as_array(x).astype(np.float64), as_array(y).astype(np.float64)
        if len(one) != len(other):
            raise ValueError("x and y must have the same length.")
        rows = _edges_of(one, _bins_of(bins, 0), _limits(range, 0))
        columns = _edges_of(other, _bins_of(bins, 1), _limits(range, 1))
        counts = np.zeros((len(rows) - 1, len(columns) - 1))
        for index in np.arange(len(one)):
            row, column = bin_of(rows, one[index]), bin_of(columns, other[index])
            if row >= 0 and column >= 0:
                counts[row, column] += _weight(weights, index)
        if is_density:
            total = counts.sum()
            counts = counts / np.diff(rows).reshape(-1, 1) / np.diff(columns).reshape(1, -1) / total
        return counts, rows, columns

    return histogram2d


_DTYPES = {types.float64, types.int64}


def _weight(weights: Any, index: Any) -> Any:
    raise NotImplementedError


@overload(_weight, strict=False)
def _weight_of(weights: Any, index: Any) -> Any:
    if is_none(weights):
        return lambda weights, index: 1.0
    return lambda weights, index: np.float64(as_array(weights)[index])


def _bins_of(bins: Any, axis: Any) -> Any:
    raise NotImplementedError


@overload(_bins_of, strict=False, prefer_literal=True)
def _bins_of_axis(bins: Any, axis: Any) -> Any:
    if not isinstance(bins, types.BaseTuple):
        return lambda bins, axis: bins
    place = axis.literal_value
    if len(bins) != 2:
        raise errors.TypingError("a guest has np.histogram2d with a number of bins, or a tuple of two")
    return lambda bins, axis: bins[place]


def _limits(range: Any, axis: Any) -> Any:
    raise NotImplementedError


@overload(_limits, strict=False)
def _limits_of(range: Any, axis: Any) -> Any:
    if is_none(range):
        return lambda range, axis: None

    def limits(range: Any, axis: Any) -> Any:
        given = as_array(range)
        return (np.float64(given[axis, 0]), np.float64(given[axis, 1]))

    return limits


def _edges_of(items: Any, bins: Any, limits: Any) -> Any:
    raise NotImplementedError


@overload(_edges_of, strict=False)
def _edges_of_axis(items: Any, bins: Any, limits: Any) -> Any:
    if not isinstance(bins, types.Integer):
        return lambda items, bins, limits: as_array(bins).astype(np.float64)
    if is_none(limits):

        def between_extremes(items: Any, bins: Any, limits: Any) -> Any:
            if len(items) == 0:
                return _even_edges(0.0, 1.0, bins)
            return _even_edges(np.min(items), np.max(items), bins)

        return between_extremes
    return lambda items, bins, limits: _even_edges(limits[0], limits[1], bins)


def _even_edges(low: Any, high: Any, count: Any) -> Any:
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("the range of the histogram is not finite")
    if low > high:
        raise ValueError("max must be larger than min in range parameter.")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, count + 1)
