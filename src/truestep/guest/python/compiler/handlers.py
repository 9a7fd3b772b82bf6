"""What a handler knows of the exception that it caught: its text, its class and, of some, its instance."""

import ast
import copy
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.catching import (
    caught_exception,
    caught_kind,
    caught_text,
    is_caught,
    raise_again,
)
from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.exception_instances import place_of_raised, raised_below
from truestep.guest.python.compiler.rewriting_names import Names


def raised_again(names: Names, node: ast.AST, kept: ast.expr | None = None) -> list[ast.stmt]:
    """`raise` alone. The statement after the call is for Numba, which does not know that the call raises."""
    again = ast.Expr(names.call("raise_again", raise_again, kept or names.call("caught", caught_exception)))
    end = ast.Raise(exc=names.helper("RuntimeError", RuntimeError), cause=None)
    return [ast.fix_missing_locations(ast.copy_location(part, node)) for part in (again, end)]


class HandlerRewriter(ast.NodeTransformer):
    """Rewrites the handlers of one function, the outer ones first."""

    def __init__(self, names: Names, function: FunctionType) -> None:
        self._names = names
        self._function = function
        self._count = 0
        self.has_changed = False

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """`except … as name`."""
        parts = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        kinds = [self._names.value(part) for part in parts] or [Exception]
        self._count += 1
        handler = _Handler(self._names, self._function, node, kinds, self._count)
        node.body = handler.body()
        if handler.has_changed:
            node.name = None
            self.has_changed = True
        return self.generic_visit(node)


class _Handler:
    """One handler."""

    def __init__(
        self, names: Names, function: FunctionType, node: ast.ExceptHandler, kinds: list[Any], number: int
    ) -> None:
        self._names = names
        self._function = function
        self._node = node
        self._kinds = kinds
        self._number = number
        self.has_changed = False

    def body(self) -> list[ast.stmt]:
        """Its statements, after some that keep what they ask for. Raises Complaint."""
        asked = _Asked(self._node.name or "", self._number)
        body = [asked.visit(statement) for statement in self._node.body]
        if asked.strange is not None:
            raise self._complaint(asked.strange, "a guest knows no repr and no arguments of an exception")
        self.has_changed = self._node.name is not None or asked.raises_again
        first: list[ast.stmt] = []
        if asked.raises_again:
            kept = ast.Name(id=f"again{self._number}$", ctx=ast.Load())
            again = _RaisedAgain(self._names, kept)
            body = [part for statement in body for part in _listed(again.visit(statement))]
            first.append(self._set(kept.id, self._names.call("caught", caught_exception)))
        if asked.asks_for_text:
            first.append(self._set(asked.text, self._names.call("caught_text", caught_text)))
        if asked.asks_for_kind:
            first.append(self._set(asked.kind, self._names.call("caught_kind", caught_kind)))
        return [*first, *(self._with_instance(asked, body) if asked.asks_for_instance else body)]

    def _with_instance(self, asked: "_Asked", body: list[ast.stmt]) -> list[ast.stmt]:
        """The statements for each class whose instance may have been caught."""
        scope = self._function.__globals__
        kinds = list(dict.fromkeys(one for kind in self._kinds for one in raised_below(kind, scope)))
        fitting = [kind for kind in kinds if all(_has(kind, name) for name in asked.attributes)]
        if not fitting:
            raise self._complaint(asked.asks_for_instance, "a guest knows of this exception only its text")
        made: list[ast.stmt] = []
        for place, kind in reversed(list(enumerate(fitting))):
            state, field = place_of_raised(kind, self._function)
            value = ast.Attribute(
                value=self._names.call(f"state {state.name}", state), attr=field, ctx=ast.Load()
            )
            renamed = _Instance(asked.instance, f"{asked.instance}{place}")
            own = [renamed.visit(copy.deepcopy(statement)) for statement in body]
            statements = [self._set(f"{asked.instance}{place}", value), *own]
            if not made and len(fitting) == 1:
                return statements
            kind_name = self._names.helper(f"exception{id(kind)}", kind)
            test = self._names.call("is_caught", is_caught, kind_name)
            otherwise = made or raised_again(self._names, self._node)
            chosen = ast.If(test=test, body=statements, orelse=otherwise)
            made = [ast.fix_missing_locations(ast.copy_location(chosen, self._node))]
        return made

    def _set(self, name: str, value: ast.expr) -> ast.stmt:
        made = ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)
        return ast.fix_missing_locations(ast.copy_location(made, self._node))

    def _complaint(self, node: Any, what: str) -> Complaint:
        remedy = (
            f"use str({self._node.name}), type({self._node.name}).__name__, or fields that its class sets"
        )
        return Complaint(what, place=line_in(self._function, node), remedy=remedy)


