"""tile, repeat, pad, roll, flip and other functions that move items, along any axis."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.cpython.unsafe.tuple import tuple_setitem

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import (
    as_words,
    axes_of,
    axis_count,
    first_put_back,
    is_axis,
    is_none,
    place_of,
    with_first,
    with_ones,
    without_axes,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_method


def install_shapes() -> None:
    """Add them to Numba's."""
    for function, implementation in (
        (np.tile, _tile),
        (np.repeat, _repeat),
        (np.pad, _pad),
        (np.roll, _roll),
        (np.flip, _flip),
        (np.squeeze, _squeeze),
        (np.expand_dims, _expand_dims),
        (np.reshape, _reshape),
        (np.ravel, _ravel),
        (np.rollaxis, _rollaxis),
        (np.moveaxis, _moveaxis),
        (np.delete, _delete),
        (np.broadcast_to, _broadcast_to),
        (np.rot90, _rot90),
        (np.transpose, _transpose_of_list),
    ):
        extend(function, implementation)
    for name, implementation in (
        ("repeat", _repeat),
        ("squeeze", _squeeze),
        ("reshape", _reshape_method),
        ("ravel", _ravel),
        ("flatten", _flatten),
    ):
        extend_method(name, implementation, _is_in_columns if name == "reshape" else None)


def _tile(A: Any, reps: Any) -> Any:  # noqa: N803
    array = array_of(A)
    if array is None or not (isinstance(reps, types.Integer) or is_axis(reps)):
        return None
    times = axis_count(reps)
    ndim = max(array.ndim, times)
    twice, left = (1,) * (2 * ndim), ndim - times
    shape = (1,) * ndim

    def tile(A: Any, reps: Any) -> Any:  # noqa: N803
        items = as_array(A)
        counts = as_words(reps)
        out, target, source = shape, twice, twice
        for axis in range(ndim):
            count = counts[axis - left] if axis >= left else 1
            before = ndim - items.ndim
            size = items.shape[axis - before] if axis >= before else 1
            out = tuple_setitem(out, axis, count * size)
            target = tuple_setitem(tuple_setitem(target, 2 * axis, count), 2 * axis + 1, size)
            source = tuple_setitem(source, 2 * axis + 1, size)
        result = np.empty(out, items.dtype)
        result.reshape(target)[...] = np.ascontiguousarray(items).reshape(source)
        return result

    return tile


def _repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
    if array_of(a) is None or not (isinstance(repeats, types.Integer) or array_of(repeats) is not None):
        return None
    if is_none(axis):
        return lambda a, repeats, axis=None: _repeated_first(as_array(a).ravel(), as_array_or_number(repeats))

    def repeat(a: Any, repeats: Any, axis: Any = None) -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        return first_put_back(_repeated_first(with_first(items, place), as_array_or_number(repeats)), place)

    return repeat


def as_array_or_number(value: Any) -> Any:
    """A number, or an array of anything else. Compiled only."""
    raise NotImplementedError


@overload(as_array_or_number, strict=False)
def _as_array_or_number(value: Any) -> Any:
    return (lambda value: value) if is_number(value) else lambda value: as_array(value)


def _repeated_first(a: Any, repeats: Any) -> Any:
    counts = np.broadcast_to(np.asarray(repeats), (len(a),))
    out = np.empty(tuple_setitem(a.shape, 0, counts.sum()), a.dtype)
    place = 0
    for index in range(len(a)):
        for _ in range(counts[index]):
            out[place] = a[index]
            place += 1
    return out


