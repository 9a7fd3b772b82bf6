"""concatenate, stack and their family for tuples and lists of anything that becomes an array."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number
from truestep.guest.python.compiler.numpy_functions.axes import place_of, with_first
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first


def install_joining() -> None:
    """Add them to Numba's."""
    for function, implementation in (
        (np.concatenate, _concatenate),
        (np.concat, _concatenate),
        (np.stack, _stack),
        (np.vstack, _joiner(at_least_2d, _join_first)),
        (np.hstack, _joiner(at_least_1d, _join_second)),
        (np.column_stack, _joiner(as_columns, _join_second)),
        (np.dstack, _joiner(at_least_3d, _join_third)),
        (np.block, _block),
    ):
        extend(function, implementation)
    extend_first(np.concatenate, _concatenate_all)


def _is_tuple(kind: Any) -> bool:
    return (
        isinstance(kind, types.BaseTuple)
        and len(kind) > 0
        and all(is_number(member) or array_of(member) is not None for member in kind)
    )


def _is_list(kind: Any) -> bool:
    return isinstance(kind, types.List) and isinstance(kind.dtype, types.Array)


def mapped(function: Any, members: Any) -> Any:
    """A tuple of the function of each member. Compiled only."""
    raise NotImplementedError


@overload(mapped, strict=False)
def _mapped(function: Any, members: Any) -> Any:
    if len(members) == 1:
        return lambda function, members: (function(members[0]),)
    return lambda function, members: (function(members[0]),) + mapped(function, members[1:])


def at_least_1d(value: Any) -> Any:
    """An array with one dimension or more. Compiled only."""
    raise NotImplementedError


@overload(at_least_1d, strict=False)
def _at_least_1d(value: Any) -> Any:
    if is_number(value):
        return lambda value: np.array([value])
    if array_of(value).ndim == 0:
        return lambda value: value.reshape((1,))
    return lambda value: as_array(value)


def at_least_2d(value: Any) -> Any:
    """An array with two dimensions or more, whose first may be new. Compiled only."""
    raise NotImplementedError


@overload(at_least_2d, strict=False)
def _at_least_2d(value: Any) -> Any:
    if is_number(value) or array_of(value).ndim < 2:
        return lambda value: np.expand_dims(at_least_1d(value), 0)
    return lambda value: as_array(value)


def as_columns(value: Any) -> Any:
    """A matrix: an array of one dimension is a column. Compiled only."""
    raise NotImplementedError


@overload(as_columns, strict=False)
def _as_columns(value: Any) -> Any:
    if is_number(value) or array_of(value).ndim < 2:
        return lambda value: np.expand_dims(at_least_1d(value), 1)
    return lambda value: as_array(value)


def at_least_3d(value: Any) -> Any:
    """An array with three dimensions or more, whose last may be new. Compiled only."""
    raise NotImplementedError


@overload(at_least_3d, strict=False)
def _at_least_3d(value: Any) -> Any:
    if is_number(value) or array_of(value).ndim < 3:
        return lambda value: np.expand_dims(at_least_2d(value), 2)
    return lambda value: as_array(value)


def raveled(value: Any) -> Any:
    """All items in one dimension."""
    return at_least_1d(value).ravel()


def _join_first(arrays: Any) -> Any:
    return joined(arrays, 0)


def _join_second(arrays: Any) -> Any:
    return joined(arrays, 1 if arrays[0].ndim > 1 else 0)


def _join_third(arrays: Any) -> Any:
    return joined(arrays, 2)


def joined(arrays: Any, axis: Any) -> Any:
    """Arrays one after the other along an axis. Compiled only."""
    raise NotImplementedError


@overload(joined, strict=False)
def _joined(arrays: Any, axis: Any) -> Any:
    if isinstance(arrays, types.BaseTuple):
        return lambda arrays, axis: np.concatenate(arrays, axis)

    def joined_list(arrays: Any, axis: Any) -> Any:
        place = place_of(axis, arrays[0].ndim)
        size = 0
        for array in arrays:
            for other in range(array.ndim):
                if other != place and array.shape[other] != arrays[0].shape[other]:
                    raise ValueError("all dimensions but the joined one must match")
            size += array.shape[place]
        out = np.empty(tuple_setitem(arrays[0].shape, place, size), arrays[0].dtype)
        target = with_first(out, place)
        start = 0
        for array in arrays:
            target[start : start + array.shape[place]] = with_first(array, place)
            start += array.shape[place]
        return out

    return joined_list


def _concatenate(arrays: Any, axis: Any = 0) -> Any:
    if isinstance(axis, types.NoneType):
        if _is_tuple(arrays):
            return lambda arrays, axis=0: np.concatenate(mapped(raveled, arrays))
        if _is_list(arrays):
            return lambda arrays, axis=0: joined([array.ravel() for array in arrays], 0)
        return None
    if _is_list(arrays):
        return lambda arrays, axis=0: joined(arrays, axis)
    if not _is_tuple(arrays) or all(isinstance(member, types.Array) for member in arrays):
        return None
    return lambda arrays, axis=0: np.concatenate(mapped(at_least_1d, arrays), axis)


def _concatenate_all(arrays: Any, axis: Any = 0) -> Any:
    """With axis=None, for which Numba fails instead of refusing it."""
    return _concatenate(arrays, axis) if isinstance(axis, types.NoneType) else None


def _stack(arrays: Any, axis: Any = 0) -> Any:
    if _is_list(arrays):
        return lambda arrays, axis=0: stacked(arrays, axis)
    if not _is_tuple(arrays) or all(isinstance(member, types.Array) for member in arrays):
        return None
    if any(is_number(member) for member in arrays):
        return None
    return lambda arrays, axis=0: np.stack(mapped(as_array, arrays), axis)


def stacked(arrays: Any, axis: Any) -> Any:
    """Arrays of one shape along a new axis. Compiled only for a list."""
    place = place_of(axis, arrays[0].ndim + 1)
    return joined([np.expand_dims(array, place) for array in arrays], place)


def _joiner(shape: Any, join: Any) -> Callable[..., Any]:
    def implementation(tup: Any) -> Any:
        if _is_list(tup):
            return lambda tup: join([shape(array) for array in tup])
        if not _is_tuple(tup):
            return None
        return lambda tup: join(mapped(shape, tup))

    return implementation


def _block(arrays: Any) -> Any:
    if isinstance(arrays, types.BaseTuple) and len(arrays) and all(_is_tuple(row) for row in arrays):
        return lambda arrays: np.concatenate(mapped(_row_of_blocks, arrays), 0)
    if _is_tuple(arrays):
        return lambda arrays: _row_of_blocks(arrays)
    raise errors.TypingError("a guest has np.block of lists of arrays, or of lists of such lists")


def _row_of_blocks(arrays: Any) -> Any:
    return _join_last(mapped(at_least_1d, arrays))


def _join_last(arrays: Any) -> Any:
    return np.concatenate(arrays, arrays[0].ndim - 1)
