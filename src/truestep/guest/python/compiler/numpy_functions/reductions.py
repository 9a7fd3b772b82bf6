"""Reductions with any axes, `keepdims`, and of lists: each row of items becomes one number."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.core.registry import cpu_target
from numba.core.typing.npydecl import parse_dtype
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    converted,
    converter,
    is_number,
    literal,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import (
    axes_checked,
    axes_of,
    axis_count,
    is_axis,
    is_none,
    length_of,
    place_of,
    rows_of,
    with_last,
    with_ones,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_method
from truestep.guest.python.compiler.sums import (
    copy_in_order,
    flat_in_order,
    forget,
    has_floats,
    total,
    total_along,
    total_axes_kept,
)


def install_reductions() -> None:
    """Add them to Numba's."""
    for function, name in (
        (np.prod, "prod"),
        (np.mean, "mean"),
        (np.var, "var"),
        (np.std, "std"),
        (np.ptp, ""),
    ):
        forget(function, name)
    for name, function, implementation in (
        ("sum", np.sum, _sum),
        ("prod", np.prod, _prod),
        ("mean", np.mean, _mean),
        ("var", np.var, _var),
        ("std", np.std, _std),
        ("any", np.any, _any),
        ("all", np.all, _all),
        ("argmin", np.argmin, _argmin),
        ("argmax", np.argmax, _argmax),
        ("", np.count_nonzero, _count_nonzero),
        ("", np.ptp, _ptp),
    ):
        extend(function, implementation)
        if name:
            extend_method(name, implementation)
    for name, functions, implementation in (
        ("min", {np.min, np.amin}, _min),
        ("max", {np.max, np.amax}, _max),
    ):
        for function in functions:
            extend(function, implementation)
        extend_method(name, implementation)


def result_dtype(row: Any, array: Any) -> Any:
    """NumPy's dtype of what a function makes of a row of the array."""
    kind = types.Array(array.dtype, 1, "C", readonly=not array.mutable)
    found = cpu_target.typing_context.resolve_function_type(row, (kind,), {})
    return numpy_support.as_dtype(found.return_type)


def whole(row: Any, a: Any, axis: Any) -> Any:
    """The function of all items. Compiled only."""
    _ = axis
    return row(a.ravel())


def whole_kept(row: Any, a: Any, axis: Any) -> Any:
    """The same, in an array with as many axes. Compiled only."""
    _ = axis
    return boxed(row(a.ravel()), a)


def boxed(number: Any, a: Any) -> Any:
    """An array that holds one number and has as many axes as `a`."""
    return np.array([number]).reshape(with_ones(a.shape, range(a.ndim)))


def along(row: Any, a: Any, axis: Any) -> Any:
    """The function of each row along the axes. Compiled only."""
    raise NotImplementedError


@overload(along, strict=False)
def _along(row: Any, a: Any, axis: Any) -> Any:
    kept = a.ndim - axis_count(axis)
    if kept == 0:

        def of_all(row: Any, a: Any, axis: Any) -> Any:
            return row(rows_of(a, axes_of(axis, a.ndim))[0])

        return of_all

    def of_rows(row: Any, a: Any, axis: Any) -> Any:
        axes = axes_of(axis, a.ndim)
        return each_row(row, rows_of(a, axes)).reshape(with_last(a, axes).shape[:kept])

    return of_rows


def along_kept(row: Any, a: Any, axis: Any) -> Any:
    """The same, with axes of length 1 for those that it goes along. Compiled only."""
    axes = axes_of(axis, a.ndim)
    return each_row(row, rows_of(a, axes)).reshape(with_ones(a.shape, axes))


def each_row(row: Any, rows: Any) -> Any:
    """The function of each row. Compiled only."""
    raise NotImplementedError


@overload(each_row, strict=False)
def _each_row(row: Any, rows: Any) -> Any:
    dtype = result_dtype(row, rows)

    def each(row: Any, rows: Any) -> Any:
        out = np.empty(len(rows), dtype)
        for index in range(len(rows)):
            out[index] = row(rows[index])
        return out

    return each


def reducer(axis: Any, keepdims: Any) -> Callable[..., Any]:
    """The function that calls another one for all items or for rows."""
    keeps = literal(keepdims, "keepdims")
    if is_none(axis):
        return whole_kept if keeps else whole
    if not is_axis(axis):
        raise errors.TypingError("a guest takes an axis that is an integer or a tuple of integers")
    return along_kept if keeps else along


def _dtype_of_sum(dtype: Any) -> Any:
    return numpy_support.from_dtype(np.zeros(0, numpy_support.as_dtype(dtype)).sum().dtype)


