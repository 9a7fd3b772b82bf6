"""scipy.linalg: what NumPy has too, and matrices made of blocks."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload

_EPSILON = float(np.finfo(np.float64).eps)


def inv(a: Any) -> Any:
    """`scipy.linalg.inv`."""
    return np.linalg.inv(np.asarray(a))


def solve(a: Any, b: Any) -> Any:
    """`scipy.linalg.solve`."""
    return np.linalg.solve(np.asarray(a), np.asarray(b))


def det(a: Any) -> Any:
    """`scipy.linalg.det`."""
    return np.linalg.det(np.asarray(a))


def cholesky(a: Any, lower: Any = False) -> Any:
    """`scipy.linalg.cholesky`, whose result is above the diagonal unless `lower`."""
    result = np.linalg.cholesky(np.asarray(a))
    return result if lower else np.ascontiguousarray(result.T)


def pinv(a: Any) -> Any:
    """`scipy.linalg.pinv`, which drops more of the small singular values than NumPy does."""
    matrix = np.asarray(a)
    return np.linalg.pinv(matrix, max(matrix.shape) * _EPSILON)


def norm(a: Any, ord: Any = None) -> Any:  # noqa: A002 - SciPy calls it so
    """`scipy.linalg.norm`."""
    return np.linalg.norm(np.asarray(a), ord)


def block_diag(*arrs: Any) -> Any:
    """`scipy.linalg.block_diag`."""
    rows, columns = 0, 0
    for block in arrs:
        height, width = _shape(block)
        rows += height
        columns += width
    result = np.zeros((rows, columns))
    rows, columns = 0, 0
    for block in arrs:
        height, width = _shape(block)
        result[rows : rows + height, columns : columns + width] = np.asarray(block)
        rows += height
        columns += width
    return result


def _shape(block: Any) -> Any:
    """Rows and columns of a block of floats. Compiled only."""
    raise NotImplementedError


@overload(_shape)
def _shape_of(block: Any) -> Any:
    dtype = getattr(block, "dtype", None)
    dtype = getattr(dtype, "dtype", dtype)
    if dtype != types.float64:
        return None

    def shape(block: Any) -> Any:
        array = np.asarray(block)
        return (1, len(array)) if array.ndim == 1 else array.shape

    return shape
