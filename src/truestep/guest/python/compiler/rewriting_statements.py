"""Statements that Numba cannot read: imports, kinds of exceptions, yield from, starred targets."""

import ast
import importlib
import logging
import warnings
from types import FunctionType
from typing import Any

import numpy as np

from truestep.guest.python.compiler.catching import is_caught as is_caught_exception
from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.containers import delete
from truestep.guest.python.compiler.exception_instances import has_instance, maker_of, place_of_raised
from truestep.guest.python.compiler.handlers import raised_again
from truestep.guest.python.compiler.rewriting_names import Names
from truestep.guest.python.compiler.rewriting_state import set_attribute

_NEVER_RAISED: dict[Any, tuple[str, str]] = {
    FloatingPointError: ("floats become inf or nan", "use np.isfinite on the result"),
}
"""Kinds of exceptions that Python raises where a guest does not: a handler would wait in vain."""

_LOGGING = {"debug", "info", "warning", "warn", "error", "critical", "exception", "log"}


class StatementRewriter(ast.NodeTransformer):
    """Rewrites the statements of one function."""

    def __init__(self, names: Names, function: FunctionType, tree: ast.AST) -> None:
        self._names = names
        self._function = function
        self._tree = tree
        self._temporaries = 0
        self._settings = self._kept_settings()
        self.has_changed = False

    def _kept_settings(self) -> set[str]:
        """Variables that only keep how NumPy warns, to set it again."""
        parts = list(ast.walk(self._tree))
        begun = [
            part.targets[0].id
            for part in parts
            if isinstance(part, ast.Assign)
            and len(part.targets) == 1
            and isinstance(part.targets[0], ast.Name)
            and isinstance(part.value, ast.Call)
            and self._keeps_settings(part.value)
        ]
        kept = [
            part.value.id
            for part in parts
            if isinstance(part, ast.keyword) and part.arg is None and isinstance(part.value, ast.Name)
        ]
        uses = [part.id for part in parts if isinstance(part, ast.Name)]
        return {name for name in begun if uses.count(name) == begun.count(name) + kept.count(name)}

    def _keeps_settings(self, call: ast.Call) -> bool:
        called = self._names.value(call.func)
        return (called is np.seterr and self._ignores(call)) or (called is np.geterr and not call.args)

    def _complaint(self, node: ast.AST, what: str, remedy: str) -> Complaint:
        return Complaint(what, place=line_in(self._function, node), remedy=remedy)

    def _nothing(self, node: ast.stmt) -> ast.stmt:
        self.has_changed = True
        return ast.copy_location(ast.Pass(), node)

    def visit_Global(self, node: ast.Global) -> ast.stmt:
        """What is set is kept elsewhere; the others are constants."""
        return self._nothing(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.stmt:
        """Likewise, for variables of the function that made this one."""
        is_ours = set(node.names) & set(self._function.__code__.co_freevars)
        return self._nothing(node) if is_ours else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`module.name = value`."""
        set_attribute(node, self._names, self._function)
        return self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> ast.stmt:
        """An import becomes a name of the module."""
        for alias in node.names:
            module = self._imported(node, alias.name, 0)
            if alias.asname is None:
                alias_name, module = (
                    alias.name.partition(".")[0],
                    self._imported(node, alias.name.partition(".")[0], 0),
                )
                self._names.imported[alias_name] = module
            else:
                self._names.imported[alias.asname] = module
        return self._nothing(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.stmt:
        """As `import`."""
        module = self._imported(node, node.module or "", node.level)
        for alias in node.names:
            if hasattr(module, alias.name):
                value = getattr(module, alias.name)
            else:
                value = self._imported(node, f"{node.module}.{alias.name}", node.level)
            self._names.imported[alias.asname or alias.name] = value
        return self._nothing(node)

    def _imported(self, node: ast.AST, name: str, level: int) -> Any:
        package = self._function.__globals__.get("__package__") or ""
        try:
            return importlib.import_module("." * level + name, package)
        except ImportError as error:
            raise self._complaint(
                node,
                f"{type(error).__name__}: {error}",
                "install the package, or put the file beside the guest",
            ) from error

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """`yield from x`, and calls that only concern warnings and logs."""
        if isinstance(node.value, ast.YieldFrom):
            self.has_changed = True
            item = self._temporary()
            value = ast.Name(id=item, ctx=ast.Load())
            loop = ast.For(
                target=ast.Name(id=item, ctx=ast.Store()),
                iter=node.value.value,
                body=[ast.Expr(ast.Yield(value=value))],
                orelse=[],
            )
            return ast.fix_missing_locations(ast.copy_location(loop, node))
        called = self._names.value(node.value.func) if isinstance(node.value, ast.Call) else None
        if isinstance(node.value, ast.Call) and _closes_array(node.value):
            return self._nothing(node)
        is_of_warnings = getattr(called, "__module__", None) == "warnings" or called is warnings.warn
        if (
            is_of_warnings
            or self._is_logging(node.value)
            or (called is np.seterr and (self._ignores(node.value) or self._restores(node.value)))
        ):
            return self._nothing(node)
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def _is_logging(self, call: ast.expr) -> bool:
        """Whether it writes a message to a log, which a guest does not have."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        log, value = call.func.value, self._names.value(call.func.value)
        is_made = isinstance(log, ast.Call) and self._names.value(log.func) is logging.getLogger
        is_log = isinstance(value, logging.Logger | logging.LoggerAdapter) or value is logging or is_made
        return is_log and call.func.attr in _LOGGING

    def _temporary(self) -> str:
        self._temporaries += 1
        return f"item{self._temporaries}$"

    def visit_With(self, node: ast.With) -> Any:
        """`with np.errstate(…)` and `warnings.catch_warnings()` change nothing: a guest does not warn."""
        self.generic_visit(node)
        for item in node.items:
            manager = item.context_expr
            called = self._names.value(manager.func) if isinstance(manager, ast.Call) else None
            is_silent = called is np.errstate and self._ignores(manager)
            if item.optional_vars or not (is_silent or called is warnings.catch_warnings):
                raise self._complaint(
                    node,
                    "a guest has no context managers, such as files",
                    "read what is needed from the input, or compute it in the module, outside the function",
                )
        self.has_changed = True
        return node.body

    def _restores(self, call: ast.expr) -> bool:
        """`np.seterr(**old)`, where the old settings come from `np.seterr` or `np.geterr`."""
        if not isinstance(call, ast.Call) or len(call.keywords) != 1 or call.args:
            return False
        kept = call.keywords[0]
        return kept.arg is None and ast.unparse(kept.value) in self._settings

    @staticmethod
    def _ignores(call: ast.expr) -> bool:
        """Whether np.errstate only says that nothing is to be raised."""
        if not isinstance(call, ast.Call) or call.args:
            return False
        values = [keyword.value for keyword in call.keywords]
        return all(
            isinstance(value, ast.Constant) and value.value in {"ignore", "warn", "print"} for value in values
        )

    def visit_Assign(self, node: ast.Assign) -> Any:
        """`first, *rest = items` takes the items by their index; `old = np.seterr(…)` keeps nothing."""
        self.generic_visit(node)
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self._settings:
            return self._nothing(node)
        if len(node.targets) != 1 or not isinstance(target, ast.Tuple | ast.List):
            return node
        starred = [index for index, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
        if not starred:
            return node
        self.has_changed = True
        name = self._temporary()
        statements: list[ast.stmt] = [
            ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=node.value)
        ]
        after = len(target.elts) - starred[0] - 1
        for index, part in enumerate(target.elts):
            place = index if index < starred[0] else index - len(target.elts)
            if isinstance(part, ast.Starred):
                end = ast.Constant(-after) if after else None
                rest = self._item(name, ast.Slice(lower=ast.Constant(index), upper=end))
                listed = self._names.call("list", list, rest)
                statements.append(ast.Assign(targets=[part.value], value=listed))
            else:
                statements.append(ast.Assign(targets=[part], value=self._item(name, ast.Constant(place))))
        return [ast.fix_missing_locations(ast.copy_location(statement, node)) for statement in statements]

    @staticmethod
    def _item(name: str, place: ast.expr) -> ast.expr:
        return ast.Subscript(value=ast.Name(id=name, ctx=ast.Load()), slice=place, ctx=ast.Load())

    def visit_Delete(self, node: ast.Delete) -> Any:
        """`del items[index]` is a call; a name is forgotten as it is."""
        self.generic_visit(node)
        kept = [target for target in node.targets if not isinstance(target, ast.Subscript)]
        if len(kept) == len(node.targets):
            return node
        self.has_changed = True
        statements: list[ast.stmt] = []
        for target in node.targets:
            if not isinstance(target, ast.Subscript):
                statements.append(ast.Delete(targets=[target]))
                continue
            place = target.slice
            if isinstance(place, ast.Slice):
                ends = [part or ast.Constant(None) for part in (place.lower, place.upper, place.step)]
                place = self._names.call("slice", slice, *ends)
            statements.append(ast.Expr(self._names.call("delete", delete, target.value, place)))
        return [ast.fix_missing_locations(ast.copy_location(statement, node)) for statement in statements]

    def visit_Raise(self, node: ast.Raise) -> Any:
        """`raise … from …` raises the same; `raise` alone what was caught."""
        if node.exc is None:
            self.has_changed = True
            return raised_again(self._names, node)
        if node.cause is not None:
            node.cause = None
            self.has_changed = True
        self.generic_visit(node)
        return self._with_instance(node)

    def _with_instance(self, node: ast.Raise) -> Any:
        """Make and keep the instance of a class that says itself what it holds, and raise its text."""
        made: Any = node.exc
        called = made.func if isinstance(made, ast.Call) else made
        kind = self._names.value(called)
        if not has_instance(kind):
            return node
        self.has_changed = True
        name = self._temporary()
        state, field = place_of_raised(kind, self._function)
        given = made if isinstance(made, ast.Call) else ast.Call(func=called, args=[], keywords=[])
        given.func = self._names.helper(f"made{id(kind)}", maker_of(kind))
        place = ast.Attribute(
            value=self._names.call(f"state {state.name}", state), attr=field, ctx=ast.Store()
        )
        text = ast.Attribute(value=ast.Name(id=name, ctx=ast.Load()), attr="__str__", ctx=ast.Load())
        raised = ast.Call(func=called, args=[ast.Call(func=text, args=[], keywords=[])], keywords=[])
        statements: list[ast.stmt] = [
            ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=given),
            ast.Assign(targets=[place], value=ast.Name(id=name, ctx=ast.Load())),
            ast.Raise(exc=raised, cause=None),
        ]
        return [ast.fix_missing_locations(ast.copy_location(part, node)) for part in statements]

    def visit_Try(self, node: ast.Try) -> ast.Try:
        """Numba catches all exceptions or none: the handler asks which one it is."""
        handlers = [self._checked(handler) for handler in node.handlers]
        if all(self._catches_all(handler) for handler in handlers):
            return self.generic_visit(node)  # pyright: ignore[reportReturnType]
        self.has_changed = True
        otherwise: list[ast.stmt] = raised_again(self._names, handlers[-1])
        for handler in reversed(handlers):
            if self._catches_all(handler):
                otherwise = handler.body
                continue
            kind = handler.type or self._names.helper("Exception", Exception)
            is_caught = self._names.call("is_caught", is_caught_exception, kind)
            chosen = ast.If(test=is_caught, body=handler.body, orelse=otherwise)
            otherwise = list[ast.stmt]([ast.fix_missing_locations(ast.copy_location(chosen, handler))])
        everything = self._names.helper("Exception", Exception)
        only = ast.ExceptHandler(type=everything, name=None, body=otherwise)
        node.handlers = [ast.fix_missing_locations(ast.copy_location(only, handlers[0]))]
        return self.generic_visit(node)  # pyright: ignore[reportReturnType]

    def _catches_all(self, handler: ast.ExceptHandler) -> bool:
        return handler.type is None or self._names.value(handler.type) in {Exception, BaseException}

    def _checked(self, node: ast.ExceptHandler) -> ast.ExceptHandler:
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        for kind in kinds:
            self._check_kind(kind)
        return node

    def _check_kind(self, node: ast.expr) -> None:
        kind = self._names.value(node)
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise self._complaint(
                node, "a guest catches exceptions by the names of their classes", "write `except ValueError:`"
            )
        if kind in _NEVER_RAISED:
            why, remedy = _NEVER_RAISED[kind]
            raise self._complaint(node, f"a guest does not raise {kind.__name__}: {why}", remedy)


def _closes_array(call: ast.Call) -> bool:
    """`x.setflags(write=False)`, without which nothing changes but what would be refused later."""
    is_method = isinstance(call.func, ast.Attribute) and call.func.attr == "setflags"
    return is_method and ast.unparse(call).endswith(".setflags(write=False)")
