"""`finally` and `with`: what is done at the end is written where the block ends and where it is left.

Numba compiles `finally` wrongly inside of loops, and knows no context managers. Here both become `try` with
`except`, which it knows: a block that is left by `return`, `break` or `continue` notes how, comes to its end,
and is left then. A function with `@contextmanager` is written around the statements of `with`.
"""

import ast
import contextlib
import copy
import inspect
import warnings
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from truestep.guest.python.compiler.catching import (
    caught_exception,
    caught_kind,
    caught_text,
    is_true,
    raise_again,
)
from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.leaving_blocks import Block, copied, inside_of, placed
from truestep.guest.python.compiler.name_uses import parameters_of, stored_names
from truestep.guest.python.compiler.ownership import is_users_class
from truestep.guest.python.compiler.rewriting_names import Names

_SILENT: Any = (np.errstate, np.printoptions, warnings.catch_warnings)
"""Managers that `rewriting_statements` knows."""
_DEPTH_MAX = 16
"""Context managers that are made of others; who needs more calls itself."""


class BlockRewriter(ast.NodeTransformer):
    """Rewrites one function."""

    def __init__(self, names: Names, function: FunctionType, definition_of: Callable[[Any], Any]) -> None:
        self._names = names
        self._function = function
        self._definition_of = definition_of
        self._count = 0
        self._depth = 0
        self.has_changed = False

    def _number(self) -> int:
        self.has_changed = True
        self._count += 1
        return self._count

    def _complaint(self, node: ast.AST, what: str, remedy: str) -> Complaint:
        return Complaint(what, place=line_in(self._function, node), remedy=remedy)

    def visit_Try(self, node: ast.Try) -> Any:
        """`try: … finally: …`."""
        self.generic_visit(node)
        if not node.finalbody:
            return node
        self._refuse_yields(node, "finally")
        last, node.finalbody = node.finalbody, []
        inner: list[ast.stmt] = [node] if node.handlers else [*node.body, *node.orelse]
        block = Block(inner, self._number(), node)
        handler = [*copied(last), *self._raised_again(self._count)]
        guarded = self._guarded(block.statements, [self._kept(self._count), *handler])
        return [*block.before, placed(guarded, node), *last, *block.after]

    def _refuse_yields(self, node: ast.Try | ast.With, what: str) -> None:
        """A generator that is not asked for its last item is closed in Python, and forgotten in a guest."""
        if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in inside_of(node)):
            raise self._complaint(
                node,
                f"a guest's generator cannot yield inside of `{what}`, whose end would be left out",
                "return a list of the items, or do it around the loop that takes the items",
            )

    def _guarded(self, body: list[ast.stmt], handler: list[ast.stmt]) -> ast.stmt:
        everything = self._names.helper("Exception", Exception)
        caught = ast.ExceptHandler(type=everything, name=None, body=handler)
        return ast.Try(body=body, handlers=[caught], orelse=[], finalbody=[])

    def _kept(self, number: int) -> ast.stmt:
        """`raised = what is caught`."""
        return _set(f"raised{number}$", self._names.call("caught", caught_exception))

    def _raised_again(self, number: int) -> list[ast.stmt]:
        """The statement after the call is for Numba, which does not know that the call raises."""
        again = self._names.call("raise_again", raise_again, _load(f"raised{number}$"))
        end = ast.Raise(exc=self._names.helper("RuntimeError", RuntimeError), cause=None)
        return [ast.Expr(again), end]

    def visit_With(self, node: ast.With) -> Any:
        """`with a as b, c as d: …`."""
        item = node.items[0]
        if len(node.items) > 1:
            rest = ast.copy_location(ast.With(items=node.items[1:], body=node.body), node)
            return self.visit(ast.copy_location(ast.With(items=[item], body=[rest]), node))
        call = item.context_expr
        called: Any = self._names.value(call.func) if isinstance(call, ast.Call) else None
        module = getattr(called, "__module__", None) or ""
        if called is open or any(called is one for one in _SILENT) or module.split(".")[0] == "numba":
            return self.generic_visit(node)
        if called is contextlib.nullcontext:
            return self._null(node, call)
        if called is contextlib.suppress:
            return self._suppressing(node, call)
        if called is contextlib.closing:
            return self._closing(node, call)
        made = self._generator_of(call)
        if made is not None:
            return self._inlined(node, call, *made)
        return self._managed(node)

    def _bound(self, target: ast.expr | None, value: ast.expr) -> ast.stmt:
        return ast.Expr(value) if target is None else ast.Assign(targets=[target], value=value)

    def _null(self, node: ast.With, call: Any) -> list[ast.stmt]:
        self._number()
        value = call.args[0] if call.args else ast.Constant(None)
        first = placed(self._bound(node.items[0].optional_vars, value), node)
        return [first, *self._visited(node.body)]

    def _visited(self, body: list[ast.stmt]) -> list[ast.stmt]:
        block: Any = self.generic_visit(ast.If(test=ast.Constant(True), body=body, orelse=[]))
        return block.body

    def _suppressing(self, node: ast.With, call: Any) -> list[ast.stmt]:
        body = self._visited(node.body)
        if not call.args:
            return body
        block = Block(body, self._number(), node, can_go_on=True)
        kinds = call.args[0] if len(call.args) == 1 else ast.Tuple(elts=call.args, ctx=ast.Load())
        handler = ast.ExceptHandler(type=kinds, name=None, body=[ast.Pass()])
        caught = ast.Try(body=block.statements, handlers=[handler], orelse=[], finalbody=[])
        return [*block.before, placed(caught, node), *block.after]

    def _closing(self, node: ast.With, call: Any) -> Any:
        name = f"manager{self._number()}$"
        first: list[ast.stmt] = [_set(name, call.args[0])]
        if node.items[0].optional_vars is not None:
            first.append(ast.Assign(targets=[node.items[0].optional_vars], value=_load(name)))
        last: list[ast.stmt] = [ast.Expr(_method(name, "close"))]
        guarded = ast.Try(body=node.body, handlers=[], orelse=[], finalbody=last)
        made = self.visit(placed(guarded, node))
        return [*(placed(part, node) for part in first), *made]

    def _managed(self, node: ast.With) -> list[ast.stmt]:
        """An instance with `__enter__` and `__exit__`."""
        self._refuse_yields(node, "with")
        item, number = node.items[0], self._number()
        manager, failed = f"manager{number}$", f"failed{number}$"
        first = [
            _set(manager, self.visit(item.context_expr)),
            self._bound(item.optional_vars, _method(manager, "__enter__")),
            _set(failed, ast.Constant(False)),
        ]
        never_suppresses = self._never_suppresses(item.context_expr)
        block = Block(self._visited(node.body), number, node, can_go_on=not never_suppresses)
        kind, text = (
            self._names.call("caught_kind", caught_kind),
            self._names.call("caught_text", caught_text),
        )
        asked = _method(manager, "__exit__", kind, text, ast.Constant(None))
        again = self._raised_again(number)
        answer = ast.UnaryOp(op=ast.Not(), operand=self._names.call("is_true", is_true, asked))
        handler: list[ast.stmt] = [self._kept(number), _set(failed, ast.Constant(True))]
        if never_suppresses:
            handler += [ast.Expr(asked), *again]
        else:
            handler.append(ast.If(test=answer, body=again, orelse=[]))
        guarded = self._guarded(block.statements, handler)
        nothing = [ast.Constant(None) for _ in range(3)]
        end: ast.stmt = ast.Expr(_method(manager, "__exit__", *nothing))
        if not never_suppresses:
            end = ast.If(test=ast.UnaryOp(op=ast.Not(), operand=_load(failed)), body=[end], orelse=[])
        made = [*first, *block.before, guarded, end, *block.after]
        return [placed(part, node) for part in made]

    def _never_suppresses(self, made: ast.expr) -> bool:
        """Whether `__exit__` of what is made returns nothing that is true, so that exceptions go on."""
        kind = self._names.value(made.func) if isinstance(made, ast.Call) else None
        if is_users_class(kind):
            classes = [kind]
        else:
            every = self._function.__globals__.values()
            classes = [value for value in every if is_users_class(value) and hasattr(value, "__exit__")]
        return all(self._returns_nothing(getattr(one, "__exit__", None)) for one in classes)

    def _returns_nothing(self, method: Any) -> bool:
        tree = self._definition_of(method) if isinstance(method, FunctionType) else None
        if tree is None:
            return False
        returned = [part.value for part in ast.walk(tree) if isinstance(part, ast.Return)]
        return all(part is None or _is_false(part) for part in returned)

    def _generator_of(self, call: ast.expr) -> tuple[FunctionType, list[ast.expr]] | None:
        """The generator that `@contextmanager` is written above, and its first argument if it is a method."""
        if not isinstance(call, ast.Call):
            return None
        own: list[ast.expr] = []
        called: Any = self._names.value(call.func)
        if called is None and isinstance(call.func, ast.Attribute):
            own, called = [call.func.value], self._method_named(call.func.attr)
        made = getattr(called, "__wrapped__", None)
        is_manager = isinstance(called, FunctionType) and called.__code__.co_filename == contextlib.__file__
        return (made, own) if is_manager and inspect.isgeneratorfunction(made) else None

    def _method_named(self, name: str) -> Any:
        """A method of the function's own class, or of the only class that has one of this name."""
        scope = self._function.__globals__
        owner = scope.get(self._function.__qualname__.split(".")[0])
        if is_users_class(owner) and hasattr(owner, name):
            return getattr(owner, name)
        found = [getattr(one, name) for one in scope.values() if is_users_class(one) and hasattr(one, name)]
        return found[0] if len(set(found)) == 1 else None

    def _inlined(
        self, node: ast.With, call: Any, generator: FunctionType, own: list[ast.expr]
    ) -> list[ast.stmt]:
        """The generator's statements, with those of `with` in the place of `yield`."""
        number = self._number()
        tree = copy.deepcopy(self._definition_of(generator))
        yields = (
            [part for part in ast.walk(tree) if isinstance(part, ast.Yield | ast.YieldFrom)] if tree else []
        )
        ends = [part for part in ast.walk(tree) if isinstance(part, ast.Return)] if tree else []
        if tree is None or len(yields) != 1 or not isinstance(yields[0], ast.Yield) or ends:
            raise self._complaint(
                node,
                f"a guest cannot use the context manager {generator.__name__}",
                "write it with one `yield` and without `return`, or as a class with __enter__ and __exit__",
            )
        arguments = self._arguments(node, generator, [*own, *call.args], call.keywords)
        renamed = _Renamed(self._names, generator, self._function, tree, number)
        body = [renamed.visit(statement) for statement in tree.body]
        first = [_set(renamed.name(name), self.visit(value)) for name, value in arguments]
        may_catch = any(isinstance(part, ast.ExceptHandler | ast.With) for part in ast.walk(tree))
        block = Block(self._visited(node.body), number, node, can_go_on=may_catch)
        inside = _Yield(node.items[0].optional_vars, block.statements, node)
        body = [part for statement in body for part in _listed(inside.visit(statement))]
        if not inside.is_found:
            raise self._complaint(
                node,
                f"a guest cannot use the context manager {generator.__name__}",
                "write its `yield` as a statement of its own",
            )
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self._complaint(node, f"{generator.__name__} uses itself by `with`", "write it as a class")
        made = self._visited(body)
        self._depth -= 1
        return [*(placed(part, node) for part in (*first, *block.before)), *made, *block.after]

    def _arguments(
        self, node: ast.AST, function: FunctionType, given: list[ast.expr], named: list[ast.keyword]
    ) -> list[tuple[str, ast.expr]]:
        """What each parameter is given."""
        keywords = {str(part.arg): part.value for part in named}
        signature = inspect.signature(function)
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        try:
            bound = signature.bind(*given, **keywords)
        except TypeError as error:
            what = f"a guest cannot call {function.__name__} like this: {error}"
            raise self._complaint(node, what, "pass the arguments that it has") from error
        if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
            what = f"a guest's context manager has no *arguments, as {function.__name__} has"
            raise self._complaint(node, what, "name its parameters")
        return [
            (
                name,
                bound.arguments[name]
                if name in bound.arguments
                else self._names.helper(f"default{id(parameter.default)}", parameter.default),
            )
            for name, parameter in signature.parameters.items()
        ]


