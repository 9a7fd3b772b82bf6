"""What functions of SciPy take: vectors of doubles. Others would have results of other types or shapes."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload

_EXACT = (types.float64, *types.integer_domain, types.boolean)


def doubles(values: Any) -> Any:
    """A vector of doubles, of one number a vector of one. Compiled code refuses other types."""
    return np.atleast_1d(np.asarray(values)).astype(np.float64)


def vector(values: Any) -> Any:
    """A vector that keeps its type, if that is one of real numbers."""
    return np.asarray(values)


@overload(doubles, strict=False)
def _doubles_of(values: Any) -> Any:
    if isinstance(values, types.Number | types.Boolean):
        return lambda values: np.full(1, float(values))
    _check(values)
    item = types.unliteral(_item_of(values))
    if item not in _EXACT:
        raise errors.TypingError(
            f"a guest's functions of SciPy take float64, not {item}; convert it by x.astype(np.float64)"
        )
    return lambda values: np.asarray(values).astype(np.float64)


@overload(vector, strict=False)
def _vector_of(values: Any) -> Any:
    _check(values)
    return lambda values: np.asarray(values)  # noqa: PLW0108 - Numba asks for a function


def _item_of(values: Any) -> Any:
    kinds = values.types if isinstance(values, types.BaseTuple) else ()
    return kinds[0] if kinds else getattr(values, "dtype", types.none)


def _check(values: Any) -> None:
    is_nested = isinstance(_item_of(values), types.List | types.BaseTuple | types.Array)
    if getattr(values, "ndim", 1) != 1 or is_nested:
        raise errors.TypingError(
            "a guest's functions of SciPy take arrays of one dimension here; write a loop over the rows"
        )
    if isinstance(_item_of(values), types.Complex):
        raise errors.TypingError(
            "a guest's functions of SciPy take real numbers; compute both parts on their own"
        )
