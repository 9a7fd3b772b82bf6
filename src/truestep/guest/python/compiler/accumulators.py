"""Variables that begin as a number and become an array: `s = 0.0`, and in a loop `s += x`.

For Numba a variable of a loop has one type. Where that fails, the loop's first round is written out before
it, after which the variable is the array. A loop that has no round leaves the number in Python; in a guest it
raises ValueError.
"""

import ast
import copy
import operator
import re
from types import FunctionType
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, register_jitable
from numba.np import numpy_support

from truestep.guest.python.compiler.name_uses import stored_names
from truestep.guest.python.compiler.python_numbers import python_kind
from truestep.guest.python.compiler.rewriting_names import Names

_TWO_TYPES = re.compile(r"Cannot unify (.+?) and (.+?) for '([$\w]+)(?:\.\d+)*', defined at (.+?) \((\d+)\)")
_NUMBER = re.compile(r"(?:Literal\[int\]\([-\d]+\)|pyfloat|(?:negated )?pyint|u?int\d+|float\d+|complex\d+)$")
_PLAIN_CALLS = {"range", "len", "zip", "enumerate", "reversed"}
_MAKING_METHODS = {
    "astype",
    "copy",
    "reshape",
    "flatten",
    "ravel",
    "tolist",
    "items",
    "keys",
    "values",
    "split",
}
"""Methods that make something of which a loop can go through the items twice."""

_IN_PLACE: Any = operator


def install_accumulators() -> None:
    """Let `number += array` be `number = number + array`."""
    for in_place, function in (
        (_IN_PLACE.iadd, _added), (_IN_PLACE.isub, _subtracted), (_IN_PLACE.imul, _multiplied),
        (_IN_PLACE.itruediv, _divided),
    ):  # fmt: skip
        overload(in_place, strict=False)(_of_number_and_array(function))


def _of_number_and_array(function: Any) -> Any:
    def implementation(left: Any, right: Any) -> Any:
        if not isinstance(left, types.Number | types.Boolean) or not isinstance(right, types.Array):
            return None
        dtype = numpy_support.as_dtype(right.dtype)
        kind = python_kind(left)
        if kind is None:
            return function
        if kind is int and dtype.kind in "iu" and dtype.itemsize < np.dtype(int).itemsize:
            return None  # the number may be out of the range of the items
        number = np.result_type(dtype, kind(0)).type

        def compute(left: Any, right: Any) -> Any:
            return function(number(left), right)

        return compute

    return implementation


@register_jitable
def _added(left: Any, right: Any) -> Any:
    return left + right


@register_jitable
def _subtracted(left: Any, right: Any) -> Any:
    return left - right


@register_jitable
def _multiplied(left: Any, right: Any) -> Any:
    return left * right


@register_jitable
def _divided(left: Any, right: Any) -> Any:
    return left / right


def two_types(error: errors.TypingError, function: FunctionType) -> tuple[str | None, tuple[str, ...]]:
    """The variable of the function that an error says is of two types, and these."""
    found = _TWO_TYPES.search(str(error))
    if found is None or found[4] != function.__code__.co_filename:
        return None, ()
    return found[3], (found[1], found[2])


def becomes_array(error: errors.TypingError, function: FunctionType) -> str | None:
    """The variable of the function that an error says is a number first and an array later."""
    name, kinds = two_types(error, function)
    are_numbers = [bool(_NUMBER.match(kind)) for kind in kinds]
    are_arrays = [kind.startswith("array(") for kind in kinds]
    return name if are_numbers == [not is_array for is_array in are_arrays] and any(are_numbers) else None


