"""`round(x, digits)` of a float of Python, which is exact; NumPy's multiplies, rounds and divides."""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, imputils, types

from truestep.guest.python.compiler.python_numbers import PYTHON_FLOAT, PythonFloat


def install_rounding() -> None:
    """Add the implementation to Numba's."""
    registry: Any = imputils.builtin_registry
    registry.lower(round, PythonFloat, types.Integer)(_round)


def resolve_round(function: Any, found: Any) -> Any:
    """A signature of `round` that leads to it."""
    exact = found.replace(args=(PYTHON_FLOAT, types.int64))
    function._impl_keys[exact.args] = function._impl_keys[found.args]
    return exact


def _round(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    del context, signature
    kind = ir.FunctionType(ir.DoubleType(), [ir.DoubleType(), ir.IntType(64)])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, "truestep_round"), arguments)
