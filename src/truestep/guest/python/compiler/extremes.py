"""min and max along an axis of a matrix, which Numba does not have."""

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, overload_method, register_jitable
from numba.np import arraymath

from truestep.guest.python.compiler.sums import forget, is_none


def install_extremes() -> None:
    """Replace Numba's own functions, which are still used when there is no axis."""
    for functions, name, original in (
        ((np.min, np.amin), "min", arraymath.npy_min),
        ((np.max, np.amax), "max", arraymath.npy_max),
    ):
        implementation = _implementation(original)
        for function in {*functions}:
            forget(function, name)
            overload(function)(implementation)
        overload_method(types.Array, name)(implementation)


def _implementation(original: Any) -> Any:
    def extreme(a: Any, axis: Any = None) -> Any:
        whole = original(a)
        if whole is None or (not is_none(axis) and not (isinstance(a, types.Array) and a.ndim == 2)):
            return None
        of_all = register_jitable(whole)

        def all_items(a: Any, axis: Any = None) -> Any:
            return of_all(a)

        def along(a: Any, axis: Any = None) -> Any:
            if axis < -2 or axis > 1:
                raise ValueError("axis is out of bounds for an array of dimension 2")
            return _of_rows(a) if axis % 2 == 1 else _of_rows(a.T)

        return all_items if is_none(axis) else along

    @register_jitable
    def _of_rows(rows: Any) -> Any:
        out = np.empty(rows.shape[0], rows.dtype)
        for index in range(rows.shape[0]):
            out[index] = _of_row(rows[index])
        return out

    def _of_row(row: Any) -> Any:
        raise NotImplementedError

    @overload(_of_row)
    def _of_row_as_numba(row: Any) -> Any:
        whole = register_jitable(original(row))

        def of_row(row: Any) -> Any:
            return whole(row)

        return of_row

    return extreme
