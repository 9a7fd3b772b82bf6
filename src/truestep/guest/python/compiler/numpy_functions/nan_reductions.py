"""Reductions that skip NaNs, along any axes."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    is_number,
    literal,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.reductions import adder, quotient, reducer
from truestep.guest.python.compiler.sums import copy_in_order, forget, has_floats


def install_nan_reductions() -> None:
    """Add them to Numba's, and replace those that add in another order than NumPy."""
    for function in (np.nanvar, np.nanstd):
        forget(function, "")
    for function, implementation in (
        (np.nansum, _nansum),
        (np.nanmean, _nanmean),
        (np.nanvar, _nanvar),
        (np.nanstd, _nanstd),
        (np.nanmin, _nanmin),
        (np.nanmax, _nanmax),
        (np.nanprod, _nanprod),
    ):
        extend(function, implementation)


def _array(kind: Any) -> Any:
    array = array_of(kind)
    return array if array is not None and is_number(array.dtype) else None


def _may_have_nans(array: Any) -> bool:
    return isinstance(array.dtype, types.Float | types.Complex)


def without_nans(a: Any) -> Any:
    """A copy with zeros for NaNs, whose axes lie in memory as those of the array."""
    items = copy_in_order(a)
    for place in np.ndindex(items.shape):
        if np.isnan(items[place]):
            items[place] = 0
    return items


def _adders(array: Any, axis: Any, keepdims: Any) -> Any:
    """The functions that add up numbers, and that count truth values."""
    floats = types.Array(array.dtype, array.ndim, "A")
    counts = types.Array(types.int64, array.ndim, "C")
    return adder(floats, axis, keepdims), adder(counts, axis, keepdims)


def _numbers(a: Any) -> Any:
    return (~np.isnan(a)).astype(np.int64)


def _nansum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    refuse(dtype=dtype, out=out)
    array = _array(a)
    if array is None or not _may_have_nans(array):
        return None
    add, _ = _adders(array, axis, keepdims)
    return lambda a, axis=None, dtype=None, out=None, keepdims=False: add(without_nans(as_array(a)), axis)


def _nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    refuse(dtype=dtype, out=out)
    array = _array(a)
    if array is None:
        return None
    if not _may_have_nans(array):
        keeps = bool(literal(keepdims, "keepdims"))
        return lambda a, axis=None, dtype=None, out=None, keepdims=False: np.mean(
            as_array(a), axis, None, None, keeps
        )
    add, count = _adders(array, axis, keepdims)
    number = numpy_support.as_dtype(array.dtype).type

    def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        items = as_array(a)
        return quotient_each(add(without_nans(items), axis), count(_numbers(items), axis), number)

    return nanmean


def quotient_each(sums: Any, counts: Any, number: Any) -> Any:
    """The sums divided by the counts, each as a float64 and rounded. Compiled only."""
    raise NotImplementedError


@overload(quotient_each, strict=False)
def _quotient_each(sums: Any, counts: Any, number: Any) -> Any:
    if isinstance(sums, types.Array):
        return lambda sums, counts, number: (sums / counts.astype(np.float64)).astype(number)
    return lambda sums, counts, number: quotient(sums, counts, number)


def _nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    refuse(dtype=dtype, out=out)
    array = _array(a)
    if array is None:
        return None
    keeps = bool(literal(keepdims, "keepdims"))
    if not _may_have_nans(array):
        return lambda a, axis=None, dtype=None, out=None, ddof=0, keepdims=False: np.var(
            as_array(a), axis, None, None, ddof, keeps
        )
    real = getattr(array.dtype, "underlying_float", array.dtype)
    add, count = _adders(array.copy(dtype=real), axis, keepdims)
    add_kept, count_kept = _adders(array, axis, keepdims=True)
    number = numpy_support.as_dtype(array.dtype).type
    real_number = numpy_support.as_dtype(real).type

    def nanvar(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
    ) -> Any:
        items = as_array(a)
        numbers = _numbers(items)
        apart = without_nans(items)
        apart -= quotient_each(add_kept(apart, axis), count_kept(numbers, axis), number)
        squares = real_part(apart)
        for place in np.ndindex(apart.shape):
            squares[place] = square(apart[place]) if numbers[place] else 0
        return spread_of(add(squares, axis), count(numbers, axis) - ddof, real_number)

    return nanvar


def real_part(items: Any) -> Any:
    """An array of floats of the same order in memory, to be overwritten. Compiled only."""
    raise NotImplementedError


@overload(real_part, strict=False)
def _real_part(items: Any) -> Any:
    if isinstance(items.dtype, types.Complex):
        return lambda items: items.real.copy()
    return lambda items: items


def square(number: Any) -> Any:
    """The square of a number's size. Compiled only."""
    raise NotImplementedError


@overload(square, strict=False)
def _square(number: Any) -> Any:
    if isinstance(number, types.Complex):
        return lambda number: number.real * number.real + number.imag * number.imag
    return lambda number: number * number


def spread_of(sums: Any, freedom: Any, number: Any) -> Any:
    """The sums divided by the degrees of freedom, NaN where there are none. Compiled only."""
    raise NotImplementedError


@overload(spread_of, strict=False)
def _spread_of(sums: Any, freedom: Any, number: Any) -> Any:
    def of_each(sums: Any, freedom: Any, number: Any) -> Any:
        out = (sums / freedom.astype(np.float64)).astype(number)
        for place in np.ndindex(out.shape):
            if freedom[place] <= 0:
                out[place] = np.nan
        return out

    def of_one(sums: Any, freedom: Any, number: Any) -> Any:
        return number(sums / np.float64(freedom)) if freedom > 0 else number(np.nan)

    return of_each if isinstance(sums, types.Array) else of_one


def _nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: Any = False
) -> Any:
    refuse(dtype=dtype, out=out)
    keeps = bool(literal(keepdims, "keepdims"))
    if _array(a) is None:
        return None
    return lambda a, axis=None, dtype=None, out=None, ddof=0, keepdims=False: np.sqrt(
        np.nanvar(a, axis, None, None, ddof, keeps)
    )


def _nanmin(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _of_rows(_least, a, axis, out, keepdims)


def _nanmax(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    return _of_rows(_greatest, a, axis, out, keepdims)


def _least(row: Any) -> Any:
    return np.nanmin(row)


def _greatest(row: Any) -> Any:
    return np.nanmax(row)


def _of_rows(row: Any, a: Any, axis: Any, out: Any, keepdims: Any) -> Any:
    refuse(out=out)
    if _array(a) is None:
        return None
    reduce = reducer(axis, keepdims)
    return lambda a, axis=None, out=None, keepdims=False: reduce(row, as_array(a), axis)


def _nanprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    refuse(dtype=dtype, out=out)
    array = _array(a)
    if array is None or not has_floats(array) or is_none(axis):
        return None
    keeps = bool(literal(keepdims, "keepdims"))

    def nanprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False) -> Any:
        items = as_array(a).copy()
        for place in np.ndindex(items.shape):
            if np.isnan(items[place]):
                items[place] = 1
        return np.prod(items, axis, None, None, keeps)

    return nanprod
