"""Histograms of pairs of numbers, and edges of bins by the rules of their names."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first
from truestep.guest.python.compiler.numpy_functions.selecting import bin_of


def install_histograms() -> None:
    """Add them to Numba's."""
    extend(np.histogram2d, _histogram2d)
    extend(np.histogram_bin_edges, _histogram_bin_edges)
    extend_first(np.histogram, _histogram_by_rule)


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


_RULES = ("sqrt", "sturges", "rice", "scott", "fd", "auto")


def _histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    _ = weights  # NumPy does not use them, either
    rule = _rule_of(a, bins)
    if rule is None:
        return lambda a, bins=10, range=None, weights=None: np.histogram(a, bins, range)[1]
    if is_none(range):
        return lambda a, bins=10, range=None, weights=None: _edges_by_rule(as_array(a).ravel(), rule)
    return lambda a, bins=10, range=None, weights=None: _edges_by_rule_between(
        as_array(a).ravel(), np.float64(as_array(range)[0]), np.float64(as_array(range)[1]), rule
    )


def _histogram_by_rule(a: Any, bins: Any = 10, range: Any = None, density: Any = False) -> Any:
    if _rule_of(a, bins) is None:
        return None
    return lambda a, bins=10, range=None, density=False: np.histogram(
        a, np.histogram_bin_edges(a, bins, range), None, density
    )


def _rule_of(a: Any, bins: Any) -> int | None:
    """The number of the rule that is named; None if there is no name."""
    if not isinstance(bins, types.UnicodeType | types.StringLiteral | str):
        return None
    array, name = array_of(a), literal(bins, "bins")
    if array is None or not is_number(array.dtype) or array.dtype not in _DTYPES:
        raise errors.TypingError("a guest has bins by name of arrays of float64 or int64")
    if name not in _RULES:
        raise errors.TypingError(f"a guest has bins by the names {', '.join(_RULES)}, or a number of bins")
    return _RULES.index(name)


def _edges_by_rule(items: Any, rule: Any) -> Any:
    if len(items) == 0:
        return _even_edges(0.0, 1.0, 1)
    return _edges_by_rule_between(items, np.float64(items.min()), np.float64(items.max()), rule)


def _edges_by_rule_between(items: Any, low: Any, high: Any, rule: Any) -> Any:
    chosen = items[(items >= low) & (items <= high)]
    if low == high:
        low, high = low - 0.5, high + 0.5
    count = 1
    if len(chosen) > 0:
        width = _width_of(chosen, rule)
        if width > 0:
            count = int(np.ceil((high - low) / _whole_width(items, width)))
    return _even_edges(low, high, count)


def _whole_width(items: Any, width: Any) -> Any:
    raise NotImplementedError


@overload(_whole_width, strict=False)
def _whole_width_of(items: Any, width: Any) -> Any:
    if isinstance(items.dtype, types.Integer):
        return lambda items, width: max(width, 1.0)
    return lambda items, width: width


def _width_of(items: Any, rule: Any) -> Any:
    """The width of bins by the formulas in NumPy's documentation of histogram_bin_edges."""
    extent, count = np.float64(np.ptp(items)), len(items)
    if rule == 0:
        return extent / np.sqrt(count)
    if rule == 1:
        return extent / (np.log2(count) + 1.0)
    if rule == 2:
        return extent / (2.0 * count ** (1.0 / 3))
    if rule == 3:
        return (24.0 * np.pi**0.5 / count) ** (1.0 / 3.0) * np.std(items)
    quarters = np.percentile(items, np.array([75.0, 25.0]))
    by_quarters = 2.0 * (quarters[0] - quarters[1]) * count ** (-1.0 / 3.0)
    if rule == 4:
        return by_quarters
    return min(max(by_quarters, extent / np.sqrt(count) / 2), extent / (np.log2(count) + 1.0))
