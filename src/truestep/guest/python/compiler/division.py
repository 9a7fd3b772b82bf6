"""Division by zero of single numbers: Python raises an error where NumPy gives inf, NaN or 0.

Integers raise, unless one is known to be NumPy's; so do floats that are known to be Python's. Of other
floats nobody knows: they give inf or NaN, except where the user's code handles ZeroDivisionError.
"""

import ast
import functools
import operator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from numba.core import cgutils, lowering, types

from truestep.guest.python.compiler.calls import place_of_compilation
from truestep.guest.python.compiler.domain_errors import is_users_place
from truestep.guest.python.compiler.number_origins import Origin, Origins
from truestep.guest.python.compiler.ownership import is_ours, is_users_function
from truestep.guest.python.compiler.rewriting import origin_of
from truestep.guest.python.compiler.user_ufuncs import is_of_ufunc

_of_python: Any = operator

_OPERATORS: dict[Any, Any] = {
    _of_python.truediv: _of_python.truediv,
    _of_python.itruediv: _of_python.truediv,
    _of_python.floordiv: _of_python.floordiv,
    _of_python.ifloordiv: _of_python.floordiv,
    _of_python.mod: _of_python.mod,
    _of_python.imod: _of_python.mod,
}

_HANDLED = {"ZeroDivisionError", "ArithmeticError"}
_HANDLED_WITH_ALL = {"Exception", "BaseException"}

_origins: WeakKeyDictionary[Any, Origins] = WeakKeyDictionary()


def install_division() -> None:
    """Check divisors."""
    lower: Any = lowering.Lower
    lower.lower_binop = _checking_operator(lower.lower_binop)
    lower._lower_call_normal = _checking_call(lower._lower_call_normal)


def _checking_operator(lower: Any) -> Any:
    def lower_binop(self: Any, result_kind: Any, expression: Any, function: Any) -> Any:
        if function in _OPERATORS:
            _check(self, _OPERATORS[function], expression.lhs.name, expression.rhs.name)
        return lower(self, result_kind, expression, function)

    return lower_binop


def _checking_call(lower: Any) -> Any:
    def lower_call(self: Any, function: Any, expression: Any, signature: Any) -> Any:
        called = getattr(function, "typing_key", None)
        is_division = called is divmod or (type(called) is type(_of_python.mod) and called in _OPERATORS)
        if is_division and len(expression.args) == 2 and not expression.kws:
            dividend, divisor = expression.args
            _check(self, _OPERATORS.get(called, divmod), dividend.name, divisor.name)
        return lower(self, function, expression, signature)

    return lower_call


def _check(self: Any, function: Any, dividend: str, divisor: str) -> None:
    """Raise ZeroDivisionError where Python does."""
    kinds = self.typeof(dividend), self.typeof(divisor)
    if not all(isinstance(kind, types.Integer | types.Float | types.Boolean) for kind in kinds):
        return
    user = self.func_ir.func_id.func
    if not is_users_function(user) or is_ours(user) or is_of_ufunc(origin_of(user)):
        return
    if not is_users_place(place_of_compilation()):
        return
    if self not in _origins:
        _origins[self] = Origins(self)
    origins = [_origins[self].of(name) for name in (dividend, divisor)]
    if Origin.NUMPY in origins:
        return
    are_floats = any(isinstance(kind, types.Float) for kind in kinds)
    is_certain = not are_floats or origins == [Origin.PYTHON, Origin.PYTHON]
    is_certain = is_certain or _is_handled(self.loc.filename, self.loc.line)
    if not is_certain and (origins[0] is not Origin.ONCE_PYTHON or origins[1] is not Origin.PYTHON):
        return
    builder = self.builder
    is_zero = cgutils.is_scalar_zero(builder, self.loadvar(divisor))
    if not is_certain:  # a sum of nothing is still Python's
        is_zero = builder.and_(is_zero, cgutils.is_scalar_zero(builder, self.loadvar(dividend)))
    with builder.if_then(is_zero, likely=False):
        text = _text_of_python(function, are_floats=are_floats)
        self.context.call_conv.return_user_exc(builder, ZeroDivisionError, (text,))


@functools.cache
def _text_of_python(function: Any, *, are_floats: bool) -> str:
    """What this version of Python says."""
    number = 1.0 if are_floats else 1
    try:
        function(number, number * 0)
    except ZeroDivisionError as error:
        return str(error)
    raise AssertionError(f"expected {function} to refuse zero")


def _is_handled(file: str, line: int) -> bool:
    """Whether the user's code waits for the error of a division in this line."""
    has_handler, handled_lines = _handlers(file)
    return has_handler or any(line in lines for lines in handled_lines)


@functools.cache
def _handlers(file: str) -> tuple[bool, list[range]]:
    """Whether a module handles errors of division, and the lines of which it handles all errors."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return False, []
    has_handler = False
    handled_lines: list[range] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers:
            names = {name for handler in node.handlers for name in _names(handler.type)}
            has_handler = has_handler or bool(names & _HANDLED)
            if names & _HANDLED_WITH_ALL:
                handled_lines.append(range(node.lineno, node.handlers[0].lineno))
    return has_handler, handled_lines


def _names(kind: ast.expr | None) -> set[str]:
    if kind is None:
        return _HANDLED_WITH_ALL
    return {part.id for part in ast.walk(kind) if isinstance(part, ast.Name)}
