"""`np.r_[…]`, `np.c_[…]`, `np.mgrid[…]` and `np.ogrid[…]` as calls; np.vectorize and np.piecewise."""

import ast

import numpy as np

from truestep.guest.python.compiler.numpy_functions import elementwise, index_tricks
from truestep.guest.python.compiler.rewriting_names import Names


class Misused(Exception):
    """Something that has no such call: what it is, and what to write."""


def index_trick(node: ast.Subscript, names: Names) -> ast.expr | None:
    """The call that a subscript of one of these stands for; None for all others. Raises Misused."""
    value = names.value(node.value)
    if value is np.r_ or value is np.c_:
        return _joined(node, names, is_of_rows=value is np.r_)
    if value is np.mgrid or value is np.ogrid:
        return _grid(node, names, is_dense=value is np.mgrid)
    return None


def _joined(node: ast.Subscript, names: Names, *, is_of_rows: bool) -> ast.expr:
    members = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    parts: list[ast.expr] = []
    for member in members:
        if isinstance(member, ast.Constant) and isinstance(member.value, str):
            raise Misused("a guest has np.r_ and np.c_ without a text", "use np.concatenate with axis=")
        is_slice = isinstance(member, ast.Slice)
        parts.append(names.call("spread", index_tricks.spread, *_ends(member)) if is_slice else member)
    whole = ast.Tuple(elts=parts, ctx=ast.Load())
    if is_of_rows:
        return names.call("rows_joined", index_tricks.rows_joined, whole)
    return names.call("columns_joined", index_tricks.columns_joined, whole)


def _grid(node: ast.Subscript, names: Names, *, is_dense: bool) -> ast.expr:
    if isinstance(node.slice, ast.Slice):
        return names.call("single_grid", index_tricks.single_grid, *_ends(node.slice))
    members = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    axes: list[ast.expr] = []
    for member in members:
        if not isinstance(member, ast.Slice):
            raise Misused("a guest has np.mgrid and np.ogrid of slices", "write np.mgrid[0:n, 0:m]")
        axes.append(ast.Tuple(elts=_ends(member), ctx=ast.Load()))
    whole = ast.Tuple(elts=axes, ctx=ast.Load())
    if is_dense:
        return names.call("dense_grid", index_tricks.dense_grid, whole)
    return names.call("open_grid", index_tricks.open_grid, whole)


def _ends(given: ast.Slice) -> list[ast.expr]:
    """The start, the end and the step of a slice."""
    if given.upper is None:
        raise Misused(
            "a guest must know where a slice ends in np.r_ and np.mgrid", "write its end, as in 0:n"
        )
    return [given.lower or ast.Constant(0), given.upper, given.step or ast.Constant(1)]


def mapped_call(node: ast.Call, names: Names) -> ast.expr | None:
    """What `np.vectorize(f)(…)` and `np.piecewise(…)` stand for; None for all other calls. Raises Misused."""
    made, called = node.func, names.value(node.func)
    if called is np.piecewise:
        return _piecewise(node, names)
    if called is np.array or called is np.asarray:
        return _without_items(node, names)
    if isinstance(called, np.vectorize):
        if called.signature or called.excluded or called.otypes or node.keywords:
            raise Misused("a guest has np.vectorize(f)(x) without options", "write a loop")
        name = f"function_{len(names.helpers)}"
        return names.call("each_item", elementwise.each_item, names.helper(name, called.pyfunc), *node.args)
    if not (isinstance(made, ast.Call) and names.value(made.func) is np.vectorize):
        return None
    if len(made.args) != 1 or made.keywords or node.keywords:
        raise Misused("a guest has np.vectorize(f)(x) without options", "write a loop")
    return names.call("each_item", elementwise.each_item, made.args[0], *node.args)


def _without_items(node: ast.Call, names: Names) -> ast.expr | None:
    """`np.array([[], []])`, of which Numba does not know the type, is `np.empty((2, 0))`."""
    dtypes = [part for part in node.keywords if part.arg == "dtype"] or [
        ast.keyword(arg="dtype", value=part) for part in node.args[1:]
    ]
    if not node.args or not isinstance(node.args[0], ast.List):
        return None
    lists = node.args[0].elts
    are_empty = all(isinstance(part, ast.List) and not part.elts for part in lists)
    if not are_empty or len(dtypes) != len(node.args) + len(node.keywords) - 1:
        return None
    sizes = [len(lists), 0] if lists else [0]
    shape = ast.Tuple(elts=[ast.Constant(size) for size in sizes], ctx=ast.Load())
    return ast.Call(func=names.helper("empty", np.empty), args=[shape], keywords=dtypes)


def _piecewise(node: ast.Call, names: Names) -> ast.expr:
    lists = [argument.elts for argument in node.args[1:] if isinstance(argument, ast.List | ast.Tuple)]
    if len(node.args) != 3 or len(lists) != 2 or node.keywords or not 0 < len(lists[1]) <= 5 or not lists[0]:
        raise Misused(
            "a guest must see the conditions and up to five functions of np.piecewise",
            "write both lists in the call, or use np.where",
        )
    conditions = ast.Tuple(elts=lists[0], ctx=ast.Load())
    return names.call("piecewise", elementwise.piecewise, node.args[0], conditions, *lists[1])