class FirstRoundWriter(ast.NodeTransformer):
    """Writes out the first rounds of the loops that make arrays of some variables."""

    def __init__(self, names: Names, variables: frozenset[str]) -> None:
        self._names = names
        self._variables = variables
        self.has_changed = False

    def visit_For(self, node: ast.For) -> Any:
        """`for i in x: s += i` is one round of the loop, and the others."""
        if not self._variables & stored_names(node) or node.orelse or _leaves(node.body):
            return self.generic_visit(node)
        kept: list[ast.stmt] = []
        node.iter = self._kept(node.iter, kept)
        if not _can_run_twice(node):
            return [*kept, self.generic_visit(node)]
        self.has_changed = True
        first = copy.deepcopy(node)
        first.body = [*self._each(first.body), ast.Break()]
        first.orelse = [_no_round(min(self._variables & stored_names(node)))]
        skipped = ast.Name(id=f"round{node.lineno}_{node.col_offset}$", ctx=ast.Store())
        begins = ast.Assign(targets=[skipped], value=ast.Constant(0))
        counts = ast.AugAssign(target=skipped, op=ast.Add(), value=ast.Constant(1))
        is_first = ast.Compare(
            left=ast.Name(id=skipped.id, ctx=ast.Load()), ops=[ast.Eq()], comparators=[ast.Constant(1)]
        )
        node.body = [counts, ast.If(test=is_first, body=[ast.Continue()], orelse=[]), *node.body]
        return [
            ast.fix_missing_locations(ast.copy_location(part, node)) for part in (*kept, first, begins, node)
        ]

    def visit_While(self, node: ast.While) -> Any:
        """`while a: s += x` is `if a: s += x`, and the loop."""
        if not self._variables & stored_names(node) or node.orelse or _leaves(node.body):
            return self.generic_visit(node)
        self.has_changed = True
        body = self._each(copy.deepcopy(node.body))
        otherwise = [_no_round(min(self._variables & stored_names(node)))]
        first = ast.If(test=copy.deepcopy(node.test), body=body, orelse=otherwise)
        return [ast.fix_missing_locations(ast.copy_location(part, node)) for part in (first, node)]

    def _kept(self, node: ast.expr, kept: list[ast.stmt]) -> ast.expr:
        """What a loop goes through, with the arrays and lists that it makes in variables."""
        if not isinstance(node, ast.Call):
            return node
        if isinstance(node.func, ast.Name) and node.func.id in _PLAIN_CALLS:
            node.args = [self._kept(part, kept) for part in node.args]
            return node
        is_numpys = (getattr(self._names.value(node.func), "__module__", None) or "").startswith("numpy")
        if is_numpys or (isinstance(node.func, ast.Attribute) and node.func.attr in _MAKING_METHODS):
            name = f"items{node.lineno}_{node.col_offset}$"
            kept.append(ast.Assign(targets=[ast.Name(id=name, ctx=ast.Store())], value=node))
            return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), node)
        return node

    def _each(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for statement in statements:
            new: Any = self.visit(statement)
            made += new if isinstance(new, list) else [new]
        return made


def _no_round(name: str) -> ast.stmt:
    text = f"{name} is an array in a guest, so the loop that makes it one must have a round"
    kind = ast.Name(id="ValueError", ctx=ast.Load())
    return ast.Raise(exc=ast.Call(func=kind, args=[ast.Constant(text)], keywords=[]), cause=None)


def _can_run_twice(node: ast.For) -> bool:
    """Whether what the loop goes through is the same when it is asked for again."""
    parts = list(ast.walk(node.iter))
    calls = [part for part in parts if isinstance(part, ast.Call)]
    are_plain = all(isinstance(call.func, ast.Name) and call.func.id in _PLAIN_CALLS for call in calls)
    names = {part.id for part in parts if isinstance(part, ast.Name)}
    inside = [part for statement in node.body for part in ast.walk(statement)]
    changed = {
        part.value.id
        for part in inside
        if isinstance(part, ast.Attribute | ast.Subscript)
        and isinstance(part.value, ast.Name)
        and (isinstance(part, ast.Attribute) or isinstance(part.ctx, ast.Store))
    }
    is_same = not names & (changed | stored_names(ast.Module(body=node.body, type_ignores=[])))
    has_others = any(isinstance(part, ast.Yield | ast.Await | ast.NamedExpr) for part in parts)
    return are_plain and is_same and not has_others


def _leaves(body: list[ast.stmt]) -> bool:
    """Whether a round may end before its last statement, but by an exception or a return."""
    inside = [node for statement in body for node in ast.walk(statement)]
    return any(isinstance(node, ast.Break | ast.Continue) for node in inside)
