"""np.emath: functions that give complex numbers for real ones outside of their domain.

The type of a guest's result cannot depend on values, so that such numbers are refused when they are met.
"""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, register_jitable

_FROM_ZERO = ("sqrt", "log", "log2", "log10")
_WITHIN_ONE = ("arcsin", "arccos", "arctanh")


def install_real_domains() -> None:
    """Add the functions of np.emath."""
    for name in _FROM_ZERO:
        overload(getattr(np.emath, name), strict=False)(_real_or_complex(name, _is_below_zero))
    for name in _WITHIN_ONE:
        overload(getattr(np.emath, name), strict=False)(_real_or_complex(name, _is_beyond_one))


@register_jitable
def _is_below_zero(number: Any) -> bool:
    return number < 0


@register_jitable
def _is_beyond_one(number: Any) -> bool:
    return abs(number) > 1


def _real_or_complex(name: str, is_outside: Any) -> Any:
    function: Any = getattr(np, name)
    text = f"np.emath.{name} of this number is complex, and a guest's of real numbers is real: add 0j to it"

    def implementation(x: Any) -> Any:
        if isinstance(x, types.List | types.BaseTuple):
            called: Any = getattr(np.emath, name)
            return lambda x: called(np.asarray(x))
        kind = getattr(x, "dtype", x)
        if isinstance(kind, types.Complex):
            return lambda x: function(x)
        if isinstance(x, types.Array):

            def of_items(x: Any) -> Any:
                for number in x.flat:
                    if is_outside(number):
                        raise ValueError(text)
                return function(x)

            return of_items

        def of_number(x: Any) -> Any:
            if is_outside(x):
                raise ValueError(text)
            return function(x)

        return of_number if isinstance(x, types.Number | types.Boolean) else None

    return implementation
