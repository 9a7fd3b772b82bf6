"""`round(x, digits)`: of Python's floats it is exact (NumPy's multiplies and divides), of ints ints."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, imputils, types
from numba.core.typing.templates import AbstractTemplate, signature
from numba.core.typing.templates import builtin_registry as typing_registry

from truestep.guest.python.compiler.python_numbers import PYTHON_FLOAT, PythonFloat


def install_rounding() -> None:
    """Add the implementation to Numba's."""
    registry: Any = imputils.builtin_registry
    registry.lower(round, PythonFloat, types.Integer)(_round)
    registry.lower(round, types.Integer, types.Integer)(_round_integer)
    typing_registry.globals.insert(0, (round, types.Function(_RoundOfIntegers)))


class _RoundOfIntegers(AbstractTemplate):
    """Numba makes floats of them."""

    key = round

    def generic(self, args: Any, kws: Any) -> Any:
        """The signature for two integers."""
        if not kws and len(args) == 2 and all(isinstance(kind, types.Integer) for kind in args):
            return signature(types.int64, types.int64, types.int64)
        return None


def resolve_round(function: Any, found: Any) -> Any:
    """A signature of `round` that leads to it."""
    exact = found.replace(args=(PYTHON_FLOAT, types.int64))
    function._impl_keys[exact.args] = function._impl_keys[found.args]
    return exact


def _round(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), ir.IntType(64)])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, "truestep_round"), arguments)


def _rounded(number: Any, digits: Any) -> Any:
    """To the nearest multiple of a power of ten, the even one of two; compiled only."""
    if digits >= 0:
        return number
    if digits < -18:
        return 0
    unit = 10 ** (-digits)
    rest = number % unit
    below = number - rest
    if rest * 2 > unit or (rest * 2 == unit and (number // unit) % 2 == 1):
        return below + unit
    return below


def _round_integer(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    return context.compile_internal(builder, _rounded, signature, arguments)