class _Renamed(ast.NodeTransformer):
    """Gives the variables of a generator names that the function around it does not have."""

    def __init__(
        self,
        names: Names,
        generator: FunctionType,
        function: FunctionType,
        tree: ast.FunctionDef,
        number: int,
    ) -> None:
        self._names = names
        self._generator = generator
        self._is_elsewhere = generator.__globals__ is not function.__globals__
        self._number = number
        self._own = stored_names(tree) | {part.arg for part in parameters_of(tree.args)}

    def name(self, name: str) -> str:
        """The new name."""
        return f"{name}_of{self._number}$"

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """`except … as name`."""
        if node.name in self._own:
            node.name = self.name(node.name)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A variable, or what the generator's module has."""
        if node.id in self._own:
            return ast.copy_location(ast.Name(id=self.name(node.id), ctx=node.ctx), node)
        scope = self._generator.__globals__
        is_hidden = self._is_elsewhere or node.id in self._names.bound
        if node.id in scope and is_hidden:
            return ast.copy_location(self._names.helper(f"of{self._number}_{node.id}", scope[node.id]), node)
        return node


class _Yield(ast.NodeTransformer):
    """Puts statements in the place of `yield`."""

    def __init__(self, target: ast.expr | None, body: list[ast.stmt], place: ast.AST) -> None:
        self._target = target
        self._body = body
        self._place = place
        self.is_found = False

    def visit_Expr(self, node: ast.Expr) -> Any:
        """`yield value`."""
        if not isinstance(node.value, ast.Yield):
            return node
        self.is_found = True
        if self._target is None:
            value = node.value.value
            return [*([ast.copy_location(ast.Expr(value), node)] if value else []), *self._body]
        value = node.value.value or ast.Constant(None)
        return [placed(ast.Assign(targets=[self._target], value=value), self._place), *self._body]


def _listed(made: Any) -> list[Any]:
    is_list = isinstance(made, list)
    return [*made] if is_list else [made]


def _load(name: str) -> ast.expr:
    return ast.Name(id=name, ctx=ast.Load())


def _set(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)


def _method(owner: str, name: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(
        func=ast.Attribute(value=_load(owner), attr=name, ctx=ast.Load()), args=list(arguments), keywords=[]
    )


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value
