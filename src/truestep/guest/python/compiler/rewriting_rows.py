"""`np.apply_along_axis(f, axis, a, …, name=…)` written out as a loop over rows."""

import ast
import copy

import numpy as np

from truestep.guest.python.compiler.known_values import is_without_effect
from truestep.guest.python.compiler.numpy_functions import along_axes
from truestep.guest.python.compiler.rewriting_names import Names

_ITEM = "row$"


def rows_applied(node: ast.Call, names: Names) -> ast.expr | None:
    """The call with what the function is given besides a row; None where the overload does without."""
    if names.value(node.func) is not np.apply_along_axis or not node.keywords:
        return None
    given = dict(zip(("func1d", "axis", "arr"), node.args, strict=False))
    named = {part.arg: part.value for part in node.keywords}
    given |= {name: value for name, value in named.items() if name in {"func1d", "axis", "arr"}}
    is_plain = all(map(_is_plain, (*node.args, *named.values()))) and None not in named
    if len(given) < 3 or not is_plain:
        return None
    rows = names.call("rows_along", along_axes.rows_along, given["arr"], given["axis"])
    more = [part for part in node.keywords if part.arg not in given]
    results = _results(given["func1d"], rows, node.args[3:], more)
    if results is None:
        return None
    again = copy.deepcopy(given["arr"]), copy.deepcopy(given["axis"])
    return names.call("put_along", along_axes.put_along, results, *again)


def _results(
    function: ast.expr, rows: ast.expr, args: list[ast.expr], named: list[ast.keyword]
) -> ast.expr | None:
    """The list of what the function gives for each row; the body of a lambda stands for its call."""
    if not isinstance(function, ast.Lambda):
        row = ast.Name(id=_ITEM, ctx=ast.Load())
        call = ast.Call(func=function, args=[row, *args], keywords=named)
        return ast.ListComp(elt=call, generators=[_loop(_ITEM, rows)])
    taken = function.args
    parameters = [part.arg for part in taken.args]
    values = dict(zip(parameters[1:], args, strict=False)) | {str(part.arg): part.value for part in named}
    is_other = taken.defaults or taken.vararg or taken.kwarg or taken.kwonlyargs
    if is_other or set(values) != set(parameters[1:]):
        return None
    fixed = [_loop(name, ast.List(elts=[value], ctx=ast.Load())) for name, value in values.items()]
    return ast.ListComp(elt=function.body, generators=[_loop(parameters[0], rows), *fixed])


def _loop(name: str, items: ast.expr) -> ast.comprehension:
    return ast.comprehension(target=ast.Name(id=name, ctx=ast.Store()), iter=items, ifs=[], is_async=0)


def _is_plain(node: ast.expr) -> bool:
    """Whether it may be computed for each row anew."""
    if isinstance(node, ast.Tuple | ast.List):
        return all(map(_is_plain, node.elts))
    if isinstance(node, ast.Subscript):
        return _is_plain(node.value) and _is_plain(node.slice)
    if isinstance(node, ast.Slice):
        return all(map(_is_plain, filter(None, (node.lower, node.upper, node.step))))
    return isinstance(node, ast.Lambda) or is_without_effect(node)
