"""Generators that call themselves, as those of trees do: they become functions that return lists.

Numba's generators are structures of a known size, which cannot hold others of their kind.
"""

import ast
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.more_known import StartOver
from truestep.guest.python.compiler.name_uses import has_yield

_SCOPES = (ast.FunctionDef, ast.Lambda, ast.ClassDef)
_ITEMS = "yielded$"

_recursive: set[Any] = set()
"""The code of generators that are known to call themselves."""


def note_recursive(function: FunctionType) -> None:
    """Let a generator become a function that returns a list. Raises StartOver."""
    _recursive.add(_key(function))
    raise StartOver


def _key(function: FunctionType) -> Any:
    return function.__code__.co_filename, function.__code__.co_firstlineno, function.__code__.co_name


def is_generator(function: Any) -> bool:
    """Whether a function yields, and does not return a list yet."""
    is_function = isinstance(function, FunctionType)
    return is_function and bool(function.__code__.co_flags & 0x20) and _key(function) not in _recursive


def as_list(tree: Any, function: FunctionType) -> bool:
    """Change a generator that calls itself into a function that returns a list; whether it is one."""
    if not isinstance(tree, ast.FunctionDef) or not any(map(has_yield, tree.body)):
        return False
    if _key(function) not in _recursive and not _calls_itself(tree, function):
        return False
    _recursive.add(_key(function))
    writer = _Writer(function)
    tree.body = [part for statement in tree.body for part in _listed(writer.visit(statement))]
    begun = ast.Assign(targets=[_name(ast.Store())], value=ast.List(elts=[], ctx=ast.Load()))
    tree.body = [begun, *tree.body, ast.Return(value=_name(ast.Load()))]
    ast.copy_location(begun, tree.body[1])
    ast.copy_location(tree.body[-1], tree.body[-2])
    ast.fix_missing_locations(tree)
    return True


def _calls_itself(tree: ast.FunctionDef, function: FunctionType) -> bool:
    """Whether a function of the module goes through what it yields itself."""
    is_global = function.__globals__.get(tree.name) is not None and "." not in function.__qualname__
    calls = [part.func for part in ast.walk(tree) if isinstance(part, ast.Call)]
    return is_global and any(isinstance(called, ast.Name) and called.id == tree.name for called in calls)


def _name(context: Any) -> ast.Name:
    return ast.Name(id=_ITEMS, ctx=context)


def _listed(made: Any) -> list[Any]:
    is_list = isinstance(made, list)
    return [*made] if is_list else [made]


class _Writer(ast.NodeTransformer):
    """Writes `items.append(x)` for `yield x`."""

    def __init__(self, function: FunctionType) -> None:
        self._function = function
        self._count = 0

    def visit(self, node: ast.AST) -> Any:
        """A part; functions in it have their own `yield`."""
        return node if isinstance(node, _SCOPES) else super().visit(node)

    def visit_Expr(self, node: ast.Expr) -> Any:
        """`yield x` and `yield from x`."""
        value = node.value
        if isinstance(value, ast.Yield):
            return self._placed(ast.Expr(self._append(value.value or ast.Constant(None))), node)
        if isinstance(value, ast.YieldFrom):
            self._count += 1
            item = f"item_yielded{self._count}$"
            body: list[ast.stmt] = [ast.Expr(self._append(ast.Name(id=item, ctx=ast.Load())))]
            target = ast.Name(id=item, ctx=ast.Store())
            return self._placed(ast.For(target=target, iter=value.value, body=body, orelse=[]), node)
        return self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        """`return` ends it."""
        return self._placed(ast.Return(value=_name(ast.Load())), node)

    def visit_Yield(self, node: ast.Yield) -> Any:
        """One whose value is used."""
        raise self._complaint(node, "sends values to itself")

    def visit_Call(self, node: ast.Call) -> Any:
        """It would print before the first item is used."""
        if isinstance(node.func, ast.Name) and node.func.id == "print":
            raise self._complaint(node, "prints")
        return self.generic_visit(node)

    def _complaint(self, node: ast.AST, what: str) -> Complaint:
        return Complaint(
            f"a guest lists all that a generator that calls itself yields; {self._function.__name__} {what}",
            place=line_in(self._function, node),
            remedy="put the items into a list, and print or change them where they are used",
        )

    def _append(self, value: ast.expr) -> ast.expr:
        method = ast.Attribute(value=_name(ast.Load()), attr="append", ctx=ast.Load())
        return ast.Call(func=method, args=[value], keywords=[])

    def _placed(self, made: Any, node: ast.AST) -> Any:
        return ast.fix_missing_locations(ast.copy_location(made, node))
