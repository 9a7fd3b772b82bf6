"""Arrays of arrays, grids, ranges with options, and choices between arrays and numbers of Python."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, inline_closurecall, types
from numba.core.extending import overload, register_jitable
from numba.core.typing.npydecl import parse_dtype
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    holds_arrays,
    is_number,
    literal,
)
from truestep.guest.python.compiler.numpy_functions.axes import (
    is_none,
    place_of,
    with_first,
    with_last,
    with_ones,
)
from truestep.guest.python.compiler.numpy_functions.dtypes import take_python_dtypes
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first, extend_method
from truestep.guest.python.compiler.numpy_functions.index_conversions import as_any_array
from truestep.guest.python.compiler.python_numbers import python_kind
from truestep.guest.python.compiler.sums import forget


def _keep_list(*arguments: Any) -> bool:
    """Say that `np.array([…])` was not written out."""
    del arguments
    return False


def install_creation() -> None:
    """Add them to Numba's, which writes out `np.array([…])` of a comprehension for numbers alone."""
    inline_closurecall._inline_arraycall = _keep_list
    for function, implementation in (
        (np.array, _array),
        (array_with_options, _array_with_options),
        (built_list, _built_list),
        (np.asarray, _asarray),
        (np.linspace, _linspace),
        (np.meshgrid, _meshgrid),
        (np.ix_, _ix),
        (np.select, _select),
        (np.clip, _clip),
        (np.diagonal, _diagonal),
    ):
        extend(function, implementation)
    take_python_dtypes(array_with_options)
    forget(np.average, "")
    extend(np.average, _average)
    extend_first(np.where, _where)
    extend_method("diagonal", _diagonal)
    extend_method("clip", _clip)


def _array(object: Any, dtype: Any = None) -> Any:
    if not isinstance(object, types.Array | types.RangeType) and not holds_arrays(object):
        return None
    return lambda object, dtype=None: array_with_options(object, dtype)


def array_with_options(
    object: Any, dtype: Any = None, copy: Any = True, order: Any = "K", ndmin: Any = 0
) -> Any:
    """np.array, which Numba replaces without regard to options where it gets a list. Compiled only."""
    raise NotImplementedError


def _array_with_options(
    object: Any, dtype: Any = None, copy: Any = True, order: Any = "K", ndmin: Any = 0
) -> Any:
    least = literal(ndmin, "ndmin")
    if least:
        ones = (1,) * (least - (array_of(object).ndim if array_of(object) is not None else 0))
        return lambda object, dtype=None, copy=True, order="K", ndmin=0: _with_axes_first(
            array_with_options(as_any_array(object), dtype, copy, order), ones
        )
    array = array_of(object)
    if array is None:
        return None
    number = numpy_support.as_dtype(array.dtype if is_none(dtype) else parse_dtype(dtype))
    is_kept = isinstance(object, types.Array) and number == numpy_support.as_dtype(array.dtype)
    arranged = _arrangement(literal(order, "order"), array)
    if not is_kept:

        def converted(
            object: Any, dtype: Any = None, copy: Any = True, order: Any = "K", ndmin: Any = 0
        ) -> Any:
            if copy is not None and not copy:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            return arranged(as_array(object).astype(number))

        return converted
    if _is_true(copy):
        return lambda object, dtype=None, copy=True, order="K", ndmin=0: arranged(np.copy(object))
    if arranged is not _as_given:
        if not is_none(copy):
            raise errors.TypingError(
                "a guest must know whether np.array copies when it changes the order; write copy=True or None"
            )
        return lambda object, dtype=None, copy=True, order="K", ndmin=0: arranged(object)

    def copied_if_asked(
        object: Any, dtype: Any = None, copy: Any = True, order: Any = "K", ndmin: Any = 0
    ) -> Any:
        if copy is not None and copy:
            return np.copy(object)
        return object

    return copied_if_asked


def _with_axes_first(a: Any, ones: Any) -> Any:
    """The array with axes of length 1 before its own; no copy. Compiled only."""
    raise NotImplementedError


@overload(_with_axes_first, strict=False)
def _with_axes_before(a: Any, ones: Any) -> Any:
    if not len(ones):
        return lambda a, ones: a
    return lambda a, ones: np.ascontiguousarray(a).reshape(ones + a.shape)


def built_list(items: Any) -> Any:
    """The list itself, so that Numba does not make an array of a comprehension at once. Compiled only."""
    raise NotImplementedError


def _built_list(items: Any) -> Any:
    return lambda items: items


def _is_true(copy: Any) -> bool:
    """Whether an option is known to be True."""
    value = getattr(copy, "literal_value", getattr(copy, "value", copy))
    return value is True


