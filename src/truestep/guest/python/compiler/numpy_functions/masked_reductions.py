"""Reductions with `where=`: of the items that a mask chooses."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.np.numpy_support import as_dtype

from truestep.guest.python.compiler.numpy_functions.arguments import (
    array_of,
    as_array,
    is_number,
    literal,
    refuse,
)
from truestep.guest.python.compiler.numpy_functions.axes import is_none, place_of
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_method_further
from truestep.guest.python.compiler.sums import has_floats


def install_masked_reductions() -> None:
    """Add them to Numba's."""
    for name, functions, implementation in (
        ("sum", {np.sum}, _sum),
        ("prod", {np.prod}, _prod),
        ("mean", {np.mean}, _mean),
        ("max", {np.max, np.amax}, _extreme_of(np.max)),
        ("min", {np.min, np.amin}, _extreme_of(np.min)),
        ("any", {np.any}, _truth_of(np.any, otherwise=False)),
        ("all", {np.all}, _truth_of(np.all, otherwise=True)),
    ):
        for function in functions:
            extend(function, implementation)
        extend_method_further(name, implementation)


def _array_with_mask(a: Any, where: Any) -> Any:
    """The type of the array, or None if there is no mask, or no array of numbers."""
    array = array_of(a)
    if is_none(where) or where is True or array is None or array.ndim == 0 or not is_number(array.dtype):
        return None
    mask = array_of(where)
    if mask is None or not isinstance(mask.dtype, types.Boolean):
        raise errors.TypingError("a guest takes an array of truth values as where=")
    return array


def _mask(a: Any, where: Any) -> Any:
    return np.broadcast_to(as_array(where), as_array(a).shape)


def _sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    array = _array_with_mask(a, where)
    if array is None:
        return None
    refuse(dtype=dtype, out=out, initial=initial)
    add = _adder(array, axis, is_kept=bool(literal(keepdims, "keepdims")))
    return lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=None: add(
        as_array(a), axis, _mask(a, where)
    )


def _adder(array: Any, axis: Any, *, is_kept: bool) -> Callable[..., Any]:
    """The function of (array, axis, mask) that adds, floats in NumPy's order."""
    if not has_floats(array):
        zero = as_dtype(array.dtype).type(0)
        return lambda a, axis, mask: np.sum(np.where(mask, a, zero), axis=axis, keepdims=is_kept)
    if array.layout != "C" or is_kept or (array.ndim > 2 and not is_none(axis)):
        raise errors.TypingError(
            "a guest adds floats with where= in C-contiguous arrays, all of them or along one of two axes, "
            "without keepdims; write np.where(mask, x, 0.0).sum()"
        )
    if is_none(axis) or array.ndim == 1:
        return lambda a, axis, mask: _sum_of_runs(a.ravel(), mask.ravel())
    if not isinstance(axis, types.Integer):
        raise errors.TypingError("a guest takes one axis here, or none")
    return _sums_in_matrix


def _sum_of_runs(items: Any, mask: Any) -> Any:
    """NumPy adds each run of chosen items to the sum of the runs before."""
    result = items.dtype.type(0)
    start = 0
    while start < len(items):
        end = start
        while end < len(items) and mask[end]:
            end += 1
        if end > start:
            result += np.sum(items[start:end])
        start = end + 1
    return result


def _sums_in_matrix(a: Any, axis: Any, mask: Any) -> Any:
    place = place_of(axis, a.ndim)
    out = np.zeros(a.shape[1 - place], a.dtype)
    for row in range(len(a)):
        if place == 1:
            out[row] = _sum_of_runs(a[row], mask[row])
        else:
            for column in range(a.shape[1]):
                if mask[row, column]:
                    out[column] += a[row, column]
    return out


def _mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = None
) -> Any:
    array = _array_with_mask(a, where)
    if array is None:
        return None
    refuse(dtype=dtype, out=out)
    if literal(keepdims, "keepdims"):
        raise errors.TypingError("a guest has np.mean with where= or keepdims=, not with both")
    wanted = array.dtype if has_floats(array) else types.float64
    number = as_dtype(wanted)
    add = _adder(array.copy(dtype=wanted), axis, is_kept=False)
    divided = _rounded_to(number)

    def mean(
        a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = None
    ) -> Any:
        mask = _mask(a, where)
        return divided(add(as_array(a).astype(number), axis, mask), np.sum(mask, axis=axis))

    return mean


def _rounded_to(number: Any) -> Callable[..., Any]:
    def divided(sums: Any, counts: Any) -> Any:
        return np.asarray(sums / counts).astype(number)[()]

    return divided


def _prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    array = _array_with_mask(a, where)
    if array is None:
        return None
    refuse(dtype=dtype, out=out, initial=initial)
    one, keeps = as_dtype(array.dtype).type(1), bool(literal(keepdims, "keepdims"))
    return lambda a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=None: np.prod(
        np.where(_mask(a, where), as_array(a), one), axis=axis, keepdims=keeps
    )


def _extreme_of(function: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        array = _array_with_mask(a, where)
        if array is None:
            return None
        refuse(out=out)
        if is_none(initial):
            raise errors.TypingError(
                "a guest has where= of a minimum or maximum together with initial=, as NumPy"
            )
        number, keeps = as_dtype(array.dtype).type, bool(literal(keepdims, "keepdims"))
        return lambda a, axis=None, out=None, keepdims=False, initial=None, where=None: function(
            np.where(_mask(a, where), as_array(a), number(initial)),
            axis=axis,
            keepdims=keeps,
            initial=number(initial),
        )

    return extreme


def _truth_of(function: Callable[..., Any], *, otherwise: bool) -> Callable[..., Any]:
    def truth(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, where: Any = None) -> Any:
        if _array_with_mask(a, where) is None:
            return None
        refuse(out=out)
        keeps = bool(literal(keepdims, "keepdims"))
        return lambda a, axis=None, out=None, keepdims=False, where=None: function(
            np.where(_mask(a, where), as_array(a) != 0, otherwise), axis=axis, keepdims=keeps
        )

    return truth
