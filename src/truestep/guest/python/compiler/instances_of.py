"""`isinstance` of classes that Numba has no types for: the user's, and abstract ones such as numbers.Real."""

# pyright: basic
# What Numba compiles has no types of Python.

import ast
import functools
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.core.registry import cpu_target

from truestep.guest.python.compiler.int_or_float import IntOrFloat
from truestep.guest.python.compiler.int_or_float_functions import answer_by_kind
from truestep.guest.python.compiler.known_types import Known, Typed, fact_of_instance
from truestep.guest.python.compiler.rewriting_names import Names

_NUMBAS = {int, float, complex, bool, str, list, tuple, dict, set, np.ndarray}


def asked_for_class(node: ast.Call, names: Names) -> ast.expr | None:
    """The call that asks instead of `isinstance(x, Class)`; None if Numba knows all classes."""
    if names.value(node.func) is not isinstance or len(node.args) != 2:
        return None
    asked = node.args[1]
    kinds = names.value(asked)
    if isinstance(asked, ast.Tuple):
        kinds = tuple(names.value(part) for part in asked.elts)
    classes = _flat(kinds)
    if not all(isinstance(kind, type) for kind in classes) or all(map(_is_numbas, classes)):
        return None
    return names.call(f"is_one_of{id(_question(classes))}", _question(classes), node.args[0])


def _flat(kinds: Any) -> tuple[Any, ...]:
    if isinstance(kinds, tuple):
        return tuple(part for kind in kinds for part in _flat(kind))
    return (kinds,)


def _is_numbas(kind: type) -> bool:
    return kind in _NUMBAS or issubclass(kind, np.generic)


@functools.cache
def _question(classes: tuple[type, ...]) -> Any:
    """A function that asks for these classes. Compiled only."""

    def is_one(value: Any) -> bool:
        raise NotImplementedError

    overload(is_one, strict=False)(functools.partial(_answer, classes))
    cpu_target.typing_context.refresh()
    return is_one


def _answer(classes: tuple[type, ...], value: Any) -> Any:
    kind = value.type if isinstance(value, types.Optional) else value
    if isinstance(kind, types.NoneType):
        is_nones = isinstance(None, classes)
        return lambda value: is_nones
    if isinstance(value, IntOrFloat):
        return answer_by_kind(issubclass(int, classes), issubclass(float, classes))
    fact = fact_of_instance(Typed(types.unliteral(kind)), classes)
    if not isinstance(fact, Known):
        named = " or ".join(part.__name__ for part in classes)
        raise errors.TypingError(f"a guest cannot tell whether {kind} is a {named}; write it for one type")
    is_one, is_nones = fact.value, isinstance(None, classes)
    if isinstance(value, types.Optional):
        return lambda value: is_nones if value is None else is_one
    return lambda value: is_one