def _arrangement(order: Any, array: Any) -> Any:
    """What brings an array into an order of items."""
    if order in {None, "K", "A"} or array.ndim < 1 or array.layout == order:
        return _as_given
    if order not in {"C", "F"}:
        raise ValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got '{order}')")
    return np.ascontiguousarray if order == "C" else np.asfortranarray


@register_jitable
def _as_given(array: Any) -> Any:
    return array


def _asarray(a: Any, dtype: Any = None) -> Any:
    if array_of(a) is None:
        return None
    if is_none(dtype):
        return lambda a, dtype=None: as_array(a)
    number = numpy_support.as_dtype(parse_dtype(dtype))
    return lambda a, dtype=None: as_array(a).astype(number)


def _linspace(
    start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None
) -> Any:
    if not (is_number(start) and is_number(stop)):
        return None
    returns_step, has_end = literal(retstep, "retstep"), literal(endpoint, "endpoint")
    number = numpy_support.as_dtype(types.float64 if is_none(dtype) else parse_dtype(dtype))
    is_whole = number.kind in "iu"

    def linspace(
        start: Any, stop: Any, num: Any = 50, endpoint: Any = True, retstep: Any = False, dtype: Any = None
    ) -> Any:
        parts = num - 1 if has_end else num
        apart = np.float64(stop) - np.float64(start)
        step = apart / parts if parts > 0 else np.nan
        items = np.empty(num, np.float64)
        for index in range(num):
            offset = index * step if step != 0 else index / parts * apart
            items[index] = (offset if parts > 0 else index * apart) + start
        if has_end and num > 1:
            items[-1] = stop
        if is_whole:
            items = np.floor(items)
        return items.astype(number), step

    if returns_step:
        return linspace
    return lambda start, stop, num=50, endpoint=True, retstep=False, dtype=None: linspace(start, stop, num)[0]


def _meshgrid(a: Any, b: Any = None, c: Any = None, d: Any = None, indexing: Any = "xy") -> Any:
    given = [kind for kind in (a, b, c, d) if not is_none(kind)]
    if any(array_of(kind) is None or array_of(kind).ndim > 1 for kind in given):
        return None
    is_xy = literal(indexing, "indexing") in {None, "xy"} and len(given) > 1
    first, second = (1, 0) if is_xy else (0, 1)
    return (
        lambda a, b=None, c=None, d=None, indexing="xy": (np.copy(as_array(a)),),
        lambda a, b=None, c=None, d=None, indexing="xy": _grids_of_two(a, b, first, second),
        lambda a, b=None, c=None, d=None, indexing="xy": _grids_of_three(a, b, c, first, second),
        None,
    )[len(given) - 1]


def _grids_of_two(a: Any, b: Any, first: Any, second: Any) -> Any:
    shape = tuple_setitem(tuple_setitem((1, 1), first, len(a)), second, len(b))
    return (_grid(as_array(a), shape, first), _grid(as_array(b), shape, second))


def _grids_of_three(a: Any, b: Any, c: Any, first: Any, second: Any) -> Any:
    shape = tuple_setitem(tuple_setitem((1, 1, len(c)), first, len(a)), second, len(b))
    return (
        _grid(as_array(a), shape, first),
        _grid(as_array(b), shape, second),
        _grid(as_array(c), shape, 2),
    )


def _grid(items: Any, shape: Any, axis: Any) -> Any:
    out = np.empty(shape, items.dtype)
    for place in np.ndindex(shape):
        out[place] = items[place[axis]]
    return out


def _ix(a: Any, b: Any = None, c: Any = None) -> Any:
    given = [kind for kind in (a, b, c) if not is_none(kind)]
    arrays = [array_of(kind) for kind in given]
    if any(
        array is None or array.ndim != 1 or not isinstance(array.dtype, types.Integer) for array in arrays
    ):
        raise errors.TypingError("a guest has np.ix_ of up to three lists of integers")
    return (
        lambda a, b=None, c=None: (as_array(a),),
        lambda a, b=None, c=None: (as_array(a).reshape((-1, 1)), as_array(b).reshape((1, -1))),
        lambda a, b=None, c=None: (
            as_array(a).reshape((-1, 1, 1)),
            as_array(b).reshape((1, -1, 1)),
            as_array(c).reshape((1, 1, -1)),
        ),
    )[len(given) - 1]


_EXAMPLES = {int: 0, float: 0.0}


def _weak_dtype(*kinds: Any) -> Any:
    """NumPy's dtype of arrays, its numbers and Python's; None if none or all are Python's."""
    weak = [python_kind(kind) for kind in kinds]
    if not any(weak) or all(weak):
        return None
    dtypes = [kind.dtype if isinstance(kind, types.Array) else kind for kind in kinds]
    if not all(is_number(dtype) for dtype in dtypes):
        return None
    operands = [
        _EXAMPLES[kind] if kind else numpy_support.as_dtype(dtype)
        for kind, dtype in zip(weak, dtypes, strict=True)
    ]
    return np.result_type(*operands)


