"""take, put, place and choose, compress along an axis, and where values are found in sets."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    common_dtype,
    is_number,
    literal,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import (
    first_put_back,
    is_none,
    place_of,
    with_first,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_method
from truestep.guest.python.compiler.numpy_functions.index_conversions import as_any_array

_MODES = ("raise", "wrap", "clip")


def install_taking() -> None:
    """Add them to Numba's."""
    for function, implementation in (
        (np.take, _take),
        (np.put, _put),
        (np.place, _place),
        (np.put_along_axis, _put_along_axis),
        (np.putmask, _putmask),
        (np.choose, _choose),
        (np.compress, _compress),
        (np.isin, _isin),
        (np.intersect1d, _intersect),
    ):
        extend(function, implementation)
    extend_method("take", _take)
    extend_method("put", _put)
    extend_method("compress", _compress_of)
    extend_method("choose", _choose)


def _mode_of(mode: Any) -> int:
    chosen = literal(mode, "mode")
    if chosen not in _MODES:
        raise errors.TypingError(f"expected one of the modes {', '.join(_MODES)}")
    return _MODES.index(chosen)


def _moved(index: Any, size: Any, mode: Any) -> Any:
    """The index of an axis of this size that a mode makes of one."""
    if mode == 1 and size > 0:
        return index % size
    if mode == 2 and size > 0:
        return min(max(index, 0), size - 1)
    if not -size <= index < size:
        raise IndexError("index is out of bounds for the axis")
    return index + size if index < 0 else index


def _is_index(kind: Any) -> bool:
    array = array_of(kind)
    return isinstance(kind if array is None else array.dtype, types.Integer)


