"""Quantiles, percentiles and medians along any axes, with NumPy's interpolation."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    is_number,
    literal,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import (
    axes_of,
    axis_count,
    is_none,
    rows_of,
    with_last,
    with_ones,
)
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.reductions import reducer
from truestep.guest.python.compiler.python_numbers import python_kind
from truestep.guest.python.compiler.sums import forget


def install_quantiles() -> None:
    """Replace Numba's quantiles, and add axes to its medians."""
    for function, is_percentile, skips in (
        (np.percentile, True, False),
        (np.quantile, False, False),
        (np.nanpercentile, True, True),
        (np.nanquantile, False, True),
    ):
        forget(function, "")
        extend(function, _quantile_function(is_percentile=is_percentile, skips=skips))
    extend(np.median, _median)
    extend(np.nanmedian, _nanmedian)


def _median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    return _median_of_rows(_median_of_row, a, axis, out, keepdims)


def _nanmedian(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: Any = False, keepdims: Any = False
) -> Any:
    return _median_of_rows(_nanmedian_of_row, a, axis, out, keepdims)


def _median_of_rows(row: Any, a: Any, axis: Any, out: Any, keepdims: Any) -> Any:
    refuse(out=out)
    array = array_of(a)
    if array is None or not is_number(array.dtype):
        return None
    reduce = reducer(axis, keepdims)
    return lambda a, axis=None, out=None, overwrite_input=False, keepdims=False: reduce(
        row, as_array(a), axis
    )


def _median_of_row(row: Any) -> Any:
    return np.median(row)


def _nanmedian_of_row(row: Any) -> Any:
    return np.nanmedian(row)


# Hyndman and Fan, "Sample quantiles in statistical packages", 1996.
_PARAMETERS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3.0, 1 / 3.0),
    "normal_unbiased": (3 / 8.0, 3 / 8.0),
}


def _place_of(method: str) -> Callable[..., Any]:
    """Where among `count` sorted items the quantile is."""
    if method in _PARAMETERS:
        alpha, beta = _PARAMETERS[method]
        return lambda count, q: count * q + (alpha + q * (1 - alpha - beta)) - 1
    places = {
        "linear": lambda count, q: (count - 1) * q,
        "lower": lambda count, q: np.floor((count - 1) * q),
        "higher": lambda count, q: np.ceil((count - 1) * q),
        "nearest": lambda count, q: np.rint((count - 1) * q),
        "midpoint": lambda count, q: 0.5 * (np.floor((count - 1) * q) + np.ceil((count - 1) * q)),
    }
    if method not in places:
        raise errors.TypingError(
            f"a guest has no quantiles of the method {method!r}; it has {', '.join([*places, *_PARAMETERS])}"
        )
    return places[method]


def _quantile_function(*, is_percentile: bool, skips: bool) -> Callable[..., Any]:
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: Any = False,
        method: Any = "linear",
        keepdims: Any = False,
    ) -> Any:
        refuse(out=out)
        array = array_of(a)
        if array is None or not is_number(array.dtype) or isinstance(array.dtype, types.Complex):
            return None
        if isinstance(array.dtype, types.Boolean):
            raise errors.TypingError("a guest has no quantiles of truth values; write x.astype(int)")
        if not is_number(q) and array_of(q) is None:
            return None
        chosen = literal(method, "method")
        gives_items = chosen in {"lower", "higher", "nearest"}
        of_row = _of_row(array.dtype, _dtype_of_places(q), bool(python_kind(q)), chosen, gives_items, skips)
        divisor = 100 if is_percentile else 1
        keeps = literal(keepdims, "keepdims")
        shape = _shaped_kept if keeps else _shaped
        collect = _collector(array, q, axis, is_kept=bool(keeps))
        return lambda a, q, axis=None, out=None, overwrite_input=False, method="linear", keepdims=False: (
            collect(of_row, as_array(a), q, divisor, axis, shape)
        )

    return quantile


def _collector(array: Any, q: Any, axis: Any, *, is_kept: bool) -> Callable[..., Any]:
    if is_number(q):
        return _collect_one
    if not is_kept and (is_none(axis) or array.ndim == axis_count(axis)):
        return _collect_of_row
    if array_of(q).ndim != 1:
        raise errors.TypingError("with an axis, a guest takes one quantile or a list of them")
    return _collect


def _dtype_of_places(q: Any) -> Any:
    """The dtype in which NumPy computes places."""
    dtype = q if is_number(q) else array_of(q).dtype
    return types.float32 if dtype == types.float32 else types.float64


