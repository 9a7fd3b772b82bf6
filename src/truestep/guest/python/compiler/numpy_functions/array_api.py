"""Functions that NumPy 2 added for the array API standard, and small ones about types and triangles."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload_attribute, overload_method
from numba.core.typing.npydecl import parse_dtype
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number, literal
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend
from truestep.guest.python.compiler.numpy_functions.kinds import dtype_named
from truestep.guest.python.compiler.python_numbers import python_kind


def install_array_api() -> None:
    """Add them to Numba's."""
    for function, implementation in (
        (np.cumulative_sum, _cumulative(np.cumsum, 0)),
        (np.cumulative_prod, _cumulative(np.cumprod, 1)),
        (np.astype, _astype),
        (np.matrix_transpose, _matrix_transpose),
        (np.permute_dims, _permute_dims),
        (np.unique_counts, _unique_counts),
        (np.unique_inverse, _unique_inverse),
        (np.can_cast, _can_cast),
        (np.isfortran, _isfortran),
        (np.diag_indices, _diag_indices),
        (np.diag_indices_from, _diag_indices_from),
        (np.bitwise_count, _bitwise_count),
    ):
        extend(function, implementation)
    overload_attribute(types.Array, "mT", strict=False)(_matrix_transpose)
    overload_attribute(types.ArrayFlags, "writeable", strict=False)(_is_writeable)
    for kind in (types.Integer, types.Float, types.Complex, types.Boolean):
        overload_method(kind, "astype", strict=False)(_number_as_type)


def _cumulative(function: Any, first: Any) -> Any:
    def cumulative(
        x: Any, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
    ) -> Any:
        array = array_of(x)
        if array is None or array.ndim < 1 or not (is_none(dtype) and is_none(out)):
            return None
        if is_none(axis) and array.ndim > 1:
            raise errors.TypingError(
                "a guest takes an axis here for arrays of more than one dimension; pass axis="
            )
        if not literal(include_initial, "include_initial"):
            return lambda x, axis=None, dtype=None, out=None, include_initial=False: function(
                as_array(x), axis
            )
        if array.ndim > 1:
            raise errors.TypingError("a guest has include_initial= of one dimension; use np.concatenate")

        def with_initial(
            x: Any, axis: Any = None, dtype: Any = None, out: Any = None, include_initial: Any = False
        ) -> Any:
            sums = function(as_array(x))
            longer = np.full(len(sums) + 1, first).astype(sums.dtype)
            longer[1:] = sums
            return longer

        return with_initial

    return cumulative


def _astype(x: Any, dtype: Any, copy: Any = True) -> Any:
    if not isinstance(x, types.Array):
        return None
    is_copy = bool(literal(copy, "copy"))
    return lambda x, dtype, copy=True: x.astype(dtype, copy=is_copy)


def _matrix_transpose(x: Any) -> Any:
    if array_of(x) is None or array_of(x).ndim < 2:
        return None
    return lambda x: np.swapaxes(as_array(x), -1, -2)


def _permute_dims(a: Any, axes: Any = None) -> Any:
    if array_of(a) is None:
        return None
    if is_none(axes):
        return lambda a, axes=None: np.transpose(as_array(a))
    return lambda a, axes=None: np.transpose(as_array(a), axes)


def _unique_counts(x: Any) -> Any:
    return (lambda x: np.unique(as_array(x), return_counts=True)) if array_of(x) is not None else None


def _unique_inverse(x: Any) -> Any:
    return (lambda x: np.unique(as_array(x), return_inverse=True)) if array_of(x) is not None else None


def _can_cast(from_: Any, to: Any, casting: Any = "safe") -> Any:
    rule = literal(casting, "casting")
    is_possible = bool(np.can_cast(dtype_named(from_), dtype_named(to), rule))
    return lambda from_, to, casting="safe": is_possible


def _isfortran(a: Any) -> Any:
    if not isinstance(a, types.Array):
        return None
    return lambda a: a.flags.f_contiguous and not a.flags.c_contiguous


def _is_writeable(flags: Any) -> Any:
    is_mutable = flags.array_type.mutable
    return lambda flags: is_mutable


def _diag_indices(n: Any, ndim: Any = 2) -> Any:
    count = literal(ndim, "ndim")
    if not isinstance(n, types.Integer) or count not in {2, 3}:
        raise errors.TypingError("a guest has np.diag_indices of two or three dimensions")
    if count == 2:
        return lambda n, ndim=2: (np.arange(n), np.arange(n))
    return lambda n, ndim=2: (np.arange(n), np.arange(n), np.arange(n))


def _diag_indices_from(arr: Any) -> Any:
    array = array_of(arr)
    if array is None or array.ndim not in {2, 3}:
        return None
    ndim = array.ndim

    def diag_indices_from(arr: Any) -> Any:
        items = as_array(arr)
        for size in items.shape:
            if size != items.shape[0]:
                raise ValueError("All dimensions of input must be of equal length")
        return np.diag_indices(items.shape[0], ndim)

    return diag_indices_from


def _bitwise_count(x: Any) -> Any:
    array = array_of(x)
    dtype = types.unliteral(x) if array is None else array.dtype
    if not isinstance(dtype, types.Integer):
        return None
    if array is None:
        return lambda x: np.uint8(_ones_of(np.int64(x)))

    def count(x: Any) -> Any:
        items = as_array(x)
        out = np.empty(items.shape, np.uint8)
        for place in np.ndindex(items.shape):
            out[place] = _ones_of(np.int64(items[place]))
        return out

    return count


def _ones_of(number: Any) -> Any:
    """How many bits of the absolute value are set; of the smallest int64, whose value has no sign, one."""
    rest = np.uint64(-number if number < 0 else number)
    count = 0
    while rest:
        rest &= rest - np.uint64(1)
        count += 1
    return count


def _number_as_type(number: Any, dtype: Any) -> Any:
    if python_kind(number) or not is_number(types.unliteral(number)):
        return None
    found = parse_dtype(dtype)
    if found is None:
        return None
    kind = numpy_support.as_dtype(found).type
    return lambda number, dtype: kind(number)