def _take(a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
    refuse(out=out)
    if array_of(a) is None or not _is_index(indices):
        return None
    if not (is_none(axis) or isinstance(axis, types.Integer)):
        return None
    which = _mode_of(mode)
    taken = _taken_of_all if is_none(axis) else _taken
    return lambda a, indices, axis=None, out=None, mode="raise": taken(as_array(a), indices, axis, which)


def _taken_of_all(a: Any, indices: Any, axis: Any, mode: Any) -> Any:
    _ = axis
    return _taken(a.ravel(), indices, 0, mode)


def _taken(a: Any, indices: Any, axis: Any, mode: Any) -> Any:
    raise NotImplementedError


@overload(_taken, strict=False)
def _taken_along(a: Any, indices: Any, axis: Any, mode: Any) -> Any:
    array = array_of(indices)
    if array is None and a.ndim == 1:
        return lambda a, indices, axis, mode: a[_moved(indices, len(a), mode)]
    if array is None:
        return lambda a, indices, axis, mode: with_first(a, place_of(axis, a.ndim))[
            _moved(indices, a.shape[axis], mode)
        ].copy()
    shape = (1,) * (a.ndim - 1 + array.ndim)
    more = array.ndim - 1

    def taken(a: Any, indices: Any, axis: Any, mode: Any) -> Any:
        place = place_of(axis, a.ndim)
        given = as_array(indices)
        source, flat = with_first(a, place), given.ravel()
        rows = np.empty(tuple_setitem(source.shape, 0, len(flat)), a.dtype)
        for index in range(len(flat)):
            rows[index] = source[_moved(flat[index], len(source), mode)]
        sizes = shape
        for at in range(len(sizes)):
            if at < place:
                sizes = tuple_setitem(sizes, at, a.shape[at])
            elif at > place + more:
                sizes = tuple_setitem(sizes, at, a.shape[at - more])
            else:
                sizes = tuple_setitem(sizes, at, given.shape[at - place])
        return np.ascontiguousarray(first_put_back(rows, place)).reshape(sizes)

    return taken


def _put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> Any:
    if not isinstance(a, types.Array) or not a.mutable or not _is_index(ind):
        return None
    given = array_of(v)
    if not is_number(types.unliteral(v) if given is None else given.dtype):
        return None
    which = _mode_of(mode)

    def put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
        places, values = _flat(ind), _flat(v)
        if len(values) > 0:
            for index in range(len(places)):
                a.flat[_moved(places[index], a.size, which)] = values[index % len(values)]

    return put


def _is_masked(a: Any, mask: Any, values: Any) -> bool:
    """Whether an array that can change, a mask and values were given."""
    if not isinstance(a, types.Array) or not a.mutable or array_of(mask) is None:
        return False
    given = array_of(values)
    return is_number(types.unliteral(values) if given is None else given.dtype)


def _place(arr: Any, mask: Any, vals: Any) -> Any:
    if not _is_masked(arr, mask, vals):
        return None

    def place(arr: Any, mask: Any, vals: Any) -> None:
        chosen, values = np.flatnonzero(as_array(mask)), _flat(vals)
        if as_array(mask).size != arr.size:
            raise ValueError("place: mask and data must be the same size")
        if len(chosen) > 0 and len(values) == 0:
            raise ValueError("Cannot insert from an empty array!")
        for index in range(len(chosen)):
            arr.flat[chosen[index]] = values[index % len(values)]

    return place


def _putmask(a: Any, mask: Any, values: Any) -> Any:
    if not _is_masked(a, mask, values):
        return None

    def putmask(a: Any, mask: Any, values: Any) -> None:
        chosen, given = np.flatnonzero(as_array(mask)), _flat(values)
        if as_array(mask).size != a.size:
            raise ValueError("putmask: mask and data must be the same size")
        if len(given) > 0:
            for index in chosen:
                a.flat[index] = given[index % len(given)]

    return putmask


def _put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> Any:
    places = array_of(indices)
    if not isinstance(arr, types.Array) or not arr.mutable or places is None or places.ndim != arr.ndim:
        return None
    if not _is_index(indices) or not isinstance(axis, types.Integer | types.Omitted | int):
        return None

    def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
        place = place_of(axis, arr.ndim)
        count = as_array(indices).shape[place]
        shape = tuple_setitem(arr.shape, place, count)
        chosen = np.broadcast_to(as_array(indices), shape)
        given = np.broadcast_to(as_any_array(values), shape)
        for at in np.ndindex(shape):
            index = chosen[at]
            if not -arr.shape[place] <= index < arr.shape[place]:
                raise IndexError("index is out of bounds for the axis")
            arr[tuple_setitem(at, place, index)] = given[at]

    return put_along_axis


def _flat(value: Any) -> Any:
    """The items, or the number, in one dimension. Compiled only."""
    raise NotImplementedError


@overload(_flat, strict=False)
def _flat_of(value: Any) -> Any:
    if array_of(value) is None:
        return lambda value: np.full(1, value)
    return lambda value: as_array(value).ravel()


def _choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    refuse(out=out)
    if array_of(a) is None or not _is_index(a):
        return None
    which = _mode_of(mode)
    if not isinstance(choices, types.BaseTuple) or not len(choices):
        raise errors.TypingError("a guest has np.choose with a list or tuple that is written in the call")

    def choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
        given = as_array(a)
        places = np.empty(given.shape, np.int64)
        for place in np.ndindex(given.shape):
            if which == 0 and given[place] < 0:
                raise ValueError("invalid entry in choice array")
            places[place] = _choice(given[place], len(choices), which)
        return _chosen(places, choices, 0)

    return choose


def _choice(index: Any, count: Any, mode: Any) -> Any:
    if mode == 0 and not 0 <= index < count:
        raise ValueError("invalid entry in choice array")
    return _moved(index, count, mode)


def _chosen(places: Any, choices: Any, first: Any) -> Any:
    raise NotImplementedError


@overload(_chosen, strict=False)
def _chosen_of(places: Any, choices: Any, first: Any) -> Any:
    if len(choices) == 1:
        return lambda places, choices, first: np.where(places == first, choices[0], choices[0])
    if len(choices) == 2:
        return lambda places, choices, first: np.where(places == first, choices[0], choices[1])
    return lambda places, choices, first: np.where(
        places == first, choices[0], _chosen(places, choices[1:], first + 1)
    )


def _compress(condition: Any, a: Any, axis: Any = None) -> Any:
    if array_of(condition) is None or array_of(a) is None:
        return None

    def compress(condition: Any, a: Any, axis: Any = None) -> Any:
        return np.take(as_array(a), np.flatnonzero(as_array(condition)), axis=axis)

    return compress


def _compress_of(a: Any, condition: Any, axis: Any = None) -> Any:
    if array_of(condition) is None:
        return None
    return lambda a, condition, axis=None: np.compress(condition, a, axis)


def _isin(
    element: Any, test_elements: Any, assume_unique: Any = False, invert: Any = False, kind: Any = None
) -> Any:
    if array_of(test_elements) is None or not (array_of(element) is not None or is_number(element)):
        return None
    _ = assume_unique, kind  # they change how it is found, not what

    def isin(
        element: Any, test_elements: Any, assume_unique: Any = False, invert: Any = False, kind: Any = None
    ) -> Any:
        return np.isin(element, as_array(test_elements), False, invert)

    return None if is_none(kind) and isinstance(test_elements, types.Array) else isin


def _intersect(ar1: Any, ar2: Any, assume_unique: Any = False, return_indices: Any = False) -> Any:
    first, second = array_of(ar1), array_of(ar2)
    if first is None or second is None or literal(assume_unique, "assume_unique"):
        return None
    if not literal(return_indices, "return_indices"):
        return lambda ar1, ar2, assume_unique=False, return_indices=False: np.intersect1d(
            as_array(ar1), as_array(ar2)
        )
    if first.dtype != second.dtype and common_dtype(first.dtype, second.dtype) not in _EXACT:
        return None

    def intersect(ar1: Any, ar2: Any, assume_unique: Any = False, return_indices: Any = False) -> Any:
        one, other = as_array(ar1).ravel(), as_array(ar2).ravel()
        common = np.intersect1d(one, other)
        return common, _first_places(one, common), _first_places(other, common)

    return intersect


_EXACT = {types.int64, types.float64}


def _first_places(items: Any, wanted: Any) -> Any:
    places = np.empty(len(wanted), np.int64)
    order = np.argsort(items, kind="mergesort")
    ordered = items[order]
    for index in range(len(wanted)):
        places[index] = order[np.searchsorted(ordered, wanted[index])]
    return places
