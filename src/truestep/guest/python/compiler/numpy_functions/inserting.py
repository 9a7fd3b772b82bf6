"""insert along an axis, and delete by a mask."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number
from truestep.guest.python.compiler.numpy_functions.axes import first_put_back, is_none, place_of, with_first
from truestep.guest.python.compiler.numpy_functions.extending import extend_first


def install_inserting() -> None:
    """Add them to Numba's."""
    extend_first(np.insert, _insert)
    extend_first(np.delete, _delete_masked)


def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    array, given, places = array_of(arr), array_of(values), array_of(obj)
    if array is None or (given is None and not is_number(types.unliteral(values))):
        return None
    if not isinstance(obj if places is None else places.dtype, types.Integer):
        return None
    if not (is_none(axis) or isinstance(axis, types.Integer)):
        return None
    put = _put_one if places is None else _put_several
    if is_none(axis):
        return lambda arr, obj, values, axis=None: put(as_array(arr).ravel(), obj, values, 0)
    return lambda arr, obj, values, axis=None: put(as_array(arr), obj, values, place_of(axis, arr.ndim))


def _put_one(items: Any, index: Any, values: Any, axis: Any) -> Any:
    # NumPy takes the first axis of the values for the one along which they are inserted.
    return _put_at(items, np.int64(index), _as_stretched(values, items), axis)


def _put_at(items: Any, index: Any, rows: Any, axis: Any) -> Any:
    """The items with rows, which have the inserted axis first, before an index."""
    source = with_first(items, axis)
    size = len(source)
    if not -size <= index <= size:
        raise IndexError("index is out of bounds for the axis")
    start = index + size if index < 0 else index
    out = np.empty(tuple_setitem(source.shape, 0, size + len(rows)), items.dtype)
    out[:start] = source[:start]
    out[start : start + len(rows)] = rows
    out[start + len(rows) :] = source[start:]
    return np.ascontiguousarray(first_put_back(out, axis))


def _put_several(items: Any, indices: Any, values: Any, axis: Any) -> Any:
    places = as_array(indices).ravel().astype(np.int64)
    source = with_first(items, axis)
    size = len(source)
    for at in range(len(places)):
        if not -size <= places[at] <= size:
            raise IndexError("index is out of bounds for the axis")
        places[at] += size if places[at] < 0 else 0
    if len(places) == 1:
        return _put_at(items, places[0], with_first(_as_stretched(values, items), axis), axis)
    order = np.argsort(places, kind="mergesort")
    for at in range(len(order)):
        places[order[at]] += at
    out = np.empty(tuple_setitem(source.shape, 0, size + len(places)), items.dtype)
    is_old = np.ones(len(out), np.bool_)
    shape = tuple_setitem(source.shape, 0, len(places))
    inserted = with_first(_stretched_over(values, first_put_back(np.empty(shape, items.dtype), axis)), axis)
    for at in range(len(places)):
        is_old[places[at]] = False
        out[places[at]] = inserted[at]
    count = 0
    for at in range(len(out)):
        if is_old[at]:
            out[at] = source[count]
            count += 1
    return np.ascontiguousarray(first_put_back(out, axis))


def _as_stretched(values: Any, items: Any) -> Any:
    """The values with as many dimensions as the items."""
    raise NotImplementedError


@overload(_as_stretched, strict=False)
def _as_stretched_of(values: Any, items: Any) -> Any:
    given = array_of(values)
    missing = items.ndim - (0 if given is None else given.ndim)
    if missing < 0:
        return None
    ones = (1,) * missing
    if given is None or given.ndim == 0:
        return lambda values, items: np.full(ones, values).astype(items.dtype)
    return lambda values, items: (
        np.ascontiguousarray(as_array(values)).reshape(ones + as_array(values).shape).astype(items.dtype)
    )


def _stretched_over(values: Any, out: Any) -> Any:
    out[...] = _as_stretched(values, out)
    return out


def _delete_masked(arr: Any, obj: Any, axis: Any = None) -> Any:
    mask = array_of(obj)
    if array_of(arr) is None or mask is None or not isinstance(mask.dtype, types.Boolean):
        return None
    if is_none(axis):

        def delete_of_all(arr: Any, obj: Any, axis: Any = None) -> Any:
            items = as_array(arr).ravel()
            return items[~_checked(as_array(obj), len(items))]

        return delete_of_all

    def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
        items = as_array(arr)
        place = place_of(axis, items.ndim)
        source = with_first(items, place)
        kept = np.flatnonzero(~_checked(as_array(obj), len(source)))
        out = np.empty(tuple_setitem(source.shape, 0, len(kept)), items.dtype)
        for at in range(len(kept)):
            out[at] = source[kept[at]]
        return np.ascontiguousarray(first_put_back(out, place))

    return delete


def _checked(mask: Any, size: Any) -> Any:
    if mask.size != size:
        raise ValueError(
            "boolean array argument obj to delete must be one dimensional and match the axis length"
        )
    return mask.ravel()
