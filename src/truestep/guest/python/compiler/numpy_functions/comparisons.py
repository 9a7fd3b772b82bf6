"""Whether arrays are equal or nearly so, and what is between points: array_equal, isclose, interp."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.index_conversions import as_any_array


def install_comparisons() -> None:
    """Add them to Numba's."""
    extend(np.array_equal, _array_equal)
    extend(np.array_equiv, _array_equiv)
    extend(np.isclose, _isclose)
    extend(np.allclose, _allclose)
    extend(np.interp, _interp)


def _is_of_numbers(kind: Any) -> bool:
    array = array_of(kind)
    return is_number(types.unliteral(kind) if array is None else array.dtype)


def _ndim(kind: Any) -> int:
    array = array_of(kind)
    return 0 if array is None else array.ndim


def _array_equal(a1: Any, a2: Any, equal_nan: Any = False) -> Any:
    if not (_is_of_numbers(a1) and _is_of_numbers(a2)):
        return None
    takes_nans = literal(equal_nan, "equal_nan")
    if _ndim(a1) != _ndim(a2):
        return lambda a1, a2, equal_nan=False: False

    def array_equal(a1: Any, a2: Any, equal_nan: Any = False) -> bool:
        one, other = as_any_array(a1), as_any_array(a2)
        if one.shape != other.shape:
            return False
        for place in np.ndindex(one.shape):
            if one[place] != other[place]:
                both_missing = takes_nans and one[place] != one[place] and other[place] != other[place]
                if not both_missing:
                    return False
        return True

    return array_equal


def _array_equiv(a1: Any, a2: Any) -> Any:
    if not (_is_of_numbers(a1) and _is_of_numbers(a2)):
        return None

    def array_equiv(a1: Any, a2: Any) -> bool:
        one, other = as_any_array(a1), as_any_array(a2)
        if not _is_stretchable(one.shape, other.shape):
            return False
        pair = np.broadcast_arrays(one, other)
        return bool(np.all(pair[0] == pair[1]))

    return array_equiv


def _is_stretchable(one: Any, other: Any) -> bool:
    for step in range(1, min(len(one), len(other)) + 1):
        size, another = one[len(one) - step], other[len(other) - step]
        if size not in {another, 1} and another != 1:
            return False
    return True


def _is_listed(*kinds: Any) -> bool:
    """Whether one of them is a list or tuple of numbers."""
    return all(map(_is_of_numbers, kinds)) and any(
        array_of(kind) is not None and not isinstance(kind, types.Array) for kind in kinds
    )


def _isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: Any = False) -> Any:
    if not _is_listed(a, b):
        return None
    return lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: np.isclose(
        as_any_array(a), as_any_array(b), rtol, atol, equal_nan
    )


def _allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: Any = False) -> Any:
    if not _is_listed(a, b):
        return None
    return lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: np.all(
        np.isclose(as_any_array(a), as_any_array(b), rtol, atol, equal_nan)
    )


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if not all(map(_is_of_numbers, (x, xp, fp))) or isinstance(array_of(fp).dtype, types.Complex):
        return None
    if not is_none(period):
        return lambda x, xp, fp, left=None, right=None, period=None: _interp_of_cycle(
            as_any_array(x), as_array(xp).astype(np.float64), as_array(fp), abs(np.float64(period))
        )[()]
    if is_none(left) and is_none(right):
        return None
    starts, ends = not is_none(left), not is_none(right)

    def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
        items, points = as_any_array(x), as_array(xp)
        out = np.empty(items.shape, np.float64)
        values = as_array(fp)
        for place in np.ndindex(items.shape):
            if starts and items[place] < points[0]:
                out[place] = left
            elif ends and items[place] > points[-1]:
                out[place] = right
            else:
                out[place] = np.interp(items[place], points, values)
        return out[()]

    return interp


def _interp_of_cycle(items: Any, points: Any, values: Any, period: Any) -> Any:
    """As NumPy does: the points of one period, and one more on either side."""
    if period == 0:
        raise ValueError("period must be a non-zero value")
    places = points % period
    order = np.argsort(places, kind="mergesort")
    places, values = places[order], values[order]
    places = np.concatenate((places[-1:] - period, places, places[:1] + period))
    values = np.concatenate((values[-1:], values, values[:1]))
    return np.asarray(np.interp(items % period, places, values))
