"""`**` as Python and NumPy compute it: floats by libm's pow, integers without a silent 0."""

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, imputils, lowering, types, typing
from numba.cpython import mathimpl, numbers

from truestep.guest.python.compiler.python_numbers import PYTHON_FLOAT, PythonFloat

_NEGATIVE_EXPONENT = (
    "Integers to negative integer powers are not allowed: in a guest the result would be an integer;"
    " write float(base) ** exponent"
)
_COMPLEX_POWER = (
    "a negative number to the power of a fraction is complex: in a guest, write complex(base) ** exponent"
)
_POWER_OF_ZERO = "0.0 cannot be raised to a negative power"
_POWER_TOO_LARGE = "(34, 'Numerical result out of range')"
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
    for kind in (types.int64, types.uint64, types.float64):
        registry.lower(pow, PythonFloat, kind)(_power_of_python)
    lower: Any = lowering.Lower
    lower.lower_binop = _checking(lower.lower_binop)


def resolve_power(function: Any, found: Any) -> Any:
    """A signature of `**` for numbers of Python that leads to Python's errors."""
    exact = found.replace(args=(PYTHON_FLOAT, *found.args[1:]))
    function._impl_keys[exact.args] = function._impl_keys[found.args]
    return exact


def _power_of_python(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    kind = signature.args[1]
    inner = typing.signature(types.float64, types.float64, kind)
    result = context.get_function(_operators.pow, inner)(builder, arguments)
    exponent = context.cast(builder, arguments[1], kind, types.float64)
    _check_power(context, builder, arguments[0], exponent, result)
    return result


def _checking(lower: Any) -> Any:
    def lower_binop(lowering: Any, result_kind: Any, expression: Any, function: Any) -> Any:
        result = lower(lowering, result_kind, expression, function)
        kinds = lowering.fndesc.calltypes[expression].args
        if function in _POWERS and isinstance(kinds[0], PythonFloat):
            context, builder = lowering.context, lowering.builder
            base, exponent = (
                context.cast(builder, lowering.loadvar(side.name), lowering.typeof(side.name), types.float64)
                for side in (expression.lhs, expression.rhs)
            )
            _check_power(context, builder, base, exponent, result)
        return result

    return lower_binop


def _check_power(context: Any, builder: Any, base: Any, exponent: Any, result: Any) -> None:
    """Where NumPy gives NaN or infinity, Python raises an error or makes a complex number."""
    is_finite = builder.and_(mathimpl.is_finite(builder, base), mathimpl.is_finite(builder, exponent))
    is_odd = builder.and_(is_finite, builder.not_(mathimpl.is_finite(builder, result)))
    is_zero = builder.fcmp_ordered("==", base, base.type(0.0))
    with builder.if_then(is_odd, likely=False):
        errors: tuple[tuple[Any, type, str], ...] = (
            (mathimpl.is_nan(builder, result), ValueError, _COMPLEX_POWER),
            (is_zero, ZeroDivisionError, _POWER_OF_ZERO),
            (cgutils.true_bit, OverflowError, _POWER_TOO_LARGE),
        )
        for condition, error, text in errors:
            with builder.if_then(condition):
                context.call_conv.return_user_exc(builder, error, (text,))


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
