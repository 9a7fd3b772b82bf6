"""np.linalg.norm, cond and matrix_rank."""

# ruff: noqa: A002, N803 - arguments have the names that NumPy gives them

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.linear.decompositions import singular_values_of
from truestep.guest.python.compiler.linear.routines import (
    is_complex,
    letter,
    literal,
    real_number,
    replaces,
    routine,
    size_of_square,
    take,
    working_number,
)
from truestep.guest.python.compiler.linear.systems import refuse_hermitian
from truestep.guest.python.compiler.sums import is_none

_linalg: Any = np.linalg


def install_norms() -> None:
    """Replace Numba's own functions."""
    replaces(_linalg.norm, dimensions=(1,), of_sequences=_norm_of_sequence)(_norm)
    replaces(_linalg.vector_norm, dimensions=(1,))(_vector_norm)
    replaces(_linalg.matrix_norm)(_matrix_norm)
    replaces(_linalg.cond)(_cond)
    replaces(_linalg.matrix_rank, dimensions=(1,))(_matrix_rank)


def _floats_of(x: Any) -> Any:
    """A function that makes floats of integers."""
    if isinstance(x.dtype, types.Float | types.Complex):

        def same(x: Any) -> Any:
            return x

        return register_jitable(same)

    def converted(x: Any) -> Any:
        return x.astype(np.float64)

    return register_jitable(converted)


def _length_of(x: Any) -> Any:
    """A function for the root of the sum of all squares."""
    floats, has_parts = _floats_of(x), is_complex(x)

    @register_jitable
    def length_of_complex(x: Any) -> Any:
        flat = x.ravel()
        real, imaginary = flat.real.copy(), flat.imag.copy()
        return np.sqrt(np.dot(real, real) + np.dot(imaginary, imaginary))

    @register_jitable
    def length(x: Any) -> Any:
        flat = floats(x).ravel()
        return np.sqrt(np.dot(flat, flat))

    return length_of_complex if has_parts else length


def _order(ord: Any) -> Any:
    """The order, or its type if it is a number that is known only while the guest runs."""
    is_variable = isinstance(ord, types.Float | types.Integer) and not isinstance(ord, types.Literal)
    return ord if is_variable else literal("the order of a norm", ord, None)


def _is_tuple(value: Any) -> bool:
    return isinstance(value, tuple)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    order = _order(ord)
    axes: Any = literal("the axis of np.linalg.norm", axis, None)
    is_kept = literal("keepdims of np.linalg.norm", keepdims, default=False)
    if _is_tuple(axes) and len(axes) == 1:
        axes = axes[0]
    is_usual = order is None or (order in ("fro", "f") and x.ndim == 2) or (order == 2 and x.ndim == 1)
    if axes is None and is_usual:
        implementation = _norm_of_all(x)
    elif _is_tuple(axes) or (axes is None and x.ndim != 1):
        if x.ndim != 2 or tuple(axis % 2 for axis in axes or (0, 1)) not in {(0, 1), (1, 0)}:
            raise errors.TypingError(
                f"a guest cannot use np.linalg.norm of two axes of an array with {x.ndim}: give one axis"
            )
        implementation = _norm_of_matrix(x, order, is_turned=bool(axes) and axes[0] % 2 == 1)
    else:
        place: int = (axes or 0) % x.ndim
        implementation = _norm_of_vectors(x, order, place)
        if is_kept and x.ndim > 1:
            return _with_axis(implementation, place)
    return _with_axes(implementation, x) if is_kept else _plain(implementation)