def _wanted(dtype: Any, otherwise: Any) -> Any:
    return otherwise if is_none(dtype) else parse_dtype(dtype)


def adder(array: Any, axis: Any, keepdims: Any) -> Callable[..., Any]:
    """The function of (array, axis) that adds the items, floats in NumPy's order."""
    reduce = reducer(axis, keepdims)
    keeps = literal(keepdims, "keepdims")
    if not has_floats(array):
        number = numpy_support.as_dtype(array.dtype)
        return lambda a, axis: converted(reduce(_sum_of_row, a, axis), number)
    if is_none(axis) or (array.ndim == 1 and not keeps):
        return _all_boxed if keeps else _all_added
    if isinstance(axis, types.Integer) and array.ndim > 1:
        return _one_axis_kept if keeps else _one_axis
    return total_axes_kept if keeps else _several_axes


def _sum_of_row(row: Any) -> Any:
    return row.sum()


def _all_added(a: Any, axis: Any) -> Any:
    axes_checked(axis, a.ndim)
    return total(a, None, None)


def _all_boxed(a: Any, axis: Any) -> Any:
    _ = axis
    return boxed(total(a, None, None), a)


def _one_axis(a: Any, axis: Any) -> Any:
    return total_along(a, place_of(axis, a.ndim), None)


def _several_axes(a: Any, axis: Any) -> Any:
    return total_along(a, axis, None)


def _one_axis_kept(a: Any, axis: Any) -> Any:
    place = place_of(axis, a.ndim)
    return np.expand_dims(total_along(a, place, None), place)


def _sum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None
) -> Any:
    refuse(out=out)
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    wanted = _wanted(dtype, _dtype_of_sum(array.dtype))
    convert = converter(array, wanted)
    add = adder(array.copy(dtype=wanted), axis, keepdims)
    if is_none(initial):
        return lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=None: add(convert(a), axis)
    if has_floats(array) and (array.layout == "A" or is_axis(axis)):
        raise errors.TypingError("a guest has no initial= here; add the number to the sum")
    number = numpy_support.as_dtype(wanted).type
    return lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=None: (
        number(initial) + add(convert(a), axis)
    )


def _prod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None
) -> Any:
    refuse(out=out)
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    wanted = _wanted(dtype, _dtype_of_sum(array.dtype))
    convert, reduce = converter(array, wanted), reducer(axis, keepdims)
    number = numpy_support.as_dtype(wanted).type
    if is_none(axis) and array.layout != "C":
        convert = _in_order(convert)
    elif array.layout != "C" and axis_count(axis) > 1 and has_floats(array):
        raise errors.TypingError("a guest multiplies along several axes of C-contiguous arrays only; copy it")
    if not is_none(initial) and has_floats(array.copy(dtype=wanted)):
        raise errors.TypingError("a guest has no initial= here; multiply the product by the number")

    def product(row: Any) -> Any:
        result = number(1)
        for item in row:
            result *= item
        return number(result)

    if not is_none(initial):
        return lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=None: (
            reduce(product, convert(a), axis) * number(initial)
        )
    return lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=None: reduce(
        product, convert(a), axis
    )


def _in_order(convert: Any) -> Any:
    def convert_in_order(a: Any) -> Any:
        return flat_in_order(convert(a)).reshape(a.shape)

    return convert_in_order


def _mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    refuse(out=out)
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    wanted = _wanted(dtype, array.dtype if has_floats(array) else types.float64)
    convert, add = converter(array, wanted), adder(array.copy(dtype=wanted), axis, keepdims)
    number = numpy_support.as_dtype(wanted).type

    def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        items = convert(a)
        return quotient(add(items, axis), count_along(items, axis), number)

    return mean


def count_along(a: Any, axis: Any) -> Any:
    """How many items are added up. Compiled only."""
    raise NotImplementedError


@overload(count_along, strict=False)
def _count_along(a: Any, axis: Any) -> Any:
    if is_none(axis):
        return lambda a, axis: a.size
    return lambda a, axis: length_of(a.shape, axes_of(axis, a.ndim))


def quotient(sums: Any, count: Any, number: Any) -> Any:
    """The sum, or each sum, divided by the count as a float64 and rounded. Compiled only."""
    raise NotImplementedError


@overload(quotient, strict=False)
def _quotient(sums: Any, count: Any, number: Any) -> Any:
    if isinstance(sums, types.Array):
        return lambda sums, count, number: (sums / np.float64(count)).astype(number)
    return lambda sums, count, number: number(sums / np.float64(count))


