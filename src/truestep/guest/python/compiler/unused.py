"""Leaves out assignments that nothing uses: tables that are known, and times that are taken for a report."""

import ast
import time
from typing import Any

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
        self.has_changed = False

    def remove(self, tree: Any) -> Any:
        """The function without them."""
        has_clock = any(self._is_clock(part) for part in ast.walk(tree))
        before = -1
        while (has_clock or self._tables) and before != (before := self._find(tree)):
            tree = self.visit(tree)
        return tree

    def _find(self, tree: ast.AST) -> int:
        """Note which names are used. Returns how many times they are."""
        uses = [part for part in ast.walk(tree) if isinstance(part, ast.Name)]
        loads = [use.id for use in uses if not isinstance(use.ctx, ast.Store)]
        self._used = set(loads)
        for part in ast.walk(tree):
            if isinstance(part, ast.Assign) and self._is_timed(part.value):
                self._timed |= {target.id for target in part.targets if isinstance(target, ast.Name)}
        return len(loads)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """`name = value` where nothing uses the name."""
        targets = [target.id for target in node.targets if isinstance(target, ast.Name)]
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
