"""Ufuncs of which Numba has another value or dtype than NumPy: quotients, remainders and signs."""

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.typing import npydecl
from numba.cpython import numbers
from numba.np import npyfuncs, npyimpl, numpy_support, ufunc_db

from truestep.guest.python.compiler.promotion import is_users_inference

_divmod_of_floats: Any = numbers.real_divmod
_find_loop: Any = numpy_support.ufunc_find_matching_loop


def install_ufuncs() -> None:
    """Replace Numba's own."""
    for ufunc, implementation in (
        (np.floor_divide, _floor_quotient),
        (np.remainder, _remainder),
        (np.sign, _sign),
    ):
        loops = ufunc_db.get_ufunc_info(ufunc)
        for name in [name for name in loops if set(name) <= set("fd->")]:
            loops[name] = implementation
    _functions: Any = npyfuncs
    _functions.np_real_floor_div_impl = _floor_quotient  # np.divmod calls them
    _functions.np_real_mod_impl = _remainder
    for module in (npydecl, npyimpl):
        _module: Any = module
        _module.ufunc_find_matching_loop = _loop_of_numpy


def _floor_quotient(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """As NumPy: the remainder first, so that 1.0 // 0.1 is 9; by zero, the quotient."""
    dividend, divisor = arguments
    whole, _ = _divmod_of_floats(context, builder, dividend, divisor)
    is_zero = builder.fcmp_ordered("==", divisor, divisor.type(0.0))
    return builder.select(is_zero, builder.fdiv(dividend, divisor), whole)


def _remainder(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """As NumPy: with the divisor's sign, also if it is a zero."""
    return _divmod_of_floats(context, builder, *arguments)[1]


def _sign(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """As NumPy: 0.0 also of -0.0, and a NaN of itself."""
    (number,) = arguments
    zero = number.type(0.0)
    rest = builder.select(builder.fcmp_ordered("==", number, zero), zero, number)
    below = builder.select(builder.fcmp_ordered("<", number, zero), number.type(-1.0), rest)
    return builder.select(builder.fcmp_ordered(">", number, zero), number.type(1.0), below)


def _loop_of_numpy(ufunc: Any, kinds: Any) -> Any:
    """Numba's loop, which is for float32 where NumPy has float64 or float16 for integers of 8 or 16 bits."""
    inputs = kinds[: ufunc.nin]
    if all(isinstance(kind, types.Integer | types.Boolean) for kind in inputs):
        if ufunc is np.true_divide:
            return _find_loop(ufunc, (types.float64, types.float64, *kinds[2:]))
        if is_users_inference() and len(kinds) == ufunc.nin and _gives_halves(ufunc, inputs):
            raise errors.TypingError(
                f"a guest has no float16, which np.{ufunc.__name__} gives for {inputs[0]}"
            )
    return _find_loop(ufunc, kinds)


def _gives_halves(ufunc: Any, inputs: Any) -> bool:
    dtypes = tuple(numpy_support.as_dtype(kind) for kind in inputs)
    try:
        return np.dtype(np.float16) in ufunc.resolve_dtypes((*dtypes, *[None] * ufunc.nout))
    except TypeError:
        return False
