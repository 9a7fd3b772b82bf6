"""Shapes and sizes of anything, what dtypes say about themselves, and arrays of what is iterated."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, overload_attribute
from numba.core.typing import arraydecl
from numba.core.typing.npydecl import parse_dtype
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, is_number
from truestep.guest.python.compiler.numpy_functions.axes import is_none
from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first
from truestep.guest.python.compiler.sums import forget

_OF_DTYPES = ("itemsize", "char", "str", "num", "alignment")


_REDUCTIONS = (np.std, np.var, np.any, np.all, np.median, np.ptp, np.argmax, np.argmin)


def install_sizes() -> None:
    """Add them to Numba's."""
    for function, implementation in ((np.shape, _shape), (np.size, _size), (np.ndim, _ndim)):
        forget(function, "")
        extend(function, implementation)
    for function in _REDUCTIONS:
        extend_first(function, _of_one_number(function))
    extend(np.iinfo, _limits_of_text(np.iinfo))
    extend(np.finfo, _limits_of_text(np.finfo))
    extend(np.fromiter, _fromiter)
    _attributes: Any = arraydecl.DTypeAttr
    _attributes.resolve_kind = _kind_of_dtype
    overload(str, strict=False)(_text_of_dtype)
    for name in _OF_DTYPES:
        overload_attribute(types.DType, name, strict=False)(_attribute_of_dtype(name))


def _shape(a: Any) -> Any:
    if is_number(types.unliteral(a)):
        return lambda a: ()
    return None if array_of(a) is None else lambda a: as_array(a).shape


def _size(a: Any, axis: Any = None) -> Any:
    if is_number(types.unliteral(a)):
        return (lambda a, axis=None: 1) if is_none(axis) else None
    if array_of(a) is None:
        return None
    if is_none(axis):
        return lambda a, axis=None: as_array(a).size
    return (lambda a, axis=None: as_array(a).shape[axis]) if isinstance(axis, types.Integer) else None


def _ndim(a: Any) -> Any:
    array = array_of(a)
    if array is None and not is_number(types.unliteral(a)):
        return None
    ndim = 0 if array is None else array.ndim
    return lambda a: ndim


def _of_one_number(function: Any) -> Any:
    """NumPy's reductions take a number for an array of one."""

    def of_one_number(a: Any) -> Any:
        return (lambda a: function(np.array([a]))) if is_number(types.unliteral(a)) else None

    return of_one_number


def _limits_of_text(limits: Any) -> Any:
    def limits_of_text(text: Any) -> Any:
        if not isinstance(text, types.StringLiteral):
            return None
        try:
            dtype = np.dtype(text.literal_value)
        except TypeError as error:
            raise errors.TypingError(f"a guest knows no dtype '{text.literal_value}'") from error
        return lambda text: limits(dtype)

    return limits_of_text


def _attribute_of_dtype(name: str) -> Any:
    def attribute(dtype: Any) -> Any:
        value = getattr(numpy_support.as_dtype(dtype.dtype), name)
        return lambda dtype: value

    return attribute


def _kind_of_dtype(attributes: Any, dtype: Any) -> Any:
    """Numba has 'i' for unsigned integers, too."""
    del attributes
    return types.StringLiteral(numpy_support.as_dtype(dtype.dtype).kind)


def _text_of_dtype(object: Any) -> Any:
    if not isinstance(object, types.DType):
        return None
    text = str(numpy_support.as_dtype(object.dtype))
    return lambda object: text


def _fromiter(iter: Any, dtype: Any, count: Any = -1) -> Any:
    if not isinstance(iter, types.IterableType):
        return None
    number = numpy_support.as_dtype(parse_dtype(dtype))

    def fromiter(iter: Any, dtype: Any, count: Any = -1) -> Any:
        items = list(iter)
        size = len(items) if count < 0 else count
        if size > len(items):
            raise ValueError("iterator too short")
        out = np.empty(size, number)
        for index in range(size):
            out[index] = items[index]
        return out

    return fromiter
