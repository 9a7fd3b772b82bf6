"""Variables that are a list in one branch and an array in another, and are only read.

For Numba a variable has one type. Where nobody can tell a list from an array of the same items, because they
are only indexed, counted, looped over or given to functions of NumPy, the list is made an array.
"""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import ast
import copy
from types import FunctionType
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload

from truestep.guest.python.compiler.accumulators import two_types
from truestep.guest.python.compiler.name_uses import parents_in, shared_names
from truestep.guest.python.compiler.rewriting_names import Names

_READERS = {"len", "sum", "min", "max", "sorted", "zip", "enumerate", "list", "tuple", "any", "all"}
"""Functions of Python that give the same for a list and for an array of one dimension."""


_CHOICE = "$phi"
"""How Numba's names for `a if c else b` begin."""


def read_as_array(value: Any) -> Any:
    """A list of numbers as an array, an array as it is. Compiled only."""
    raise NotImplementedError


@overload(read_as_array, strict=False)
def _read_as_array(value: Any) -> Any:
    if isinstance(value, types.List) and isinstance(value.dtype, types.Number | types.Boolean):
        return lambda value: np.array(value)  # noqa: PLW0108 - Numba asks for a function
    return lambda value: value


def is_read_as_array(error: errors.TypingError, function: FunctionType) -> str | None:
    """The variable of the function that an error says is a list here and a vector there."""
    name, kinds = two_types(error, function)
    lists = [kind for kind in kinds if kind.startswith(("list(", "reflected list("))]
    vectors = [kind for kind in kinds if kind.startswith(("array(", "readonly array(")) and ", 1d," in kind]
    if len(lists) != len(vectors) or len(lists) != 1 or name is None:
        return None
    return _CHOICE if name.startswith(_CHOICE) else name


class ListReader(ast.NodeTransformer):
    """Makes arrays of what some variables are set to."""

    def __init__(self, names: Names, variables: frozenset[str], tree: ast.AST) -> None:
        self._names = names
        self._variables = {name for name in variables if _is_only_read(name, tree, names)}
        self._has_choices = _CHOICE in variables
        self.has_changed = bool(variables)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """`name = [1.0, 2.0]`, and `name = a if c else b`, which may be two statements."""
        value = node.value
        if self._has_choices and isinstance(value, ast.IfExp):
            branches = [
                ast.Assign(targets=copy.deepcopy(node.targets), value=part)
                for part in (value.body, value.orelse)
            ]
            choice = ast.If(test=value.test, body=[branches[0]], orelse=[branches[1]])
            return self.visit(ast.fix_missing_locations(ast.copy_location(choice, node)))
        self.generic_visit(node)
        targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
        if targets & self._variables:
            made = self._names.call("read_as_array", read_as_array, node.value)
            node.value = ast.fix_missing_locations(ast.copy_location(made, node.value))
        return node


def _is_only_read(name: str, tree: ast.AST, names: Names) -> bool:
    parents = parents_in(tree)
    uses = [part for part in parents if isinstance(part, ast.Name) and part.id == name]
    return name not in shared_names(tree) and all(_is_reading(use, parents, names) for use in uses)


def _is_reading(use: ast.Name, parents: dict[ast.AST, ast.AST], names: Names) -> bool:
    """Whether a use of a variable sets all of it, or reads items of it."""
    parent = parents[use]
    if isinstance(use.ctx, ast.Store):
        return isinstance(parent, ast.Assign) and len(parent.targets) == 1
    match parent:
        case ast.Subscript():
            is_item = parent.value is use and not isinstance(parent.slice, ast.Slice | ast.Tuple)
            return is_item and isinstance(parent.ctx, ast.Load)
        case ast.For() | ast.comprehension():
            return parent.iter is use
        case ast.Call():
            called = names.value(parent.func)
            is_pythons = isinstance(parent.func, ast.Name) and parent.func.id in _READERS
            is_numpys = (getattr(called, "__module__", None) or "").partition(".")[0] == "numpy"
            return use in parent.args and (is_pythons or is_numpys or isinstance(called, np.ufunc))
        case ast.Assign():
            return isinstance(parent.targets[0], ast.Tuple | ast.List)
        case _:
            return False
