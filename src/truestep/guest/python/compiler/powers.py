"""`**` as Python and NumPy compute it: floats by libm's pow, integers without a silent 0."""

import operator
from typing import Any

from llvmlite import ir
from numba.core import imputils, types, typing
from numba.cpython import numbers

_NEGATIVE_EXPONENT = (
    "Integers to negative integer powers are not allowed: in a guest the result would be an integer;"
    " write float(base) ** exponent"
)
_UNROLLED_EXPONENTS = (-1, 0, 1, 2)
"""Powers that one operation computes exactly as pow does. Products of more factors are rounded more often."""

_operators: Any = operator
_POWERS = {_operators.pow, _operators.ipow, pow}

_numba_constant_power: Any = numbers.static_power_impl


def install_powers() -> None:
    """Replace Numba's own."""
    replaced = {numbers.int_power_impl: _power, numbers.static_power_impl: _constant_power}
    registry: Any = imputils.builtin_registry
    registered = registry.functions
    registered[:] = [
        (
            replaced.get(implementation, implementation) if function in _POWERS else implementation,
            function,
            kinds,
        )
        for implementation, function, kinds in registered
    ]
    numbers.int_power_impl = _power  # for ufuncs, whose table is made later


def _power(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """An integer or a float to the power of an integer that is known when the guest runs."""
    base_kind, exponent_kind = signature.args
    base, exponent = arguments
    result = signature.return_type
    if isinstance(result, types.Float):
        operands = (
            context.cast(builder, base, base_kind, result),
            context.cast(builder, exponent, exponent_kind, result),
        )
        return numbers.real_power_impl(context, builder, typing.signature(result, result, result), operands)
    if exponent_kind.signed:
        is_negative = builder.icmp_signed("<", exponent, exponent.type(0))
        with builder.if_then(is_negative, likely=False):
            context.call_conv.return_user_exc(builder, ValueError, (_NEGATIVE_EXPONENT,))
    wide = types.int64 if result.signed else types.uint64
    operands = (
        context.cast(builder, base, base_kind, wide),
        context.cast(builder, exponent, exponent_kind, types.uint64),
    )
    product = context.compile_internal(
        builder, _repeated_product, typing.signature(wide, wide, types.uint64), operands
    )
    return context.cast(builder, product, wide, result)


def _repeated_product(base: Any, exponent: Any) -> Any:
    """The power modulo 2^64."""
    product = base * 0 + 1
    while exponent:
        if exponent & 1:
            product *= base
        exponent >>= 1
        base *= base
    return product


def _constant_power(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """An integer or a float to the power of an integer that is known when the guest is compiled."""
    exponent = getattr(signature.args[1], "literal_value", getattr(signature.args[1], "value", None))
    if isinstance(signature.return_type, types.Integer):
        if not isinstance(exponent, int) or exponent < 0:
            raise NotImplementedError
        return _numba_constant_power(context, builder, signature, arguments)
    if exponent in _UNROLLED_EXPONENTS:
        return _numba_constant_power(context, builder, signature, arguments)
    if not isinstance(exponent, int):
        raise NotImplementedError
    result = signature.return_type
    base = context.cast(builder, arguments[0], signature.args[0], result)
    power = ir.Constant(base.type, float(exponent))
    return numbers.real_power_impl(context, builder, typing.signature(result, result, result), (base, power))
