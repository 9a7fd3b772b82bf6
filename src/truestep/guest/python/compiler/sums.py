"""Sums of floats in NumPy's order of additions, so that results are NumPy's exactly."""

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, overload
from numba.core.typing.templates import builtin_registry
from numba.cpython.unsafe.tuple import tuple_setitem
from numba.np import arraymath, arrayobj

from truestep.guest.python.compiler.numpy_functions.axes import axes_of, with_ones, without_axes

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


def has_floats(array: Any) -> bool:
    """Whether it is an array of floats or complex numbers, whose sums depend on the order."""
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
            builder.bitcast(array.data, _POINTER),
            size,
            step,
            arguments[1],
            builder.bitcast(result, _POINTER),
        )
        _call(builder, f"truestep_sum_{_KINDS[kind.dtype]}", operands)
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


@intrinsic
def _sum_all(typing_context: Any, array: Any) -> Any:
    """The sum of all items of an array whose axes lie in memory in any way."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        source = context.make_array(kind)(context, builder, value=arguments[0])
        zero = context.get_constant_generic(builder, kind.dtype, kind.dtype(0))
        result = cgutils.alloca_once_value(builder, zero)
        place = builder.bitcast(result, _POINTER)
        operands = (_WORD(ord(_KINDS[kind.dtype])), *described(builder, kind, source), place)
        _call(builder, "truestep_sum_all", operands)
        return builder.load(result)

    return array.dtype(array), generate


@intrinsic
def flat_in_order(typing_context: Any, array: Any) -> Any:
    """A copy of all items in one dimension, in the order in which NumPy iterates over them."""
    del typing_context
    flat = types.Array(array.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        source = context.make_array(kind)(context, builder, value=arguments[0])
        target = arrayobj._empty_nd_impl(context, builder, flat, [source.nitems])
        place = builder.bitcast(target.data, _POINTER)
        _call(builder, "truestep_copy_in_order", (*described(builder, kind, source), place))
        return target._getvalue()

    return flat(array), generate


def described(builder: Any, kind: Any, array: Any) -> tuple[Any, ...]:
    """An array as the runtime takes it: where it is, its axes, the number and size of its items."""
    return (
        builder.bitcast(array.data, _POINTER),
        _WORD(kind.ndim),
        _stored(builder, array.shape, kind.ndim),
        _stored(builder, array.strides, kind.ndim),
        array.nitems,
        array.itemsize,
    )


def _call(builder: Any, name: str, operands: Any) -> None:
    function_type = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
    builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), operands)


def total(array: Any, axis: Any, dtype: Any) -> Any:
    """The sum of all items. Compiled only."""
    raise NotImplementedError


@overload(total)
def _total_of(array: Any, axis: Any, dtype: Any) -> Any:
    if not is_none(dtype) and dtype.dtype in _KINDS and dtype.dtype != array.dtype:
        converted = numba.np.numpy_support.as_dtype(dtype.dtype)

        def convert(array: Any, axis: Any, dtype: Any) -> Any:
            return _sum_row(array.astype(converted).ravel(), _BUFFER_ITEMS)

        def convert_in_order(array: Any, axis: Any, dtype: Any) -> Any:
            return _sum_row(flat_in_order(array).astype(converted), _BUFFER_ITEMS)

        return convert if array.layout == "C" else convert_in_order
    if has_floats(array) and not is_none(dtype) and dtype.dtype not in _KINDS:
        whole = numba.np.numpy_support.as_dtype(dtype.dtype)

        def convert_to_integers(array: Any, axis: Any, dtype: Any) -> Any:
            return total(array.astype(whole), axis, dtype)

        return convert_to_integers
    if not has_floats(array):

        def as_numba(array: Any, axis: Any, dtype: Any) -> Any:
            return _numba_sum(array, axis, dtype)

        return as_numba
    return _total_contiguous if array.layout in "CF" else _total_row if array.ndim == 1 else _total_strided


def _total_contiguous(array: Any, axis: Any, dtype: Any) -> Any:
    return _sum_row(_in_memory_order(array), _UNBUFFERED)


def _total_row(array: Any, axis: Any, dtype: Any) -> Any:
    return _sum_row(array, _UNBUFFERED)


def _total_strided(array: Any, axis: Any, dtype: Any) -> Any:
    return _sum_all(array)


def total_along(array: Any, axis: Any, dtype: Any) -> Any:
    """The sums along an axis. Compiled only."""
    raise NotImplementedError


@overload(total_along, strict=False)
def _total_along_of(array: Any, axis: Any, dtype: Any) -> Any:
    if not is_none(dtype) and dtype.dtype in _KINDS and dtype.dtype != array.dtype:
        converted = numba.np.numpy_support.as_dtype(dtype.dtype)

        def convert(array: Any, axis: Any, dtype: Any) -> Any:
            return total_along(array.astype(converted), axis, None)

        return convert
    if has_floats(array) and not is_none(dtype) and dtype.dtype not in _KINDS:
        whole = numba.np.numpy_support.as_dtype(dtype.dtype)

        def convert_to_integers(array: Any, axis: Any, dtype: Any) -> Any:
            return total_along(array.astype(whole), axis, dtype)

        return convert_to_integers
    if not has_floats(array):

        def as_numba(array: Any, axis: Any, dtype: Any) -> Any:
            return _numba_sum_axis(array, axis, dtype)

        return as_numba
    return _total_rows if isinstance(axis, types.Integer) else _total_axes


def _total_axes(array: Any, axis: Any, dtype: Any) -> Any:
    return without_axes(total_axes_kept(array, axis), axis)


def total_axes_kept(array: Any, axis: Any) -> Any:
    """The sums along several axes, which get the length 1."""
    sums = np.zeros(with_ones(array.shape, axes_of(axis, array.ndim)), array.dtype)
    _add_axes(array, sums)
    return sums


@intrinsic
def _add_axes(typing_context: Any, array: Any, sums: Any) -> Any:
    """Add the items of `array` to `sums`, which has fewer along some axes."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        source = context.make_array(kind)(context, builder, value=arguments[0])
        target = context.make_array(signature.args[1])(context, builder, value=arguments[1])
        sizes = cgutils.unpack_tuple(builder, target.shape, kind.ndim)
        steps = cgutils.unpack_tuple(builder, target.strides, kind.ndim)
        kept = [
            builder.select(builder.icmp_signed("==", size, _WORD(1)), _WORD(0), step)
            for size, step in zip(sizes, steps, strict=True)
        ]
        where, ndim, shape, strides, _, item_size = described(builder, kind, source)
        steps_of_sums = _stored(builder, cgutils.pack_array(builder, kept), kind.ndim)
        sums_place = builder.bitcast(target.data, _POINTER)
        numbers = _WORD(ord(_KINDS[kind.dtype]))
        _call(
            builder,
            "truestep_sum_axes",
            (numbers, where, ndim, shape, strides, steps_of_sums, item_size, sums_place),
        )
        return context.get_dummy_value()

    return types.none(array, sums), generate


