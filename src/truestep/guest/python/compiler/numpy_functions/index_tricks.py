"""`np.r_`, `np.c_`, `np.mgrid` and `np.ogrid`: the rewriting of a user's function makes calls of them."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import math
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number
from truestep.guest.python.compiler.python_numbers import python_kind

_EXAMPLES = {int: 0, float: 0.0}


def spread(start: Any, stop: Any, step: Any) -> Any:
    """What a slice means in `np.r_`: a range, or points if the step is complex. Compiled only."""
    raise NotImplementedError


@overload(spread, strict=False)
def _spread(start: Any, stop: Any, step: Any) -> Any:
    if isinstance(step, types.Complex):
        return lambda start, stop, step: np.linspace(start, stop, int(abs(step)))
    return lambda start, stop, step: np.arange(start, stop, step)


def rows_joined(parts: Any) -> Any:
    """`np.r_` of these parts. Compiled only."""
    raise NotImplementedError


def columns_joined(parts: Any) -> Any:
    """`np.c_` of these parts. Compiled only."""
    raise NotImplementedError


@overload(rows_joined, strict=False, prefer_literal=True)
def _rows_joined(parts: Any) -> Any:
    dtype = _dtype_of(parts)
    return lambda parts: np.concatenate(_converted(parts, dtype))


@overload(columns_joined, strict=False, prefer_literal=True)
def _columns_joined(parts: Any) -> Any:
    dtype = _dtype_of(parts)
    return lambda parts: np.concatenate(_as_columns(_converted(parts, dtype)), axis=-1)


def _dtype_of(parts: Any) -> np.dtype[Any]:
    """NumPy's dtype of all parts together, where Python's numbers fit themselves to the others."""
    operands: list[Any] = []
    for part in parts:
        array, weak = array_of(part), python_kind(part)
        if array is not None:
            operands.append(numpy_support.as_dtype(array.dtype))
        elif weak:
            operands.append(_EXAMPLES[weak])
        elif is_number(part):
            operands.append(numpy_support.as_dtype(types.unliteral(part)))
        else:
            raise errors.TypingError("a guest joins arrays, lists, numbers and slices in np.r_ and np.c_")
    return np.result_type(*operands)


def _converted(parts: Any, dtype: Any) -> Any:
    raise NotImplementedError


@overload(_converted, strict=False)
def _converted_of(parts: Any, dtype: Any) -> Any:
    if len(parts) == 1:
        return lambda parts, dtype: (_as_part(parts[0], dtype),)
    return lambda parts, dtype: (_as_part(parts[0], dtype),) + _converted(parts[1:], dtype)


def _as_part(part: Any, dtype: Any) -> Any:
    raise NotImplementedError


@overload(_as_part, strict=False)
def _as_part_of(part: Any, dtype: Any) -> Any:
    if array_of(part) is not None:
        return lambda part, dtype: as_array(part).astype(dtype)
    is_narrow = isinstance(dtype.dtype, types.Integer) and dtype.dtype.bitwidth < types.intp.bitwidth

    def boxed(part: Any, dtype: Any) -> Any:
        out = np.full(1, part).astype(dtype)
        if is_narrow and out[0] != part:
            raise OverflowError("Python integer out of bounds for the array's dtype")
        return out

    return boxed


def _as_columns(parts: Any) -> Any:
    raise NotImplementedError


@overload(_as_columns, strict=False)
def _as_columns_of(parts: Any) -> Any:
    if len(parts) == 1:
        return lambda parts: (_as_column(parts[0]),)
    return lambda parts: (_as_column(parts[0]),) + _as_columns(parts[1:])


def _as_column(part: Any) -> Any:
    raise NotImplementedError


@overload(_as_column, strict=False)
def _as_column_of(part: Any) -> Any:
    return (lambda part: part.reshape(-1, 1)) if part.ndim == 1 else lambda part: part


def dense_grid(axes: Any) -> Any:
    """`np.mgrid` of axes, each (start, stop, step). Compiled only."""
    raise NotImplementedError


def open_grid(axes: Any) -> Any:
    """`np.ogrid` of axes, each (start, stop, step). Compiled only."""
    raise NotImplementedError


def single_grid(start: Any, stop: Any, step: Any) -> Any:
    """`np.mgrid` or `np.ogrid` of one slice. Compiled only."""
    raise NotImplementedError


@overload(single_grid, strict=False)
def _single_grid(start: Any, stop: Any, step: Any) -> Any:
    if not isinstance(step, types.Complex):
        return lambda start, stop, step: np.arange(start, stop, step)
    return lambda start, stop, step: _points(start, stop, step, np.float64)


@overload(dense_grid, strict=False)
def _dense_grid(axes: Any) -> Any:
    number, count = _dtype_of_axes(axes), len(axes)
    ones = (1,) * count

    def grid(axes: Any) -> Any:
        points = _points_of_axes(axes, number)
        shape = ones
        for axis in range(count):
            shape = tuple_setitem(shape, axis, len(points[axis]))
        out = np.empty((count,) + shape, number)
        for axis in range(count):
            out[axis] = points[axis].reshape(tuple_setitem(ones, axis, len(points[axis])))
        return out

    return grid


@overload(open_grid, strict=False)
def _open_grid(axes: Any) -> Any:
    number = _dtype_of_axes(axes)
    if len(axes) > 3:
        raise errors.TypingError("a guest has np.ogrid of up to three axes")
    shapes = (
        ((-1,),),
        ((-1, 1), (1, -1)),
        ((-1, 1, 1), (1, -1, 1), (1, 1, -1)),
    )[len(axes) - 1]
    return lambda axes: _reshaped(_points_of_axes(axes, number), shapes)


def _reshaped(points: Any, shapes: Any) -> Any:
    raise NotImplementedError


@overload(_reshaped, strict=False)
def _reshaped_of(points: Any, shapes: Any) -> Any:
    if len(points) == 1:
        return lambda points, shapes: (points[0].reshape(shapes[0]),)
    return lambda points, shapes: (points[0].reshape(shapes[0]),) + _reshaped(points[1:], shapes[1:])


def _dtype_of_axes(axes: Any) -> Any:
    kinds = [types.unliteral(kind) for axis in axes for kind in axis]
    if any(isinstance(kind, types.Float) and kind.bitwidth != 64 for kind in kinds):
        raise errors.TypingError("a guest makes grids of integers and of floats of 64 bits")
    is_whole = all(isinstance(kind, types.Integer | types.Boolean) for kind in kinds)
    return np.int64 if is_whole else np.float64


def _points_of_axes(axes: Any, number: Any) -> Any:
    raise NotImplementedError


@overload(_points_of_axes, strict=False)
def _points_of_axes_of(axes: Any, number: Any) -> Any:
    if len(axes) == 1:
        return lambda axes, number: (_points(axes[0][0], axes[0][1], axes[0][2], number),)
    return lambda axes, number: (
        (_points(axes[0][0], axes[0][1], axes[0][2], number),) + _points_of_axes(axes[1:], number)
    )


def _points(start: Any, stop: Any, step: Any, number: Any) -> Any:
    raise NotImplementedError


@overload(_points, strict=False)
def _points_on_axis(start: Any, stop: Any, step: Any, number: Any) -> Any:
    if isinstance(step, types.Complex):

        def between(start: Any, stop: Any, step: Any, number: Any) -> Any:
            count = int(abs(step))
            apart = (stop - start) / float(count - 1) if count != 1 else 1.0
            return np.arange(count).astype(np.float64) * apart + start

        return between

    def apart(start: Any, stop: Any, step: Any, number: Any) -> Any:
        count = math.ceil((stop - start) / (step * 1.0))
        if count < 0:
            raise ValueError("negative dimensions are not allowed")
        return (np.arange(count) * step + start).astype(number)

    return apart
