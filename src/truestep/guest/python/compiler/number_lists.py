"""`numbers = list(range(n))`, which may get floats later: a list that begins as `[0] * n` does."""

# pyright: basic, reportArgumentType=false
# What Numba compiles has no types of Python.

import ast
from typing import Any

from numba.core.extending import overload

from truestep.guest.python.compiler.rewriting_names import Names


def ranged(first: Any, numbers: Any) -> Any:
    """The numbers as a list like `first`, which has one item. Compiled only."""
    raise NotImplementedError


@overload(ranged)
def _ranged(first: Any, numbers: Any) -> Any:
    def fill(first: Any, numbers: Any) -> Any:
        filled = first * len(numbers)
        place = 0
        for number in numbers:
            filled[place] = number
            place += 1  # noqa: SIM113 - as Numba compiles it fast
        return filled

    return fill


class RangeLists(ast.NodeTransformer):
    """Rewrites the lists of ranges of one function that something may be stored in."""

    def __init__(self, names: Names, tree: ast.AST) -> None:
        self._names = names
        self._stored: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
                self._stored |= _names_of([node.value])
            elif isinstance(node, ast.Call):
                self._stored |= _names_of(node.args)
        self.has_changed = False

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """`name = list(range(…))`, or that of a field."""
        made: Any = node.value
        is_field = any(isinstance(target, ast.Attribute) for target in node.targets)
        is_stored = is_field or bool(_names_of(node.targets) & self._stored)
        if not is_stored or not self._is_call(made, list):
            return node
        numbers: Any = made.args[0] if len(made.args) == 1 else None
        if numbers is not None and self._is_call(numbers, range):
            first = ast.List(elts=[ast.Constant(0)], ctx=ast.Load())
            node.value = self._names.call("ranged", ranged, first, numbers)
            ast.fix_missing_locations(ast.copy_location(node.value, made))
            self.has_changed = True
        return node

    def _is_call(self, node: Any, function: Any) -> bool:
        return isinstance(node, ast.Call) and not node.keywords and self._names.value(node.func) is function


def _names_of(nodes: list[ast.expr]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}
