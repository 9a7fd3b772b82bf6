"""`int(Decimal(x).quantize(Decimal("1"), rounding=ROUND_HALF_UP))`, by which programs choose how to round."""

# pyright: basic
# What Numba compiles has no types of Python.

import ast
import decimal
import math
from typing import Any

from numba.core import errors, types
from numba.core.extending import overload

from truestep.guest.python.compiler.rewriting_names import Names

_ONES = {"1", "1.", 1}


def rounded_integer(node: ast.Call, names: Names) -> ast.expr | None:
    """The call of a function that rounds a float, for this idiom; None for all other calls."""
    inner: Any = node.args[0] if len(node.args) == 1 and not node.keywords else None
    if names.value(node.func) is not int or not isinstance(inner, ast.Call):
        return None
    quantize: Any = inner.func
    if not isinstance(quantize, ast.Attribute) or quantize.attr not in {"quantize", "to_integral_value"}:
        return None
    number = _made(quantize.value, names)
    options = {part.arg: names.value(part.value) for part in inner.keywords}
    rounding: Any = options.pop("rounding", decimal.ROUND_HALF_EVEN)
    if quantize.attr == "quantize":
        exponent: Any = _made(inner.args[0], names) if len(inner.args) == 1 else None
        is_one = isinstance(exponent, ast.Constant) and exponent.value in _ONES
    else:
        is_one = not inner.args
    if number is None or options or not is_one or rounding not in _ROUNDINGS:
        return None
    return names.call(f"rounded_{rounding}", _ROUNDINGS[rounding], number)


def _made(node: ast.AST, names: Names) -> ast.expr | None:
    """The argument of `Decimal(…)`."""
    if not isinstance(node, ast.Call) or names.value(node.func) is not decimal.Decimal:
        return None
    return node.args[0] if len(node.args) == 1 and not node.keywords else None


def _half_even(number: Any) -> int:
    return round(number)


def _half_up(number: Any) -> int:
    size = abs(number)
    whole = math.floor(size)
    rounded = int(whole) + (1 if size - whole >= 0.5 else 0)
    return rounded if number >= 0 else -rounded


def _half_down(number: Any) -> int:
    size = abs(number)
    whole = math.floor(size)
    rounded = int(whole) + (1 if size - whole > 0.5 else 0)
    return rounded if number >= 0 else -rounded


def _down(number: Any) -> int:
    return int(number)


def _up(number: Any) -> int:
    return math.ceil(number) if number >= 0 else math.floor(number)


def _floor(number: Any) -> int:
    return math.floor(number)


def _ceiling(number: Any) -> int:
    return math.ceil(number)


def _of_floats(function: Any) -> Any:
    def rounded(number: Any) -> int:
        """Compiled only."""
        raise NotImplementedError

    @overload(rounded, strict=False)
    def _rounded_of(number: Any) -> Any:
        if isinstance(number, types.Integer | types.Boolean):
            return lambda number: int(number)  # noqa: PLW0108 - Numba asks for a function
        if number != types.float64 and not isinstance(number, types.Float):
            raise errors.TypingError("a guest's Decimal takes a number; convert it by float(x)")
        return function

    return rounded


_ROUNDINGS: dict[Any, Any] = {
    decimal.ROUND_HALF_EVEN: _of_floats(_half_even), decimal.ROUND_HALF_UP: _of_floats(_half_up),
    decimal.ROUND_HALF_DOWN: _of_floats(_half_down), decimal.ROUND_DOWN: _of_floats(_down),
    decimal.ROUND_UP: _of_floats(_up), decimal.ROUND_FLOOR: _of_floats(_floor),
    decimal.ROUND_CEILING: _of_floats(_ceiling),
}  # fmt: skip
