"""median, nanmedian, nansum and nanmean as NumPy computes them: NaN, dtypes, and the order of additions."""

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, register_jitable
from numba.np import arraymath

from truestep.guest.python.compiler.sums import flat_in_order, forget, is_none, number_type

_select: Any = arraymath._select
_select_two: Any = arraymath._select_two


def install_missing_values() -> None:
    """Replace Numba's own."""
    for function, implementation in (
        (np.median, _median),
        (np.nanmedian, _nanmedian),
        (np.nansum, _nansum),
        (np.nanmean, _nanmean),
    ):
        forget(function, "")
        overload(function)(implementation)


def _is_array(a: Any, *kinds: Any) -> bool:
    return isinstance(a, types.Array) and isinstance(a.dtype, kinds)


def _median_of(number: Any) -> Any:
    """The middle of `count` items, of which none is a NaN, in an array that may be reordered."""

    @register_jitable
    def middle(items: Any, count: Any) -> Any:
        if count == 0:
            return number(np.nan)
        half = count >> 1
        if count & 1:
            return number(_select(items, half, 0, count - 1))
        low, high = _select_two(items, half - 1, 0, count - 1)
        return number((number(low) + number(high)) / number(2))

    return middle


def _median(a: Any) -> Any:
    if not _is_array(a, types.Integer, types.Float, types.Boolean):
        return None
    has_nans = isinstance(a.dtype, types.Float)
    number = number_type(a) if has_nans else np.float64
    middle = _median_of(number)

    def median(a: Any) -> Any:
        items = a.flatten()
        if has_nans:
            for item in items:
                if np.isnan(item):
                    return number(np.nan)
        return middle(items, len(items))

    return median


def _nanmedian(a: Any) -> Any:
    if not _is_array(a, types.Integer, types.Float, types.Boolean):
        return None
    number = number_type(a) if isinstance(a.dtype, types.Float) else np.float64
    middle = _median_of(number)

    def nanmedian(a: Any) -> Any:
        items = a.flatten()
        count = 0
        for item in items:
            if not np.isnan(item):
                items[count] = item
                count += 1
        return middle(items, count)

    return nanmedian


@register_jitable
def _without_nans(items: Any, zero: Any) -> Any:
    """The items with zeros for NaNs, in place, and how many were numbers."""
    count = 0
    for index in np.ndindex(items.shape):
        if np.isnan(items[index]):
            items[index] = zero
        else:
            count += 1
    return count


def _nansum(a: Any, axis: Any = None) -> Any:
    if not _is_array(a, types.Number, types.Boolean):
        return None
    if not isinstance(a.dtype, types.Float | types.Complex):

        def nansum_of_integers(a: Any, axis: Any = None) -> Any:
            return a.sum()

        def nansum_of_integers_along(a: Any, axis: Any = None) -> Any:
            return a.sum(axis)

        return nansum_of_integers if is_none(axis) else nansum_of_integers_along
    number = number_type(a)

    def nansum(a: Any, axis: Any = None) -> Any:
        items = flat_in_order(a)
        _without_nans(items, number(0))
        return items.sum()

    def nansum_along(a: Any, axis: Any = None) -> Any:
        items = a.copy()
        _without_nans(items, number(0))
        return items.sum(axis)

    return nansum if is_none(axis) else nansum_along


def _nanmean(a: Any, axis: Any = None) -> Any:
    if not _is_array(a, types.Number, types.Boolean):
        return None
    if not isinstance(a.dtype, types.Float | types.Complex):

        def nanmean_of_integers(a: Any, axis: Any = None) -> Any:
            return a.mean(axis)

        return nanmean_of_integers
    number = number_type(a)

    def nanmean(a: Any, axis: Any = None) -> Any:
        items = flat_in_order(a)
        count = _without_nans(items, number(0))
        return number(items.sum() / np.float64(count))

    def nanmean_along(a: Any, axis: Any = None) -> Any:
        items = a.copy()
        _without_nans(items, number(0))
        counts = (~np.isnan(a)).sum(axis).astype(np.float64)
        return (items.sum(axis) / counts).astype(number)

    return nanmean if is_none(axis) else nanmean_along
