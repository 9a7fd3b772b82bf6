"""Statements that are left by `return`, `break` or `continue`, when something is still to be done."""

import ast
import copy
from collections.abc import Iterator

_GENERATED = 1 << 12
"""A column that no statement of the user has: `left_out` knows branches by their places."""
_RETURNS, _BREAKS, _CONTINUES = 1, 2, 3
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_LOOPS = (ast.For, ast.While)


class Block:
    """Statements that end at their end: what left them is noted in a variable, and done by `after`."""

    def __init__(
        self, statements: list[ast.stmt], number: int, place: ast.AST, *, can_go_on: bool = False
    ) -> None:
        """`can_go_on`: whether what comes after the block may be reached although it raises."""
        self._how = f"left{number}$"
        self._result = f"result{number}$"
        self._place = place
        self._jumps = list(_jumps(statements))
        self._always_leaves = not can_go_on and always_leaves(statements)
        self.before: list[ast.stmt] = []
        self.statements = statements
        self.after: list[ast.stmt] = []
        if self._jumps:
            self.before = [self._placed(self._noted(0))]
            body = self._noting(statements, depth=0)
            loop = ast.While(test=ast.Constant(True), body=[*body, ast.Break()], orelse=[])
            self.statements = [self._placed(loop)]
            self.after = self._done()

    def _placed(self, statement: ast.stmt) -> ast.stmt:
        return placed(statement, self._place)

    def _noted(self, how: int) -> ast.stmt:
        return ast.Assign(targets=[ast.Name(id=self._how, ctx=ast.Store())], value=ast.Constant(how))

    def _noting(self, statements: list[ast.stmt], depth: int) -> list[ast.stmt]:
        """The statements, of which those that leave them note it and end the loop around them."""
        made: list[ast.stmt] = []
        for statement in statements:
            made += [placed(part, statement) for part in self._noting_in(statement, depth)]
        return made

    def _noting_in(self, node: ast.stmt, depth: int) -> list[ast.stmt]:
        if isinstance(node, ast.Return):
            value = node.value or ast.Constant(None)
            result = ast.Assign(targets=[ast.Name(id=self._result, ctx=ast.Store())], value=value)
            return [result, self._noted(_RETURNS), ast.Break()]
        if isinstance(node, ast.Break | ast.Continue) and not depth:
            return [self._noted(_BREAKS if isinstance(node, ast.Break) else _CONTINUES), ast.Break()]
        if isinstance(node, _SCOPES):
            return [node]
        is_loop = isinstance(node, _LOOPS)
        has_return = is_loop and any(isinstance(jump, ast.Return) for jump in _jumps([node]))
        for name in ("body", "orelse", "finalbody"):
            if getattr(node, name, None):
                inner = depth + (is_loop and name == "body")
                setattr(node, name, self._noting(getattr(node, name), inner))
        for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            part.body = self._noting(part.body, depth)
        if not has_return:
            return [node]
        return [node, ast.If(test=self._is(_RETURNS), body=[ast.Break()], orelse=[])]

    def _is(self, how: int) -> ast.expr:
        name = ast.Name(id=self._how, ctx=ast.Load())
        return ast.Compare(left=name, ops=[ast.Eq()], comparators=[ast.Constant(how)])

    def _done(self) -> list[ast.stmt]:
        """Return, `break` or `continue` as was noted."""
        ways: list[tuple[int, ast.stmt]] = []
        returns = [jump for jump in self._jumps if isinstance(jump, ast.Return)]
        if returns:
            value = ast.Name(id=self._result, ctx=ast.Load())
            has_value = any(jump.value is not None for jump in returns)
            ways.append((_RETURNS, ast.Return(value=value if has_value else None)))
        if any(isinstance(jump, ast.Break) for jump in self._jumps):
            ways.append((_BREAKS, ast.Break()))
        if any(isinstance(jump, ast.Continue) for jump in self._jumps):
            ways.append((_CONTINUES, ast.Continue()))
        made: list[ast.stmt] = [ast.If(test=self._is(how), body=[way], orelse=[]) for how, way in ways]
        if self._always_leaves:
            made[-1] = ways[-1][1]
        return [self._placed(part) for part in made]


def placed(statement: ast.stmt, place: ast.AST) -> ast.stmt:
    """A statement whose new parts are at the line of another."""
    for part in ast.walk(statement):
        if isinstance(part, ast.stmt | ast.expr | ast.ExceptHandler) and not hasattr(part, "lineno"):
            part.lineno = part.end_lineno = getattr(place, "lineno", 1)
            part.col_offset = part.end_col_offset = _GENERATED
    return statement


def copied(statements: list[ast.stmt]) -> list[ast.stmt]:
    """The same statements once more."""
    return [copy.deepcopy(statement) for statement in statements]


def inside_of(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement, without those of functions that it defines."""
    for part in ast.iter_child_nodes(node):
        if not isinstance(part, _SCOPES):
            yield part
            yield from inside_of(part)


def _jumps(statements: list[ast.stmt], *, is_in_loop: bool = False) -> Iterator[ast.stmt]:
    """What leaves the statements."""
    for node in statements:
        if isinstance(node, ast.Return) or (isinstance(node, ast.Break | ast.Continue) and not is_in_loop):
            yield node
        if isinstance(node, _SCOPES):
            continue
        for name in ("body", "orelse", "finalbody"):
            is_inner = isinstance(node, _LOOPS) and name == "body"
            yield from _jumps(getattr(node, name, []), is_in_loop=is_in_loop or is_inner)
        for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from _jumps(part.body, is_in_loop=is_in_loop)


def always_leaves(statements: list[ast.stmt]) -> bool:
    """Whether nothing comes after the statements."""
    last = statements[-1] if statements else None
    if isinstance(last, ast.Return | ast.Raise | ast.Break | ast.Continue):
        return True
    if isinstance(last, ast.If):
        return always_leaves(last.body) and always_leaves(last.orelse)
    if isinstance(last, ast.With):
        return always_leaves(last.body)
    if isinstance(last, ast.While):
        is_endless = isinstance(last.test, ast.Constant) and bool(last.test.value)
        return is_endless and not any(isinstance(jump, ast.Break) for jump in _own_breaks(last.body))
    if isinstance(last, ast.Try):
        if always_leaves(last.finalbody):
            return True
        is_left = always_leaves(last.body) or always_leaves(last.orelse)
        return is_left and all(always_leaves(handler.body) for handler in last.handlers)
    return False


def _own_breaks(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    return (jump for jump in _jumps(body) if isinstance(jump, ast.Break))
