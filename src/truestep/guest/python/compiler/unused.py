"""Leaves out assignments that nothing uses: tables that are known, and times that are taken for a report."""

import ast
import time
from typing import Any

from truestep.guest.python.compiler.known_values import is_without_effect
from truestep.guest.python.compiler.rewriting_names import Names

_CLOCKS: tuple[Any, ...] = (
    time.time, time.time_ns, time.perf_counter, time.perf_counter_ns, time.monotonic, time.monotonic_ns,
    time.process_time, time.process_time_ns,
)  # fmt: skip
_ARITHMETIC: Any = (
    *(ast.Name, ast.Constant, ast.Attribute, ast.UnaryOp, ast.BinOp, ast.Call, ast.operator, ast.unaryop),
    ast.expr_context,
)


class UnusedRemover(ast.NodeTransformer):
    """Takes out of one function what it computes in vain and a guest cannot compute."""

    def __init__(self, names: Names, tables: list[ast.stmt]) -> None:
        self._names = names
        self._tables = {id(node) for node in tables}
        self._used: set[str] = set()
        self._timed: set[str] = set()
        self._filled: set[str] = set()
        self.has_changed = False

    def remove(self, tree: Any) -> Any:
        """The function without them."""
        has_clock = any(self._is_clock(part) for part in ast.walk(tree))
        has_list = any(_begun_by(part) for part in ast.walk(tree))
        before = -1
        while (has_clock or has_list or self._tables) and before != (before := self._find(tree)):
            tree = self.visit(tree)
        return tree

    def _find(self, tree: ast.AST) -> int:
        """Note which names are used. Returns how many times they are."""
        uses = [part for part in ast.walk(tree) if isinstance(part, ast.Name)]
        loads = [use.id for use in uses if not isinstance(use.ctx, ast.Store)]
        self._used = set(loads)
        self._filled = self._only_filled(tree, loads)
        for part in ast.walk(tree):
            if isinstance(part, ast.Assign) and self._is_timed(part.value):
                self._timed |= {target.id for target in part.targets if isinstance(target, ast.Name)}
        return len(loads)

    @staticmethod
    def _only_filled(tree: ast.AST, loads: list[str]) -> set[str]:
        """Lists that begin empty, get items and are never read."""
        begun = [name for part in ast.walk(tree) if (name := _begun_by(part))]
        filled = [name for part in ast.walk(tree) if (name := _filled_by(part))]
        stores = [
            part.id
            for part in ast.walk(tree)
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load)
        ]
        return {
            name
            for name in begun
            if begun.count(name) == stores.count(name) and filled.count(name) == loads.count(name)
        }

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        """`report.append(x)` where nothing reads the report."""
        if _filled_by(node) not in self._filled:
            return node
        self.has_changed = True
        return ast.copy_location(ast.Pass(), node)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """`name = value` where nothing uses the name."""
        targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if _begun_by(node) in self._filled:
            self.has_changed = True
            return ast.copy_location(ast.Pass(), node)
        is_unused = len(targets) == len(node.targets) and not self._used & set(targets)
        if not is_unused or not (id(node) in self._tables or self._is_timed(node.value)):
            return node
        self.has_changed = True
        return ast.copy_location(ast.Pass(), node)

    def _is_timed(self, node: ast.expr) -> bool:
        """Whether it is arithmetic with times."""
        parts = list(ast.walk(node))
        calls = [part for part in parts if isinstance(part, ast.Call)]
        names = {part.id for part in parts if isinstance(part, ast.Name)}
        return (
            all(isinstance(part, _ARITHMETIC) for part in parts)
            and all(map(self._is_clock, calls))
            and bool(calls or names & self._timed)
        )

    def _is_clock(self, node: ast.AST) -> bool:
        if not isinstance(node, ast.Call):
            return False
        called = self._names.value(node.func)
        return any(called is clock for clock in _CLOCKS)


def _begun_by(node: ast.AST) -> str | None:
    """The name in `name = []`."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return None
    is_empty = isinstance(node.value, ast.List) and not node.value.elts
    target = node.targets[0]
    return target.id if is_empty and isinstance(target, ast.Name) else None


def _filled_by(node: ast.AST) -> str | None:
    """The name in a statement `name.append(x)`, whose argument has no other effect."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not isinstance(call, ast.Call) or len(call.args) != 1 or call.keywords:
        return None
    function, argument = call.func, call.args[0]
    is_still = is_without_effect(argument) or (isinstance(argument, ast.List) and not argument.elts)
    if not isinstance(function, ast.Attribute) or function.attr != "append" or not is_still:
        return None
    return function.value.id if isinstance(function.value, ast.Name) else None
