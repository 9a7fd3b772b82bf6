"""Refuses constructs that Numba compiles wrongly."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.complaint import Complaint
from truestep.guest.python.compiler.ownership import is_users_function


def refuse_what_breaks(guest: Callable[..., Any]) -> None:
    """Raises Complaint for a `finally` inside a loop: Numba 0.68 frees lists and arrays there twice."""
    for function in _functions_of(guest):
        for line in _finally_in_loops(function):
            raise Complaint(
                "Numba compiles `finally` inside a loop wrongly: it frees the loop's arrays and lists twice",
                place=f"{Path(function.__code__.co_filename).name}:{line}",
                remedy="move the code of `finally` after the `try`, or the `try` into its own function",
            )


def _functions_of(guest: Callable[..., Any]) -> Iterator[FunctionType]:
    """All Python functions of the guest's module, decorated or not."""
    for value in guest.__globals__.values():
        function = getattr(value, "py_func", value)
        if is_users_function(function) and function.__module__ == guest.__module__:
            yield function


def _finally_in_loops(function: FunctionType) -> list[int]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return []
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]
    inside = [node for loop in loops for node in ast.walk(loop)]
    first_line = function.__code__.co_firstlineno
    return [node.lineno + first_line - 1 for node in inside if isinstance(node, ast.Try) and node.finalbody]
