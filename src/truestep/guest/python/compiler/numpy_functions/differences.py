"""diff, gradient, trapezoid and products that accumulate, along any axis."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    is_number,
    literal,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import (
    first_put_back,
    is_none,
    place_of,
    rows_of,
    rows_put_back,
    with_first,
    with_ones,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_method
from truestep.guest.python.compiler.numpy_functions.joining import at_least_1d


def install_differences() -> None:
    """Add them to Numba's."""
    for function, implementation in (
        (np.diff, _diff),
        (np.gradient, _gradient),
        (np.trapezoid, _trapezoid),
        (np.cumsum, _cumsum),
        (np.cumprod, _cumprod),
    ):
        extend(function, implementation)
    extend_method("cumsum", _cumsum)
    extend_method("cumprod", _cumprod)


def _is_array_of_numbers(kind: Any) -> bool:
    array = array_of(kind)
    return array is not None and array.ndim > 0 and is_number(array.dtype)


def _diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
    if not _is_array_of_numbers(a):
        return None
    array = array_of(a)
    if not (is_none(prepend) and is_none(append)):
        ndim = array.ndim
        extended = _extended(not is_none(prepend), not is_none(append))
        return lambda a, n=1, axis=-1, prepend=None, append=None: np.diff(
            extended(as_array(a), prepend, append, place_of(axis, ndim)), n, axis
        )
    subtract = _not_equal if isinstance(array.dtype, types.Boolean) else _subtract

    def diff(a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None, append: Any = None) -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        out = np.ascontiguousarray(with_first(items, place))
        for _ in range(n):
            out = subtract(out[1:], out[:-1])
        return np.ascontiguousarray(first_put_back(out, place))

    return diff


def _subtract(a: Any, b: Any) -> Any:
    return a - b


def _not_equal(a: Any, b: Any) -> Any:
    return a != b


def _extended(before: bool, after: bool) -> Any:
    def extended(a: Any, first: Any, last: Any, axis: Any) -> Any:
        if before and after:
            return np.concatenate((_edge(a, first, axis), a, _edge(a, last, axis)), axis)
        if before:
            return np.concatenate((_edge(a, first, axis), a), axis)
        return np.concatenate((a, _edge(a, last, axis)), axis)

    return extended


def _edge(a: Any, value: Any, axis: Any) -> Any:
    """What is put before or after: an array as it is, a number in all rows. Compiled only."""
    raise NotImplementedError


@overload(_edge, strict=False)
def _edge_of(a: Any, value: Any, axis: Any) -> Any:
    if array_of(value) is not None and array_of(value).ndim > 0:
        return lambda a, value, axis: as_array(value)
    return lambda a, value, axis: np.full(tuple_setitem(a.shape, axis, 1), at_least_1d(value)[0])


def _gradient(
    f: Any, first: Any = None, second: Any = None, third: Any = None, axis: Any = None, edge_order: Any = 1
) -> Any:
    if not _is_array_of_numbers(f) or isinstance(array_of(f).dtype, types.Boolean):
        return None
    order = literal(edge_order, "edge_order")
    if order not in {1, 2}:
        raise errors.TypingError("np.gradient has the edge orders 1 and 2")
    if order == 2 and array_of(f).dtype in _SINGLE:
        raise errors.TypingError("a guest has edge_order=2 in double precision; use x.astype(np.float64)")
    count = sum(not is_none(kind) for kind in (first, second, third))
    ndim = array_of(f).ndim
    if isinstance(axis, types.Integer) or ndim == 1:
        place = _given_axis if isinstance(axis, types.Integer) else _only_axis
        return lambda f, first=None, second=None, third=None, axis=None, edge_order=1: _slope(
            as_array(f), _spacing(first), place(axis), order
        )
    if not is_none(axis) or count not in {0, 1, ndim} or ndim > 3:
        raise errors.TypingError(
            "a guest has np.gradient of up to three axes, with one spacing for all or one for each"
        )
    if count > 1:
        slopes = (_slopes_of_two, _slopes_of_three)[ndim - 2]
        return lambda f, first=None, second=None, third=None, axis=None, edge_order=1: slopes(
            as_array(f), _spacing(first), _spacing(second), _spacing(third), order
        )
    slopes = (_slopes_of_two, _slopes_of_three)[ndim - 2]
    return lambda f, first=None, second=None, third=None, axis=None, edge_order=1: slopes(
        as_array(f), _spacing(first), _spacing(first), _spacing(first), order
    )


def _given_axis(axis: Any) -> Any:
    return axis


def _only_axis(axis: Any) -> Any:
    _ = axis
    return 0


def _slopes_of_two(f: Any, first: Any, second: Any, third: Any, order: Any) -> Any:
    _ = third
    return (_slope(f, first, 0, order), _slope(f, second, 1, order))


def _slopes_of_three(f: Any, first: Any, second: Any, third: Any, order: Any) -> Any:
    return (_slope(f, first, 0, order), _slope(f, second, 1, order), _slope(f, third, 2, order))


def _spacing(value: Any) -> Any:
    """1.0, a distance, or an array of coordinates. Compiled only."""
    raise NotImplementedError


@overload(_spacing, strict=False)
def _spacing_of(value: Any) -> Any:
    if is_none(value):
        return lambda value: 1.0
    if is_number(value):
        return lambda value: float(value)
    return lambda value: as_array(value)


def _slope(f: Any, spacing: Any, axis: Any, order: Any) -> Any:
    """The slopes along an axis. Compiled only."""
    raise NotImplementedError


