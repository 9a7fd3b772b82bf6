"""Indices of arrays as single numbers and back, and arrays stretched to one shape."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import as_words, is_axis
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first
from truestep.guest.python.compiler.numpy_functions.joining import mapped

_MODES = ("raise", "wrap", "clip")


def install_index_conversions() -> None:
    """Add them to Numba's."""
    extend(np.unravel_index, _unravel_index)
    extend(np.ravel_multi_index, _ravel_multi_index)
    extend_first(np.broadcast_arrays, _broadcast_arrays)


def as_any_array(value: Any) -> Any:
    """An array of anything, of no dimension for a number. Compiled only."""
    raise NotImplementedError


@overload(as_any_array, strict=False)
def _as_any_array(value: Any) -> Any:
    if array_of(value) is None:
        return (lambda value: np.asarray(value)) if is_number(types.unliteral(value)) else None
    return lambda value: as_array(value)


def _broadcast_arrays(*args: Any) -> Any:
    if not args or not all(array_of(kind) is not None or is_number(types.unliteral(kind)) for kind in args):
        return None

    def broadcast_arrays(*args: Any) -> Any:
        arrays = mapped(as_any_array, args)
        return _stretched(arrays, _shape_of_all(arrays))

    return broadcast_arrays


def _shape_of_all(arrays: Any) -> Any:
    raise NotImplementedError


@overload(_shape_of_all, strict=False)
def _shape_of_these(arrays: Any) -> Any:
    if len(arrays) == 1:
        return lambda arrays: arrays[0].shape
    if all(array.ndim == 0 for array in arrays):
        return lambda arrays: ()
    return lambda arrays: np.broadcast_shapes(arrays[0].shape, _shape_of_all(arrays[1:]))


def _stretched(arrays: Any, shape: Any) -> Any:
    raise NotImplementedError


@overload(_stretched, strict=False)
def _stretched_to(arrays: Any, shape: Any) -> Any:
    if len(arrays) == 1:
        return lambda arrays, shape: (np.broadcast_to(arrays[0], shape),)
    return lambda arrays, shape: (np.broadcast_to(arrays[0], shape),) + _stretched(arrays[1:], shape)


def _is_fortran(order: Any) -> bool:
    chosen = literal(order, "order")
    if chosen not in {None, "C", "F"}:
        raise errors.TypingError("a guest has the orders 'C' and 'F' here")
    return chosen == "F"


def _is_of_integers(kind: Any) -> bool:
    array = array_of(kind)
    return isinstance(kind if array is None else array.dtype, types.Integer)


def _unravel_index(indices: Any, shape: Any, order: Any = "C") -> Any:
    if not is_axis(shape) or not _is_of_integers(indices):
        raise errors.TypingError("a guest has np.unravel_index of integers and a shape that is a tuple")
    is_backward = _is_fortran(order)
    count = len(shape) if isinstance(shape, types.BaseTuple) else 1
    rows = (0,) * count

    def unravel(indices: Any, shape: Any, order: Any = "C") -> Any:
        return _place_of_number(np.int64(indices), as_words(shape), is_backward)

    def unravel_all(indices: Any, shape: Any, order: Any = "C") -> Any:
        given, sizes = as_array(indices), as_words(shape)
        out = np.empty((count,) + given.shape, np.int64)
        for place in np.ndindex(given.shape):
            found = _place_of_number(np.int64(given[place]), sizes, is_backward)
            for axis in range(count):
                out[axis][place] = found[axis]
        return _rows(out, rows)

    return unravel if array_of(indices) is None else unravel_all


def _place_of_number(index: Any, sizes: Any, is_backward: Any) -> Any:
    total = 1
    for size in sizes:
        total *= size
    if not 0 <= index < total:
        raise ValueError("index is out of bounds for an array of this size")
    place = sizes
    rest = index
    for step in range(len(sizes)):
        axis = step if is_backward else len(sizes) - 1 - step
        place = tuple_setitem(place, axis, rest % sizes[axis])
        rest //= sizes[axis]
    return place


def _rows(a: Any, count: Any) -> Any:
    """A tuple of as many first rows as the second tuple has members."""
    raise NotImplementedError


@overload(_rows, strict=False)
def _rows_of(a: Any, count: Any) -> Any:
    if len(count) == 1:
        return lambda a, count: (a[0],)
    return lambda a, count: (a[0],) + _rows(a[1:], count[1:])


def _ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: Any = "C") -> Any:
    if not is_axis(dims) or not isinstance(dims, types.BaseTuple):
        raise errors.TypingError("a guest has np.ravel_multi_index with a shape that is a tuple")
    if not isinstance(multi_index, types.BaseTuple):
        return _of_rows(multi_index, dims)
    if len(multi_index) != len(dims) or not all(map(_is_of_integers, multi_index)):
        raise errors.TypingError("np.ravel_multi_index takes as many integers, or arrays of them, as axes")
    which, is_backward = _mode_of(mode), _is_fortran(order)

    def ravel(multi_index: Any, dims: Any, mode: Any = "raise", order: Any = "C") -> Any:
        return _number_of_place(as_words(multi_index), as_words(dims), which, is_backward)

    def ravel_all(multi_index: Any, dims: Any, mode: Any = "raise", order: Any = "C") -> Any:
        sizes = as_words(dims)
        place = sizes
        arrays = mapped(_as_words_array, np.broadcast_arrays(*multi_index))
        out = np.empty(arrays[0].shape, np.int64)
        for at in np.ndindex(out.shape):
            for axis in range(len(sizes)):
                place = tuple_setitem(place, axis, arrays[axis][at])
            out[at] = _number_of_place(place, sizes, which, is_backward)
        return out

    return ravel if is_axis(multi_index) else ravel_all


def _of_rows(multi_index: Any, dims: Any) -> Any:
    array = array_of(multi_index)
    if array is None or array.ndim < 1 or not isinstance(array.dtype, types.Integer):
        return None
    count = (0,) * len(dims)

    def ravel_rows(multi_index: Any, dims: Any, mode: Any = "raise", order: Any = "C") -> Any:
        rows = as_array(multi_index)
        if len(rows) != len(dims):
            raise ValueError("parameter multi_index must be a sequence of length of the shape")
        return np.ravel_multi_index(_rows(rows, count), dims, mode, order)

    return ravel_rows


def _as_words_array(array: Any) -> Any:
    return array.astype(np.int64)


def _mode_of(mode: Any) -> int:
    if literal(mode, "mode") not in _MODES:
        raise errors.TypingError(
            f"a guest has np.ravel_multi_index with one of {', '.join(_MODES)} for all axes"
        )
    return _MODES.index(literal(mode, "mode"))


def _number_of_place(place: Any, sizes: Any, mode: Any, is_backward: Any) -> Any:
    number = 0
    for step in range(len(sizes)):
        axis = len(sizes) - 1 - step if is_backward else step
        size = sizes[axis]
        at = place[axis]
        if mode == 1 and size > 0:
            at %= size
        elif mode == 2:
            at = min(max(at, 0), size - 1)
        elif not 0 <= at < size:
            raise ValueError("invalid entry in coordinates array")
        number = number * size + at
    return number
