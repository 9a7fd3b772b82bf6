"""`dtype=int`, `float`, `bool` and `complex`: Python's own types as dtypes."""

from typing import Any

import numpy as np
from numba.core import errors, imputils, typeinfer, types
from numba.core.typing import signature
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.extending import is_method_of_array, is_method_of_number

_DTYPES = {int: types.int64, float: types.float64, bool: types.boolean, complex: types.complex128}

_TAKING: list[Any] = []
"""Functions of the compiler that take a dtype as NumPy's do."""

_INFERER: Any = typeinfer.TypeInferer
_registry: Any = imputils.builtin_registry


def install_python_dtypes() -> None:
    """Let NumPy's functions and arrays' methods take them."""
    resolve = _INFERER.resolve_call

    def resolve_call(inferer: Any, function: Any, arguments: Any, named: Any) -> Any:
        if _takes_dtypes(function):
            arguments = tuple(_as_dtype(argument) for argument in arguments)
            named = {name: _as_dtype(argument, name) for name, argument in dict(named).items()}
        if isinstance(function, types.NumberClass) and not named and _is_one_array(arguments):
            (array,) = arguments
            return signature(types.Array(function.dtype, array.ndim, _kept_layout(array)), array)
        return resolve(inferer, function, arguments, named)

    _INFERER.resolve_call = resolve_call
    _registry.lower_cast(types.Function, types.NumberClass)(_no_value)
    _registry.lower_cast(types.StringLiteral, types.NumberClass)(_no_value)
    _registry.lower(types.NumberClass, types.Array)(_items_converted)


def take_python_dtypes(function: Any) -> None:
    """Let a function that is not NumPy's take them."""
    _TAKING.append(function)


def _takes_dtypes(function: Any) -> bool:
    if is_method_of_array(function) or is_method_of_number(function):
        return True
    key = getattr(function, "typing_key", None)
    if any(key is known for known in _TAKING) or isinstance(key, np.ufunc):
        return True
    return (getattr(key, "__module__", None) or "").partition(".")[0] == "numpy"


def _as_dtype(kind: Any, name: str = "") -> Any:
    if isinstance(kind, types.Function) and isinstance(kind.typing_key, type):
        dtype = _DTYPES.get(kind.typing_key)
        return kind if dtype is None else types.NumberClass(dtype)
    if name == "dtype" and isinstance(kind, types.StringLiteral):
        return types.NumberClass(_dtype_of_text(kind.literal_value))
    return kind


def _dtype_of_text(text: str) -> Any:
    try:
        dtype = numpy_support.from_dtype(np.dtype(text))
    except (TypeError, errors.NumbaNotImplementedError) as error:
        raise errors.TypingError(f"a guest has no dtype {text!r}") from error
    if not isinstance(dtype, types.Number | types.Boolean):
        raise errors.TypingError(f"a guest has no dtype {text!r} here")
    return dtype


def _is_one_array(arguments: Any) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], types.Array)


def _kept_layout(array: Any) -> str:
    return array.layout if array.layout in "CF" else "C"


def _items_converted(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """`np.float32(x)` of an array."""
    dtype = numpy_support.as_dtype(signature.return_type.dtype)

    def convert(a: Any) -> Any:
        return a.astype(dtype)

    return context.compile_internal(builder, convert, signature, arguments)


def _no_value(context: Any, builder: Any, from_kind: Any, to_kind: Any, value: Any) -> Any:
    del builder, from_kind, to_kind, value
    return context.get_dummy_value()
