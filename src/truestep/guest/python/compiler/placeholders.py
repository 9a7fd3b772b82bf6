"""Lists that begin with one number, `[0] * n`, and get items of another type, such as texts.

For Numba the items have one type. Where that fails, the list begins with None instead, which each item is
until it is set. In Python it is the number: a run that takes such an item ends with a message. It is no
exception that the guest could catch.
"""

# pyright: basic
# What Numba compiles has no types of Python.

import ast
import copy
import re
from pathlib import Path
from types import FunctionType
from typing import Any

from numba.core import errors, types
from numba.core.extending import overload
from numba.typed import typedobjectutils

from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.left_out import end_of_run
from truestep.guest.python.compiler.name_uses import parameters_of, parents_in, shared_names
from truestep.guest.python.compiler.rewriting_names import Names

_SETTING = re.compile(
    r">>> setitem\((?:reflected )?list\((?:int64|float64|bool)\)\S*, \S+, "
    r"(?!u?int|float|bool|Literal\[int\]|py)"
)
_PLACE = re.compile(r"typing of setitem at (.+?) \((\d+)\)")
_NUMBERS = {int, float, bool}
_present: Any = vars(typedobjectutils)["_nonoptional"]


def begins_with_placeholders(error: errors.TypingError, function: FunctionType) -> str | None:
    """The list of the function that an error says is made of numbers and gets something else."""
    place = _PLACE.search(str(error)) if _SETTING.search(str(error)) else None
    code = function.__code__
    lines = {line for _, _, line in code.co_lines()}
    if place is None or place[1] != code.co_filename or int(place[2]) not in lines:
        return None
    tree = ast.parse(Path(code.co_filename).read_text(encoding="utf-8"))
    targets = [
        target
        for part in ast.walk(tree)
        if isinstance(part, ast.Assign) and part.lineno == int(place[2])
        for target in part.targets
    ]
    named = [
        target.value.id
        for target in targets
        if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name)
    ]
    return named[0] if len(named) == 1 else None


class PlaceholderWriter(ast.NodeTransformer):
    """Lets some lists of a function begin with None."""

    def __init__(
        self, names: Names, variables: frozenset[str], tree: ast.AST, function: FunctionType
    ) -> None:
        self._names = names
        self._function = function
        self._variables = {name for name in variables if _can_begin_empty(name, tree)}
        self.has_changed = bool(self._variables)

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        """`name = [0] * n`."""
        for target, value in _stored(node):
            if isinstance(target, ast.Name) and target.id in self._variables:
                made: Any = value
                made.left.elts = [ast.copy_location(ast.Constant(None), made.left)]
        self.generic_visit(node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """`name[i]`, which was set."""
        self.generic_visit(node)
        is_listed = isinstance(node.value, ast.Name) and node.value.id in self._variables
        if not is_listed or not isinstance(node.ctx, ast.Load):
            return node
        name = ast.unparse(node.value)
        complaint = Complaint(
            f"a guest cannot take an item of {name} that was not set, which is a number in Python",
            place=line_in(self._function, node),
            remedy=f"begin {name} with items of the type that it gets, such as [''] * n",
        )
        call = self._names.call(f"item_of_{name}", _taking(complaint.text()), copy.copy(node))
        return ast.fix_missing_locations(ast.copy_location(call, node))


def _stored(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    """What is set to what: `a, b = x, y` sets two."""
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        return list(zip(target.elts, value.elts, strict=True))
    return [(target, value)]


def _can_begin_empty(name: str, tree: Any) -> bool:
    """Whether nothing but its length and single items of the list are asked for."""
    parents = parents_in(tree)
    uses = [part for part in parents if isinstance(part, ast.Name) and part.id == name]
    begun = [
        target
        for part in ast.walk(tree)
        if isinstance(part, ast.Assign) and len(part.targets) == 1
        for target, value in _stored(part)
        if isinstance(target, ast.Name) and target.id == name and _repeats_number(value)
    ]
    others = [use for use in uses if use not in begun]
    own = {part.arg for part in parameters_of(tree.args)} | shared_names(tree)
    return name not in own and bool(begun) and all(_asks_for_item(use, parents) for use in others)


def _repeats_number(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Mult)
        and isinstance(value.left, ast.List)
        and len(value.left.elts) == 1
        and isinstance(value.left.elts[0], ast.Constant)
        and type(value.left.elts[0].value) in _NUMBERS
    )


def _asks_for_item(use: ast.Name, parents: dict[ast.AST, ast.AST]) -> bool:
    parent = parents[use]
    if isinstance(parent, ast.Subscript) and parent.value is use:
        is_plain = isinstance(parent.ctx, ast.Load) or isinstance(parents[parent], ast.Assign)
        return is_plain and not isinstance(parent.slice, ast.Slice)
    return isinstance(parent, ast.Call) and ast.unparse(parent.func) == "len" and use in parent.args


def _taking(reason: str) -> Any:
    """A function that returns an item, or ends the run if there is none."""
    end_run = end_of_run(reason)

    def taken(item: Any) -> Any:
        """Compiled only."""
        raise NotImplementedError

    def take(item: Any) -> Any:
        if item is None:
            end_run()
            raise NotImplementedError
        return _present(item)

    @overload(taken, strict=False)
    def _taken(item: Any) -> Any:
        return take if isinstance(item, types.Optional) else lambda item: item

    return taken
