"""Loops over `*args` and `**others`, as functions that wrap others have them: they are written out.

For Numba, the items of a list have one type and those of a tuple cannot be changed. Where a function makes a
list of its arguments, or goes through arguments of several types, each becomes a variable of its own.
"""

import ast
import copy
from typing import Any

from numba.core import types

from truestep.guest.python.compiler.known_types import Fact, Typed
from truestep.guest.python.compiler.name_uses import stored_names
from truestep.guest.python.compiler.rewriting_names import Names

_ITEMS_MAX = 16
"""Each item is compiled by itself."""


def write_out_arguments(tree: Any, names: Names, facts: dict[str, Fact]) -> bool:
    """Write out the loops of a function over `*args`. Returns whether there were any."""
    if not isinstance(tree, ast.FunctionDef) or tree.args.vararg is None:
        return False
    name = tree.args.vararg.arg
    fact = facts.get(name)
    kind: Any = fact.kind if isinstance(fact, Typed) else None
    if not isinstance(kind, types.BaseTuple) or len(kind) > _ITEMS_MAX:
        return False
    is_mixed = not isinstance(kind, types.UniTuple)
    return _Items(name, len(kind), names, is_mixed=is_mixed).write(tree)


class _Unroller(ast.NodeTransformer):
    """Writes out loops whose number of rounds is known."""

    def __init__(self) -> None:
        self.has_changed = False

    def each(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        """The statements, each of which may become several."""
        made: list[ast.stmt] = []
        for statement in statements:
            new: Any = self.visit(statement)
            made += new if isinstance(new, list) else [new]
        return made or [ast.Pass()]

    def rounds(self, node: ast.For, rounds: list[dict[str, ast.expr]]) -> list[ast.stmt]:
        """The body once for each round, with expressions in the places of the loop's names."""
        self.has_changed = True
        inside = [
            _Replaced(values).visit(copy.deepcopy(statement)) for values in rounds for statement in node.body
        ]
        return self.each(inside) if inside else [ast.copy_location(ast.Pass(), node)]


class _Replaced(ast.NodeTransformer):
    """Puts expressions in the places of names."""

    def __init__(self, values: dict[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name of the loop."""
        value = self._values.get(node.id)
        if value is None or not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(copy.deepcopy(value), node)


def _is_plain(node: ast.For, targets: set[str]) -> bool:
    """Whether a loop runs to its end and does not set its own names."""
    inside = [part for statement in node.body for part in ast.walk(statement)]
    leaves = any(isinstance(part, ast.Break | ast.Continue) for part in inside)
    body = ast.Module(body=node.body, type_ignores=[])
    return not leaves and not node.orelse and not targets & stored_names(body)


def _names_of(target: ast.expr) -> list[str]:
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return [part.id for part in parts if isinstance(part, ast.Name)]


class OthersWriter(_Unroller):
    """`for key, value in others.items(): others[key] = f(value)`."""

    def __init__(self, others: str, named: tuple[str, ...]) -> None:
        super().__init__()
        self._others = others
        self._named = named

    def visit_For(self, node: ast.For) -> Any:
        """A loop over the names."""
        targets = _names_of(node.target)
        is_items = ast.unparse(node.iter) == f"{self._others}.items()" and len(targets) == 2
        if not is_items or not _is_plain(node, set(targets)):
            return self.generic_visit(node)
        key, value = targets
        return self.rounds(
            node,
            [{key: ast.Constant(name), value: ast.Name(id=name, ctx=ast.Load())} for name in self._named],
        )

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """`others["name"] = value`."""
        self.generic_visit(node)
        is_theirs = isinstance(node.value, ast.Name) and node.value.id == self._others
        key: Any = node.slice
        if is_theirs and isinstance(key, ast.Constant) and key.value in self._named:
            self.has_changed = True
            return ast.copy_location(ast.Name(id=str(key.value), ctx=node.ctx), node)
        return node


class _Items(_Unroller):
    """`args = list(args)`, and `for place, value in enumerate(args): args[place] = f(value)`."""

    def __init__(self, name: str, count: int, names: Names, *, is_mixed: bool) -> None:
        super().__init__()
        self._name = name
        self._count = count
        self._names = names
        self._is_mixed = is_mixed
        self._is_strange = False

    def write(self, tree: ast.FunctionDef) -> bool:
        """Change the function if all that it does with its arguments is known. Returns whether it is."""
        uses = list(ast.walk(tree))
        is_listed = any(self._is_copy(part) for part in uses)
        is_walked = any(isinstance(part, ast.For) and self._rounds(part) is not None for part in uses)
        if not (is_listed or (is_walked and self._is_mixed)):
            return False
        body = self.each(copy.deepcopy(tree.body))
        if self._is_strange:
            return False
        taken = [
            ast.copy_location(
                ast.Assign(targets=[self._item(place, ast.Store())], value=self._given(place)), tree
            )
            for place in range(self._count)
        ]
        tree.body = [ast.fix_missing_locations(part) for part in [*taken, *body]]
        return True

    def _item(self, place: int, context: ast.expr_context) -> ast.expr:
        return ast.Name(id=f"{self._name}_{place}$", ctx=context)

    def _given(self, place: int) -> ast.expr:
        whole = ast.Name(id=self._name, ctx=ast.Load())
        return ast.Subscript(value=whole, slice=ast.Constant(place), ctx=ast.Load())

    def _is_items(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._name

    def _is_copy(self, node: ast.AST) -> bool:
        """`args = list(args)`."""
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            return False
        call = node.value
        is_call = self._names.value(call.func) in (list, tuple) and len(call.args) == 1 and not call.keywords
        return (
            is_call
            and self._is_items(call.args[0])
            and len(node.targets) == 1
            and self._is_items(node.targets[0])
        )

    def _rounds(self, node: ast.For) -> list[dict[str, ast.expr]] | None:
        """The values of the loop's names in each round, if it goes through the arguments."""
        targets, items = _names_of(node.target), node.iter
        is_numbered = isinstance(items, ast.Call) and self._names.value(items.func) is enumerate
        if is_numbered and isinstance(items, ast.Call) and len(items.args) == 1 and len(targets) == 2:
            if not self._is_items(items.args[0]):
                return None
            return [
                {targets[0]: ast.Constant(place), targets[1]: self._item(place, ast.Load())}
                for place in range(self._count)
            ]
        if self._is_items(items) and len(targets) == 1 and isinstance(node.target, ast.Name):
            return [{targets[0]: self._item(place, ast.Load())} for place in range(self._count)]
        return None

    def visit_Assign(self, node: ast.Assign) -> Any:
        """A copy of the arguments is these."""
        return ast.copy_location(ast.Pass(), node) if self._is_copy(node) else self.generic_visit(node)

    def visit_For(self, node: ast.For) -> Any:
        """A loop over the arguments."""
        rounds = self._rounds(node)
        if rounds is None or not _is_plain(node, set(_names_of(node.target))):
            return self.generic_visit(node)
        return self.rounds(node, rounds)

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """`args[2]`."""
        place: Any = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if self._is_items(node.value) and type(place) is int and 0 <= place < self._count:
            return ast.copy_location(self._item(place, node.ctx), node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        """`f(*args)` and `len(args)`."""
        if self._names.value(node.func) is len and len(node.args) == 1 and self._is_items(node.args[0]):
            return ast.copy_location(ast.Constant(self._count), node)
        made: list[ast.expr] = []
        for argument in node.args:
            if isinstance(argument, ast.Starred) and self._is_items(argument.value):
                made += [self._item(place, ast.Load()) for place in range(self._count)]
            else:
                made.append(argument)
        node.args = made
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Every other use."""
        self._is_strange |= node.id == self._name
        return node
