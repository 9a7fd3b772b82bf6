"""Ufuncs of `@numba.vectorize` that a module calls while it is imported: plain Python computes them.

What Numba compiles here is code of the machine, which would end this process.
"""

from typing import Any

import numpy as np
from numba.np.ufunc import dufunc, gufunc

from truestep.guest.python.compiler.complaint import Complaint


def install_module_calls() -> None:
    """Let modules call their ufuncs, and refuse the calls of those that are not ufuncs."""
    ufunc_class: Any = dufunc.DUFunc
    ufunc_class.__call__ = _call_as_python
    ufunc_class.reduce = ufunc_class.accumulate = ufunc_class.outer = _refuse
    gufunc.GUFunc.__call__ = _refuse


def _call_as_python(vectorized: Any, *arguments: Any, out: Any = None) -> Any:
    """The function of each item, with the dtypes that the ufunc has for the arguments."""
    arrays = [np.asarray(argument) for argument in arguments]
    *inputs, output = _dtypes(vectorized, arrays)
    converted = [array.astype(dtype) for array, dtype in zip(arrays, inputs, strict=True)]
    broadcast = np.broadcast_arrays(*converted)
    items = zip(*(array.ravel() for array in broadcast), strict=True)
    with np.errstate(all="ignore"):
        values = [vectorized._dispatcher.py_func(*item) for item in items]
    result = np.array(values, dtype=output).reshape(broadcast[0].shape)
    if out is not None:
        out[...] = result
        return out
    return result[()]


def _dtypes(vectorized: Any, arrays: list[Any]) -> list[Any]:
    """Those of inputs and output: of the first declared signature that fits, or as they come."""
    for signature in vectorized.ufunc.types:
        inputs, _, output = signature.partition("->")
        if all(np.can_cast(array.dtype, wanted) for array, wanted in zip(arrays, inputs, strict=True)):
            return [*map(np.dtype, inputs), np.dtype(output)]
    return [*(array.dtype for array in arrays), None]


def _refuse(vectorized: Any, *arguments: Any, **named: Any) -> None:
    del arguments, named
    raise Complaint(
        f"{vectorized.__name__} is called while the module is imported, which works for functions of"
        " @numba.njit and ufuncs of @numba.vectorize alone",
        remedy="call it inside the guest, or compute the table beforehand and load it with np.load",
    )
