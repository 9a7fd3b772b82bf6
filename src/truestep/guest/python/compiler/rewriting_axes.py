"""Axes of length 1 that an expression shows, so that `squeeze()` can be compiled without `axis=`."""

import ast

import numpy as np

from truestep.guest.python.compiler.rewriting_names import Names

_DEPTH_MAX = 8
"""Names that stand for each other do not go on for ever."""

_OF_SHAPES = (np.zeros, np.ones, np.empty, np.full)
"""Functions whose first argument is a shape."""


def squeezed(node: ast.Call, names: Names) -> ast.expr | None:
    """What `squeeze()` without axes is called on; None for all other calls."""
    if node.keywords:
        return None
    if names.value(node.func) is np.squeeze:
        return node.args[0] if len(node.args) == 1 else None
    made = node.func
    if isinstance(made, ast.Attribute) and made.attr == "squeeze" and not node.args:
        return made.value if names.value(made) is None else None
    return None


def assigned_once(function: ast.AST) -> dict[str, ast.expr]:
    """The expressions of names that a function sets in one place only."""
    found: dict[str, ast.expr] = {}
    counts: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            counts[node.id] = counts.get(node.id, 0) + 1
        elif isinstance(node, ast.arg):
            counts[node.arg] = counts.get(node.arg, 0) + 1
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
    return {name: value for name, value in found.items() if counts[name] == 1}


def axes_of_one(node: ast.expr, names: Names, values: dict[str, ast.expr], depth: int = 0) -> set[int]:
    """The axes that seem to have length 1, which the guest checks; negative ones count from the end."""
    if depth > _DEPTH_MAX:
        return set()
    if isinstance(node, ast.Name):
        value = values.get(node.id)
        return set() if value is None else axes_of_one(value, names, values, depth + 1)
    if isinstance(node, ast.Subscript):
        return _of_subscript(node.slice)
    if isinstance(node, ast.Call):
        return _of_call(node, names)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return {-1} if {-1, 1} & axes_of_one(node.right, names, values, depth + 1) else set()
    if isinstance(node, ast.List | ast.Tuple) and len(node.elts) == 1:
        return {0, *(axis + 1 for axis in axes_of_one(node.elts[0], names, values, depth + 1) if axis >= 0)}
    return set()


def _of_subscript(index: ast.expr) -> set[int]:
    members = index.elts if isinstance(index, ast.Tuple) else [index]
    found: set[int] = set()
    for start, direction in ((0, 1), (len(members) - 1, -1)):
        axis, place = (0 if direction == 1 else -1), start
        while 0 <= place < len(members):
            kept = _axis_kept(members[place])
            if kept is None or (direction == -1 and not _has_ellipsis(members[:place])):
                break
            if kept == "one":
                found.add(axis)
            axis += 0 if kept == "none" else direction
            place += direction
    return found


def _has_ellipsis(members: list[ast.expr]) -> bool:
    return any(isinstance(member, ast.Constant) and member.value is Ellipsis for member in members)


def _axis_kept(member: ast.expr) -> str | None:
    """The word one for an axis of length 1, many for another, none for no axis; None if it is not known."""
    if isinstance(member, ast.Slice):
        start = 0 if member.lower is None else _integer(member.lower)
        is_one = start is not None and member.step is None and _integer(member.upper) == start + 1 > 0
        return "one" if is_one else "many"
    if isinstance(member, ast.Constant):
        return "one" if member.value is None else "none" if type(member.value) is int else None
    if isinstance(member, ast.Attribute) and member.attr == "newaxis":
        return "one"
    return "none" if _integer(member) is not None else None


def _integer(node: ast.expr | None) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _integer(node.operand)
        return None if value is None else -value
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def _of_call(node: ast.Call, names: Names) -> set[int]:
    called = names.value(node.func)
    named = {part.arg: part.value for part in node.keywords}
    if any(called is function for function in _OF_SHAPES) and node.args:
        return _ones_in_shape([node.args[0]])
    if called is np.reshape and len(node.args) == 2:
        return _ones_in_shape([node.args[1]])
    if called is np.expand_dims:
        axis = _integer(named.get("axis", node.args[-1]))
        return set() if axis is None else {axis}
    if called is np.array and node.args:
        return axes_of_one(node.args[0], names, {})
    if called is None and isinstance(node.func, ast.Attribute) and node.func.attr == "reshape":
        return _ones_in_shape(node.args)
    keeps = named.get("keepdims")
    axis = _integer(named.get("axis"))
    if isinstance(keeps, ast.Constant) and keeps.value is True and axis is not None:
        return {axis}
    return set()


def _ones_in_shape(sizes: list[ast.expr]) -> set[int]:
    if len(sizes) == 1 and isinstance(sizes[0], ast.Tuple | ast.List):
        sizes = sizes[0].elts
    return {place for place, size in enumerate(sizes) if _integer(size) == 1}
