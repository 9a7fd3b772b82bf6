"""sum, mean, var and std of floats, in NumPy's order of additions, so that results are NumPy's exactly."""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, overload, overload_method, register_jitable
from numba.core.typing.templates import builtin_registry
from numba.np import arraymath, arrayobj

_KINDS = {types.float32: "s", types.float64: "d", types.complex64: "c", types.complex128: "z"}

_BUFFER_ITEMS = 8192
"""The size of NumPy's buffer: items that it must copy or convert first are summed in parts of this size."""

_UNBUFFERED = 1 << 62

_WORD = ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()

_numba_sum = arraymath._numpy_sum
_numba_sum_axis = arraymath._numpy_sum_axis


def install_sums() -> None:
    """Replace Numba's own functions."""
    arraymath._numpy_sum = total
    arraymath._numpy_sum_axis = total_along
    forget(np.mean, "mean")
    forget(np.var, "var")
    forget(np.std, "std")
    for function, name, implementation in (
        (np.mean, "mean", _mean),
        (np.var, "var", _variance),
        (np.std, "std", _deviation),
    ):
        overload(function)(implementation)
        overload_method(types.Array, name)(implementation)


def forget(function: Any, name: str) -> None:
    """Remove what Numba registered for a NumPy function and for the array method of that name."""
    registry = builtin_registry
    registry.globals[:] = [entry for entry in registry.globals if entry[0] is not function]
    registry.functions[:] = [
        entry for entry in registry.functions if getattr(entry, "key", None) is not function
    ]
    registry.attributes[:] = [
        entry
        for entry in registry.attributes
        if not (getattr(entry, "_attr", None) == name and entry.key is types.Array)
    ]


def _has_floats(array: Any) -> bool:
    return isinstance(array, types.Array) and array.dtype in _KINDS


def is_none(kind: Any) -> bool:
    """Whether an optional argument was left out or is None."""
    return kind is None or isinstance(kind, types.NoneType | types.Omitted)


