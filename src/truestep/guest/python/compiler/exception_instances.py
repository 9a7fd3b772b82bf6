"""Exceptions with fields: a class of the user's becomes a plain class, and its last raised instance is kept.

What is raised is a text. A class with an `__init__` or a `__str__` of its own has an instance besides, which
makes the text; a handler that asks for more than the text takes the instance that was raised last.
"""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

from numba.core import types
from numba.core.extending import overload

from truestep.guest.python.compiler.module_state import Place, change_variables, place_of_variable
from truestep.guest.python.compiler.ownership import is_users_function


class ExceptionMaker:
    """A class of exceptions as a plain class."""

    def __init__(self, origin: type) -> None:
        self.origin = origin


@functools.cache
def maker_of(kind: type) -> ExceptionMaker:
    """The plain class of a class of exceptions."""
    return ExceptionMaker(kind)


def has_instance(kind: Any) -> bool:
    """Whether a class of exceptions says itself what an instance holds, or how it looks."""
    return is_exception(kind) and any(_of_user(kind, name) for name in ("__init__", "__str__"))


def is_exception(value: Any) -> bool:
    """Whether it is a class of exceptions."""
    return isinstance(value, type) and issubclass(value, BaseException)


def shows_key(kind: Any) -> bool:
    """Whether the text of an exception is its argument as `repr` writes it."""
    return is_exception(kind) and issubclass(kind, KeyError) and not has_instance(kind)


def _of_user(kind: type, name: str) -> bool:
    owner = next((part for part in kind.__mro__ if name in vars(part)), object)
    return is_users_function(vars(owner).get(name))


def _init(self: Any, *args: Any) -> None:
    self.args = args


def _text(self: Any) -> str:
    return text_of_arguments(self.args)


BASE: dict[str, Any] = {"__init__": _init, "__str__": _text}
"""What all exceptions have."""


def text_of_arguments(arguments: Any) -> str:
    """`str` of an exception with these arguments. Compiled only."""
    raise NotImplementedError


@overload(text_of_arguments, strict=False)
def _text_of_arguments(arguments: Any) -> Any:
    if not isinstance(arguments, types.BaseTuple):
        return None

    def empty(arguments: Any) -> str:
        return ""

    def of_one(arguments: Any) -> str:
        return str(arguments[0])

    def of_several(arguments: Any) -> str:
        return str(arguments)

    return (empty, of_one, of_several)[min(len(arguments), 2)]


def place_of_raised(kind: type, function: FunctionType) -> Place:
    """Where the last raised instance is kept. Raises StartOver later, if it is new."""
    name = f"raised_{kind.__name__}"
    owner = "raised", id(kind)
    if place_of_variable(owner, name) is None:
        change_variables(owner, function.__globals__["__name__"], {name: None})
    place: Any = place_of_variable(owner, name)
    return place


def raised_below(kind: type, scope: dict[str, Any]) -> list[type]:
    """The classes of exceptions with instances that may be caught by a class, the derived ones first."""
    known = {id(value): value for value in scope.values() if is_exception(value)}
    found = [
        one
        for one in known.values()
        if issubclass(one, kind) and has_instance(one) and _is_raised(one, scope)
    ]
    return sorted(found, key=lambda one: -len(one.__mro__))


def _is_raised(kind: type, scope: dict[str, Any]) -> bool:
    files = {scope.get("__file__"), _file_of(kind)}
    return any(kind.__name__ in _names_raised(file) for file in files if file)


def _file_of(kind: type) -> str | None:
    functions = [value for value in vars(kind).values() if isinstance(value, FunctionType)]
    return functions[0].__code__.co_filename if functions else None


@functools.cache
def _names_raised(file: str) -> frozenset[str]:
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return frozenset()
    return frozenset(_raised_in(tree))


def _raised_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        raised = node.exc if isinstance(node, ast.Raise) else None
        raised = raised.func if isinstance(raised, ast.Call) else raised
        if isinstance(raised, ast.Name | ast.Attribute):
            yield raised.id if isinstance(raised, ast.Name) else raised.attr
