"""`out=` of functions that are not ufuncs, and `np.cross` of vectors of two items.

The result of `out=` is stored, and is the array given. The cross product of vectors of two items is a number,
that of three items a vector, and Numba does not know their lengths: but its norm is a number for both.
"""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import ast
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, register_jitable
from numba.np import numpy_support

from truestep.guest.python.compiler.rewriting_names import Names

_METHODS = {
    "all", "any", "argmax", "argmin", "cumprod", "cumsum", "max", "mean", "min", "prod", "ptp", "std", "sum",
    "take", "trace", "var",
}  # fmt: skip
_FUNCTIONS = {
    *_METHODS, "amax", "amin", "concatenate", "median", "nancumprod", "nancumsum", "nanmax", "nanmean",
    "nanmedian", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "outer", "percentile", "quantile",
    "stack",
}  # fmt: skip


def stored_output(node: ast.Call, names: Names) -> ast.expr | None:
    """The call without `out=`, whose result is stored; None for all other calls."""
    given = [part.value for part in node.keywords if part.arg == "out"]
    called = names.value(node.func)
    attribute = getattr(node.func, "attr", "")
    is_function = any(called is getattr(np, name) for name in _FUNCTIONS) if given else False
    is_method = called is None and isinstance(node.func, ast.Attribute) and attribute in _METHODS
    if not given or not (is_function or is_method):
        return None
    node.keywords = [part for part in node.keywords if part.arg != "out"]
    if isinstance(given[0], ast.Constant) and given[0].value is None:
        return node
    return names.call("stored_in", stored_in, given[0], node)


def number_of_cross(node: ast.Call, names: Names) -> ast.expr | None:
    """`np.linalg.norm(np.cross(a, b))` and `float(np.cross(a, b))`; None for all other calls."""
    inner: Any = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if not isinstance(inner, ast.Call) or names.value(inner.func) is not np.cross:
        return None
    called = names.value(node.func)
    if len(inner.args) != 2 or inner.keywords or not (called is np.linalg.norm or called is float):
        return None
    is_norm = called is np.linalg.norm
    name, helper = ("cross_norm", cross_norm) if is_norm else ("cross_number", cross_number)
    return names.call(name, helper, *inner.args)


@register_jitable
def cross_number(a: Any, b: Any) -> float:
    """The cross product of two vectors of two items. Compiled only."""
    one, other = np.asarray(a), np.asarray(b)
    if len(one) != 2 or len(other) != 2:
        raise TypeError("only length-1 arrays can be converted to Python scalars")
    return float(one[0] * other[1] - one[1] * other[0])


def cross_norm(a: Any, b: Any) -> float:
    """The norm of the cross product of two vectors of two or three items. Compiled only."""
    raise NotImplementedError


@overload(cross_norm, strict=False)
def _cross_norm_of(a: Any, b: Any) -> Any:
    if getattr(a, "ndim", 1) != 1 or getattr(b, "ndim", 1) != 1:
        return lambda a, b: np.linalg.norm(np.cross(a, b))

    def norm(a: Any, b: Any) -> Any:
        one, other = np.asarray(a), np.asarray(b)
        if len(one) == len(other) == 2:
            return abs(one[0] * other[1] - one[1] * other[0])
        return np.linalg.norm(np.cross(one, other))

    return norm


def stored_in(out: Any, result: Any) -> Any:
    """`out`, which gets the result; the result if `out` is None. Compiled only."""
    raise NotImplementedError


@overload(stored_in, strict=False)
def _stored_in(out: Any, result: Any) -> Any:
    if isinstance(out, types.NoneType | types.Omitted):
        return lambda out, result: result
    kind = getattr(result, "dtype", types.unliteral(result))
    if not isinstance(out, types.Array) or not isinstance(kind, types.Number | types.Boolean):
        raise errors.TypingError("a guest's out= is an array for numbers; leave it out, and use the result")
    if not np.can_cast(numpy_support.as_dtype(kind), numpy_support.as_dtype(out.dtype), "same_kind"):
        raise errors.TypingError(f"a guest cannot put {kind} into an array of {out.dtype}")
    if out.ndim != getattr(result, "ndim", 0):
        raise errors.TypingError("a guest's out= has as many dimensions as the result; make it of that shape")

    def store(out: Any, result: Any) -> Any:
        if np.shape(result) != out.shape:
            raise ValueError("output array does not have the right shape")
        out[...] = result
        return out

    return store
