"""np.dot, `@`, np.matmul, vdot, inner, kron, trace, multi_dot and matrix_power, for every dtype and shape."""

import operator
from typing import Any

import numpy as np
from numba.core import errors, imputils, types
from numba.core.extending import overload, overload_method, register_jitable
from numba.core.typing import context as typing_context
from numba.np import linalg, numpy_support

from truestep.guest.python.compiler.linear.routines import is_complex, literal, replaces
from truestep.guest.python.compiler.sums import forget, is_none

_linalg: Any = np.linalg
_operator: Any = operator
_numpy: Any = np
_BLAS = (types.float32, types.float64, types.complex64, types.complex128)


def install_products() -> None:
    """Replace Numba's own functions."""
    linalg.ensure_blas = linalg.ensure_lapack = _nothing
    linalg.dot_2_mm = linalg.dot_2_mv = linalg.dot_2_vm = _product_of_floats
    forget(np.dot, "")
    forget(_operator.matmul, "")
    overload(np.dot)(_dot)
    overload(_operator.matmul)(_matmul)
    overload(_linalg.matmul)(_matmul)
    overload(_matmul_of_numpy)(_matmul)
    _take_matmul_for_a_function()
    overload_method(types.Array, "trace")(_trace_of_array)
    replaces(np.vdot, arrays=2, dimensions=(0, 0))(_vdot)
    replaces(np.inner, arrays=2, dimensions=(1, 1), of_sequences=_inner_of_sequences)(_inner)
    replaces(np.kron, arrays=2, dimensions=(1, 1))(_kron)
    replaces(np.trace)(_trace)
    replaces(_linalg.trace)(_trace_of_last)
    replaces(_linalg.outer, arrays=2, dimensions=(1, 1))(_outer)
    replaces(_linalg.cross, arrays=2, dimensions=(1, 1))(_cross)
    replaces(_linalg.vecdot, arrays=2, dimensions=(1, 1))(_vecdot)
    replaces(_linalg.matrix_transpose)(_matrix_transpose)


def _nothing() -> None:
    """Replaces the search for SciPy's BLAS and LAPACK: the runtime has the routines."""


def _matmul_of_numpy(x1: Any, x2: Any) -> Any:
    """np.matmul, which is a ufunc in NumPy. Compiled only."""
    raise NotImplementedError


def _take_matmul_for_a_function() -> None:
    """Keep Numba from compiling np.matmul, a ufunc, as one that takes numbers."""
    resolve = typing_context.BaseContext.resolve_value_type

    def resolve_value_type(context: Any, value: object) -> Any:
        return resolve(context, _matmul_of_numpy if value is np.matmul else value)

    typing_context.BaseContext.resolve_value_type = resolve_value_type


def _trace_of_array(a: Any, offset: Any = 0) -> Any:
    def trace(a: Any, offset: Any = 0) -> Any:
        return np.trace(a, offset)

    return trace


def _into(a: Any, b: Any, out: Any) -> Any:
    """`out`, made the product of two arrays, none of which it overlaps. Compiled only."""
    raise NotImplementedError


overload(_into)(linalg.dot_3)