def _norm_of_sequence(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    return np.linalg.norm(np.asarray(x), ord, axis, keepdims)


def _plain(implementation: Any) -> Any:
    def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
        return implementation(x, ord)

    return norm


def _with_axis(implementation: Any, place: int) -> Any:
    def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
        return np.expand_dims(implementation(x, ord), place)

    return norm


def _with_axes(implementation: Any, x: Any) -> Any:
    ones, real = (1,) * x.ndim, real_number(x)

    def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
        return np.full(ones, implementation(x, ord), real)

    return norm


def _norm_of_all(x: Any) -> Any:
    length = _length_of(x)

    @register_jitable
    def norm(x: Any, ord: Any) -> Any:
        return length(x)

    return norm


@register_jitable
def _largest(values: Any) -> Any:
    """The largest of numbers that are not negative, or a NaN if there is one; 0 of none."""
    best = values.dtype.type(0)
    for value in values:
        if np.isnan(value):
            return value
        best = max(best, value)
    return best


@register_jitable
def _least(values: Any) -> Any:
    if values.size == 0:
        raise ValueError("zero-size array to reduction operation minimum which has no identity")
    best = values[0]
    for value in values:
        if np.isnan(value):
            return value
        best = min(best, value)
    return best


def _totals(x: Any, place: int) -> Any:
    """A function for the sum of a vector, or of the vectors along an axis."""

    @register_jitable
    def total(values: Any) -> Any:
        return values.sum()

    @register_jitable
    def totals(values: Any) -> Any:
        return values.sum(place)

    return total if x.ndim == 1 else totals


def _extremes(x: Any, place: int, of_row: Any) -> Any:
    real, last = real_number(x), x.ndim - 1

    @register_jitable
    def extremes(values: Any) -> Any:
        turned = np.swapaxes(values, place, last)
        out = np.empty(turned.shape[:-1], real)
        for index in np.ndindex(turned.shape[:-1]):
            out[index] = of_row(turned[index])
        # What swapping the axes leaves is in the order of the result but for where the last axis went.
        return out if place == last else _moved(out, place)

    @register_jitable
    def _moved(out: Any, place: Any) -> Any:
        for axis in range(place, last - 1):
            out = np.swapaxes(out, axis, axis + 1)
        return out

    return of_row if x.ndim == 1 else extremes


def _norm_of_vectors(x: Any, order: Any, place: int) -> Any:
    floats, real, total = _floats_of(x), real_number(x), _totals(x, place)
    largest, least = _extremes(x, place, _largest), _extremes(x, place, _least)
    has_parts = is_complex(x)

    @register_jitable
    def length(x: Any, ord: Any) -> Any:
        y = floats(x)
        if has_parts:
            return np.sqrt(total(y.real * y.real + y.imag * y.imag))
        return np.sqrt(total(y * y))

    @register_jitable
    def sum_of_sizes(x: Any, ord: Any) -> Any:
        return total(np.abs(floats(x)))

    @register_jitable
    def number_of_nonzero(x: Any, ord: Any) -> Any:
        return total((x != 0).astype(real))

    @register_jitable
    def by_power(x: Any, ord: Any) -> Any:
        return total(np.abs(floats(x)) ** real(ord)) ** real(1 / ord)

    @register_jitable
    def by_value(x: Any, ord: Any) -> Any:
        if ord == np.inf:
            return largest(np.abs(floats(x)))
        if ord == -np.inf:
            return least(np.abs(floats(x)))
        if ord == 0:
            return number_of_nonzero(x, ord)
        if ord == 1:
            return sum_of_sizes(x, ord)
        if ord == 2:
            return length(x, ord)
        return by_power(x, ord)

    if isinstance(order, str):
        raise errors.TypingError(f"a guest cannot use the order {order!r} of np.linalg.norm for vectors")
    if isinstance(order, types.Type):
        return by_value
    return {None: length, 2: length, 1: sum_of_sizes, 0: number_of_nonzero}.get(order, by_power)


def _norm_of_matrix(x: Any, order: Any, *, is_turned: bool) -> Any:
    floats, singular_values, length = _floats_of(x), singular_values_of(x), _length_of(x)
    rows, columns = (1, 0) if is_turned else (0, 1)

    @register_jitable
    def by_columns(x: Any, ord: Any) -> Any:
        sums = np.abs(floats(x)).sum(rows)
        return _largest(sums) if ord > 0 else _least(sums)

    @register_jitable
    def by_rows(x: Any, ord: Any) -> Any:
        sums = np.abs(floats(x)).sum(columns)
        return _largest(sums) if ord > 0 else _least(sums)

    @register_jitable
    def by_singular_values(x: Any, ord: Any) -> Any:
        s = singular_values(x)
        return _largest(s) if ord > 0 else _least(s)

    @register_jitable
    def nuclear(x: Any, ord: Any) -> Any:
        return singular_values(x).sum()

    @register_jitable
    def frobenius(x: Any, ord: Any) -> Any:
        return length(x)

    @register_jitable
    def by_value(x: Any, ord: Any) -> Any:
        if abs(ord) == 1:
            return by_columns(x, ord)
        if abs(ord) == 2:
            return by_singular_values(x, ord)
        if np.isinf(ord):
            return by_rows(x, ord)
        raise ValueError("Invalid norm order for matrices.")

    if isinstance(order, types.Type):
        return by_value
    known = {None: frobenius, "fro": frobenius, "f": frobenius, "nuc": nuclear}
    known |= {1: by_columns, -1: by_columns, 2: by_singular_values, -2: by_singular_values}
    if order not in known:
        raise errors.TypingError(f"a guest has no order {order!r} of np.linalg.norm for matrices")
    return known[order]


def _vector_norm(x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
    axes = literal("the axis of np.linalg.vector_norm", axis, None)
    if literal("keepdims of np.linalg.vector_norm", keepdims, default=False) or isinstance(axes, tuple):
        raise errors.TypingError("a guest cannot use np.linalg.vector_norm with keepdims or several axes")

    def vector_norm_of_all(x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
        return np.linalg.norm(x.ravel(), ord)

    def vector_norm(x: Any, axis: Any = None, keepdims: Any = False, ord: Any = 2) -> Any:
        return np.linalg.norm(x, ord, axis)

    return vector_norm_of_all if axes is None else vector_norm


def _matrix_norm(x: Any, keepdims: Any = False, ord: Any = "fro") -> Any:
    def matrix_norm(x: Any, keepdims: Any = False, ord: Any = "fro") -> Any:
        return np.linalg.norm(x, ord, (-2, -1), keepdims)

    return matrix_norm


def _cond(x: Any, p: Any = None) -> Any:
    order = _order(p)
    real, singular_values = real_number(x), singular_values_of(x)
    number, call = working_number(x), routine(f"{letter(x)}_truestep_inverse")
    if x.ndim != 2:
        raise errors.TypingError("a guest cannot use np.linalg.cond of an array with more than two axes")

    @register_jitable
    def checked(x: Any, value: Any) -> Any:
        return real(np.inf) if np.isnan(value) and not np.isnan(x).any() else real(value)

    @register_jitable
    def by_singular_values(x: Any, p: Any) -> Any:
        if x.size == 0:
            raise np.linalg.LinAlgError("cond is not defined on empty arrays")
        s = singular_values(x)
        return checked(x, np.divide(s[-1], s[0]) if p == -2 else np.divide(s[0], s[-1]))

    @register_jitable
    def by_inverse(x: Any, p: Any) -> Any:
        size = size_of_square(x.shape)
        inverse: Any = np.empty(x.size, number)
        if call((1, size, take(x, False), inverse)):
            inverse[:] = np.nan
        return checked(x, np.linalg.norm(x, p) * np.linalg.norm(inverse.reshape(x.shape).T, p))

    def usual(x: Any, p: Any = None) -> Any:
        return by_singular_values(x, 2)

    def of_order_two(x: Any, p: Any = None) -> Any:
        return by_singular_values(x, p)

    def of_order(x: Any, p: Any = None) -> Any:
        return by_inverse(x, p)

    def by_value(x: Any, p: Any = None) -> Any:
        return by_singular_values(x, p) if abs(p) == 2 else by_inverse(x, p)

    if is_none(p):
        return usual
    return by_value if isinstance(order, types.Type) else of_order_two if order in (2, -2) else of_order


def _matrix_rank(A: Any, tol: Any = None, hermitian: Any = False, rtol: Any = None) -> Any:
    refuse_hermitian("np.linalg.matrix_rank", hermitian)
    if A.ndim == 1:

        def rank_of_vector(A: Any, tol: Any = None, hermitian: Any = False, rtol: Any = None) -> Any:
            return int((A != 0).any())

        return rank_of_vector
    if A.ndim > 2 or not (is_none(tol) or is_none(rtol)):
        raise errors.TypingError(
            "a guest cannot use np.linalg.matrix_rank of more than two axes, or tol and rtol"
        )
    singular_values, epsilon = singular_values_of(A), float(np.finfo(real_number(A)).eps)

    @register_jitable
    def count(s: Any, least: Any) -> Any:
        rank = 0
        for value in s:
            rank += value > least
        return rank

    def rank(A: Any, tol: Any = None, hermitian: Any = False, rtol: Any = None) -> Any:
        s = singular_values(A)
        return count(s, _largest(s) * (max(A.shape) * epsilon))

    def rank_by_share(A: Any, tol: Any = None, hermitian: Any = False, rtol: Any = None) -> Any:
        s = singular_values(A)
        return count(s, _largest(s) * rtol)

    def rank_by_size(A: Any, tol: Any = None, hermitian: Any = False, rtol: Any = None) -> Any:
        return count(singular_values(A), tol)

    return rank_by_size if not is_none(tol) else rank_by_share if not is_none(rtol) else rank
