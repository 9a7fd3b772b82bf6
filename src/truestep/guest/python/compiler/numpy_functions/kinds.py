"""Questions about types, which are answered when compiling: instances of np.ndarray, and dtypes."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload_attribute
from numba.core.typing.npydecl import parse_dtype
from numba.cpython.builtins import ol_isinstance
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.extending import extend, extend_first


def install_kinds() -> None:
    """Add them to Numba's."""
    extend(np.asanyarray, _asanyarray)
    extend(np.ndarray, _ndarray)
    extend_first(isinstance, _isinstance)
    extend(np.result_type, _result_type)
    extend(result_type_of, _result_type_of)
    extend(np.promote_types, _promote_types)
    overload_attribute(types.DType, "name", strict=False)(_name)


def _asanyarray(a: Any, dtype: Any = None) -> Any:
    del a, dtype
    return lambda a, dtype=None: np.asarray(a, dtype)


def _ndarray(shape: Any, dtype: Any = np.float64) -> Any:
    del shape, dtype
    return lambda shape, dtype=np.float64: np.empty(shape, dtype)


def _isinstance(var: Any, typs: Any) -> Any:
    """Whether a value is an array; Numba decides about the other types."""
    asked = tuple(typs) if isinstance(typs, types.BaseTuple) else (typs,)
    if isinstance(types.unliteral(var), types.Boolean) and any(map(_is_int, asked)):
        return lambda var, typs: True  # a truth value of Python is an integer
    others = tuple(kind for kind in asked if not _is_ndarray(kind))
    if len(others) == len(asked) or isinstance(var, types.Optional):
        return None
    if isinstance(var, types.Array):
        return lambda var, typs: True
    if not others:
        return lambda var, typs: False
    return ol_isinstance(types.unliteral(var), types.Tuple(others))


def _is_int(kind: Any) -> bool:
    return isinstance(kind, types.Function) and kind.typing_key is int


def _is_ndarray(kind: Any) -> bool:
    return isinstance(kind, types.Function) and kind.typing_key is np.ndarray


def _result_type(*arrays_and_dtypes: Any) -> Any:
    dtype = np.result_type(*map(dtype_named, arrays_and_dtypes))
    return lambda *arrays_and_dtypes: dtype


def result_type_of(arrays_and_dtypes: Any) -> Any:
    """np.result_type of all members of a tuple or list. Compiled only."""
    raise NotImplementedError


def _result_type_of(arrays_and_dtypes: Any) -> Any:
    if not isinstance(arrays_and_dtypes, types.BaseTuple | types.List):
        return None
    is_list = isinstance(arrays_and_dtypes, types.List)
    dtype = np.result_type(*map(dtype_named, [arrays_and_dtypes.dtype] if is_list else arrays_and_dtypes))

    def result_type(arrays_and_dtypes: Any) -> Any:
        if len(arrays_and_dtypes) == 0:
            raise ValueError("at least one array or dtype is required")
        return dtype

    return result_type


def _promote_types(type1: Any, type2: Any) -> Any:
    dtype = np.promote_types(dtype_named(type1), dtype_named(type2))
    return lambda type1, type2: dtype


def dtype_named(kind: Any) -> Any:
    """NumPy's dtype of an array or of what names one."""
    found = kind.dtype if isinstance(kind, types.Array) else parse_dtype(kind)
    if found is None:
        raise errors.TypingError(
            f"a guest takes arrays and dtypes here, not {kind}; write its dtype, as in np.float64"
        )
    return numpy_support.as_dtype(found)


def _name(dtype: Any) -> Any:
    name = numpy_support.as_dtype(dtype.dtype).name
    return lambda dtype: name
