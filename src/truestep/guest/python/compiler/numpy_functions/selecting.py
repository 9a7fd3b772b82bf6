"""apply_along_axis, and histograms with weights or densities."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import register_jitable
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import (
    is_none,
    place_of,
    rows_of,
    rows_put_back,
    without_axes,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first
from truestep.guest.python.compiler.numpy_functions.reductions import along


def install_selecting() -> None:
    """Add them to Numba's."""
    for function, implementation in (
        (np.apply_along_axis, _apply_along_axis),
        (np.histogram, _histogram),
    ):
        extend(function, implementation)
    extend_first(np.histogram, _histogram_of_other_types)


def _apply_along_axis(func1d: Any, axis: Any, arr: Any, first: Any = None, second: Any = None) -> Any:
    array = array_of(arr)
    if array is None or not isinstance(axis, types.Integer):
        return None
    more = tuple(kind for kind in (first, second) if not is_none(kind))
    if not more and not _gives_array(func1d, (types.Array(array.dtype, 1, "C"),)):
        return lambda func1d, axis, arr, first=None, second=None: along(func1d, as_array(arr), axis)
    call = (_call_with_row, _call_with_one, _call_with_two)[len(more)]
    put_back = _numbers_put_back
    if _gives_array(func1d, (types.Array(array.dtype, 1, "C"), *more)):
        put_back = _rows_put_back

    def apply(func1d: Any, axis: Any, arr: Any, first: Any = None, second: Any = None) -> Any:
        items = as_array(arr)
        place = place_of(axis, items.ndim)
        rows = rows_of(items, (place,))
        results = [call(func1d, rows[index], first, second) for index in range(len(rows))]
        return put_back(results, items, place)

    return apply


def _gives_array(function: Any, kinds: Any) -> bool:
    found = cpu_target.typing_context.resolve_function_type(function, kinds, {})
    return found is not None and isinstance(found.return_type, types.Array)


def _call_with_row(function: Any, row: Any, first: Any, second: Any) -> Any:
    _ = first, second
    return function(row)


def _call_with_one(function: Any, row: Any, first: Any, second: Any) -> Any:
    _ = second
    return function(row, first)


def _call_with_two(function: Any, row: Any, first: Any, second: Any) -> Any:
    return function(row, first, second)


def _rows_put_back(results: Any, items: Any, axis: Any) -> Any:
    if len(results) == 0:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    return rows_put_back(np.ascontiguousarray(as_array(results)), items, axis)


def _numbers_put_back(results: Any, items: Any, axis: Any) -> Any:
    if len(results) == 0:
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    return without_axes(rows_put_back(np.array(results).reshape(-1, 1), items, axis), axis)


def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = False, weights: Any = None) -> Any:
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    is_density = literal(density, "density")
    count = _counts if is_none(weights) else _weighted
    if not is_none(weights):
        given = array_of(weights)
        if given is None or given.dtype not in {types.float64, types.int64}:
            raise errors.TypingError("a guest weighs histograms with an array of float64 or int64")
    finish = _densities if is_density else _as_they_are
    edges_of = _edges_in_range if not is_none(range) else _edges

    def histogram(
        a: Any, bins: Any = 10, range: Any = None, density: Any = False, weights: Any = None
    ) -> Any:
        items = as_array(a)
        edges = edges_of(items, bins, range)
        return finish(count(items, edges, weights), edges), edges

    return histogram


def _histogram_of_other_types(a: Any, bins: Any = 10, range: Any = None) -> Any:
    """For edges that Numba returns in another type: float32 for float32 arrays, an array for a list."""
    array = array_of(a)
    if isinstance(bins, types.List | types.BaseTuple | types.RangeType):
        return lambda a, bins=10, range=None: np.histogram(a, as_array(bins), range)
    is_count = isinstance(bins, types.Integer | types.Omitted | int)
    if array is None or array.dtype != types.float32 or not is_count:
        return None
    has_range = not is_none(range)

    def histogram(a: Any, bins: Any = 10, range: Any = None) -> Any:
        items = as_array(a)
        if has_range:
            edges = _even_edges(np.float64(range[0]), np.float64(range[1]), bins)
        elif items.size == 0:
            edges = _even_edges(0.0, 1.0, bins)
        else:
            edges = _even_edges(items.min(), items.max(), bins)
        return _counts(items, edges, None), edges

    return histogram


@register_jitable
def _even_edges(low: Any, high: Any, count: Any) -> Any:
    """As np.linspace computes them in the type of the limits, in float32."""
    if count < 1:
        raise ValueError("`bins` must be positive, when an integer")
    if not np.isfinite(low) or not np.isfinite(high):
        raise ValueError("the range of a histogram is not finite")
    if low > high:
        raise ValueError("max must be larger than min in range parameter.")
    ends = np.array([low, high])
    if low == high:
        ends[0] -= 0.5
        ends[1] += 0.5
    places = np.arange(count + 1).astype(ends.dtype)
    edges = places * ((ends[1] - ends[0]) / places[count]) + ends[0]
    edges[count] = ends[1]
    return edges.astype(np.float32)


def _edges(items: Any, bins: Any, limits: Any) -> Any:
    _ = limits
    return np.histogram(items, bins)[1]


def _edges_in_range(items: Any, bins: Any, limits: Any) -> Any:
    return np.histogram(items, bins, limits)[1]


def bin_of(edges: Any, item: Any) -> Any:
    """Which bin an item is in, or -1; the last bin includes its end."""
    if not edges[0] <= item <= edges[-1]:
        return -1
    return min(np.searchsorted(edges, item, "right") - 1, len(edges) - 2)


def _counts(items: Any, edges: Any, weights: Any) -> Any:
    _ = weights
    counts = np.zeros(len(edges) - 1, np.int64)
    for item in items.ravel():
        place = bin_of(edges, item)
        if place >= 0:
            counts[place] += 1
    return counts


def _weighted(items: Any, edges: Any, weights: Any) -> Any:
    shares = as_array(weights).ravel()
    counts = np.zeros(len(edges) - 1, shares.dtype)
    flat = items.ravel()
    if len(flat) != len(shares):
        raise ValueError("weights should have the same shape as a.")
    for index in np.arange(len(flat)):
        place = bin_of(edges, flat[index])
        if place >= 0:
            counts[place] += shares[index]
    return counts


def _as_they_are(counts: Any, edges: Any) -> Any:
    _ = edges
    return counts


def _densities(counts: Any, edges: Any) -> Any:
    return counts / np.diff(edges) / counts.sum()
