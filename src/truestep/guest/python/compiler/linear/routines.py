"""How compiled code calls the routines of the guest's runtime on matrices (guest/c/python/linear_*.c)."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, errors, types
from numba.core.extending import intrinsic, overload, register_jitable
from numba.np import numpy_support

from truestep.guest.python.compiler.sums import described, forget

_WORD = ir.IntType(64)


@functools.cache
def routine(name: str) -> Any:
    """A function that passes the items of a tuple to a routine: arrays as addresses, integers as words.

    The routine's result is an integer, 0 for success.
    """

    @intrinsic
    def call(typing_context: Any, arguments: Any) -> Any:
        del typing_context

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            (kinds,) = signature.args
            operands = [
                _operand(context, builder, kind, builder.extract_value(values[0], place))
                for place, kind in enumerate(kinds.types)
            ]
            function_type = ir.FunctionType(ir.IntType(32), [operand.type for operand in operands])
            function = cgutils.get_or_insert_function(builder.module, function_type, name)
            return builder.call(function, operands)

        return types.int32(arguments), generate

    return call


def _operand(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value=value)
        return builder.bitcast(array.data, ir.IntType(8).as_pointer())
    wanted = types.float64 if isinstance(kind, types.Float) else types.int64
    return context.cast(builder, value, kind, wanted)


@intrinsic
def _take(typing_context: Any, array: Any, is_transposed: Any, out: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind, flag, target_kind = signature.args
        source = context.make_array(kind)(context, builder, value=arguments[0])
        target = context.make_array(target_kind)(context, builder, value=arguments[2])
        data, axes, shape, strides, _, _ = described(builder, kind, source)
        operands = (
            _WORD(ord(numpy_support.as_dtype(kind.dtype).char)),
            data,
            axes,
            shape,
            strides,
            _WORD(int(isinstance(target_kind.dtype, types.Complex))),
            context.cast(builder, arguments[1], flag, types.int64),
            builder.bitcast(target.data, ir.IntType(8).as_pointer()),
        )
        function_type = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
        function = cgutils.get_or_insert_function(builder.module, function_type, "truestep_take_matrices")
        builder.call(function, operands)
        return context.get_dummy_value()

    return types.none(array, is_transposed, out), generate


def take(array: Any, is_transposed: Any) -> Any:
    """The matrices of an array (or their conjugate transposes) as routines take them. Compiled only."""
    raise NotImplementedError


@overload(take, inline="never")
def _take_of(array: Any, is_transposed: Any) -> Any:
    number = working_number(array)

    def take_matrices(array: Any, is_transposed: Any) -> Any:
        work = np.empty(array.size, number)
        _take(array, is_transposed, work)
        return work

    return take_matrices


@functools.cache
def giver(number: Any) -> Any:
    """A function that makes an array of a dtype from what a routine wrote."""
    give = routine("truestep_give_matrices")
    dtype = np.dtype(number)
    letter, is_complex = ord(dtype.char), dtype.kind == "c"

    @register_jitable
    def give_matrices(work: Any, shape: Any, is_transposed: Any) -> Any:
        out = np.empty(shape, number)
        rows, columns = shape[-2], shape[-1]
        give((letter, is_complex, is_transposed, count_of(shape), rows, columns, work, out))
        return out

    return give_matrices


@register_jitable
def count_of(shape: Any) -> Any:
    """How many matrices an array of this shape has."""
    count = 1
    for axis in range(len(shape) - 2):
        count *= shape[axis]
    return count


@register_jitable
def size_of_square(shape: Any) -> Any:
    """The number of rows of square matrices."""
    if shape[-2] != shape[-1]:
        raise np.linalg.LinAlgError("Last 2 dimensions of the array must be square")
    return shape[-1]


def is_complex(*arrays: Any) -> bool:
    """Whether one of the arrays has complex numbers."""
    return any(isinstance(array.dtype, types.Complex) for array in arrays)


def working_number(*arrays: Any) -> Any:
    """What np.linalg computes with: double precision, whatever the arrays hold."""
    return np.complex128 if is_complex(*arrays) else np.float64


def letter(*arrays: Any) -> str:
    """The first letter of a routine's name."""
    return "z" if is_complex(*arrays) else "d"


def real_number(*arrays: Any) -> Any:
    """The real numbers that belong to a result: float32 if all arrays are of single precision."""
    is_single = all(array.dtype in (types.float32, types.complex64) for array in arrays)
    return np.float32 if is_single else np.float64


def complex_number(*arrays: Any) -> Any:
    """The complex numbers that belong to a result."""
    return np.complex64 if real_number(*arrays) is np.float32 else np.complex128


def number_of(*arrays: Any) -> Any:
    """The numbers of a result, as NumPy has them."""
    return complex_number(*arrays) if is_complex(*arrays) else real_number(*arrays)


def replaces(
    function: Any, *, arrays: int = 1, dimensions: tuple[int, ...] = (2,), of_sequences: Any = None
) -> Callable[[Any], Any]:
    """Replace Numba's own: the first `arrays` arguments are arrays of numbers, with at least that many axes.

    `of_sequences` is what is compiled for lists and tuples. Raises TypingError for what is no array.
    """
    name = f"np.{'linalg.' if function.__module__ == 'numpy.linalg' else ''}{function.__name__}"
    least = dimensions * arrays if len(dimensions) == 1 else dimensions

    def install(make: Any) -> Any:
        def choose(*given: Any, **named: Any) -> Any:
            kinds = [kind.type if isinstance(kind, types.Optional) else kind for kind in given[:arrays]]
            if of_sequences and any(isinstance(kind, types.List | types.BaseTuple) for kind in kinds):
                return of_sequences
            for kind, axes in zip(kinds, least, strict=True):
                _check(name, kind, axes)
            return make(*kinds, *given[arrays:], **named)

        forget(function, "")
        functools.update_wrapper(choose, make)
        overload(function, prefer_literal=True)(choose)
        return make

    return install


def _check(name: str, kind: Any, axes: int) -> None:
    if not isinstance(kind, types.Array):
        raise errors.TypingError(f"a guest cannot use {name} of {kind}: make it an array with np.array(…)")
    if not isinstance(kind.dtype, types.Number | types.Boolean) or kind.dtype == types.float16:
        raise errors.TypingError(f"a guest cannot use {name} of an array of {kind.dtype}")
    if kind.ndim < axes:
        needed = "two axes" if axes == 2 else "one axis"
        raise errors.TypingError(
            f"a guest cannot use {name} of an array with {kind.ndim} axes: it needs at least {needed}"
        )


def literal(name: str, kind: Any, default: Any) -> Any:
    """The value of an argument that decides about the types of a result.

    Raises TypingError if it is known only while the guest runs.
    """
    if kind is None or isinstance(kind, types.NoneType):
        return default if kind is None else None
    if isinstance(kind, types.Omitted):
        return kind.value
    if isinstance(kind, types.Literal):
        return kind.literal_value
    if isinstance(kind, types.BaseTuple) and all(isinstance(item, types.Literal) for item in kind):
        return tuple(item.literal_value for item in kind)
    if isinstance(kind, types.Type):
        raise errors.TypingError(
            f"a guest needs {name} as a constant, because the types of the result depend on it"
        )
    return kind
