"""Methods of ufuncs, such as `np.add.reduce`, `np.maximum.accumulate`, `np.add.outer` and `np.add.at`."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import errors, imputils, types
from numba.core.extending import overload
from numba.core.typing import context as typing_context
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    is_number,
    literal,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import (
    is_none,
    place_of,
    rows_of,
    rows_put_back,
    without_axes,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.shapes import as_array_or_number

_UFUNCS: tuple[np.ufunc, ...] = (
    np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.fmax, np.fmin, np.logical_and,
    np.logical_or, np.logical_xor, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.power, np.hypot, np.gcd,
    np.lcm, np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal, np.floor_divide,
    np.remainder, np.arctan2, np.logaddexp,
)  # fmt: skip

_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min, np.logical_and: np.all,
    np.logical_or: np.any,
}  # fmt: skip
"""The functions of NumPy that reduce by a ufunc."""

_ACCUMULATIONS: dict[np.ufunc, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}

_CONTEXT: Any = typing_context.BaseContext
_registry: Any = imputils.builtin_registry
_methods: dict[tuple[np.ufunc, str], Callable[..., Any]] = {}


def install_ufunc_methods() -> None:
    """Let ufuncs have these methods."""
    for name, maker in (
        ("reduce", _reduce_of),
        ("accumulate", _accumulate_of),
        ("reduceat", _reduceat_of),
        ("outer", _outer_of),
        ("at", _at_of),
    ):
        for ufunc in _UFUNCS:
            _methods[ufunc, name] = _extended(maker(ufunc))
        _registry.lower_getattr(types.Function, name)(_no_value)
    resolve = _CONTEXT.resolve_getattr

    def resolve_getattr(context: Any, kind: Any, name: str) -> Any:
        ufunc = getattr(kind, "typing_key", None) if isinstance(kind, types.Function) else None
        if isinstance(ufunc, np.ufunc) and (ufunc, name) in _methods:
            return context.resolve_value_type(_methods[ufunc, name])
        return resolve(context, kind, name)

    _CONTEXT.resolve_getattr = resolve_getattr


def _extended(implementation: Callable[..., Any]) -> Callable[..., Any]:
    def function() -> None:
        """Stands for the method."""

    extend(function, implementation)
    return function


def _no_value(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    del builder, kind, value
    return context.get_dummy_value()


def _array_of_numbers(kind: Any) -> Any:
    """The type of an array with at least one axis, or None."""
    array = array_of(kind)
    return array if array is not None and array.ndim and is_number(array.dtype) else None


def _keeps_dtype(ufunc: np.ufunc, dtype: np.dtype[Any]) -> bool:
    example = np.ones(1, dtype)
    try:
        return ufunc(example, example).dtype == dtype
    except TypeError:
        return False


def _reduce_of(ufunc: np.ufunc) -> Callable[..., Any]:
    function: Any = _REDUCTIONS.get(ufunc)

    def reduce(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        refuse(dtype=dtype, out=out)
        kind = _array_of_numbers(array)
        if kind is None:
            return None
        keeps = bool(literal(keepdims, "keepdims"))
        if function is not None:
            along = _at_first_axis if _is_left_out(axis) else _at_axis
            return along(function, keeps)
        return _fold_of(ufunc, kind, axis, keeps)

    return reduce


def _is_left_out(axis: Any) -> bool:
    return isinstance(axis, int | types.Omitted)


def _is_one_axis(axis: Any) -> bool:
    return isinstance(axis, types.Integer) or _is_left_out(axis)


def _at_first_axis(function: Callable[..., Any], keeps: bool) -> Callable[..., Any]:
    def reduce(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        return function(as_array(array), axis=0, keepdims=keeps)

    return reduce


def _at_axis(function: Callable[..., Any], keeps: bool) -> Callable[..., Any]:
    def reduce(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        return function(as_array(array), axis=axis, keepdims=keeps)

    return reduce


def _fold_of(ufunc: np.ufunc, kind: Any, axis: Any, keeps: bool) -> Callable[..., Any] | None:
    """What applies a ufunc to one item after another along one axis."""
    number = numpy_support.as_dtype(kind.dtype)
    if not _keeps_dtype(ufunc, number):
        raise errors.TypingError(
            f"a guest has np.{ufunc.__name__}.reduce of arrays whose dtype it keeps; write a loop"
        )
    if keeps or not (_is_one_axis(axis) or (is_none(axis) and kind.ndim == 1)):
        raise errors.TypingError(f"a guest has np.{ufunc.__name__}.reduce along one axis, without keepdims")
    place = _axis_or_first(axis)

    def fold(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        items = as_array(array)
        rows = rows_of(items, (place_of(place(axis), items.ndim),))
        return without_last(_folded_rows(ufunc, rows), items, place(axis))

    return fold


def _axis_or_first(axis: Any) -> Callable[..., Any]:
    return _given_axis if isinstance(axis, types.Integer) else _first_axis


def _given_axis(axis: Any) -> Any:
    return axis


def _first_axis(axis: Any) -> Any:
    _ = axis
    return 0


def _folded_rows(ufunc: Any, rows: Any) -> Any:
    if rows.shape[1] == 0:
        raise ValueError("zero-size array to a reduction operation which has no identity")
    out = rows[:, :1].copy()
    for index in range(1, rows.shape[1]):
        out[...] = ufunc(out, rows[:, index : index + 1])
    return out


def without_last(rows: Any, items: Any, axis: Any) -> Any:
    """One number of each row, in the shape of the array without the axis. Compiled only."""
    return without_axes(rows_put_back(rows, items, place_of(axis, items.ndim)), axis)


def _accumulate_of(ufunc: np.ufunc) -> Callable[..., Any]:
    function: Any = _ACCUMULATIONS.get(ufunc)

    def accumulate(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        refuse(dtype=dtype, out=out)
        kind = _array_of_numbers(array)
        if kind is None or not _is_one_axis(axis):
            return None
        place = _axis_or_first(axis)
        if function is not None:
            return lambda array, axis=0, dtype=None, out=None: function(as_array(array), axis=place(axis))
        if not _keeps_dtype(ufunc, numpy_support.as_dtype(kind.dtype)):
            raise errors.TypingError(
                f"a guest has np.{ufunc.__name__}.accumulate of arrays whose dtype it keeps; write a loop"
            )

        def accumulated(array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
            items = as_array(array)
            at = place_of(place(axis), items.ndim)
            rows = rows_of(items, (at,)).copy()
            for index in range(1, rows.shape[1]):
                rows[:, index] = ufunc(rows[:, index - 1], rows[:, index])
            return rows_put_back(rows, items, at)

        return accumulated

    return accumulate


def _reduceat_of(ufunc: np.ufunc) -> Callable[..., Any]:
    function: Any = _REDUCTIONS.get(ufunc)

    def reduceat(array: Any, indices: Any) -> Any:
        kind, places = _array_of_numbers(array), _array_of_numbers(indices)
        if kind is None or places is None or not isinstance(places.dtype, types.Integer):
            return None
        if function is None or kind.ndim != 1 or places.ndim != 1:
            raise errors.TypingError(
                "a guest has reduceat of add, multiply, maximum, minimum, logical_and and logical_or, "
                "for arrays of one dimension"
            )
        number = ufunc.reduce(np.ones(1, numpy_support.as_dtype(kind.dtype))).dtype

        def reduced(array: Any, indices: Any) -> Any:
            items, starts = as_array(array), as_array(indices)
            out = np.empty(len(starts), number)
            for index in range(len(starts)):
                start = starts[index]
                end = starts[index + 1] if index + 1 < len(starts) else len(items)
                if not 0 <= start < len(items):
                    raise IndexError("index out-of-bounds in reduceat")
                out[index] = items[start]
                if end > start + 1:
                    rest = function(np.ascontiguousarray(items[start + 1 : end]))
                    out[index : index + 1] = ufunc(out[index : index + 1], np.full(1, rest, number))
            return out

        return reduced

    return reduceat


def _outer_of(ufunc: np.ufunc) -> Callable[..., Any]:
    def outer(A: Any, B: Any) -> Any:  # noqa: N803
        first, second = array_of(A), array_of(B)
        if first is None or second is None:
            if not all(array_of(kind) or is_number(types.unliteral(kind)) for kind in (A, B)):
                return None
            return lambda A, B: ufunc(as_array_or_number(A), as_array_or_number(B))  # noqa: N803
        last, before = (1,) * second.ndim, (1,) * first.ndim

        def each_with_each(A: Any, B: Any) -> Any:  # noqa: N803
            one, other = np.ascontiguousarray(as_array(A)), np.ascontiguousarray(as_array(B))
            return ufunc(one.reshape(one.shape + last), other.reshape(before + other.shape))

        return each_with_each

    return outer


def _at_of(ufunc: np.ufunc) -> Callable[..., Any]:
    def at(a: Any, indices: Any, b: Any) -> Any:
        if not isinstance(a, types.Array) or not a.mutable or not is_number(a.dtype):
            return None
        given = array_of(b)
        dtype = types.unliteral(b) if given is None else given.dtype
        if not is_number(dtype) or (given is not None and given.ndim > 1):
            return None
        _check_cast(ufunc, a.dtype, dtype)
        if isinstance(indices, types.BaseTuple):
            fits = len(indices) == a.ndim and all(_is_list_of_indices(member) for member in indices)
            change = _at_pairs
        else:
            fits, change = _is_list_of_indices(indices) or isinstance(indices, types.Integer), _at_rows
        if not fits or len(getattr(indices, "types", ())) > 2:
            raise errors.TypingError(
                f"a guest has np.{ufunc.__name__}.at with a list of indices of the first axis, or with "
                "one for each of two axes"
            )

        def change_items(a: Any, indices: Any, b: Any) -> None:
            change(ufunc, a, indices, as_array_or_number(b))

        return change_items

    return at


def _check_cast(ufunc: np.ufunc, dtype: Any, other: Any) -> None:
    """Refuse results that the array cannot hold, which NumPy cuts off."""
    number = numpy_support.as_dtype(dtype)
    result = ufunc(np.ones(1, number), np.ones(1, numpy_support.as_dtype(other))).dtype
    if not np.can_cast(result, number, "same_kind"):
        raise errors.TypingError(f"a guest cannot put {result} into {number}; convert the array with astype")


def _is_list_of_indices(kind: Any) -> bool:
    array = array_of(kind)
    return array is not None and array.ndim == 1 and isinstance(array.dtype, types.Integer | types.Boolean)


def _places(indices: Any) -> Any:
    """Indices of an axis as an array. Compiled only."""
    raise NotImplementedError


@overload(_places, strict=False)
def _places_of(indices: Any) -> Any:
    if isinstance(indices, types.Integer):
        return lambda indices: np.full(1, indices)
    if isinstance(array_of(indices).dtype, types.Boolean):
        return lambda indices: np.flatnonzero(as_array(indices))
    return lambda indices: as_array(indices)


def _checked(index: Any, size: Any) -> Any:
    if not -size <= index < size:
        raise IndexError("index is out of bounds for the axis")
    return np.int64(index + size if index < 0 else index)


def _at_rows(ufunc: Any, a: Any, indices: Any, b: Any) -> None:
    places = _places(indices)
    values = np.broadcast_to(np.asarray(b), (len(places),))
    for index in range(len(places)):
        at = _checked(places[index], len(a))
        a[at : at + 1] = ufunc(a[at : at + 1], values[index : index + 1])


def _at_pairs(ufunc: Any, a: Any, indices: Any, b: Any) -> None:
    rows, columns = _places(indices[0]), _places(indices[1])
    count = max(len(rows), len(columns))
    rows, columns = np.broadcast_to(rows, (count,)), np.broadcast_to(columns, (count,))
    values = np.broadcast_to(np.asarray(b), (count,))
    for index in range(count):
        row, column = _checked(rows[index], a.shape[0]), _checked(columns[index], a.shape[1])
        a[row, column : column + 1] = ufunc(a[row, column : column + 1], values[index : index + 1])