def _var(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    refuse(out=out)
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    wanted = _wanted(dtype, array.dtype if has_floats(array) else types.float64)
    convert, square = converter(array, wanted), _square_of(wanted)
    real = wanted.underlying_float if isinstance(wanted, types.Complex) else wanted
    layout = array.layout if wanted == array.dtype else "C"
    mean_kept = adder(array.copy(dtype=wanted, layout=layout), axis, keepdims=True)
    add = adder(types.Array(real, array.ndim, "C" if layout == "C" else "A"), axis, keepdims)
    apart_from = _apart if layout == "C" else _apart_in_order
    number, real_number = numpy_support.as_dtype(wanted).type, numpy_support.as_dtype(real).type

    def variance(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
    ) -> Any:
        items = convert(a)
        count = count_along(items, axis)
        apart = apart_from(items, quotient(mean_kept(items, axis), count, number))
        return quotient(add(square(apart), axis), max(count - ddof, 0), real_number)

    return variance


def _square_of(dtype: Any) -> Any:
    """The function that squares in place, so that items keep their order in memory."""
    if isinstance(dtype, types.Complex):
        return _squared_sizes
    return _squared


def _squared(apart: Any) -> Any:
    apart *= apart
    return apart


def _squared_sizes(apart: Any) -> Any:
    squares, others = copy_in_order(apart.real), copy_in_order(apart.imag)
    squares *= squares
    others *= others
    squares += others
    return squares


def _apart(items: Any, mean: Any) -> Any:
    return items - mean


def _apart_in_order(items: Any, mean: Any) -> Any:
    apart = copy_in_order(items)
    apart -= mean
    return apart


def _std(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    refuse(out=out)
    keeps = literal(keepdims, "keepdims")
    return lambda a, axis=None, dtype=None, out=None, ddof=0, keepdims=False: np.sqrt(
        np.var(a, axis, dtype, out, ddof, keeps)
    )


def _any(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _of_rows(_is_any_true, a, axis, out, keepdims)


def _all(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _of_rows(_are_all_true, a, axis, out, keepdims)


def _of_rows(row: Any, a: Any, axis: Any, out: Any, keepdims: Any) -> Any:
    refuse(out=out)
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    reduce = reducer(axis, keepdims)
    return lambda a, axis=None, out=None, keepdims=False: reduce(row, as_array(a), axis)


def _is_any_true(row: Any) -> Any:
    for item in row:
        if item:
            return True
    return False


def _are_all_true(row: Any) -> Any:
    for item in row:
        if not item:
            return False
    return True


def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    array = array_of(a)
    if array is None or isinstance(array.dtype, types.Boolean | types.Complex):
        raise errors.TypingError("a guest has np.ptp of integers and floats")
    number = numpy_support.as_dtype(array.dtype).type

    def spread(row: Any) -> Any:
        return number(np.max(row) - np.min(row))

    return _of_rows(spread, a, axis, out, keepdims)


def _min(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None) -> Any:
    return _extreme(_least, np.minimum, a, axis, out, keepdims, initial)


def _max(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, initial: Any = None) -> Any:
    return _extreme(_greatest, np.maximum, a, axis, out, keepdims, initial)


def _extreme(row: Any, of_two: Any, a: Any, axis: Any, out: Any, keepdims: Any, initial: Any) -> Any:
    refuse(out=out)
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    reduce = reducer(axis, keepdims)
    if is_none(initial):
        return lambda a, axis=None, out=None, keepdims=False, initial=None: reduce(row, as_array(a), axis)
    number = numpy_support.as_dtype(array.dtype).type
    if is_none(axis) and reduce is whole:
        return lambda a, axis=None, out=None, keepdims=False, initial=None: row(
            np.append(as_array(a).ravel(), number(initial))
        )
    return lambda a, axis=None, out=None, keepdims=False, initial=None: of_two(
        reduce(row, as_array(a), axis), number(initial)
    )


def _least(row: Any) -> Any:
    return np.min(row)


def _greatest(row: Any) -> Any:
    return np.max(row)


def _argmin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _place(_place_of_least, a, axis, out, keepdims)


def _argmax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _place(_place_of_greatest, a, axis, out, keepdims)


def _place(row: Any, a: Any, axis: Any, out: Any, keepdims: Any) -> Any:
    if isinstance(axis, types.BaseTuple):
        raise errors.TypingError("a guest takes one axis here, or none")
    return _of_rows(row, a, axis, out, keepdims)


def _place_of_least(row: Any) -> Any:
    return np.argmin(row)


def _place_of_greatest(row: Any) -> Any:
    return np.argmax(row)


def _count_nonzero(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    reduce = reducer(axis, keepdims)
    return lambda a, axis=None, keepdims=False: reduce(_count_of_row, as_array(a), axis)


def _count_of_row(row: Any) -> Any:
    count = 0
    for item in row:
        if item:
            count += 1
    return count
