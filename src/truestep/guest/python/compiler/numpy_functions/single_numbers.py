"""Reductions of one number, which NumPy takes for an array without dimensions: `np.prod(2.5)`."""

from typing import Any

import numpy as np
from numba.core import types
from numba.np import numpy_support

from truestep.guest.python.compiler.numpy_functions.extending import extend


def install_single_numbers() -> None:
    """Add them to Numba's."""
    for function in (np.sum, np.prod, np.max, np.min, np.mean):
        extend(function, _as_itself(function))


def _as_itself(function: Any) -> Any:
    """The number, with the dtype that the reduction gives it."""

    def implementation(a: Any) -> Any:
        kind = types.unliteral(a)
        if not isinstance(kind, types.Number | types.Boolean):
            return None
        dtype = numpy_support.as_dtype(getattr(kind, "literal_type", kind))
        number = function(np.ones((), dtype)).dtype.type

        def convert(a: Any) -> Any:
            return number(a)

        return convert

    return implementation
