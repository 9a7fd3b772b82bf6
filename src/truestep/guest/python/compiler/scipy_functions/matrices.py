"""scipy.linalg: what NumPy has too, and matrices made of blocks."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload

from truestep.guest.python.compiler.scipy_functions.vectors import vector

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


def svd(a: Any, full_matrices: Any = True) -> Any:
    """`scipy.linalg.svd`."""
    return np.linalg.svd(np.asarray(a), full_matrices)


def svdvals(a: Any) -> Any:
    """`scipy.linalg.svdvals`."""
    return np.linalg.svd(np.asarray(a), False)[1]


def eigh(a: Any) -> Any:
    """`scipy.linalg.eigh`."""
    return np.linalg.eigh(np.asarray(a))


def eigvalsh(a: Any) -> Any:
    """`scipy.linalg.eigvalsh`."""
    return np.linalg.eigvalsh(np.asarray(a))


def lstsq(a: Any, b: Any) -> Any:
    """`scipy.linalg.lstsq`."""
    return np.linalg.lstsq(np.asarray(a), np.asarray(b))


def toeplitz(c: Any, r: Any = None) -> Any:
    """`scipy.linalg.toeplitz` of real vectors."""
    column = vector(c)
    row = column if r is None else vector(r)
    result = np.empty((len(column), len(row)), column.dtype)
    for i in range(len(column)):
        for j in range(len(row)):
            result[i, j] = column[i - j] if i >= j else row[j - i]
    return result


def circulant(c: Any) -> Any:
    """`scipy.linalg.circulant`."""
    column = vector(c)
    count = len(column)
    result = np.empty((count, count), column.dtype)
    for i in range(count):
        for j in range(count):
            result[i, j] = column[(i - j) % count]
    return result


def solve_triangular(a: Any, b: Any, lower: Any = False) -> Any:
    """`scipy.linalg.solve_triangular` of real matrices."""
    matrix = np.asarray(a).astype(np.float64)
    result = np.asarray(b).astype(np.float64).copy()
    count = matrix.shape[0]
    for step in range(count):
        i = step if lower else count - 1 - step
        for done in range(step):
            j = done if lower else count - 1 - done
            result[i] -= matrix[i, j] * result[j]
        if matrix[i, i] == 0.0:
            raise np.linalg.LinAlgError("singular matrix")
        result[i] /= matrix[i, i]
    return result


def cho_factor(a: Any, lower: Any = False) -> Any:
    """`scipy.linalg.cho_factor`; what lies beyond the triangle is 0."""
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: Any, b: Any) -> Any:
    """`scipy.linalg.cho_solve`."""
    factor, lower = c_and_lower
    if lower:
        return solve_triangular(np.ascontiguousarray(factor.T), solve_triangular(factor, b, True), False)
    return solve_triangular(factor, solve_triangular(np.ascontiguousarray(factor.T), b, True), False)


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