def _has(kind: Any, name: str) -> bool:
    """Whether instances may have an attribute."""
    if hasattr(kind, name):
        return True
    members: list[Any] = [kind.__dict__[own] for kind in kind.__mro__ for own in kind.__dict__]
    functions = [one for one in members if isinstance(one, FunctionType)]
    return any(name in function.__code__.co_names for function in functions)


def _listed(made: Any) -> list[Any]:
    is_list = isinstance(made, list)
    return [*made] if is_list else [made]


class _Instance(ast.NodeTransformer):
    def __init__(self, name: str, new: str) -> None:
        self._name = name
        self._new = new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """Instances of several classes are several variables."""
        return ast.copy_location(
            ast.Name(id=self._new if node.id == self._name else node.id, ctx=node.ctx), node
        )


class _RaisedAgain(ast.NodeTransformer):
    """`raise` alone, but for that of inner handlers."""

    def __init__(self, names: Names, kept: ast.expr) -> None:
        self._names = names
        self._kept = kept

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        """An inner handler."""
        return node

    def visit_Raise(self, node: ast.Raise) -> Any:
        """The exception that was caught here."""
        if node.exc is not None:
            return node
        return raised_again(self._names, node, copy.deepcopy(self._kept))


class _Asked(ast.NodeTransformer):
    """Replaces the name of an exception by what is meant, and notes what that is."""

    def __init__(self, name: str, number: int) -> None:
        self._name = name
        self.text, self.kind, self.instance = (f"{what}{number}$" for what in ("text", "kind", "caught"))
        self.attributes: set[str] = set()
        self.asks_for_text = self.asks_for_kind = self.raises_again = False
        self.asks_for_instance: ast.AST | None = None
        self.strange: ast.AST | None = None

    def _is_name(self, node: ast.AST | None) -> bool:
        return bool(self._name) and isinstance(node, ast.Name) and node.id == self._name

    def _load(self, node: ast.AST, name: str) -> Any:
        return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), node)

    def _kind_of(self, node: ast.AST) -> ast.expr:
        self.asks_for_kind = True
        return self._load(node, self.kind)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> Any:
        """An inner handler, which raises its own exception again, and may have the same name."""
        before = self.raises_again
        hidden, self._name = self._name, "" if node.name == self._name else self._name
        self.generic_visit(node)
        self._name, self.raises_again = hidden, before
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        """`raise e` is `raise`."""
        if self._is_name(node.exc):
            node.exc = node.cause = None
        if self._is_name(node.cause):
            node.cause = None
        if node.exc is None:
            self.raises_again = True
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """The only argument of an exception, `e.args[0]`, is its text."""
        if ast.unparse(node) in {f"{self._name}.args[0]", f"{self._name}.args[-1]"}:
            return self.visit(ast.copy_location(ast.Name(id=self._name, ctx=ast.Load()), node))
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """A field or a method."""
        if not self._is_name(node.value):
            return self.generic_visit(node)  # pyright: ignore[reportReturnType]
        if node.attr == "__class__":
            return self._kind_of(node)
        self.asks_for_instance = node
        self.attributes.add(node.attr)
        node.value = self._load(node, self.instance)
        return node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        """`{e!r}` is unknown."""
        if node.conversion == ord("r") and self._is_name(node.value):
            self.strange = node
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """`type(e)` and `isinstance(e, …)`; `repr(e)` is unknown."""
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        is_of_exception = bool(node.args) and self._is_name(node.args[0])
        if is_of_exception and called == "type" and len(node.args) == 1:
            return self._kind_of(node)
        if is_of_exception and called == "isinstance" and len(node.args) == 2:
            asked = ast.Call(
                func=self._load(node, "issubclass"), args=[self._kind_of(node), node.args[1]], keywords=[]
            )
            return ast.copy_location(asked, node)
        if is_of_exception and called == "repr":
            self.strange = node
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The text."""
        if not self._is_name(node) or not isinstance(node.ctx, ast.Load):
            return node
        self.asks_for_text = True
        return self._load(node, self.text)
