"""`match` with patterns of sequences, which Numba cannot read: it becomes a chain of `if`."""

import ast
import copy
from types import FunctionType
from typing import Any

from numba.core import types
from numba.core.extending import overload

from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.item_tuples import ItemTuple
from truestep.guest.python.compiler.rewriting_names import Names

_SEQUENCES: Any = (types.BaseTuple, types.List, types.ListType, types.RangeType, ItemTuple)


def has_length(items: Any, length: int, is_least: bool) -> bool:
    """Whether it is a sequence of a length, or of at least that length, as patterns ask. Compiled only."""
    raise NotImplementedError


@overload(has_length, strict=False)
def _has_length(items: Any, length: Any, is_least: Any) -> Any:
    def asks(items: Any, length: int, is_least: bool) -> bool:
        return len(items) >= length if is_least else len(items) == length

    def knows(items: Any, length: int, is_least: bool) -> bool:
        return False

    return asks if isinstance(items, _SEQUENCES) else knows


class MatchRewriter(ast.NodeTransformer):
    """Rewrites the `match` statements of one function."""

    def __init__(self, names: Names, function: FunctionType) -> None:
        self._names = names
        self._function = function
        self._count = 0
        self.has_changed = False

    def visit_Match(self, node: ast.Match) -> Any:
        """A statement with a pattern of a sequence; Numba reads others."""
        self.generic_visit(node)
        patterns = [part for case in node.cases for part in ast.walk(case.pattern)]
        if not any(isinstance(part, ast.MatchSequence) for part in patterns):
            return node
        self.has_changed = True
        self._count += 1
        subject = ast.Name(id=f"matched{self._count}$", ctx=ast.Load())
        otherwise: list[ast.stmt] = []
        for case in reversed(node.cases):
            otherwise = self._chosen(case, subject, otherwise)
        target = ast.Name(id=subject.id, ctx=ast.Store())
        statements = [ast.Assign(targets=[target], value=node.subject), *otherwise]
        return [ast.fix_missing_locations(ast.copy_location(part, node)) for part in statements]

    def _chosen(self, case: ast.match_case, subject: ast.expr, otherwise: list[ast.stmt]) -> list[ast.stmt]:
        """The body of a case if its pattern fits, else what follows."""
        bound: dict[str, ast.expr] = {}
        tests = self._tests(case.pattern, subject, bound)
        if case.guard is not None:
            tests.append(_Bound(bound).visit(copy.deepcopy(case.guard)))
        body: list[ast.stmt] = [
            ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=copy.deepcopy(value))
            for name, value in bound.items()
        ] + case.body
        if not tests:
            return body
        test = tests[0] if len(tests) == 1 else ast.BoolOp(op=ast.And(), values=tests)
        return [ast.copy_location(ast.If(test=test, body=body, orelse=otherwise), case.pattern)]

    def _tests(self, pattern: ast.pattern, value: ast.expr, bound: dict[str, ast.expr]) -> list[ast.expr]:
        """What must be true for a pattern to fit; what it binds is added to `bound`."""
        match pattern:
            case ast.MatchValue():
                return [ast.Compare(left=value, ops=[ast.Eq()], comparators=[pattern.value])]
            case ast.MatchSingleton():
                constant = ast.Constant(pattern.value)
                return [ast.Compare(left=value, ops=[ast.Is()], comparators=[constant])]
            case ast.MatchAs():
                tests = [] if pattern.pattern is None else self._tests(pattern.pattern, value, bound)
                if pattern.name is not None:
                    bound[pattern.name] = value
                return tests
            case ast.MatchOr():
                return self._any(pattern, value)
            case ast.MatchSequence():
                return self._of_members(pattern.patterns, value, bound)
            case _:
                raise self._complaint(pattern)

    def _any(self, pattern: ast.MatchOr, value: ast.expr) -> list[ast.expr]:
        bound: dict[str, ast.expr] = {}
        choices = [self._tests(part, value, bound) for part in pattern.patterns]
        if bound or not all(choices):
            raise self._complaint(pattern)
        joined: list[ast.expr] = [ast.BoolOp(op=ast.And(), values=[ast.Constant(True), *c]) for c in choices]
        return [ast.BoolOp(op=ast.Or(), values=joined)]

    def _of_members(
        self, patterns: list[ast.pattern], value: ast.expr, bound: dict[str, ast.expr]
    ) -> list[ast.expr]:
        stars = [place for place, part in enumerate(patterns) if isinstance(part, ast.MatchStar)]
        length = ast.Constant(len(patterns) - len(stars))
        asked = self._names.call("has_length", has_length, value, length, ast.Constant(bool(stars)))
        tests: list[ast.expr] = [asked]
        for place, part in enumerate(patterns):
            index = place - len(patterns) if stars and place > stars[0] else place
            if isinstance(part, ast.MatchStar):
                end = place + 1 - len(patterns)
                rest = ast.Slice(lower=ast.Constant(place), upper=ast.Constant(end) if end else None)
                items = ast.Subscript(value=copy.deepcopy(value), slice=rest, ctx=ast.Load())
                if part.name is not None:
                    bound[part.name] = self._names.call("list", list, items)
            else:
                member = ast.Subscript(value=copy.deepcopy(value), slice=ast.Constant(index), ctx=ast.Load())
                tests += self._tests(part, member, bound)
        return tests

    def _complaint(self, node: ast.AST) -> Complaint:
        return Complaint(
            "a guest's `match` knows values, names, sequences of these, and `|` without names",
            place=line_in(self._function, node),
            remedy="write if and elif",
        )


class _Bound(ast.NodeTransformer):
    """Puts what a pattern binds in the place of names, for a guard."""

    def __init__(self, bound: dict[str, ast.expr]) -> None:
        self._bound = bound

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A name."""
        return copy.deepcopy(self._bound.get(node.id, node))
