"""Sorting along any axis, lexsort, and unique with everything that it can return."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import (
    is_none,
    place_of,
    row_copies,
    rows_of,
    rows_put_back,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_method


def install_ordering() -> None:
    """Add them to Numba's."""
    extend(np.sort, _sort)
    extend(np.argsort, _argsort)
    extend(np.lexsort, _lexsort)
    extend(np.unique, _unique)
    extend_method("sort", _sort_in_place)
    extend_method("argsort", _argsort)


def _is_sortable(kind: Any) -> bool:
    array = array_of(kind)
    return array is not None and array.ndim > 0 and is_number(array.dtype)


def _sort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
    if not _is_sortable(a):
        return None
    if isinstance(axis, types.NoneType):

        def sort_all(a: Any, axis: Any = -1, kind: Any = None) -> Any:
            items = as_array(a).flatten()
            items.sort()
            return items

        return sort_all

    def sort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        rows = row_copies(items, place)
        for row in rows:
            row.sort()
        return rows_put_back(rows, items, place)

    return sort


def _sort_in_place(a: Any, axis: Any = -1, kind: Any = None) -> Any:
    if not (isinstance(a, types.Array) and a.mutable) or isinstance(axis, types.NoneType):
        return None

    def sort(a: Any, axis: Any = -1, kind: Any = None) -> None:
        a[...] = np.sort(a, axis)

    return sort


def _argsort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
    if not _is_sortable(a):
        return None
    if isinstance(axis, types.NoneType):
        return lambda a, axis=-1, kind=None: np.argsort(as_array(a).ravel(), kind="mergesort")

    def argsort(a: Any, axis: Any = -1, kind: Any = None) -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        rows = rows_of(items, (place,))
        orders = np.empty(rows.shape, np.int64)
        for index in range(len(rows)):
            orders[index] = np.argsort(rows[index], kind="mergesort")
        return rows_put_back(orders, items, place)

    return argsort


def _lexsort(keys: Any, axis: Any = -1) -> Any:
    if isinstance(keys, types.BaseTuple) and len(keys) and all(_is_row(member) for member in keys):

        def lexsort_of_tuple(keys: Any, axis: Any = -1) -> Any:
            return in_order_of_keys(keys, np.arange(len(keys[0])))

        return lexsort_of_tuple
    array = array_of(keys)
    if array is None or array.ndim != 2:
        raise errors.TypingError(
            "a guest has np.lexsort of a tuple of arrays of one dimension, or of a matrix"
        )

    def lexsort(keys: Any, axis: Any = -1) -> Any:
        rows = as_array(keys)
        order = np.arange(rows.shape[1])
        for row in rows:
            order = in_order_of(np.ascontiguousarray(row), order)
        return order

    return lexsort


def _is_row(kind: Any) -> bool:
    array = array_of(kind)
    return array is not None and array.ndim == 1


def in_order_of(key: Any, order: Any) -> Any:
    """The places sorted by their key; equal ones keep their order."""
    return order[np.argsort(key[order], kind="mergesort")]


def in_order_of_keys(keys: Any, order: Any) -> Any:
    """The places sorted by the first key, then by the second, and so on. Compiled only."""
    raise NotImplementedError


@overload(in_order_of_keys, strict=False)
def _in_order_of_keys(keys: Any, order: Any) -> Any:
    if len(keys) == 1:
        return lambda keys, order: in_order_of(as_array(keys[0]), order)
    return lambda keys, order: in_order_of_keys(keys[1:], in_order_of(as_array(keys[0]), order))


def _unique(
    ar: Any,
    return_index: Any = False,
    return_inverse: Any = False,
    return_counts: Any = False,
    axis: Any = None,
) -> Any:
    array = array_of(ar)
    if array is None or not is_number(array.dtype):
        return None
    wants = (
        literal(return_index, "return_index"),
        literal(return_inverse, "return_inverse"),
        literal(return_counts, "return_counts"),
    )
    chosen = _choice(*wants)
    if is_none(axis):

        def unique(
            ar: Any,
            return_index: Any = False,
            return_inverse: Any = False,
            return_counts: Any = False,
            axis: Any = None,
        ) -> Any:
            items = as_array(ar)
            flat = items.flatten()
            order = np.argsort(flat, kind="mergesort")
            starts = _starts(flat[order])
            first = order[starts]
            inverse = _inverse(order, starts).reshape(items.shape)
            return chosen(flat[first], first, inverse, _lengths(starts, len(flat)))

        return unique
    if array.ndim != 2:
        raise errors.TypingError("a guest has np.unique along an axis of matrices only")

    def unique_rows(
        ar: Any,
        return_index: Any = False,
        return_inverse: Any = False,
        return_counts: Any = False,
        axis: Any = None,
    ) -> Any:
        items = as_array(ar)
        place = place_of(axis, 2)
        rows = np.ascontiguousarray(items if place == 0 else items.T)
        order = np.arange(len(rows))
        for column in range(rows.shape[1] - 1, -1, -1):
            order = in_order_of(np.ascontiguousarray(rows[:, column]), order)
        starts = _starts_of_rows(rows, order)
        first = order[starts]
        found = rows[first] if place == 0 else np.ascontiguousarray(rows[first].T)
        return chosen(found, first, _inverse(order, starts), _lengths(starts, len(rows)))

    return unique_rows


def _choice(index: Any, inverse: Any, counts: Any) -> Any:
    """What of (items, indices, inverse, counts) is returned."""
    choices = {
        (False, False, False): lambda items, first, back, sizes: items,
        (True, False, False): lambda items, first, back, sizes: (items, first),
        (False, True, False): lambda items, first, back, sizes: (items, back),
        (False, False, True): lambda items, first, back, sizes: (items, sizes),
        (True, True, False): lambda items, first, back, sizes: (items, first, back),
        (True, False, True): lambda items, first, back, sizes: (items, first, sizes),
        (False, True, True): lambda items, first, back, sizes: (items, back, sizes),
        (True, True, True): lambda items, first, back, sizes: (items, first, back, sizes),
    }
    return choices[bool(index), bool(inverse), bool(counts)]


def _starts(items: Any) -> Any:
    """Where in sorted items a new value begins; all NaNs, which come last, are one."""
    starts = np.empty(len(items), np.int64)
    count = 0
    for index in range(len(items)):
        if index == 0 or not (items[index] == items[index - 1] or _are_nans(items[index], items[index - 1])):
            starts[count] = index
            count += 1
    return starts[:count].copy()


def _are_nans(one: Any, other: Any) -> Any:
    return np.isnan(one) and np.isnan(other)


def _starts_of_rows(rows: Any, order: Any) -> Any:
    starts = np.empty(len(order), np.int64)
    count = 0
    for index in range(len(order)):
        if index == 0 or np.any(rows[order[index]] != rows[order[index - 1]]):
            starts[count] = index
            count += 1
    return starts[:count].copy()


def _inverse(order: Any, starts: Any) -> Any:
    """For each item, which of the different ones it is."""
    inverse = np.empty(len(order), np.int64)
    which = -1
    for index in range(len(order)):
        if which + 1 < len(starts) and starts[which + 1] == index:
            which += 1
        inverse[order[index]] = which
    return inverse


def _lengths(starts: Any, size: Any) -> Any:
    counts = np.empty(len(starts), np.int64)
    for index in range(len(starts)):
        end = starts[index + 1] if index + 1 < len(starts) else size
        counts[index] = end - starts[index]
    return counts
