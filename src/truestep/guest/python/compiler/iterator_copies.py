"""Refuses what would go on with an iterator that a generator of a guest has a copy of.

A generator keeps its arguments in its own memory. In Python, `islice(iterator, 2)` takes two items of the
iterator, and who asks again gets the next ones; in a guest it would get the same ones, without an end.
"""

import ast
import itertools
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.complaint import Complaint, line_in
from truestep.guest.python.compiler.rewriting_names import Names

_MAKERS: dict[str, Any] = {maker.__name__: maker for maker in (iter, map, filter, zip, enumerate, reversed)}
"""Functions of Python that return an iterator."""
_LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_YIELDS = 0x20
"""What the code of a generator has among its flags."""


def check_iterators(tree: ast.AST, names: Names, function: FunctionType) -> None:
    """Raises Complaint if `name = iter(…)`, or a generator, is given to a generator, and used afterwards."""
    stores: list[Any] = [part for part in ast.walk(tree) if _makes_iterator(part, names)]
    iterators = {part.targets[0].id for part in stores if isinstance(part.targets[0], ast.Name)}
    for call in ast.walk(tree) if iterators else ():
        called: Any = names.value(call.func) if isinstance(call, ast.Call) else None
        if not isinstance(call, ast.Call) or not _makes_generator(called):
            continue
        for name in sorted(_given(call) & iterators):
            begun = [part for part in stores if _is_name(part.targets[0], name)]
            if _is_used_again(name, call, begun, tree):
                raise Complaint(
                    f"a guest cannot go on with {name}, of which {called.__name__} gets a copy",
                    place=line_in(function, call),
                    remedy=f"take the items by next({name}), or slice a list of them",
                )


def _makes_iterator(node: ast.AST, names: Names) -> Any:
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or not isinstance(node.value, ast.Call):
        return False
    called = names.value(node.value.func)
    is_pythons = isinstance(node.value.func, ast.Name) and node.value.func.id in _MAKERS
    is_known = called is None or any(called is maker for maker in _MAKERS.values())
    return (is_pythons and is_known) or _makes_generator(called)


def _makes_generator(called: Any) -> bool:
    """Whether a function of `itertools` or of the user's returns a generator in a guest."""
    called = getattr(called, "py_func", called)
    if isinstance(called, FunctionType):
        return bool(called.__code__.co_flags & _YIELDS)
    return isinstance(called, type) and called.__module__ == itertools.__name__


def _given(call: ast.Call) -> set[str]:
    values = [*call.args, *(part.value for part in call.keywords)]
    return {part.id for part in values if isinstance(part, ast.Name)}


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _is_used_again(name: str, call: ast.Call, begun: list[Any], tree: ast.AST) -> bool:
    """Whether the iterator is used after the call, twice in it, or in the next round of a loop around it."""
    inside = [part for part in ast.walk(call) if _is_name(part, name)]
    place = call.lineno, call.col_offset
    later = [
        part
        for part in ast.walk(tree)
        if isinstance(part, ast.Name)
        and part.id == name
        and isinstance(part.ctx, ast.Load)
        and (part.lineno, part.col_offset) > place
    ]
    if len(inside) > 1 or len(later) > len(inside):
        return True
    around = [part for part in ast.walk(tree) if isinstance(part, _LOOPS) and call in _repeated(part)]
    return any(not any(part in _repeated(loop) for part in begun) for loop in around)


def _repeated(loop: Any) -> list[ast.AST]:
    """What each round of a loop does; what it goes through is asked for once."""
    once = loop.iter if isinstance(loop, ast.For) else None
    first: set[ast.AST] = set(ast.walk(once)) if once is not None else set()
    if not isinstance(loop, ast.For | ast.While):
        first = set(ast.walk(loop.generators[0].iter))
    return [part for part in ast.walk(loop) if part not in first]
