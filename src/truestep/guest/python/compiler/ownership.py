"""Whose a function, a class or an instance is: the user's, a library's or ours."""

import abc
import sys
from types import FunctionType
from typing import Any, TypeGuard

_LIBRARIES = sys.stdlib_module_names | {"numba", "numpy"}
"""Packages whose functions Numba supports by name or not at all: errors inside them explain nothing."""
_PLAIN = {"calendar", "colorsys"}
"""Modules of the standard library that are functions of numbers, written in Python."""


def is_users_function(value: object) -> TypeGuard[FunctionType]:
    """Whether it is a Python function that does not belong to a library."""
    return isinstance(value, FunctionType) and _is_users(value.__module__)


def is_users_class(value: object) -> TypeGuard[type]:
    """Whether it is a class of the user, of which compiled code can make instances."""
    return is_plain_class(value) and _is_users(value.__module__)


def is_users_exception(value: Any) -> bool:
    """Whether it is a class of exceptions of the user."""
    return isinstance(value, type) and issubclass(value, BaseException) and _is_users_module(value.__module__)


def is_plain_class(value: Any) -> bool:
    """Whether it is a class of which instances can be made."""
    return type(value) in {type, abc.ABCMeta} and not issubclass(value, BaseException | tuple)


def is_users_instance(value: object) -> bool:
    """Whether it is an instance of a class of the user."""
    return is_users_class(type(value)) and not is_ours(type(value))


def is_ours(value: Any) -> bool:
    """Whether a function or a class belongs to truestep."""
    return (value.__module__ or "truestep").partition(".")[0] == "truestep"


def _is_users_module(module: str | None) -> bool:
    return module != "builtins" and _is_users(module)


def _is_users(module: str | None) -> bool:
    return module in _PLAIN or (module or "numba").partition(".")[0] not in _LIBRARIES
