"""Leaves out what a call's arguments rule out, and puts constants where Numba cannot find them."""

import ast
import copy
import functools
from types import ModuleType
from typing import Any

import numpy as np
from numba.core import types

from truestep.guest.python.compiler.choices import Choices
from truestep.guest.python.compiler.known_calls import CallBinder, Constants, Partial
from truestep.guest.python.compiler.known_types import Fact, Known, Typed, fact_of_each, literal_keys
from truestep.guest.python.compiler.known_values import (
    Evaluator,
    are_functions,
    is_equal,
    is_flat,
    is_function,
    is_unchangeable,
)
from truestep.guest.python.compiler.name_uses import (
    can_be_unrolled,
    has_star,
    has_yield,
    is_taken_by,
    only_read_names,
    parameters_of,
    shared_names,
    stored_names,
    stored_names_of_body,
    unrolled,
)
from truestep.guest.python.compiler.ownership import is_users_instance
from truestep.guest.python.compiler.rewriting_names import Names

_ARGUMENTS_MAX = 32
"""Each argument has a type of its own, so that many of them take long to compile."""
_SEQUENCES: Any = (tuple, list, str)
_NAMED: Any = (np.generic, type, ModuleType)
_COMPREHENSIONS: Any = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Pruner(ast.NodeTransformer):
    """Rewrites one function for what is known of its arguments."""

    def __init__(self, names: Names, tree: Any, facts: dict[str, Fact], variant: Any) -> None:
        self._names = names
        self._constants = Constants(names)
        self._given = {name: fact.value for name, fact in facts.items() if isinstance(fact, Known)}
        parameters = {part.arg for part in parameters_of(tree.args)}
        self._removed = set(facts) - parameters
        self._local_names = stored_names(tree) | parameters | set(facts)
        self._shared = shared_names(tree)
        self._read_only = only_read_names(tree)
        self._stored_often = stored_names_of_body(tree)
        self.evaluator = Evaluator(names, self._local_names | names.bound)
        self._calls = CallBinder(names, self.evaluator, self._constants, variant)
        self._choices = Choices(tree, self.evaluator)
        self._facts: dict[str, Fact] = {}
        for name, fact in facts.items():
            self._learn(name, fact)
        self.tables: list[ast.stmt] = []
        """Assignments of containers that are known, of which nothing may be left to use."""
        self.has_changed = False

    def prune(self, tree: Any) -> Any:
        """The function without what its arguments rule out."""
        if isinstance(tree, ast.Lambda):
            tree.body = self.visit(tree.body)
            return tree
        body: Any = copy.deepcopy(tree.body) if has_yield(tree) else []
        tree.body = self._block(tree.body)[0] or [ast.copy_location(ast.Pass(), tree)]
        if body and not has_yield(tree):
            tree.body = body
        used = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}
        for name in sorted(self._removed & used):
            value = self._constants.written(self._given[name]) or self._names.helper(
                f"given_{name}", self._given[name]
            )
            statement = ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)
            tree.body.insert(0, ast.fix_missing_locations(ast.copy_location(statement, tree.body[0])))
        return tree

    def fact(self, node: ast.AST) -> Fact:
        """What is known of an expression here."""
        return self.evaluator.fact(node, self._facts)

    def _learn(self, name: str, fact: Fact) -> None:
        is_safe = fact is not None and (
            isinstance(fact, Typed)
            or isinstance(fact.value, Partial)
            or is_users_instance(fact.value)
            or is_unchangeable(fact.value)
            or are_functions(fact.value)
            or (name in self._read_only and is_flat(fact.value))
        )
        if is_safe and name not in self._shared:
            self._facts[name] = fact
        else:
            self._facts.pop(name, None)

    def _forget(self, *nodes: ast.AST) -> None:
        for node in nodes:
            for name in stored_names(node):
                self._facts.pop(name, None)

    def _block(self, statements: list[ast.stmt]) -> tuple[list[ast.stmt], bool]:
        """The statements that are left, and whether what follows is never reached."""
        kept: list[ast.stmt] = []
        for statement in statements:
            method = getattr(self, f"_do_{type(statement).__name__.lower()}", self._do_other)
            new, ends = method(statement)
            kept += new
            if ends:
                return kept, True
        return kept, False

    def _inside(self, statements: list[ast.stmt], facts: dict[str, Fact]) -> tuple[list[ast.stmt], bool]:
        """As `_block`, from other facts; those of this place stay."""
        before, self._facts = self._facts, dict(facts)
        kept, ends = self._block(statements)
        after, self._facts = self._facts, before
        self._after = after
        return kept or [ast.Pass()], ends

    def _do_other(self, node: ast.stmt) -> tuple[list[ast.stmt], bool]:
        self._forget(node)
        self.generic_visit(node)
        return [node], isinstance(node, ast.Break | ast.Continue)

    def _do_expr(self, node: ast.Expr) -> tuple[list[ast.stmt], bool]:
        node.value = self.visit(node.value)
        self._forget(node)
        return [node], False

    def _do_return(self, node: ast.stmt) -> tuple[list[ast.stmt], bool]:
        self.generic_visit(node)
        return [node], True

    _do_raise = _do_return

    def _do_assert(self, node: ast.Assert) -> tuple[list[ast.stmt], bool]:
        if self.evaluator.truth(node.test, self._facts):
            self.has_changed = True
            return [], False
        self.generic_visit(node)
        return [node], False

    def _do_assign(self, node: ast.Assign) -> tuple[list[ast.stmt], bool]:
        fact = self.fact(node.value)
        parts = self._parts(node.value)
        node.value = self.visit(node.value)
        node.targets = [self.visit(target) for target in node.targets]
        self._forget(node)
        for target in node.targets:
            self._store(target, fact, parts)
        is_known = isinstance(fact, Known) and isinstance(node.value, ast.Dict | ast.List | ast.Set)
        if is_known or self._choices.note(node, self._facts):
            self.tables.append(node)
        return [*self._partial(node), node], False

    def _partial(self, node: ast.Assign) -> list[ast.stmt]:
        """`f = partial(g, x)` takes x now; what calls f calls g."""
        made, target = node.value, node.targets[0]
        if not isinstance(made, ast.Call) or not made.args or not isinstance(target, ast.Name):
            return []
        called, function = self.fact(made.func), self.fact(made.args[0])
        is_partial = isinstance(called, Known) and called.value is functools.partial
        if not is_partial or not isinstance(function, Known) or not is_function(function.value):
            return []
        if any(isinstance(part, ast.Starred) for part in made.args) or not all(k.arg for k in made.keywords):
            return []
        taken: list[ast.stmt] = []
        call = copy.copy(made)
        call.args = [made.args[0], *(self._taken(part, taken) for part in made.args[1:])]
        call.keywords = [ast.keyword(arg=k.arg, value=self._taken(k.value, taken)) for k in made.keywords]
        self.has_changed = True
        self.tables.append(node)
        self._learn(target.id, Known(Partial(call)))
        return taken

    def _taken(self, value: ast.expr, taken: list[ast.stmt]) -> ast.expr:
        """The name or constant that stands for a value from now on."""
        if isinstance(value, ast.Constant):
            return value
        name = f"taken{value.lineno}_{value.col_offset}$"
        stored = ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=value)
        taken.append(ast.fix_missing_locations(ast.copy_location(stored, value)))
        return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), value)

    def _do_annassign(self, node: ast.AnnAssign) -> tuple[list[ast.stmt], bool]:
        fact = self.fact(node.value) if node.value else None
        node.value = node.value and self.visit(node.value)
        self._forget(node)
        self._store(node.target, fact, [])
        return [node], False

    def _parts(self, value: ast.expr) -> list[Fact]:
        return [self.fact(part) for part in value.elts] if isinstance(value, ast.Tuple | ast.List) else []

    def _store(self, target: ast.expr, fact: Fact, parts: list[Fact]) -> None:
        if isinstance(target, ast.Name):
            self._learn(target.id, fact)
        elif isinstance(target, ast.Tuple | ast.List) and not has_star(target):
            values: Any = fact.value if isinstance(fact, Known) else None
            if isinstance(values, _SEQUENCES):
                parts = [Known(value) for value in values]
            if len(parts) == len(target.elts):
                for part, inner in zip(target.elts, parts, strict=True):
                    if isinstance(part, ast.Name):
                        self._learn(part.id, inner)

    def _do_augassign(self, node: ast.AugAssign) -> tuple[list[ast.stmt], bool]:
        node.value = self.visit(node.value)
        self._forget(node)
        return [node], False

    def _do_importfrom(self, node: ast.ImportFrom) -> tuple[list[ast.stmt], bool]:
        """What an import inside of the function gives, if it gives anything."""
        self._forget(node)
        module = self._names.module(f"{'.' * node.level}{node.module or ''}")
        for alias in node.names:
            if module is not None and hasattr(module, alias.name):
                self._import(alias.asname or alias.name, getattr(module, alias.name))
        return [node], False

    def _import(self, name: str, value: Any) -> None:
        self._names.imported[name] = value
        self._learn(name, Known(value))

    def _do_import(self, node: ast.Import) -> tuple[list[ast.stmt], bool]:
        self._forget(node)
        for alias in node.names:
            name = alias.name if alias.asname else alias.name.partition(".")[0]
            module = self._names.module(alias.name) and self._names.module(name)
            if module is not None:
                self._import(alias.asname or name, module)
        return [node], False

    def _do_if(self, node: ast.If) -> tuple[list[ast.stmt], bool]:
        truth = self.evaluator.truth(node.test, self._facts)
        if truth is not None:
            self.has_changed = True
            return self._block(node.body if truth else node.orelse)
        node.test = self._condition(node.test)
        self._forget(node.test)
        before = dict(self._facts)
        node.body, body_ends = self._inside(node.body, before)
        after_body = self._after
        otherwise, else_ends = self._inside(node.orelse, before)
        after_else = self._after
        node.orelse = otherwise if node.orelse else []
        if body_ends:
            self._facts = after_else
        elif else_ends:
            self._facts = after_body
        else:
            self._facts = {
                name: fact
                for name, fact in after_body.items()
                if name in after_else and is_equal(fact, after_else[name])
            }
        return [node], body_ends and else_ends

    def _do_for(self, node: ast.For) -> tuple[list[ast.stmt], bool]:
        fact = self.fact(node.iter)
        if isinstance(fact, Known) and are_functions(fact.value) and can_be_unrolled(node):
            self.has_changed = True
            return self._block(unrolled(node, [self._constants.written(item) for item in fact.value]))
        node.iter = self.visit(node.iter)
        self._forget(node)
        before = dict(self._facts)
        self._store(node.target, fact_of_each(fact), [])
        node.body, _ = self._inside(node.body, self._facts)
        self._facts = before
        if node.orelse:
            node.orelse, _ = self._inside(node.orelse, self._facts)
        return [node], False

    def _do_while(self, node: ast.While) -> tuple[list[ast.stmt], bool]:
        self._forget(node)
        if self.evaluator.truth(node.test, self._facts) is False:
            self.has_changed = True
            return self._block(node.orelse)
        if not isinstance(node.test, ast.Constant):
            node.test = self._condition(node.test)
        node.body, _ = self._inside(node.body, self._facts)
        if node.orelse:
            node.orelse, _ = self._inside(node.orelse, self._facts)
        return [node], False

    def _do_try(self, node: ast.Try) -> tuple[list[ast.stmt], bool]:
        handler = self._handler_reached(node)
        if handler is not None:
            self.has_changed = True
            return self._block([*handler.body, *node.finalbody])
        if self._raises_nothing(node):
            self.has_changed = True
            kept, ends = self._block([*node.body, *node.orelse])
            end, ends_finally = self._block(node.finalbody)
            return (kept + end, ends_finally) if not ends or not end else (kept, True)
        self._forget(node)
        node.body, _ = self._inside(node.body, self._facts)
        for handler in node.handlers:
            handler.body, _ = self._inside(handler.body, self._facts)
        if node.orelse:
            node.orelse, _ = self._inside(node.orelse, self._facts)
        if node.finalbody:
            node.finalbody, _ = self._inside(node.finalbody, self._facts)
        return [node], False

    def _handler_reached(self, node: ast.Try) -> ast.ExceptHandler | None:
        """The handler of `try: a, b = x.shape`, if that takes another number of items than there are."""
        first, handler = node.body[0], node.handlers[0] if node.handlers else None
        if (
            not isinstance(first, ast.Assign)
            or not isinstance(first.targets[0], ast.Tuple)
            or handler is None
        ):
            return None
        fact = self.fact(first.value)
        kind: Any = fact.kind if isinstance(fact, Typed) else None
        is_other = isinstance(kind, types.BaseTuple) and len(kind) != len(first.targets[0].elts)
        if not is_other or has_star(first.targets[0]):
            return None
        caught = self._names.value(handler.type) if handler.type else Exception
        is_caught = any(caught is known for known in (Exception, BaseException, ValueError))
        return handler if is_caught and handler.name is None else None

    def _raises_nothing(self, node: ast.Try) -> bool:
        """Whether each statement of a `try` only takes a value that is known."""
        return not node.finalbody and all(map(self._takes_known, node.body))

    def _takes_known(self, node: ast.stmt) -> bool:
        if not isinstance(node, ast.Assign | ast.Return) or node.value is None:
            return False
        fact = self.fact(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else []
        return isinstance(fact, Known) and all(is_taken_by(target, fact.value) for target in targets)

    def _do_with(self, node: ast.With) -> tuple[list[ast.stmt], bool]:
        for item in node.items:
            item.context_expr = self.visit(item.context_expr)
            self._forget(item)
        node.body, ends = self._block(node.body)
        node.body = node.body or [ast.Pass()]
        return [node], ends

    def _do_functiondef(self, node: ast.FunctionDef) -> tuple[list[ast.stmt], bool]:
        self._forget(node)
        node.body = self._function(node, node.body)
        return [node], False

    def _function(self, node: ast.FunctionDef | ast.Lambda, body: Any) -> Any:
        """An inner function, which may be called later: it knows what is set only once."""
        own = {part.arg for part in parameters_of(node.args)} | stored_names(node)
        known = {
            name: fact
            for name, fact in self._facts.items()
            if name not in own and name not in self._stored_often
        }
        if isinstance(node, ast.FunctionDef):
            return self._inside(body, known)[0]
        before, self._facts = self._facts, known
        changed = self.visit(body)
        self._facts = before
        return changed

    def visit_Lambda(self, node: ast.Lambda) -> Any:
        """As a function."""
        node.body = self._function(node, node.body)
        return node

    def visit(self, node: ast.AST) -> Any:
        """A part of a statement."""
        if isinstance(node, _COMPREHENSIONS):
            before = dict(self._facts)
            self._forget(node)
            node = self.generic_visit(node)
            self._facts = before
            return node
        return super().visit(node)

    def _condition(self, node: ast.expr) -> ast.expr:
        """A condition of which some parts are known: `x is not None and x > 1` is `x > 1`."""
        if isinstance(node, ast.BoolOp):
            is_and = isinstance(node.op, ast.And)
            left = [part for part in node.values if self.evaluator.truth(part, self._facts) is not is_and]
            if left and len(left) < len(node.values):
                self.has_changed = True
                node.values = left
                if len(left) == 1:
                    return self._condition(left[0])
        return self.visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> Any:
        """`a if known else b`."""
        truth = self.evaluator.truth(node.test, self._facts)
        if truth is not None:
            self.has_changed = True
            return self.visit(node.body if truth else node.orelse)
        node.test = self._condition(node.test)
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        """`known or x`."""
        constant = self._constant(node)
        if constant is not None:
            return constant
        first = self.fact(node.values[0])
        if isinstance(first, Known) and is_unchangeable(first.value):
            self.has_changed = True
            if bool(first.value) is isinstance(node.op, ast.Or):
                return self.visit(node.values[0])
            rest = node.values[1:]
            node.values = rest
            return self.visit(rest[0] if len(rest) == 1 else node)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> Any:
        """A comparison of values that are known."""
        constant = self._constant(node)
        return self.generic_visit(node) if constant is None else constant

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """An item of a container that is known."""
        constant = self._constant(node) if isinstance(node.ctx, ast.Load) else None
        if constant is None and (chosen := self._choices.chosen(node, self._facts)) is not None:
            self.has_changed = True
            return self.visit(chosen)
        return self.generic_visit(node) if constant is None else constant

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """An attribute of an instance, a class or a member of an Enum that is known."""
        owner = self.fact(node.value)
        is_module = isinstance(owner, Known) and isinstance(owner.value, ModuleType)
        if isinstance(owner, Known) and not is_module and isinstance(node.ctx, ast.Load):
            constant = self._constant(node)
            if constant is not None:
                return constant
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> Any:
        """A call whose result is known, `edge.lower()`, or whose function knows some arguments."""
        function = self.fact(node.func)
        if isinstance(function, Known) and isinstance(function.value, Partial):
            self.has_changed = True
            node = function.value.called(node)
        self.has_changed |= self._calls.unpack(node, self._facts)
        constant = self._constant(node)
        if constant is not None:
            return constant
        item = self._literal_item(node)
        if item is not None:
            return item
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            node.func.value = self._text(node.func.value)
        bound = self._calls.bound(node, self._facts)
        self.has_changed |= bound is not None
        return self.generic_visit(bound or node)

    def _literal_item(self, node: ast.Call) -> ast.expr | None:
        """`table.get(key, default)` of a dictionary whose values have types of their own."""
        function, key = node.func, self.fact(node.args[0]) if node.args else None
        if not isinstance(function, ast.Attribute) or function.attr != "get" or not isinstance(key, Known):
            return None
        keys = literal_keys(self.fact(function.value))
        if keys is None:
            return None
        self.has_changed = True
        if key.value in keys:
            item = ast.Subscript(value=function.value, slice=ast.Constant(key.value), ctx=ast.Load())
            return ast.fix_missing_locations(ast.copy_location(item, node))
        return self.visit(node.args[1]) if len(node.args) > 1 else ast.copy_location(ast.Constant(None), node)

    def _text(self, node: ast.expr) -> ast.expr:
        """A text that is known, where its fields are looked for."""
        fact = self.fact(node)
        if isinstance(node, ast.Constant) or not isinstance(fact, Known) or type(fact.value) is not str:
            return node
        self.has_changed = True
        return ast.copy_location(ast.Constant(fact.value), node)

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        """`text % values`."""
        if isinstance(node.op, ast.Mod):
            node.left = self._text(node.left)
        return self.generic_visit(node)

    def _constant(self, node: ast.expr) -> ast.expr | None:
        fact = self.fact(node)
        made = self._constants.written(fact.value) if isinstance(fact, Known) else None
        if made is None:
            return None
        self.has_changed = True
        return ast.fix_missing_locations(ast.copy_location(made, node))
