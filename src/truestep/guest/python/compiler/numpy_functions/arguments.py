"""What functions of NumPy take: arrays or what becomes one, and options that are known when compiling."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.core.registry import cpu_target
from numba.core.typing import npydecl
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.axes import is_none

_parse_sequence: Any = npydecl._parse_nested_sequence


def array_of(kind: Any) -> Any:
    """The array that a value of this type becomes, or None if it is not an array and becomes none."""
    if isinstance(kind, types.Array):
        return kind
    if isinstance(kind, types.RangeType):
        return types.Array(types.int64, 1, "C")
    if not isinstance(kind, types.Sequence | types.BaseTuple) or isinstance(kind, types.UnicodeType):
        return None
    if holds_arrays(kind):
        first = kind[0] if isinstance(kind, types.BaseTuple) else kind.dtype
        dtypes = [member.dtype for member in kind] if isinstance(kind, types.BaseTuple) else [first.dtype]
        return types.Array(common_dtype(*dtypes), first.ndim + 1, "C")
    try:
        ndim, dtype = _parse_sequence(cpu_target.typing_context, kind)
    except errors.TypingError:
        return None
    return types.Array(types.unliteral(dtype), ndim, "C") if is_number(types.unliteral(dtype)) else None


def holds_arrays(kind: Any) -> bool:
    """Whether it is a list or tuple of arrays."""
    if isinstance(kind, types.BaseTuple):
        return len(kind) > 0 and all(isinstance(member, types.Array) for member in kind)
    return isinstance(kind, types.Sequence) and isinstance(kind.dtype, types.Array)


def is_number(kind: Any) -> bool:
    """Whether it is the type of a number or a truth value."""
    return isinstance(kind, types.Number | types.Boolean)


def common_dtype(*dtypes: Any) -> Any:
    """NumPy's dtype for all of them."""
    return numpy_support.from_dtype(np.result_type(*map(numpy_support.as_dtype, dtypes)))


def as_array(value: Any) -> Any:
    """The array itself, or an array of what a list, tuple or range holds. Compiled only."""
    raise NotImplementedError


@overload(as_array, strict=False)
def _as_array_of(value: Any) -> Any:
    if isinstance(value, types.Array):
        return lambda value: value
    if isinstance(value, types.RangeType):
        return lambda value: np.arange(value.start, value.stop, value.step)
    if array_of(value) is None:
        return None
    if not holds_arrays(value):
        return lambda value: np.array(value)
    if isinstance(value, types.BaseTuple):
        return lambda value: np.stack(value)
    return lambda value: _stacked(value)


def _stacked(arrays: Any) -> Any:
    out = np.empty((len(arrays),) + arrays[0].shape, arrays[0].dtype)
    for index in range(len(arrays)):
        if arrays[index].shape != arrays[0].shape:
            raise ValueError("all input arrays must have the same shape")
        out[index] = arrays[index]
    return out


def converted(value: Any, dtype: Any) -> Any:
    """A number, or an array of what becomes one, with this dtype. Compiled only."""
    raise NotImplementedError


@overload(converted, strict=False)
def _converted_to(value: Any, dtype: Any) -> Any:
    if array_of(value) is None:
        number = numpy_support.as_dtype(dtype.dtype).type
        return lambda value, dtype: number(value)
    return lambda value, dtype: as_array(value).astype(dtype)


def converter(array: Any, dtype: Any) -> Callable[..., Any]:
    """The function that makes an array of this dtype of what becomes `array`."""
    if array.dtype == dtype:
        return as_array
    number = numpy_support.as_dtype(dtype)

    def convert(a: Any) -> Any:
        return as_array(a).astype(number)

    return convert


def literal(kind: Any, name: str) -> Any:
    """The value of an option that decides about types; it must be written in the call."""
    if is_none(kind):
        return None if not isinstance(kind, types.Omitted) else kind.value
    if isinstance(kind, bool | int | str):
        return kind
    value = getattr(kind, "literal_value", getattr(kind, "value", kind))
    if not isinstance(value, bool | int | str):
        raise errors.TypingError(
            f"a guest must know {name} when it is compiled; write its value in the call, as in {name}=True"
        )
    return value


def refuse(**options: Any) -> None:
    """Refuse options of NumPy that a guest does not have."""
    for name, kind in options.items():
        if not is_none(kind):
            raise errors.TypingError(f"a guest has no {name}= here; leave it out")
