"""Lists that begin as `[float("inf")] * n` and get ints, as tables of shortest ways do.

For Numba the items of such a list are floats. Here they may be of both kinds (`int_or_float`) where the
function puts an int that is written out into it, such as `distance[start] = 0`.
"""

import ast
import math
from collections.abc import Iterator

from truestep.guest.python.compiler.int_or_float import either
from truestep.guest.python.compiler.rewriting_names import Names

_holds_floats_only: list[bool] = []
"""Whether the guest cannot be compiled with numbers of both kinds."""


def keep_infinite_lists_of_floats() -> None:
    """The guest has no numbers of both kinds from now on."""
    _holds_floats_only.append(True)


class InfinityWriter(ast.NodeTransformer):
    """Rewrites the lists of one function."""

    def __init__(self, names: Names, tree: ast.AST) -> None:
        self._names = names
        self._stored: dict[str, list[ast.expr]] = {}
        self._with_ints: set[str] = set()
        for target, value in _assignments(tree):
            if isinstance(target, ast.Name):
                self._stored.setdefault(target.id, []).append(value)
            elif isinstance(target, ast.Subscript) and _is_int(value):
                self._with_ints |= _list_of(target)
        self.has_changed = False

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """`name = [float("inf")] * n`, and lists of such lists."""
        self._mark_items(node.targets, node.value)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """`name: list[float] = …`."""
        self._mark_items([node.target], node.value)
        return self.generic_visit(node)

    def _mark_items(self, targets: list[ast.expr], value: ast.expr | None) -> None:
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        if value is not None and names & self._with_ints and not _holds_floats_only:
            _Items(self).visit(value)

    def mark(self, number: ast.expr) -> ast.expr:
        """An infinity as a number of both kinds; any other expression as it is."""
        if not self._is_infinite(number):
            return number
        self.has_changed = True
        return ast.fix_missing_locations(
            ast.copy_location(self._names.call("either", either, number), number)
        )

    def _is_infinite(self, node: ast.expr) -> bool:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self._is_infinite(node.operand)
        if isinstance(node, ast.Call):
            text = node.args[0] if len(node.args) == 1 else None
            words = text.value if isinstance(text, ast.Constant) else None
            is_float = self._names.value(node.func) is float and isinstance(words, str)
            return is_float and str(words).strip(" +-").lower() in {"inf", "infinity"}
        if isinstance(node, ast.Name) and node.id in self._stored:
            values = self._stored[node.id]
            return not any(isinstance(part, ast.Name) for part in values) and all(
                map(self._is_infinite, values)
            )
        value = self._names.value(node)
        return isinstance(value, float) and math.isinf(value)


class _Items(ast.NodeTransformer):
    """Marks what the items of a list begin with."""

    def __init__(self, writer: InfinityWriter) -> None:
        self._writer = writer

    def visit_List(self, node: ast.List) -> ast.AST:
        """`[item]`, of which there are several copies."""
        if len(node.elts) == 1:
            node.elts = [self._writer.mark(node.elts[0])]
        return self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        """`[item for …]`."""
        node.elt = self._writer.mark(node.elt)
        return self.generic_visit(node)


def _assignments(tree: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is set to what: `a, b = x, y` sets two."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield node.target, node.value
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _parts(target, node.value)


def _parts(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    both = (ast.Tuple, ast.List)
    if isinstance(target, both) and isinstance(value, both) and len(target.elts) == len(value.elts):
        for part, its_value in zip(target.elts, value.elts, strict=True):
            yield from _parts(part, its_value)
    else:
        yield target, value


def _list_of(target: ast.expr) -> set[str]:
    """The variable whose item is set, or an item of its item."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return {target.id} if isinstance(target, ast.Name) else set()


def _is_int(value: ast.expr) -> bool:
    if isinstance(value, ast.UnaryOp):
        return _is_int(value.operand)
    return isinstance(value, ast.Constant) and type(value.value) is int
