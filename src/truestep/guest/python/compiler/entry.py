"""The compiled program's outermost function: reads task and input, calls the guest, writes the result."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, errors, types
from numba.core.extending import intrinsic, overload

from truestep.guest.python.compiler.byte_arrays import ByteList
from truestep.guest.python.compiler.int_or_float import IntOrFloat, float_of, holds_float, int_of
from truestep.guest.python.compiler.int_or_float_functions import all_ints
from truestep.guest.python.compiler.item_tuples import ItemTuple, items_of
from truestep.guest.python.compiler.signature import ArrayInput, GuestSignature
from truestep.guest.sdk import Task
from truestep.machine.layout import HEADER_START, INPUT_START

# The task header (M3.5): the seed, then three words.
_SEED_START = HEADER_START
_INPUT_SIZE_START = HEADER_START + 32
_SHARD_INDEX_START = HEADER_START + 40
_SHARD_COUNT_START = HEADER_START + 48

_WORD = ir.IntType(64)
_POINTER = ir.IntType(8).as_pointer()


def make_entry(signature: GuestSignature, guest: Any, *, copies_input: bool) -> Any:
    """A function without arguments that runs the guest.

    The memory of the input cannot be written. Without `copies_input` the guest gets a read-only array; with
    it, a copy.
    """
    read = _array_reader(signature.array_input) if signature.array_input else _read_bytes
    read_input = _copied(read) if copies_input else _in_place(read)
    read_task = numba.njit(_task_with_own_seed if copies_input else _task)
    store = store_npy if signature.writes_npy else store_bytes
    match signature.takes_task, signature.takes_input:
        case True, True:
            return lambda: store(guest(read_task(), read_input()))
        case True, False:
            return lambda: store(guest(read_task()))
        case False, True:
            return lambda: store(guest(read_input()))
        case _:
            return lambda: store(guest())


def _copied(read: Callable[[], Any]) -> Any:
    return numba.njit(lambda: read().copy())


def _in_place(read: Callable[[], Any]) -> Any:
    def read_in_place() -> Any:
        return read()

    return numba.njit(read_in_place)


def _word_at(builder: Any, address: int) -> Any:
    return builder.load(_WORD(address).inttoptr(_WORD.as_pointer()))


def _word_generator(address: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature, arguments
        return _word_at(builder, address)

    return generate


def _fill_array(context: Any, builder: Any, kind: Any, address: Any, shape: Any) -> Any:
    """A C-contiguous array structure over memory that nobody frees."""
    structure = context.make_array(kind)(context, builder)
    itemsize = context.get_abi_sizeof(context.get_data_type(kind.dtype))
    steps = [_WORD(itemsize)]
    for size in reversed(shape[1:]):
        steps.insert(0, builder.mul(steps[0], size))
    context.populate_array(
        structure,
        data=builder.bitcast(address, structure.data.type),
        shape=shape,
        strides=steps[: len(shape)],
        itemsize=_WORD(itemsize),
        meminfo=None,
    )
    return structure._getvalue()


@intrinsic
def _read_bytes(typing_context: Any) -> Any:
    """The input as a read-only uint8 array, in place (M3.3, M3.5)."""
    del typing_context
    kind = types.Array(types.uint8, 1, "C", readonly=True)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature, arguments
        address = _WORD(INPUT_START).inttoptr(_POINTER)
        return _fill_array(context, builder, kind, address, [_word_at(builder, _INPUT_SIZE_START)])

    return kind(), generate


@intrinsic
def _seed(typing_context: Any) -> Any:
    """The seed as a read-only array of 32 bytes, in place (M3.5)."""
    del typing_context
    kind = types.Array(types.uint8, 1, "C", readonly=True)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature, arguments
        return _fill_array(context, builder, kind, _WORD(_SEED_START).inttoptr(_POINTER), [_WORD(32)])

    return kind(), generate


@intrinsic
def _shard_index(typing_context: Any) -> Any:
    del typing_context
    return types.int64(), _word_generator(_SHARD_INDEX_START)


@intrinsic
def _shard_count(typing_context: Any) -> Any:
    del typing_context
    return types.int64(), _word_generator(_SHARD_COUNT_START)


def _task() -> Task:
    return Task(_seed(), _shard_index(), _shard_count())


def _task_with_own_seed() -> Task:
    return Task(_seed().copy(), _shard_index(), _shard_count())


def _constant_text(context: Any, builder: Any, text: str) -> tuple[Any, Any]:
    data = context.insert_const_string(builder.module, text)
    return builder.bitcast(data, _POINTER), _WORD(len(text.encode()))


def _array_reader(wanted: ArrayInput) -> Any:
    """A reader of a .npy file: the runtime checks the header and says where the items are."""
    kind = types.Array(numba.from_dtype(wanted.dtype), wanted.ndim, "C", readonly=True)
    descr = repr(np.lib.format.dtype_to_descr(wanted.dtype))
    dtype_size_bytes = wanted.dtype.itemsize

    @intrinsic
    def read(typing_context: Any) -> Any:
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            del signature, arguments
            shape = cgutils.alloca_once(builder, _WORD, size=max(1, wanted.ndim))
            text, size = _constant_text(context, builder, descr)
            operands = (text, size, _WORD(wanted.ndim), _WORD(dtype_size_bytes), shape)
            function_type = ir.FunctionType(_POINTER, [operand.type for operand in operands])
            function = cgutils.get_or_insert_function(builder.module, function_type, "truestep_read_npy")
            address = builder.call(function, operands)
            sizes = [builder.load(builder.gep(shape, [_WORD(axis)])) for axis in range(wanted.ndim)]
            return _fill_array(context, builder, kind, address, sizes)

        return kind(), generate

    return read


@intrinsic
def _write_array(typing_context: Any, array: Any) -> Any:
    """Append the bytes of a C-contiguous array to the output."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        structure = context.make_array(signature.args[0])(context, builder, value=arguments[0])
        size_bytes = builder.mul(structure.nitems, structure.itemsize)
        _call_runtime(builder, "write_output", builder.bitcast(structure.data, _POINTER), size_bytes)
        return context.get_dummy_value()

    return types.none(array), generate