def _where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if is_none(x) or is_none(y):
        return None
    dtype = _weak_dtype(x, y)
    if dtype is None or not is_number(getattr(condition, "dtype", condition)):
        return None
    number = dtype.type
    if python_kind(x):
        return lambda condition, x=None, y=None: np.where(condition, number(x), y)
    return lambda condition, x=None, y=None: np.where(condition, x, number(y))


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if not (isinstance(condlist, types.BaseTuple) and isinstance(choicelist, types.BaseTuple)):
        return None
    if len(condlist) != len(choicelist) or not len(condlist):
        raise errors.TypingError("np.select takes as many choices as conditions")
    if len(condlist) == 1:
        return lambda condlist, choicelist, default=0: np.where(condlist[0], choicelist[0], default)
    return lambda condlist, choicelist, default=0: np.where(
        condlist[0], choicelist[0], np.select(condlist[1:], choicelist[1:], default)
    )


def _clip(a: Any, min: Any = None, max: Any = None) -> Any:
    if is_number(a) and is_number(min) and is_number(max):
        return lambda a, min=None, max=None: np.minimum(np.maximum(a, min), max)
    if array_of(a) is None:
        return None
    return lambda a, min=None, max=None: np.clip(as_array(a), min, max)


def _diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    if array_of(a) is None:
        return None
    if array_of(a).ndim < 2:
        raise errors.TypingError("np.diagonal is for arrays of two dimensions or more")

    def diagonal(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
        items = as_array(a)
        one, other = place_of(axis1, items.ndim), place_of(axis2, items.ndim)
        if one == other:
            raise ValueError("axis1 and axis2 cannot be the same")
        moved = with_first(with_last(items, (other,)), one - 1 if one > other else one)
        row, column = max(-offset, 0), max(offset, 0)
        size = max(min(moved.shape[0] - row, moved.shape[-1] - column), 0)
        out = np.empty(tuple_setitem(moved.shape[1:], items.ndim - 2, size), items.dtype)
        for index in range(size):
            out[..., index] = moved[row + index, ..., column + index]
        return out

    return diagonal


def _average(a: Any, axis: Any = None, weights: Any = None, returned: Any = False) -> Any:
    array = array_of(a)
    if array is None:
        return None
    if literal(returned, "returned"):
        return _average_and_weight(array, weights)
    if is_none(weights):
        return lambda a, axis=None, weights=None, returned=False: np.mean(as_array(a), axis)
    given = array_of(weights)
    if given is None:
        return None
    float_or_more = np.result_type(
        numpy_support.as_dtype(array.dtype), numpy_support.as_dtype(given.dtype), np.float64
    )
    inexact = np.result_type(numpy_support.as_dtype(array.dtype), numpy_support.as_dtype(given.dtype))
    number = inexact if array.dtype in _INEXACT else float_or_more
    spread = _along_axis if given.ndim < array.ndim else _as_it_is
    if given.ndim not in {1, array.ndim} or (given.ndim < array.ndim and not isinstance(axis, types.Integer)):
        raise errors.TypingError("a guest takes weights of the array's shape, or of one axis that is named")

    def average(a: Any, axis: Any = None, weights: Any = None, returned: Any = False) -> Any:
        items = as_array(a)
        shares = spread(as_array(weights).astype(number), items, axis)
        total = np.sum(shares, axis)
        if np.any(total == 0):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        return np.sum(items.astype(number) * shares, axis) / total

    return average


def _average_and_weight(array: Any, weights: Any) -> Any:
    """np.average with the sum of the weights, which has the shape and dtype of the average."""
    if is_none(weights):

        def with_count(a: Any, axis: Any = None, weights: Any = None, returned: Any = False) -> Any:
            average = np.average(as_array(a), axis)
            return average, average * 0 + as_array(a).size / np.size(average)

        return with_count
    if array_of(weights) is None or array_of(weights).ndim != array.ndim:
        raise errors.TypingError("a guest has returned=True of weights that have the array's shape")

    def with_weight(a: Any, axis: Any = None, weights: Any = None, returned: Any = False) -> Any:
        average = np.average(as_array(a), axis, weights)
        return average, average * 0 + np.sum(as_array(weights), axis)

    return with_weight


_INEXACT = {types.float32, types.float64, types.complex64, types.complex128}


def _as_it_is(weights: Any, items: Any, axis: Any) -> Any:
    _ = axis
    if weights.shape != items.shape:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    return weights


def _along_axis(weights: Any, items: Any, axis: Any) -> Any:
    place = axis + items.ndim if axis < 0 else axis
    if len(weights) != items.shape[place]:
        raise ValueError("Shape of weights must be consistent with shape of a along specified axis.")
    return weights.reshape(tuple_setitem(with_ones(items.shape, range(items.ndim)), place, -1))