@overload(_slope, strict=False)
def _slope_of(f: Any, spacing: Any, axis: Any, order: Any) -> Any:
    if isinstance(spacing, types.Array) and f.dtype in _SINGLE:
        raise errors.TypingError(
            "a guest has np.gradient with coordinates in double precision: use x.astype(np.float64)"
        )
    is_inexact = isinstance(f.dtype, types.Float | types.Complex)
    number = numpy_support.as_dtype(f.dtype if is_inexact else types.float64)
    real = np.float32 if f.dtype in {types.float32, types.complex64} else np.float64

    def of_even_ones(f: Any, spacing: Any, axis: Any, order: Any) -> Any:
        place = place_of(axis, f.ndim)
        items = np.ascontiguousarray(with_first(f, place)).astype(number)
        if len(items) < order + 1:
            raise ValueError("Shape of array too small to calculate a numerical gradient")
        out = np.empty(items.shape, number)
        out[1:-1] = (items[2:] - items[:-2]) / real(2.0 * spacing)
        out[0] = (items[1] - items[0]) / real(spacing)
        out[-1] = (items[-1] - items[-2]) / real(spacing)
        if order == 2:
            out[0] = -1.5 / spacing * items[0] + 2.0 / spacing * items[1] + -0.5 / spacing * items[2]
            out[-1] = 0.5 / spacing * items[-3] + -2.0 / spacing * items[-2] + 1.5 / spacing * items[-1]
        return np.ascontiguousarray(first_put_back(out, place))

    def of_coordinates(f: Any, spacing: Any, axis: Any, order: Any) -> Any:
        place = place_of(axis, f.ndim)
        if len(spacing) != f.shape[place]:
            raise ValueError("when 1d, distances must match the length of the corresponding dimension")
        if len(spacing) < order + 1:
            raise ValueError("Shape of array too small to calculate a numerical gradient")
        steps = np.diff(spacing)
        if np.all(steps == steps[0]):
            return _slope(f, np.float64(steps[0]), axis, order)
        items = np.ascontiguousarray(with_first(f, place)).astype(number)
        out = np.empty(items.shape, number)
        for index in range(1, len(items) - 1):
            before, after = steps[index - 1], steps[index]
            a = -after / (before * (before + after))
            b = (after - before) / (before * after)
            c = before / (after * (before + after))
            out[index] = a * items[index - 1] + b * items[index] + c * items[index + 1]
        out[0] = (items[1] - items[0]) / steps[0]
        out[-1] = (items[-1] - items[-2]) / steps[-1]
        if order == 2:
            _set_edges(out, items, steps)
        return np.ascontiguousarray(first_put_back(out, place))

    return of_coordinates if isinstance(spacing, types.Array) else of_even_ones


_SINGLE = {types.float32, types.complex64}


def _set_edges(out: Any, items: Any, steps: Any) -> None:
    """The slopes at both ends, of the parabolas through the first and the last three points."""
    one, two = steps[0], steps[1]
    a = -(2.0 * one + two) / (one * (one + two))
    b = (one + two) / (one * two)
    c = -one / (two * (one + two))
    out[0] = a * items[0] + b * items[1] + c * items[2]
    one, two = steps[-2], steps[-1]
    a = two / (one * (one + two))
    b = -(two + one) / (one * two)
    c = (2.0 * two + one) / (two * (one + two))
    out[-1] = a * items[-3] + b * items[-2] + c * items[-1]


def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
    if not _is_array_of_numbers(y):
        return None
    if not is_none(x) and (array_of(x) is None or array_of(x).ndim != 1):
        raise errors.TypingError("a guest has np.trapezoid with an x of one dimension")
    widths = _even_widths if is_none(x) else _widths

    def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: Any = -1) -> Any:
        items = as_array(y)
        place = place_of(axis, items.ndim)
        moved = with_first(items, place)
        later, earlier = first_put_back(moved[1:], place), first_put_back(moved[:-1], place)
        shape = tuple_setitem(with_ones(items.shape, range(items.ndim)), place, -1)
        return np.sum(widths(x, dx, shape) * (later + earlier) / 2.0, place)

    return trapezoid


def _even_widths(x: Any, dx: Any, shape: Any) -> Any:
    _ = x, shape
    return dx


def _widths(x: Any, dx: Any, shape: Any) -> Any:
    _ = dx
    return np.diff(as_array(x)).reshape(shape)


def _cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _accumulated(_sums_so_far, np.cumsum, a, axis, dtype, out)


def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    return _accumulated(_products_so_far, np.cumprod, a, axis, dtype, out)


def _sums_so_far(row: Any) -> Any:
    return np.cumsum(row)


def _products_so_far(row: Any) -> Any:
    return np.cumprod(row)


def _accumulated(of_row: Any, function: Any, a: Any, axis: Any, dtype: Any, out: Any) -> Any:
    refuse(dtype=dtype, out=out)
    if not _is_array_of_numbers(a):
        return None
    if is_none(axis):
        return lambda a, axis=None, dtype=None, out=None: of_row(as_array(a).ravel())
    number = function(np.zeros(1, numpy_support.as_dtype(array_of(a).dtype))).dtype

    def accumulated(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        rows = rows_of(items, (place,))
        results = np.empty(rows.shape, number)
        for index in range(len(rows)):
            results[index] = of_row(rows[index])
        return rows_put_back(results, items, place)

    return accumulated