@intrinsic
def _write_header(typing_context: Any, array: Any) -> Any:
    """Begin a .npy file of this array's dtype and shape."""
    del typing_context
    descr = repr(np.lib.format.dtype_to_descr(numba.np.numpy_support.as_dtype(array.dtype)))

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        structure = context.make_array(kind)(context, builder, value=arguments[0])
        shape = cgutils.alloca_once(builder, _WORD, size=max(1, kind.ndim))
        for axis, size in enumerate(cgutils.unpack_tuple(builder, structure.shape, kind.ndim)):
            builder.store(size, builder.gep(shape, [_WORD(axis)]))
        text, text_size = _constant_text(context, builder, descr)
        _call_runtime(builder, "truestep_write_npy_header", text, text_size, _WORD(kind.ndim), shape)
        return context.get_dummy_value()

    return types.none(array), generate


@intrinsic
def _write_text(typing_context: Any, text: Any) -> Any:
    """Append a string to the output, as UTF-8."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        string = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0])
        unit_size = builder.zext(string.kind, _WORD)
        _call_runtime(builder, "truestep_write_string", string.data, string.length, unit_size)
        return context.get_dummy_value()

    return types.none(text), generate


def _call_runtime(builder: Any, name: str, *operands: Any) -> None:
    function_type = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
    builder.call(cgutils.get_or_insert_function(builder.module, function_type, name), operands)


def store_bytes(result: Any) -> None:
    """Write a result's bytes. Compiled only."""
    raise NotImplementedError


def store_npy(result: Any) -> None:
    """Write a result as a .npy file. Compiled only."""
    raise NotImplementedError


@overload(store_bytes)
def _store_bytes_of(result: Any) -> Any:
    if isinstance(result, types.Array):
        return _store_contiguous if result.layout == "C" else _store_strided
    if isinstance(result, types.BaseTuple):
        return _store_members if result.types else _store_nothing
    if isinstance(result, types.UnicodeType | types.StringLiteral):
        return _store_text
    if isinstance(result, types.NoneType):
        return _store_nothing
    return _store_as_array(result, numba.njit(_store_contiguous))


def _store_contiguous(result: Any) -> None:
    _write_array(result)


def _store_strided(result: Any) -> None:
    _write_array(np.ascontiguousarray(result))


def _store_text(result: Any) -> None:
    _write_text(str(result))


def _store_nothing(result: Any) -> None:
    _ = result  # Numba does not compile `del` of a parameter


def _store_members(result: Any) -> None:
    store_bytes(result[0])
    store_bytes(result[1:])


def _store_as_array(kind: Any, store: Any) -> Any:
    """How to store a value that is not an array but can become one."""
    if isinstance(kind, types.Bytes | types.ByteArray | types.MemoryView):

        def store_buffer(result: Any) -> None:
            store(np.frombuffer(result, np.uint8))

        return store_buffer
    if isinstance(kind, ByteList):

        def store_bytes_of_list(result: Any) -> None:
            store(np.frombuffer(bytes(result), np.uint8))

        return store_bytes_of_list
    if isinstance(kind, types.Record):
        return _record_storer(numba.np.numpy_support.as_dtype(kind), store)
    if isinstance(kind, IntOrFloat):

        def store_either(result: Any) -> None:
            if holds_float(result):
                store(np.array(float_of(result)))
            else:
                store(np.array(int_of(result)))

        return store_either
    if isinstance(kind, types.List) and isinstance(kind.dtype, IntOrFloat):

        def store_mixed(result: Any) -> None:
            if all_ints(result):
                store(np.array([int_of(item) for item in result]))
            else:
                store(np.array([float_of(item) for item in result]))

        return store_mixed
    if isinstance(kind, types.Number | types.Boolean | types.NPDatetime | types.NPTimedelta | types.List):

        def store_converted(result: Any) -> None:
            store(np.array(result))

        return store_converted
    if isinstance(kind, ItemTuple):

        def store_items(result: Any) -> None:
            store(np.array(items_of(result)))

        return store_items
    if isinstance(kind, types.Optional):
        raise errors.TypingError(
            f"a guest must return its output on every path, but this one returns {kind.type} or nothing"
        )
    raise errors.TypingError(f"a guest cannot return {kind} as its output")


def _record_storer(dtype: "np.dtype[Any]", store: Any) -> Any:
    def store_record(result: Any) -> None:
        array = np.empty(1, dtype)
        array[0] = result
        store(array)

    return store_record


@overload(store_npy)
def _store_npy_of(result: Any) -> Any:
    if isinstance(result, types.BaseTuple):
        return _store_npy_members if result.types else _store_nothing
    if isinstance(result, types.NoneType):
        return _store_nothing
    if not isinstance(result, types.Array):
        return _store_as_array(result, numba.njit(_store_npy_contiguous))
    return _store_npy_contiguous if result.layout == "C" else _store_npy_strided


def _store_npy_members(result: Any) -> None:
    store_npy(result[0])
    store_npy(result[1:])


def _store_npy_contiguous(result: Any) -> None:
    _write_header(result)
    _write_array(result)


def _store_npy_strided(result: Any) -> None:
    copy = np.ascontiguousarray(result)
    _write_header(copy)
    _write_array(copy)
