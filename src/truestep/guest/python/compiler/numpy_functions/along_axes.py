"""What a function gives for each row along an axis, put together as NumPy's apply_along_axis does."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array
from truestep.guest.python.compiler.numpy_functions.axes import place_of, rows_of, rows_put_back, without_axes

_NO_ROWS = "Cannot apply_along_axis when any iteration dimensions are 0"


def rows_along(a: Any, axis: Any) -> Any:
    """The rows along an axis, as a matrix. Compiled only."""
    raise NotImplementedError


def put_along(results: Any, a: Any, axis: Any) -> Any:
    """The array of what was found for each row, in the place of the axis. Compiled only."""
    raise NotImplementedError


@overload(rows_along)
def _rows_along(a: Any, axis: Any) -> Any:
    if array_of(a) is None or not isinstance(axis, types.Integer):
        return None

    def rows(a: Any, axis: Any) -> Any:
        items = as_array(a)
        return rows_of(items, (place_of(axis, items.ndim),))

    return rows


@overload(put_along)
def _put_along(results: Any, a: Any, axis: Any) -> Any:
    item: Any = results.dtype
    put = _put_arrays if isinstance(item, types.Array) and item.ndim != 1 else _put_rows
    if not isinstance(item, types.Array):
        put = _put_numbers

    def put_back(results: Any, a: Any, axis: Any) -> Any:
        if len(results) == 0:
            raise ValueError(_NO_ROWS)
        items = as_array(a)
        return put(results, items, place_of(axis, items.ndim))

    return put_back


def _put_numbers(results: Any, items: Any, axis: Any) -> Any:
    return without_axes(rows_put_back(np.array(results).reshape(-1, 1), items, axis), axis)


def _put_rows(results: Any, items: Any, axis: Any) -> Any:
    return rows_put_back(np.ascontiguousarray(as_array(results)), items, axis)


def _put_arrays(results: Any, items: Any, axis: Any) -> Any:
    """The results' axes stand where the axis was."""
    first = results[0]
    stacked = np.empty((len(results), *first.shape), first.dtype)
    for index in range(len(results)):
        stacked[index] = results[index]
    whole = items.shape[1:] + first.shape
    order = whole
    place = 0
    for other in range(items.ndim):
        if other != axis:
            whole = tuple_setitem(whole, place, items.shape[other])
            order = tuple_setitem(order, place if other < axis else place + first.ndim, place)
            place += 1
    for other in range(first.ndim):
        whole = tuple_setitem(whole, place + other, first.shape[other])
        order = tuple_setitem(order, axis + other, place + other)
    return np.ascontiguousarray(stacked.reshape(whole).transpose(order))
