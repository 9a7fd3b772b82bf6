"""Axes of arrays: which of them a function is asked to go along, and the shapes that result."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import intrinsic, overload
from numba.cpython.unsafe.tuple import tuple_setitem


def is_none(kind: Any) -> bool:
    """Whether an optional argument was left out or is None."""
    return kind is None or isinstance(kind, types.NoneType | types.Omitted)


def axis_count(axis: Any) -> int:
    """How many axes an argument names."""
    return len(axis) if isinstance(axis, types.BaseTuple) else 1


def is_axis(kind: Any) -> bool:
    """Whether it is an axis, or a tuple of axes."""
    if isinstance(kind, types.BaseTuple):
        return all(isinstance(member, types.Integer) for member in kind)
    return isinstance(kind, types.Integer)


@intrinsic
def words(typing_context: Any, axes: Any) -> Any:
    """A tuple of integers as one of int64."""
    del typing_context
    whole = types.UniTuple(types.int64, len(axes))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], whole)

    return whole(axes), generate


def axes_of(axis: Any, ndim: Any) -> Any:
    """The axes as a tuple of numbers from 0. Compiled only. Raises ValueError for one that does not exist."""
    raise NotImplementedError


@overload(axes_of, strict=False)
def _axes_of(axis: Any, ndim: Any) -> Any:
    if isinstance(axis, types.Integer):
        return lambda axis, ndim: (place_of(axis, ndim),)

    def several(axis: Any, ndim: Any) -> Any:
        axes = words(axis)
        for index in range(len(axes)):
            place = place_of(axes[index], ndim)
            for other in range(index):
                if axes[other] == place:
                    raise ValueError("duplicate value in 'axis'")
            axes = tuple_setitem(axes, index, place)
        return axes

    return several


def as_words(value: Any) -> Any:
    """An integer or a tuple of integers as a tuple of int64. Compiled only."""
    raise NotImplementedError


@overload(as_words, strict=False)
def _as_words_of(value: Any) -> Any:
    if isinstance(value, types.BaseTuple):
        return lambda value: words(value)
    return lambda value: (np.int64(value),)


def place_of(axis: Any, ndim: Any) -> Any:
    """The axis counted from 0. Raises ValueError if there is none."""
    if axis < -ndim or axis >= ndim:
        raise ValueError("axis is out of bounds for the array's dimensions")
    return np.int64(axis + ndim if axis < 0 else axis)


def with_last(a: Any, axes: Any) -> Any:
    """A view of the array with these axes last."""
    order = a.shape
    place = 0
    for axis in range(a.ndim):
        if axis not in axes:
            order = tuple_setitem(order, place, axis)
            place += 1
    for axis in axes:
        order = tuple_setitem(order, place, axis)
        place += 1
    return a.transpose(order)


def length_of(shape: Any, axes: Any) -> Any:
    """How many items these axes have together."""
    length = 1
    for axis in axes:
        length *= shape[axis]
    return length


def with_ones(shape: Any, axes: Any) -> Any:
    """The shape with these axes of length 1."""
    for axis in axes:
        shape = tuple_setitem(shape, axis, 1)
    return shape


def rows_of(a: Any, axes: Any) -> Any:
    """A C-contiguous matrix whose rows are the items along these axes; not always a copy."""
    length = length_of(a.shape, axes)
    count = 1
    for axis in range(a.ndim):
        if axis not in axes:
            count *= a.shape[axis]
    return np.ascontiguousarray(with_last(a, axes)).reshape(count, length)


def without_axes(a: Any, axis: Any) -> Any:
    """The array without these axes of length 1. Compiled only."""
    raise NotImplementedError


@overload(without_axes, strict=False)
def _without_axes(a: Any, axis: Any) -> Any:
    kept = a.ndim - axis_count(axis)
    if kept:
        return lambda a, axis: a.reshape(with_last(a, axes_of(axis, a.ndim)).shape[:kept])
    return lambda a, axis: a.ravel()[0]


def axes_checked(axis: Any, ndim: Any) -> None:
    """Raise ValueError for an axis that does not exist. Compiled only."""
    raise NotImplementedError


@overload(axes_checked, strict=False)
def _axes_checked(axis: Any, ndim: Any) -> Any:
    def nothing(axis: Any, ndim: Any) -> None:
        pass

    def check(axis: Any, ndim: Any) -> None:
        axes_of(axis, ndim)

    return nothing if is_none(axis) else check


def with_first(a: Any, axis: Any) -> Any:
    """A view of the array with this axis first."""
    order = a.shape
    place = 1
    for other in range(a.ndim):
        if other != axis:
            order = tuple_setitem(order, place, other)
            place += 1
    return a.transpose(tuple_setitem(order, 0, axis))


def rows_put_back(rows: Any, a: Any, axis: Any) -> Any:
    """An array of the rows along an axis of `a`; they may have another length."""
    last = a.ndim - 1
    moved = with_last(a, (axis,)).shape
    back = a.shape
    place = 0
    for other in range(a.ndim):
        if other == axis:
            back = tuple_setitem(back, other, last)
        else:
            back = tuple_setitem(back, other, place)
            place += 1
    shape = tuple_setitem(moved, last, rows.shape[1])
    return np.ascontiguousarray(rows.reshape(shape).transpose(back))


def row_copies(a: Any, axis: Any) -> Any:
    """The rows along an axis, in a matrix of their own."""
    return rows_of(a, (axis,)).copy()


def first_put_back(a: Any, axis: Any) -> Any:
    """A view of the array with its first axis at another place: what undoes `with_first`."""
    order = a.shape
    place = 1
    for other in range(a.ndim):
        if other == axis:
            order = tuple_setitem(order, other, 0)
        else:
            order = tuple_setitem(order, other, place)
            place += 1
    return a.transpose(order)