@intrinsic
def _sum_row(typing_context: Any, row: Any, chunk: Any) -> Any:
    """The sum of a one-dimensional array, 0 added first, `chunk` items at a time."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, value=arguments[0])
        (size,) = cgutils.unpack_tuple(builder, array.shape, 1)
        (step,) = cgutils.unpack_tuple(builder, array.strides, 1)
        zero = context.get_constant_generic(builder, kind.dtype, kind.dtype(0))
        result = cgutils.alloca_once_value(builder, zero)
        operands = (
            _WORD(ord(_KINDS[kind.dtype])),
            builder.bitcast(array.data, _POINTER),
            size,
            step,
            arguments[1],
            builder.bitcast(result, _POINTER),
        )
        function_type = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
        builder.call(cgutils.get_or_insert_function(builder.module, function_type, "truestep_sum"), operands)
        return builder.load(result)

    return row.dtype(row, types.int64), generate


@intrinsic
def _in_memory_order(typing_context: Any, array: Any) -> Any:
    """The items of a contiguous array in memory order, in one dimension."""
    del typing_context
    flat = types.Array(array.dtype, 1, "C", readonly=not array.mutable)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        target = context.make_array(flat)(context, builder)
        context.populate_array(
            target,
            data=source.data,
            shape=[source.nitems],
            strides=[source.itemsize],
            itemsize=source.itemsize,
            meminfo=source.meminfo,
        )
        context.nrt.incref(builder, flat, target._getvalue())
        return target._getvalue()

    return flat(array), generate


@register_jitable
def _rises_inwards(array: Any) -> bool:
    """Whether the last axis is the one with the smallest step in memory."""
    smallest = abs(array.strides[-1])
    for axis in range(array.ndim - 1):
        if array.shape[axis] > 1 and abs(array.strides[axis]) < smallest:
            return False
    return True


def total(array: Any, axis: Any, dtype: Any) -> Any:
    """The sum of all items. Compiled only."""
    raise NotImplementedError


@overload(total)
def _total_of(array: Any, axis: Any, dtype: Any) -> Any:
    if not is_none(dtype) and dtype.dtype in _KINDS and dtype.dtype != array.dtype:
        converted = numba.np.numpy_support.as_dtype(dtype.dtype)

        def convert(array: Any, axis: Any, dtype: Any) -> Any:
            return _sum_row(array.astype(converted).ravel(), _BUFFER_ITEMS)

        return convert
    if not _has_floats(array):

        def as_numba(array: Any, axis: Any, dtype: Any) -> Any:
            return _numba_sum(array, axis, dtype)

        return as_numba
    return _total_contiguous if array.layout in "CF" else _total_row if array.ndim == 1 else _total_strided


def _total_contiguous(array: Any, axis: Any, dtype: Any) -> Any:
    return _sum_row(_in_memory_order(array), _UNBUFFERED)


def _total_row(array: Any, axis: Any, dtype: Any) -> Any:
    return _sum_row(array, _UNBUFFERED)


def _total_strided(array: Any, axis: Any, dtype: Any) -> Any:
    if _rises_inwards(array):
        return _sum_row(np.ascontiguousarray(array).ravel(), _BUFFER_ITEMS)
    return _sum_row(np.ascontiguousarray(array.T).ravel(), _BUFFER_ITEMS)


def total_along(array: Any, axis: Any, dtype: Any) -> Any:
    """The sums along an axis. Compiled only."""
    raise NotImplementedError


@overload(total_along)
def _total_along_of(array: Any, axis: Any, dtype: Any) -> Any:
    if not (_has_floats(array) and is_none(dtype) and isinstance(axis, types.Integer)):

        def as_numba(array: Any, axis: Any, dtype: Any) -> Any:
            return _numba_sum_axis(array, axis, dtype)

        return as_numba

    return _total_rows


def _total_rows(array: Any, axis: Any, dtype: Any) -> Any:
    place = axis if axis >= 0 else axis + array.ndim
    step = abs(array.strides[place])
    for other in range(array.ndim):
        if other != place and array.shape[other] > 1 and abs(array.strides[other]) < step:
            return _numba_sum_axis(array, axis, dtype)
    return _sum_rows(array, place)


@intrinsic
def _sum_rows(typing_context: Any, array: Any, axis: Any) -> Any:
    """The sums along the axis whose items are closest in memory: one sum per row."""
    del typing_context
    sums = types.Array(array.dtype, array.ndim - 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        source = context.make_array(kind)(context, builder, value=arguments[0])
        shape = arraymath.get_spliced_tuple(context, builder, source.shape.type, source.shape, arguments[1])
        sizes = cgutils.unpack_tuple(builder, shape, sums.ndim)
        target = arrayobj._empty_nd_impl(context, builder, sums, sizes)
        operands = (
            _WORD(ord(_KINDS[kind.dtype])),
            builder.bitcast(source.data, _POINTER),
            _WORD(kind.ndim),
            _stored(builder, source.shape, kind.ndim),
            _stored(builder, source.strides, kind.ndim),
            arguments[1],
            builder.bitcast(target.data, _POINTER),
            target.nitems,
            target.itemsize,
        )
        function_type = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
        builder.call(
            cgutils.get_or_insert_function(builder.module, function_type, "truestep_sum_rows"), operands
        )
        return target._getvalue()

    return sums(array, types.int64), generate


def _stored(builder: Any, words: Any, count: int) -> Any:
    """A pointer to the words."""
    place = cgutils.alloca_once(builder, _WORD, size=count)
    for index, word in enumerate(cgutils.unpack_tuple(builder, words, count)):
        builder.store(word, builder.gep(place, [_WORD(index)]))
    return place


def _number_type(array: Any) -> Any:
    """NumPy's constructor of an array's numbers, which compiled code may call."""
    return numba.np.numpy_support.as_dtype(array.dtype).type


def _mean(a: Any, axis: Any = None) -> Any:
    if not isinstance(a, types.Array) or not isinstance(a.dtype, types.Number | types.Boolean):
        return None
    if a.dtype not in _KINDS:
        return _mean_of_integers if is_none(axis) else _mean_of_integers_along
    number = _number_type(a)

    def mean_of_all(a: Any, axis: Any = None) -> Any:
        return a.sum() / number(a.size)

    def mean_along(a: Any, axis: Any = None) -> Any:
        return a.sum(axis) / number(a.shape[axis])

    return mean_of_all if is_none(axis) else mean_along


def _mean_of_integers(a: Any, axis: Any = None) -> Any:
    return a.sum(dtype=np.float64) / a.size


def _mean_of_integers_along(a: Any, axis: Any = None) -> Any:
    return a.astype(np.float64).sum(axis) / a.shape[axis]


def _variance(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
    if not isinstance(a, types.Array) or not isinstance(a.dtype, types.Number | types.Boolean):
        return None
    if a.dtype not in _KINDS:
        return _variance_of_integers
    if isinstance(a.dtype, types.Complex):
        return _variance_of_complex if is_none(axis) else None
    number = _number_type(a)

    def variance_of_all(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
        apart = a - a.mean()
        return (apart * apart).sum() / number(max(a.size - ddof, 0))

    def variance_along(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
        apart = a - np.expand_dims(a.mean(axis), axis)
        return (apart * apart).sum(axis) / number(max(a.shape[axis] - ddof, 0))

    return variance_of_all if is_none(axis) else variance_along


def _variance_of_integers(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
    return np.var(a.astype(np.float64), axis, ddof)


def _variance_of_complex(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
    apart = a - a.mean()
    squares = apart.real * apart.real + apart.imag * apart.imag
    return squares.mean() if ddof == 0 else squares.sum() / (a.size - ddof)


def _deviation(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
    if not isinstance(a, types.Array) or not isinstance(a.dtype, types.Number | types.Boolean):
        return None
    return _root_of_variance


def _root_of_variance(a: Any, axis: Any = None, ddof: Any = 0) -> Any:
    return np.sqrt(np.var(a, axis, ddof))