def _product_of_floats(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Replaces Numba's calls of np.dot with an `out`, which here may overlap the other two."""
    left, right = signature.args

    def of_matrices(a: Any, b: Any) -> Any:
        return _into(a, b, np.empty((a.shape[0], b.shape[1]), a.dtype))

    def of_matrix_and_vector(a: Any, b: Any) -> Any:
        return _into(a, b, np.empty(a.shape[0], a.dtype))

    def of_vector_and_matrix(a: Any, b: Any) -> Any:
        return _into(a, b, np.empty(b.shape[1], a.dtype))

    by_axes = {(2, 2): of_matrices, (2, 1): of_matrix_and_vector, (1, 2): of_vector_and_matrix}
    result = context.compile_internal(builder, by_axes[left.ndim, right.ndim], signature, arguments)
    return imputils.impl_ret_new_ref(context, builder, signature.return_type, result)


def _number_of_product(a: Any, b: Any) -> Any:
    return np.result_type(numpy_support.as_dtype(a.dtype), numpy_support.as_dtype(b.dtype))


def _is_number(kind: Any) -> bool:
    return isinstance(kind, types.Number | types.Boolean)


def _are_arrays_of_numbers(*kinds: Any) -> bool:
    return all(isinstance(kind, types.Array) and _is_number(kind.dtype) for kind in kinds)


def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if not is_none(out):
        return _dot_into(a, b, out)
    if _is_number(a) or _is_number(b) or getattr(a, "ndim", 1) == 0 or getattr(b, "ndim", 1) == 0:
        return _product_of_scalars
    if any(isinstance(kind, types.List | types.BaseTuple) for kind in (a, b)):
        return _dot_of_sequences
    if not _are_arrays_of_numbers(a, b):
        return None
    product = register_jitable(_product(a, b, "np.dot"))

    def dot(a: Any, b: Any, out: Any = None) -> Any:
        return product(a, b)

    return dot


def _product_of_scalars(a: Any, b: Any, out: Any = None) -> Any:
    return a * b


def _dot_of_sequences(a: Any, b: Any, out: Any = None) -> Any:
    return np.dot(np.asarray(a), np.asarray(b))


def _dot_into(a: Any, b: Any, out: Any) -> Any:
    if not _are_arrays_of_numbers(a, b, out):
        return None

    def dot_into(a: Any, b: Any, out: Any = None) -> Any:
        found = np.dot(a, b)
        if found.shape != out.shape:
            raise ValueError("output array is not acceptable: it has the wrong shape")
        out[...] = found
        return out

    return dot_into


def _matmul(x1: Any, x2: Any) -> Any:
    if not _are_arrays_of_numbers(x1, x2):
        return None
    if x1.ndim == 0 or x2.ndim == 0:
        raise errors.TypingError("a guest cannot use @ of an array without axes: use *")
    if x1.ndim <= 2 and x2.ndim <= 2:
        product = register_jitable(_product(x1, x2, "@"))

        def matmul(x1: Any, x2: Any) -> Any:
            return product(x1, x2)

        return matmul
    return _matmul_of_stacks(x1, x2)


def _matmul_of_stacks(x1: Any, x2: Any) -> Any:
    number = _number_of_product(x1, x2)

    def matmul(x1: Any, x2: Any) -> Any:
        outer = np.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
        left, right = np.broadcast_to(x1, outer + x1.shape[-2:]), np.broadcast_to(x2, outer + x2.shape[-2:])
        out = np.empty((*outer, x1.shape[-2], x2.shape[-1]), number)
        for index in np.ndindex(outer):
            out[index] = left[index] @ right[index]
        return out

    def matmul_vector(x1: Any, x2: Any) -> Any:
        out = np.empty(x1.shape[:-1], number)
        for index in np.ndindex(x1.shape[:-2]):
            out[index] = x1[index] @ x2
        return out

    def vector_matmul(x1: Any, x2: Any) -> Any:
        out = np.empty(x2.shape[:-2] + x2.shape[-1:], number)
        for index in np.ndindex(x2.shape[:-2]):
            out[index] = x1 @ x2[index]
        return out

    return vector_matmul if x1.ndim == 1 else matmul_vector if x2.ndim == 1 else matmul


def _product(a: Any, b: Any, name: str) -> Any:
    """A function for the product of two arrays of any kind of number."""
    number = _number_of_product(a, b)
    if a.ndim > 2 or b.ndim > 2:
        return _dot_of_stacks(a, b)
    if numpy_support.from_dtype(number) not in _BLAS:
        return _product_of_integers(a, b, number)
    if a.dtype == b.dtype:
        return linalg.dot_2_impl(name, a, b)

    def product_of_converted(a: Any, b: Any) -> Any:
        return np.dot(a.astype(number), b.astype(number))

    def product_of_left_converted(a: Any, b: Any) -> Any:
        return np.dot(a.astype(number), b)

    def product_of_right_converted(a: Any, b: Any) -> Any:
        return np.dot(a, b.astype(number))

    if numpy_support.as_dtype(b.dtype) == number:
        return product_of_left_converted
    return product_of_right_converted if numpy_support.as_dtype(a.dtype) == number else product_of_converted


def _dot_of_stacks(a: Any, b: Any) -> Any:
    last = max(b.ndim - 2, 0)

    def dot_of_stacks(a: Any, b: Any) -> Any:
        inner = a.shape[-1]
        if b.shape[last] != inner:
            raise ValueError("shapes of np.dot do not fit")
        rows = np.ascontiguousarray(a).reshape(-1 if inner else a.size, inner)
        right = np.ascontiguousarray(np.swapaxes(b, last, b.ndim - 1))
        columns = right.reshape(right.size // max(inner, 1), inner)
        found = np.dot(rows.reshape(a.size // max(inner, 1), inner), columns.T)
        return found.reshape(a.shape[:-1] + right.shape[:-1])

    return dot_of_stacks


def _product_of_integers(a: Any, b: Any, number: Any) -> Any:
    """Integers wrap around, as in NumPy; of booleans it is whether one pair is true."""
    multiply = _any_pair if number.kind == "b" else _sum_of_pairs(number)
    zero = number.type(0)

    def of_vectors(a: Any, b: Any) -> Any:
        _check_sizes(a.size, b.size)
        return multiply(a, b, zero)

    def of_matrices(a: Any, b: Any) -> Any:
        _check_sizes(a.shape[1], b.shape[0])
        out = np.empty((a.shape[0], b.shape[1]), number)
        for column in range(b.shape[1]):
            right = np.ascontiguousarray(b[:, column])
            for row in range(a.shape[0]):
                out[row, column] = multiply(a[row], right, zero)
        return out

    def of_matrix_and_vector(a: Any, b: Any) -> Any:
        _check_sizes(a.shape[1], b.size)
        out = np.empty(a.shape[0], number)
        for row in range(a.shape[0]):
            out[row] = multiply(a[row], b, zero)
        return out

    def of_vector_and_matrix(a: Any, b: Any) -> Any:
        _check_sizes(a.size, b.shape[0])
        out = np.empty(b.shape[1], number)
        for column in range(b.shape[1]):
            out[column] = multiply(a, b[:, column], zero)
        return out

    return {
        (1, 1): of_vectors,
        (2, 2): of_matrices,
        (2, 1): of_matrix_and_vector,
        (1, 2): of_vector_and_matrix,
    }[a.ndim, b.ndim]


@register_jitable
def _check_sizes(left: Any, right: Any) -> None:
    if left != right:
        raise ValueError("shapes of a product do not fit: the inner sizes differ")


@register_jitable
def _any_pair(a: Any, b: Any, zero: Any) -> Any:
    found = False
    for index in range(a.size):
        found |= a[index] and b[index]
    return found


def _sum_of_pairs(number: Any) -> Any:
    convert, wide = number.type, np.uint64 if number == np.uint64 else np.int64

    @register_jitable
    def sum_of_pairs(a: Any, b: Any, zero: Any) -> Any:
        total = wide(0)
        for index in range(a.size):
            total += wide(a[index]) * wide(b[index])
        return convert(total)

    return sum_of_pairs


def _vdot(a: Any, b: Any) -> Any:
    if is_complex(a):

        def vdot_of_complex(a: Any, b: Any) -> Any:
            return np.dot(np.conj(a).ravel(), b.ravel())

        return vdot_of_complex

    def vdot(a: Any, b: Any) -> Any:
        return np.dot(a.ravel(), b.ravel())

    return vdot


def _inner(a: Any, b: Any) -> Any:
    def inner_of_vector(a: Any, b: Any) -> Any:
        return np.dot(a, b)

    def vector_inner(a: Any, b: Any) -> Any:
        return np.dot(b, a)

    def inner(a: Any, b: Any) -> Any:
        return np.dot(a, np.swapaxes(b, b.ndim - 2, b.ndim - 1))

    return inner_of_vector if b.ndim == 1 else vector_inner if a.ndim == 1 else inner


def _inner_of_sequences(a: Any, b: Any) -> Any:
    return np.inner(np.asarray(a), np.asarray(b))


def _outer(x1: Any, x2: Any) -> Any:
    def outer(x1: Any, x2: Any) -> Any:
        return np.outer(x1, x2)

    return outer


@register_jitable
def cross_along(a: Any, b: Any, axis: Any) -> Any:
    """`np.cross(a, b, axis=axis)`."""
    product = np.cross(np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1))
    return np.moveaxis(product, -1, axis)


def _cross(x1: Any, x2: Any) -> Any:
    def cross(x1: Any, x2: Any) -> Any:
        return np.cross(x1, x2)

    return cross


def _vecdot(x1: Any, x2: Any) -> Any:
    if x1.ndim != 1 or x2.ndim != 1:
        raise errors.TypingError("a guest cannot use np.linalg.vecdot with more than one axis: use np.sum")

    def vecdot(x1: Any, x2: Any) -> Any:
        return _numpy.vdot(x1, x2)

    return vecdot


def _matrix_transpose(x: Any) -> Any:
    def matrix_transpose(x: Any) -> Any:
        return np.swapaxes(x, -1, -2)

    return matrix_transpose


def _kron(a: Any, b: Any) -> Any:
    if a.ndim > 2 or b.ndim > 2:
        raise errors.TypingError("a guest cannot use np.kron of arrays with more than two axes")
    number = _number_of_product(a, b)

    @register_jitable
    def kron_of_matrices(a: Any, b: Any) -> Any:
        rows, columns = b.shape
        out = np.empty((a.shape[0] * rows, a.shape[1] * columns), number)
        for i in range(a.shape[0]):
            for j in range(a.shape[1]):
                out[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns] = a[i, j] * b
        return out

    def kron(a: Any, b: Any) -> Any:
        return kron_of_matrices(np.atleast_2d(a), np.atleast_2d(b))

    def kron_of_vectors(a: Any, b: Any) -> Any:
        out = np.empty(a.size * b.size, number)
        for i in range(a.size):
            out[i * b.size : (i + 1) * b.size] = a[i] * b
        return out

    return kron_of_vectors if a.ndim == b.ndim == 1 else kron


@register_jitable
def _diagonal_sum(a: Any, offset: Any, out: Any) -> Any:
    """The sum of a matrix's diagonal, whose items are copied to `out` first."""
    first_row, first_column = max(-offset, 0), max(offset, 0)
    count = max(min(a.shape[0] - first_row, a.shape[1] - first_column), 0)
    for index in range(count):
        out[index] = a[first_row + index, first_column + index]
    return out[:count].sum()


def _trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    axes = literal("axis1 of np.trace", axis1, 0), literal("axis2 of np.trace", axis2, 1)
    if a.ndim != 2 or axes not in {(0, 1), (-2, -1)}:
        raise errors.TypingError(
            "a guest cannot use np.trace with more than two axes, or with others than 0, 1"
        )
    number = numpy_support.as_dtype(a.dtype)

    def trace(a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
        return _diagonal_sum(a, offset, np.empty(min(a.shape), number))

    return trace


def _trace_of_last(x: Any, offset: Any = 0) -> Any:
    if x.ndim != 2:
        raise errors.TypingError("a guest cannot use np.linalg.trace with more than two axes")

    def trace(x: Any, offset: Any = 0) -> Any:
        return np.trace(x, offset)

    return trace