def _total_rows(array: Any, axis: Any, dtype: Any) -> Any:
    place = axis if axis >= 0 else axis + array.ndim
    step = abs(array.strides[place])
    is_repeated, is_row = step == 0, True
    for other in range(array.ndim):
        other_step = abs(array.strides[other])
        is_repeated |= other_step == 0
        is_outside = other_step >= step if step and other_step else other < place
        is_row &= other == place or array.shape[other] <= 1 or is_outside
    if is_row:
        return _sum_rows(array, place)
    if is_repeated:
        return _numba_sum_axis(array, axis, dtype)
    return without_axes(total_axes_kept(array, (place,)), (place,))


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


def copy_in_order(array: Any) -> Any:
    """A copy whose axes lie in memory as those of the array do (`np.copy` with order "K")."""
    order = array.shape
    for axis in range(array.ndim):
        place = axis
        while place > 0 and abs(array.strides[order[place - 1]]) < abs(array.strides[axis]):
            order = tuple_setitem(order, place, order[place - 1])
            place -= 1
        order = tuple_setitem(order, place, axis)
    back = order
    for place in range(array.ndim):
        back = tuple_setitem(back, order[place], place)
    return array.transpose(order).copy().transpose(back)


def _stored(builder: Any, words: Any, count: int) -> Any:
    """A pointer to the words."""
    place = cgutils.alloca_once(builder, _WORD, size=count)
    for index, word in enumerate(cgutils.unpack_tuple(builder, words, count)):
        builder.store(word, builder.gep(place, [_WORD(index)]))
    return place


def number_type(array: Any) -> Any:
    """NumPy's constructor of an array's numbers, which compiled code may call."""
    return numba.np.numpy_support.as_dtype(array.dtype).type
