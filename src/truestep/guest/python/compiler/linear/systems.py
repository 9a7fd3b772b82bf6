"""np.linalg.solve, inv, det, slogdet, cholesky, lstsq and pinv."""

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.linear.routines import (
    count_of,
    giver,
    letter,
    literal,
    number_of,
    real_number,
    replaces,
    routine,
    size_of_square,
    take,
    working_number,
)
from truestep.guest.python.compiler.sums import is_none

_linalg: Any = np.linalg

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))

EPSILON = float(np.finfo(np.float64).eps)


def install_systems() -> None:
    """Replace Numba's own functions."""
    replaces(_linalg.solve, arrays=2, dimensions=(2, 1), of_sequences=_solve_sequences)(_solve)
    replaces(_linalg.inv, of_sequences=_inverse_of_sequence)(_inverse)
    replaces(_linalg.slogdet)(_slogdet)
    replaces(_linalg.det, of_sequences=_determinant_of_sequence)(_determinant)
    replaces(_linalg.cholesky)(_cholesky)
    replaces(_linalg.lstsq, arrays=2, dimensions=(2, 1))(_least_squares)
    replaces(_linalg.pinv)(_pseudo_inverse)


def _solve(a: Any, b: Any) -> Any:
    work_number = working_number(a, b)
    give = giver(number_of(a, b))
    call = routine(f"{letter(a, b)}_truestep_solve")
    result = number_of(a, b)

    @register_jitable
    def solve_matrices(a: Any, b: Any) -> Any:
        size, columns = size_of_square(a.shape), b.shape[-1]
        if b.shape[-2] != size:
            raise ValueError("solve: the right side needs as many rows as the matrix")
        work = take(a, False).astype(work_number)
        x = take(b, False).astype(work_number)
        if call((count_of(b.shape), size, columns, work, x)):
            raise np.linalg.LinAlgError("Singular matrix")
        return give(x, b.shape, False)

    def solve(a: Any, b: Any) -> Any:
        return solve_matrices(a, b)

    def solve_vector(a: Any, b: Any) -> Any:
        return solve_matrices(a, b.reshape(b.size, 1))[:, 0].copy()

    def solve_copied_vector(a: Any, b: Any) -> Any:
        return solve_matrices(a, b.copy().reshape(b.size, 1))[:, 0].copy()

    def solve_vector_for_each(a: Any, b: Any) -> Any:
        x = np.empty(a.shape[:-1], result)
        for index in np.ndindex(a.shape[:-2]):
            x[index] = np.linalg.solve(a[index], b)
        return x

    def solve_each(a: Any, b: Any) -> Any:
        outer = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return solve_matrices(
            np.broadcast_to(a, outer + a.shape[-2:]), np.broadcast_to(b, outer + b.shape[-2:])
        )

    if b.ndim == 1:
        in_place = solve_vector if b.layout == "C" else solve_copied_vector
        return in_place if a.ndim == 2 else solve_vector_for_each
    return solve if a.ndim == b.ndim == 2 else solve_each


def _solve_sequences(a: Any, b: Any) -> Any:
    return np.linalg.solve(np.asarray(a), np.asarray(b))


def _inverse_of_sequence(a: Any) -> Any:
    return np.linalg.inv(np.asarray(a))


def _determinant_of_sequence(a: Any) -> Any:
    return np.linalg.det(np.asarray(a))


def _inverse(a: Any) -> Any:
    give = giver(number_of(a))
    call = routine(f"{letter(a)}_truestep_inverse")
    number = working_number(a)

    def inverse(a: Any) -> Any:
        size = size_of_square(a.shape)
        out = np.empty(a.size, number)
        if call((count_of(a.shape), size, take(a, False), out)):
            raise np.linalg.LinAlgError("Singular matrix")
        return give(out, a.shape, False)

    return inverse


def _determinants_of(a: Any) -> Any:
    """A function that gives signs and logarithms, one of each for a matrix."""
    call = routine(f"{letter(a)}_truestep_determinant")
    number = working_number(a)

    @register_jitable
    def determinants(a: Any) -> Any:
        size, count = size_of_square(a.shape), count_of(a.shape)
        signs, logarithms = np.empty(count, number), np.empty(count, np.float64)
        call((count, size, take(a, False), signs, logarithms))
        return signs, logarithms

    return determinants


def _slogdet(a: Any) -> Any:
    determinants, number, real = _determinants_of(a), number_of(a), real_number(a)

    def slogdet(a: Any) -> Any:
        signs, logarithms = determinants(a)
        return SlogdetResult(number(signs[0]), real(logarithms[0]))

    def slogdet_of_each(a: Any) -> Any:
        signs, logarithms = determinants(a)
        shape = a.shape[:-2]
        return SlogdetResult(signs.astype(number).reshape(shape), logarithms.astype(real).reshape(shape))

    return slogdet if a.ndim == 2 else slogdet_of_each