_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _pad(array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Any:
    kind = array_of(array)
    if kind is None or not is_number(kind.dtype):
        return None
    chosen = literal(mode, "mode")
    if chosen not in _MODES:
        raise errors.TypingError(f"a guest has np.pad with the modes {', '.join(_MODES)}")
    which = _MODES.index(chosen)

    def pad(array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Any:
        items = as_array(array)
        widths = np.broadcast_to(np.asarray(pad_width), (items.ndim, 2))
        shape = items.shape
        for axis in range(items.ndim):
            if widths[axis, 0] < 0 or widths[axis, 1] < 0:
                raise ValueError("index can't contain negative values")
            if which > 0 and shape[axis] == 0 and widths[axis].sum() > 0:
                raise ValueError("can't extend an empty axis")
            shape = tuple_setitem(shape, axis, shape[axis] + widths[axis, 0] + widths[axis, 1])
        out = np.empty(shape, items.dtype)
        constants = np.broadcast_to(np.asarray(constant_values), (items.ndim, 2)).astype(items.dtype)
        for place in np.ndindex(shape):
            source = place
            constant_place = (-1, 0)
            for axis in range(items.ndim):
                at = place[axis] - widths[axis, 0]
                if not 0 <= at < items.shape[axis]:
                    constant_place = (axis, 0 if at < 0 else 1)
                source = tuple_setitem(source, axis, _folded(at, items.shape[axis], which))
            is_constant = constant_place[0] >= 0 and which == 0
            out[place] = constants[constant_place] if is_constant else items[source]
        return out

    return pad


def _folded(at: Any, size: Any, which: Any) -> Any:
    """Which item stands at a place that may be outside, by the number of the mode."""
    if 0 <= at < size or which == 0:
        return at
    if which == 1 or size == 1:
        return min(max(at, 0), size - 1)
    if which == 4:
        return at % size
    period = 2 * size - 2 if which == 2 else 2 * size
    at %= period
    return at if at < size else period - at - (0 if which == 2 else 1)


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if array_of(a) is None:
        return None
    if is_none(axis):

        def roll_all(a: Any, shift: Any, axis: Any = None) -> Any:
            items = as_array(a)
            return _rolled(items.ravel(), shift, 0).reshape(items.shape)

        return roll_all if isinstance(shift, types.Integer) else None
    if not is_axis(axis) or not is_axis(shift):
        return None

    def roll(a: Any, shift: Any, axis: Any = None) -> Any:
        out = as_array(a).copy()
        shifts, axes = as_words(shift), as_words(axis)
        for index in range(max(len(axes), len(shifts))):
            by = shifts[index if len(shifts) > 1 else 0]
            out = _rolled(out, by, place_of(axes[index if len(axes) > 1 else 0], out.ndim))
        return out

    return roll


def _rolled(a: Any, shift: Any, axis: Any) -> Any:
    out = np.empty(a.shape, a.dtype)
    target, source = with_first(out, axis), with_first(a, axis)
    size = a.shape[axis]
    if size > 0:
        by = shift % size
        target[by:] = source[: size - by]
        target[:by] = source[size - by :]
    return out


def _flip(m: Any, axis: Any = None) -> Any:
    array = array_of(m)
    if array is None:
        return None
    if is_none(axis):
        return lambda m, axis=None: np.flip(as_array(m))
    if not is_axis(axis):
        return None

    def flip(m: Any, axis: Any = None) -> Any:
        items = as_array(m)
        out = np.empty(items.shape, items.dtype)
        out[...] = items
        for place in axes_of(axis, items.ndim):
            out = np.ascontiguousarray(first_put_back(with_first(out, place)[::-1], place))
        return out

    return flip


def _squeeze(a: Any, axis: Any = None) -> Any:
    array = array_of(a)
    if array is None:
        return None
    if not is_axis(axis):
        raise errors.TypingError("a guest must know which axes np.squeeze removes: write axis=")

    def squeeze(a: Any, axis: Any = None) -> Any:
        items = as_array(a)
        for place in axes_of(axis, items.ndim):
            if items.shape[place] != 1:
                raise ValueError("cannot select an axis to squeeze out which has size not equal to one")
        return squeezed(np.ascontiguousarray(items), axis)

    squeezed = _all_squeezed if axis_count(axis) == array.ndim else without_axes
    return squeeze


def squeezed_axes(a: Any, axes: Any) -> Any:
    """np.squeeze without axis=, which removes axes that the call shows to be of length 1. Compiled only."""
    raise NotImplementedError


@overload(squeezed_axes, strict=False, prefer_literal=True)
def _squeezed_axes(a: Any, axes: Any) -> Any:
    array = array_of(a)
    if array is None:
        return None
    places = tuple(sorted({axis.literal_value % array.ndim for axis in axes}))
    others = tuple(axis for axis in range(array.ndim) if axis not in places)
    if not others:
        return lambda a, axes: np.squeeze(as_array(a), places)

    def squeeze(a: Any, axes: Any) -> Any:
        items = as_array(a)
        for axis in others:
            if items.shape[axis] == 1:
                raise ValueError(
                    "squeeze() would remove an axis that only happens to have length 1: write axis="
                )
        return np.squeeze(items, places)

    return squeeze


def _all_squeezed(a: Any, axis: Any) -> Any:
    _ = axis
    return a.reshape(())


def _expand_dims(a: Any, axis: Any) -> Any:
    array = array_of(a)
    if array is None or not is_axis(axis):
        return None
    shape = (1,) * (array.ndim + axis_count(axis))

    def expand(a: Any, axis: Any) -> Any:
        items = as_array(a)
        axes = axes_of(axis, len(shape))
        out = shape
        source = 0
        for place in range(len(shape)):
            if place not in axes:
                out = tuple_setitem(out, place, items.shape[source])
                source += 1
        return np.ascontiguousarray(items).reshape(with_ones(out, axes))

    return expand


def _is_in_columns(array: Any) -> bool:
    """Whether Numba would find no way to reshape it when the guest runs."""
    return array.layout == "F" and array.ndim > 1


def _is_fortran(order: Any) -> bool:
    chosen = literal(order, "order") or "C"
    if chosen not in {"C", "F"}:
        raise errors.TypingError("a guest has the orders 'C' and 'F' here")
    return chosen == "F"


def _reshape(a: Any, shape: Any, order: Any = "C") -> Any:
    if array_of(a) is None or not (isinstance(shape, types.Integer) or is_axis(shape)):
        return None
    if _is_fortran(order):

        def reshape_columns(a: Any, shape: Any, order: Any = "C") -> Any:
            items = np.ascontiguousarray(as_array(a).T)
            return items.reshape(_reversed(as_words(shape))).T

        return reshape_columns
    return lambda a, shape, order="C": np.ascontiguousarray(as_array(a)).reshape(as_words(shape))


def _reversed(axes: Any) -> Any:
    back = axes
    for place in range(len(axes)):
        back = tuple_setitem(back, place, axes[len(axes) - 1 - place])
    return back


def _reshape_method(
    a: Any, shape: Any, second: Any = None, third: Any = None, fourth: Any = None, order: Any = "C"
) -> Any:
    more = [size for size in (second, third, fourth) if not is_none(size)]
    if _reshape(a, shape, order) is None or any(not isinstance(size, types.Integer) for size in more):
        return None
    chosen = "F" if _is_fortran(order) else "C"
    reshapings = (
        lambda a, one, two, three, four: np.reshape(a, one, chosen),
        lambda a, one, two, three, four: np.reshape(a, (one, two), chosen),
        lambda a, one, two, three, four: np.reshape(a, (one, two, three), chosen),
        lambda a, one, two, three, four: np.reshape(a, (one, two, three, four), chosen),
    )
    reshaped = reshapings[len(more)]
    return lambda a, shape, second=None, third=None, fourth=None, order="C": reshaped(
        a, shape, second, third, fourth
    )


def _is_ravelled_by_columns(a: Any, order: Any) -> bool:
    """Whether the items come column by column: in the order of memory for the orders 'K' and 'A'."""
    if literal(order, "order") not in {"K", "A"}:
        return _is_fortran(order)
    array = array_of(a)
    if array.layout not in "CF":
        raise errors.TypingError(
            "a guest does not know the order of this array's items; write order='C' or 'F'"
        )
    return array.layout == "F"


def _ravel(a: Any, order: Any = "C") -> Any:
    if array_of(a) is None:
        return None
    if _is_ravelled_by_columns(a, order):
        return lambda a, order="C": np.ascontiguousarray(as_array(a).T).reshape(-1)
    return lambda a, order="C": np.ascontiguousarray(as_array(a)).reshape(-1)


def _flatten(a: Any, order: Any = "C") -> Any:
    if _is_ravelled_by_columns(a, order):
        return lambda a, order="C": a.T.flatten()
    return lambda a, order="C": a.flatten()


def _rollaxis(a: Any, axis: Any, start: Any = 0) -> Any:
    if array_of(a) is None or not isinstance(axis, types.Integer):
        return None

    def rollaxis(a: Any, axis: Any, start: Any = 0) -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        target = start + items.ndim if start < 0 else start
        return np.moveaxis(items, place, target - 1 if place < target else target)

    return rollaxis


def _delete(arr: Any, obj: Any, axis: Any = None) -> Any:
    if array_of(arr) is None or not isinstance(axis, types.Integer):
        return None
    if not isinstance(obj, types.Integer) and array_of(obj) is None:
        return None

    def delete(arr: Any, obj: Any, axis: Any = None) -> Any:
        items = as_array(arr)
        place = place_of(axis, items.ndim)
        source = with_first(items, place)
        keeps = np.ones(len(source), np.bool_)
        for index in np.asarray(obj).ravel():
            keeps[place_of(index, len(source))] = False
        out = np.empty(tuple_setitem(source.shape, 0, np.count_nonzero(keeps)), items.dtype)
        count = 0
        for index in range(len(source)):
            if keeps[index]:
                out[count] = source[index]
                count += 1
        return first_put_back(out, place)

    return delete


def _broadcast_to(array: Any, shape: Any) -> Any:
    if is_number(array) and (isinstance(shape, types.Integer) or is_axis(shape)):
        return lambda array, shape: np.full(shape, array)
    return None


def _rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    if array_of(m) is None or array_of(m).ndim < 2:
        return None

    def rot90(m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
        items = as_array(m)
        one, other = place_of(axes[0], items.ndim), place_of(axes[1], items.ndim)
        if one == other:
            raise ValueError("Axes must be different.")
        turned = np.ascontiguousarray(items)
        for _ in range(k % 4):
            turned = np.ascontiguousarray(np.flip(np.ascontiguousarray(np.swapaxes(turned, one, other)), one))
        return turned

    return rot90


def _transpose_of_list(a: Any, axes: Any = None) -> Any:
    if isinstance(a, types.Array) or array_of(a) is None or not is_none(axes):
        return None
    return lambda a, axes=None: as_array(a).T


def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Of one axis. Numba's sorts lists of axes, which is most of a small guest."""
    array = array_of(a)
    is_one = isinstance(source, types.Integer) and isinstance(destination, types.Integer)
    if array is None or array.ndim == 0 or not is_one:
        return None
    first = (0,) * array.ndim

    def moveaxis(a: Any, source: Any, destination: Any) -> Any:
        items = as_array(a)
        moved, target = place_of(source, items.ndim), place_of(destination, items.ndim)
        order, other = first, 0
        for place in range(items.ndim):
            if place == target:
                order = tuple_setitem(order, place, moved)
            else:
                if other == moved:
                    other += 1
                order = tuple_setitem(order, place, other)
                other += 1
        return items.transpose(order)

    return moveaxis
