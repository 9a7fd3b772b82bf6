"""Lists, dictionaries and sets of a module, which a guest reads: its functions build them when they begin.

Only where nothing can change them, because a change would be lost.
"""

import ast
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from truestep.guest.python.compiler.rewriting_names import Names

_CONTAINERS: Any = (list, dict, set, frozenset)
_SEQUENCES: Any = (list, tuple, set, frozenset)
_MAPPINGS: Any = (dict,)
_ARRAYS: Any = (np.ndarray, np.generic)
_CHANGING = {
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "add", "discard", "update"),
    *("setdefault", "popitem", "difference_update", "intersection_update", "symmetric_difference_update"),
}
_READING_MODULES = {"builtins", "numpy", "math", "statistics", "itertools", "functools", "bisect"}
_CHANGING_FUNCTIONS = {"insort", "insort_left", "insort_right", "put", "place", "putmask", "copyto"}
_HANDING_ON: tuple[Any, ...] = (enumerate, zip, reversed, list, tuple, sorted)
_PARTS_MAX = 2000
_WRITTEN_OUT_MAX = 64
"""Lists of more numbers are made of a constant array."""
_DEPTH_MAX = 6


class ConstantRewriter(ast.NodeTransformer):
    """Rewrites the containers of the module that one function uses."""

    def __init__(self, names: Names, find_definition: Callable[[FunctionType], Any]) -> None:
        self._names = names
        self._find_definition = find_definition
        self._parents: dict[ast.AST, ast.AST] = {}
        self._built: dict[str, ast.stmt] = {}
        self._is_inner = False
        self.has_changed = False

    def rewrite(self, tree: Any) -> Any:
        """The function with what it builds at its start."""
        self._parents = _parents(tree)
        self._is_inner = isinstance(tree, ast.Lambda)
        tree.body = (
            self.visit(tree.body) if self._is_inner else [self.visit(statement) for statement in tree.body]
        )
        if self._built:
            has_text = ast.get_docstring(tree) is not None
            tree.body[has_text:has_text] = self._built.values()
        return tree

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Functions inside of the function build their own."""
        return self._visit_inner(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """As functions."""
        return self._visit_inner(node)

    def _visit_inner(self, node: ast.AST) -> ast.AST:
        was_inner, self._is_inner = self._is_inner, True
        self.generic_visit(node)
        self._is_inner = was_inner
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A container of another module, or an attribute of anything."""
        replaced = self._replaced(node)
        return self.generic_visit(node) if replaced is None else replaced

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A container of this module, or any other name."""
        replaced = self._replaced(node)
        return node if replaced is None else replaced

    def _replaced(self, node: ast.Name | ast.Attribute) -> ast.expr | None:
        value = self._names.value(node)
        if not isinstance(value, _CONTAINERS) or not isinstance(node.ctx, ast.Load):
            return None
        expression = self._expression(value)
        if expression is None or not self._is_read(node, self._parents, _levels(value), 0):
            return None
        self.has_changed = True
        if self._is_inner:
            return ast.fix_missing_locations(ast.copy_location(expression, node))
        name = ast.unparse(node).replace(".", "_") + "$constant"
        if name not in self._built:
            statement = ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=expression)
            self._built[name] = ast.fix_missing_locations(ast.copy_location(statement, node))
        return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), node)

    def _expression(self, value: Any) -> ast.expr | None:
        """What makes the container anew; None if a guest cannot."""
        if _size(value) > _PARTS_MAX:
            return None
        kind = _kind(value)
        if kind in {bool, str, float, complex, int}:
            is_too_large = kind is int and not -(1 << 63) <= value < 1 << 63
            return None if is_too_large else ast.Constant(value)
        if isinstance(value, _ARRAYS):
            return self._names.helper(f"array{id(value)}", value)
        if kind is tuple:
            parts = self._expressions(value)
            return ast.Tuple(elts=parts, ctx=ast.Load()) if parts else None
        if kind in {set, frozenset}:
            items = self._expression(list(value))
            return items and self._names.call("set", set, items)
        if kind is dict:
            keys, values = self._expressions(value.keys()), self._expressions(value.values())
            return ast.Dict(keys=list[Any](keys), values=values) if keys and values else None
        return self._list(value) if kind is list else None

    def _list(self, value: list[Any]) -> ast.expr | None:
        kinds = set(map(type, value))
        if len(value) > _WRITTEN_OUT_MAX and len(kinds) == 1 and kinds <= {int, float, bool}:
            array = np.array(value)
            if array.dtype.kind not in "ifb":
                return None
            return self._names.call("list", list, self._names.helper(f"array{id(value)}", array))
        parts = self._expressions(value)
        return ast.List(elts=parts, ctx=ast.Load()) if parts else None

    def _expressions(self, values: Any) -> list[ast.expr] | None:
        """Those of all items; None if there is none."""
        parts = [self._expression(value) for value in values]
        found = [part for part in parts if part is not None]
        return found if found and len(found) == len(parts) else None

    def _is_read(self, node: ast.AST, parents: dict[ast.AST, ast.AST], levels: int, depth: int) -> bool:
        """Whether this use cannot change the container, nor those in it, `levels` deep."""
        parent: Any = parents.get(node)
        match parent:
            case _ if levels <= 0:
                return True
            case ast.Subscript() if parent.value is node:
                inner = levels if isinstance(parent.slice, ast.Slice) else levels - 1
                return isinstance(parent.ctx, ast.Load) and self._is_read(parent, parents, inner, depth)
            case ast.Compare() | ast.BoolOp() | ast.If() | ast.While() | ast.FormattedValue() | ast.Expr():
                return True
            case ast.UnaryOp() | ast.Subscript():
                return True
            case ast.BinOp():
                return levels == 1
            case ast.For() | ast.comprehension() if parent.iter is node:
                return self._are_read(parent.target, parents, levels - 1, depth)
            case ast.Assign(targets=[ast.Name() as target]):
                return self._are_read(target, parents, levels, depth)
            case ast.Attribute():
                call = parents.get(parent)
                is_called = isinstance(call, ast.Call) and call.func is parent
                return is_called and parent.attr not in _CHANGING and levels == 1
            case ast.Call():
                return self._is_read_by(parent, node, parents, levels, depth)
            case _:
                return False

    def _are_read(self, target: ast.expr, parents: dict[ast.AST, ast.AST], levels: int, depth: int) -> bool:
        """Whether all uses of the names of a target only read."""
        names = {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
        uses = [node for node in parents if isinstance(node, ast.Name) and node.id in names]
        return levels <= 0 or (
            depth < _DEPTH_MAX
            and not any(isinstance(parents[use], ast.AugAssign | ast.Delete) for use in uses)
            and all(
                self._is_read(use, parents, levels, depth + 1)
                for use in uses
                if isinstance(use.ctx, ast.Load)
            )
        )

    def _is_read_by(
        self, call: ast.Call, node: ast.AST, parents: dict[ast.AST, ast.AST], levels: int, depth: int
    ) -> bool:
        """Whether a function only reads its argument."""
        called: Any = self._names.value(call.func)
        called = getattr(called, "py_func", called)
        if any(called is function for function in _HANDING_ON) and levels > 1:
            loop = parents.get(call)
            if called is enumerate and isinstance(loop, ast.For) and isinstance(loop.target, ast.Tuple):
                return self._are_read(loop.target.elts[-1], parents, levels - 1, depth)
            return self._is_read(call, parents, levels, depth)
        if _module(called) in _READING_MODULES:
            is_reading = called.__name__ not in _CHANGING_FUNCTIONS
            return is_reading and (levels == 1 or called is len or _module(called) == "numpy")
        tree = self._find_definition(called) if type(called) is FunctionType else None
        if tree is None or node not in call.args or depth >= _DEPTH_MAX:
            return False
        parameters = [*tree.args.posonlyargs, *tree.args.args]
        index = next(place for place, argument in enumerate(call.args) if argument is node)
        if index >= len(parameters) or any(isinstance(part, ast.Starred) for part in call.args):
            return False
        name = ast.Name(id=parameters[index].arg, ctx=ast.Store())
        reader = ConstantRewriter(Names.of(called), self._find_definition)
        return reader._are_read(name, _parents(tree), levels, depth + 1)


def _levels(value: Any) -> int:
    """How many levels of containers that can be changed a value has."""
    if isinstance(value, _ARRAYS):
        return 1
    kinds: Any = (tuple, *_CONTAINERS)
    if not isinstance(value, kinds):
        return 0
    items: Any = value.values() if isinstance(value, _MAPPINGS) else value
    inner = max([_levels(item) for item in items], default=0)
    return inner + isinstance(value, _CONTAINERS)


def _module(function: Any) -> str:
    name = getattr(function, "__module__", None) or getattr(function.__class__, "__module__", "")
    return "" if name.startswith("numpy.random") else name.partition(".")[0]


def _parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def _kind(value: object) -> Any:
    return type(value)


def _size(value: Any) -> int:
    if isinstance(value, _MAPPINGS):
        return sum(map(_size, value.keys())) + sum(map(_size, value.values()))
    is_long = _kind(value) is list and len(value) > _WRITTEN_OUT_MAX and _levels(value) == 1
    return sum(map(_size, value)) if isinstance(value, _SEQUENCES) and not is_long else 1