def _determinant(a: Any) -> Any:
    determinants, number = _determinants_of(a), number_of(a)

    def determinant(a: Any) -> Any:
        signs, logarithms = determinants(a)
        return number(signs[0] * np.exp(logarithms[0]))

    def determinant_of_each(a: Any) -> Any:
        signs, logarithms = determinants(a)
        return (signs * np.exp(logarithms)).astype(number).reshape(a.shape[:-2])

    return determinant if a.ndim == 2 else determinant_of_each


def _cholesky(a: Any, upper: Any = False) -> Any:
    give = giver(number_of(a))
    call = routine(f"{letter(a)}_truestep_cholesky")

    def cholesky(a: Any, upper: Any = False) -> Any:
        size = size_of_square(a.shape)
        work = take(a, upper)
        if call((count_of(a.shape), size, work)):
            raise np.linalg.LinAlgError("Matrix is not positive definite")
        return give(work, a.shape, upper)

    return cholesky


@register_jitable
def _limit(rcond: Any, rows: Any, columns: Any) -> Any:
    return rcond


@register_jitable
def _usual_limit(rcond: Any, rows: Any, columns: Any) -> Any:
    return EPSILON * max(rows, columns)


def _least_squares(a: Any, b: Any, rcond: Any = None) -> Any:
    if a.ndim != 2 or b.ndim > 2:
        raise errors.TypingError("a guest cannot use np.linalg.lstsq of arrays with more than two axes")
    number, real, work_number = number_of(a, b), real_number(a, b), working_number(a, b)
    call = routine(f"{letter(a, b)}_truestep_least_squares")
    limit = _usual_limit if is_none(rcond) else _limit

    @register_jitable
    def least_squares_of(a: Any, b: Any, rcond: Any) -> Any:
        (rows, columns), sides = a.shape, b.shape[-1]
        if b.shape[0] != rows:
            raise np.linalg.LinAlgError("Incompatible dimensions")
        x, rank = np.empty(sides * columns, work_number), np.zeros(1, np.int64)
        s, residuals = np.empty(min(rows, columns), np.float64), np.empty(sides, np.float64)
        work = take(a, rows < columns).astype(work_number)
        right = take(b, False).astype(work_number)
        least = float(limit(rcond, rows, columns))
        if call((rows, columns, sides, work, right, x, s, residuals, least, rank)):
            raise np.linalg.LinAlgError("SVD did not converge in Linear Least Squares")
        if rank[0] != columns or rows <= columns:
            residuals = residuals[:0]
        found = x.astype(number).reshape(sides, columns)
        return found, residuals.astype(real), np.int32(rank[0]), s.astype(real)

    def least_squares(a: Any, b: Any, rcond: Any = None) -> Any:
        x, residuals, rank, s = least_squares_of(a, b, rcond)
        return np.ascontiguousarray(x.T), residuals, rank, s

    def least_squares_of_vector(a: Any, b: Any, rcond: Any = None) -> Any:
        x, residuals, rank, s = least_squares_of(a, b.copy().reshape(b.size, 1), rcond)
        return x[0], residuals, rank, s

    return least_squares if b.ndim == 2 else least_squares_of_vector


_RCOND_OF_PINV = 1e-15


def _pseudo_inverse(a: Any, rcond: Any = None, hermitian: Any = False, rtol: Any = _RCOND_OF_PINV) -> Any:
    give = giver(number_of(a))
    call = routine(f"{letter(a)}_truestep_pseudo_inverse")
    number = working_number(a)
    epsilon = float(np.finfo(real_number(a)).eps)
    refuse_hermitian("np.linalg.pinv", hermitian)

    @register_jitable
    def pseudo_inverse_of(a: Any, limit: Any) -> Any:
        rows, columns = a.shape[-2], a.shape[-1]
        out = np.empty(a.size, number)
        if call((count_of(a.shape), rows, columns, take(a, rows < columns), limit, out)):
            raise np.linalg.LinAlgError("SVD did not converge")
        return give(out, (*a.shape[:-2], columns, rows), False)

    def with_rcond(a: Any, rcond: Any = None, hermitian: Any = False, rtol: Any = _RCOND_OF_PINV) -> Any:
        return pseudo_inverse_of(a, float(rcond))

    def with_rtol(a: Any, rcond: Any = None, hermitian: Any = False, rtol: Any = _RCOND_OF_PINV) -> Any:
        return pseudo_inverse_of(a, float(rtol))

    def by_size(a: Any, rcond: Any = None, hermitian: Any = False, rtol: Any = _RCOND_OF_PINV) -> Any:
        return pseudo_inverse_of(a, max(a.shape[-2], a.shape[-1]) * epsilon)

    if not is_none(rcond):
        return with_rcond
    return by_size if isinstance(rtol, types.NoneType) else with_rtol


def refuse_hermitian(name: str, hermitian: Any) -> None:
    """Raise TypingError unless the argument says that the matrix is to be taken as it is."""
    if literal("hermitian", hermitian, default=False):
        raise errors.TypingError(
            f"a guest has no hermitian=True of {name}: leave it out, or use np.linalg.eigh"
        )