def _of_row(dtype: Any, place_dtype: Any, is_weak: bool, method: str, gives_items: bool, skips: bool) -> Any:
    """The function of (sorted items, quantile, divisor)."""
    place_of = _place_of(method)
    real, item = numpy_support.as_dtype(place_dtype).type, numpy_support.as_dtype(dtype).type
    is_midpoint, has_nans = method == "midpoint", isinstance(dtype, types.Float)
    result = item if is_weak and has_nans else np.result_type(real, item).type

    def of_row(items: Any, q: Any, divisor: Any) -> Any:
        q = real(q) / real(divisor)
        if not 0 <= q <= 1:
            raise ValueError("quantiles must be in the range [0, 1], percentiles in the range [0, 100]")
        count = len(items)
        if has_nans:
            while skips and count > 0 and np.isnan(items[count - 1]):
                count -= 1
            if count == 0 or np.isnan(items[count - 1]):
                return result(np.nan)
        place = real(place_of(real(count), q))
        before = np.int64(np.floor(place))
        gamma = real(place - real(before))
        if place >= count - 1:
            before = count - 1
            gamma = real(0)
        elif place < 0:
            before = 0
            gamma = real(0)
        if is_midpoint:
            gamma = real(0.5) if gamma > 0 else real(0)
        low, high = items[before], items[min(before + 1, count - 1)]
        apart = item(high - low)
        if gamma >= real(0.5):
            return result(high - apart * result(real(1) - gamma))
        return result(low + apart * result(gamma))

    def item_of_row(items: Any, q: Any, divisor: Any) -> Any:
        q = real(q) / real(divisor)
        if not 0 <= q <= 1:
            raise ValueError("quantiles must be in the range [0, 1], percentiles in the range [0, 100]")
        count = len(items)
        if has_nans:
            while skips and count > 0 and np.isnan(items[count - 1]):
                count -= 1
            if count == 0 or np.isnan(items[count - 1]):
                return item(np.nan)
        return items[np.int64(place_of(real(count), q))]

    return item_of_row if gives_items else of_row


def _sorted_rows(a: Any, axis: Any) -> Any:
    """The rows along the axes, sorted. Compiled only."""
    raise NotImplementedError


@overload(_sorted_rows, strict=False)
def _sorted_rows_of(a: Any, axis: Any) -> Any:
    if is_none(axis):

        def all_sorted(a: Any, axis: Any) -> Any:
            items = a.flatten()
            items.sort()
            return items.reshape((1, len(items)))

        return all_sorted

    def each_sorted(a: Any, axis: Any) -> Any:
        rows = rows_of(a, axes_of(axis, a.ndim)).copy()
        for row in rows:
            row.sort()
        return rows

    return each_sorted


def _shaped(numbers: Any, a: Any, axis: Any) -> Any:
    """One number for each row, in the shape of the result. Compiled only."""
    raise NotImplementedError


@overload(_shaped, strict=False)
def _shaped_of(numbers: Any, a: Any, axis: Any) -> Any:
    kept = 0 if is_none(axis) else a.ndim - axis_count(axis)
    if kept == 0:
        return lambda numbers, a, axis: numbers[0]
    return lambda numbers, a, axis: numbers.reshape(with_last(a, axes_of(axis, a.ndim)).shape[:kept])


def _shaped_kept(numbers: Any, a: Any, axis: Any) -> Any:
    """The same with axes of length 1. Compiled only."""
    raise NotImplementedError


@overload(_shaped_kept, strict=False)
def _shaped_kept_of(numbers: Any, a: Any, axis: Any) -> Any:
    if is_none(axis):
        return lambda numbers, a, axis: numbers.reshape(with_ones(a.shape, range(a.ndim)))
    return lambda numbers, a, axis: numbers.reshape(with_ones(a.shape, axes_of(axis, a.ndim)))


def _numbers(of_row: Any, rows: Any, q: Any, divisor: Any) -> Any:
    return np.array([of_row(row, q, divisor) for row in rows])


def _collect_one(of_row: Any, a: Any, q: Any, divisor: Any, axis: Any, shape: Any) -> Any:
    """One quantile of each row."""
    return shape(_numbers(of_row, _sorted_rows(a, axis), q, divisor), a, axis)


def _collect_of_row(of_row: Any, a: Any, q: Any, divisor: Any, axis: Any, shape: Any) -> Any:
    """Several quantiles of the only row."""
    _ = shape
    row = _sorted_rows(a, axis)[0]
    wanted = as_array(q)
    return np.array([of_row(row, one, divisor) for one in wanted.ravel()]).reshape(wanted.shape)


def _collect(of_row: Any, a: Any, q: Any, divisor: Any, axis: Any, shape: Any) -> Any:
    """Several quantiles of each row."""
    rows = _sorted_rows(a, axis)
    wanted = as_array(q)
    first = shape(_numbers(of_row, rows, wanted[0], divisor), a, axis)
    out = np.empty((len(wanted),) + first.shape, first.dtype)
    for index in range(len(wanted)):
        out[index] = shape(_numbers(of_row, rows, wanted[index], divisor), a, axis)
    return out
