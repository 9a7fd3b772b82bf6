"""Lists, dictionaries and sets of a module, which a guest reads: its functions build them when they begin.

Only where nothing can change them, because a change would be lost.
"""

import ast
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from truestep.guest.python.compiler.constant_expressions import CONTAINERS, ConstantWriter, levels_of
from truestep.guest.python.compiler.module_state import can_be_kept, change_object, is_changeable
from truestep.guest.python.compiler.rewriting_names import Names

_CHANGING = {
    *("append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "add", "discard", "update"),
    *("setdefault", "popitem", "difference_update", "intersection_update", "symmetric_difference_update"),
}
_CHANGING_OF_ARRAYS = {"sort", "fill", "put", "partition"}
_READING_MODULES = {"builtins", "numpy", "math", "statistics", "itertools", "functools", "bisect"}
_CHANGING_FUNCTIONS = {"insort", "insort_left", "insort_right", "put", "place", "putmask", "copyto"}
_HANDING_ON: tuple[Any, ...] = (enumerate, zip, reversed, list, tuple, sorted)
_DEPTH_MAX = 6


class ConstantRewriter(ast.NodeTransformer):
    """Rewrites the containers of the module that one function uses."""

    def __init__(
        self, names: Names, function: FunctionType, find_definition: Callable[[FunctionType], Any]
    ) -> None:
        self._names = names
        self._function = function
        self._writer = ConstantWriter(names)
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
        if not isinstance(node.ctx, ast.Load) or not is_changeable(value):
            self._check_array(node, value)
            return None
        is_container = isinstance(value, CONTAINERS)
        expression = self._writer.expression(value) if is_container else None
        if expression is None or not self._is_read(node, self._parents, levels_of(value), 0):
            self._change(node)
            return None
        self.has_changed = True
        if self._is_inner:
            return ast.fix_missing_locations(ast.copy_location(expression, node))
        name = ast.unparse(node).replace(".", "_") + "$constant"
        if name not in self._built:
            statement = ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=expression)
            self._built[name] = ast.fix_missing_locations(ast.copy_location(statement, node))
        return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), node)

    def _change(self, node: ast.Name | ast.Attribute) -> None:
        """Let the guest keep what it may change, or the instance that holds it."""
        kept: ast.expr = node
        while isinstance(kept, ast.Attribute) and is_changeable(self._names.value(kept.value)):
            kept = kept.value
        value = self._names.value(kept)
        if isinstance(kept, ast.Name | ast.Attribute) and can_be_kept(value):
            change_object(value, _name_of(kept), self._function.__globals__["__name__"])

    def _check_array(self, node: ast.Name | ast.Attribute, value: Any) -> None:
        """Let the guest keep an array of which it sets items."""
        if not isinstance(value, np.ndarray) or not isinstance(node.ctx, ast.Load):
            return
        use: Any = node
        while isinstance(parent := self._parents.get(use), ast.Subscript) and parent.value is use:
            use = parent
        is_set = use is not node and not isinstance(use.ctx, ast.Load)
        is_sorted = (
            isinstance(parent, ast.Attribute) and parent.value is use and parent.attr in _CHANGING_OF_ARRAYS
        )
        if (is_set or is_sorted) and value.flags.writeable:
            self._change(node)

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
        reader = ConstantRewriter(Names.of(called), called, self._find_definition)
        return reader._are_read(name, _parents(tree), levels, depth + 1)


def _name_of(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _module(function: Any) -> str:
    name = getattr(function, "__module__", None) or getattr(function.__class__, "__module__", "")
    return "" if name.startswith("numpy.random") else name.partition(".")[0]


def _parents(tree: ast.AST) -> dict[ast.AST, ast.AST]:
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
