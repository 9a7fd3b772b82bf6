"""`super().method(…)` as a method of the instance, whose name says after which class to look for it."""

import ast
import inspect
import re
from types import FunctionType
from typing import Any

from truestep.guest.python.compiler.exception_instances import BASE
from truestep.guest.python.compiler.ownership import is_users_exception
from truestep.guest.python.compiler.rewriting_names import Names

_NOT_IN_NAMES = re.compile(r"\W")


def name_after(owner: type, method: str) -> str:
    """The name of the method that instances have after a class in the order of their bases."""
    return f"super_{_NOT_IN_NAMES.sub('_', f'{owner.__module__}.{owner.__qualname__}')}_{method}"


def own_members(kind: type) -> dict[str, Any]:
    """What a class defines; Python's exceptions have what guests know of them."""
    if not issubclass(kind, BaseException) or is_users_exception(kind):
        return dict(kind.__dict__)
    return BASE if kind is BaseException else {}


def methods_after(origin: type) -> dict[str, Any]:
    """What the methods of a class ask `super()` for, by the names that this module gives; None is nothing."""
    found: dict[str, Any] = {}
    for place, owner in enumerate(origin.__mro__[:-1]):
        functions = [member for member in own_members(owner).values() if isinstance(member, FunctionType)]
        asked = {name for f in functions if "super" in f.__code__.co_names for name in f.__code__.co_names}
        for name in asked:
            member = next(
                (
                    own_members(kind)[name]
                    for kind in origin.__mro__[place + 1 : -1]
                    if name in own_members(kind)
                ),
                None,
            )
            if isinstance(member, FunctionType):
                found[name_after(owner, name)] = member
            elif member is None and name == "__init__":
                found[name_after(owner, name)] = None
    return found


class SuperRewriter(ast.NodeTransformer):
    """Rewrites the uses of `super` in one method."""

    def __init__(self, names: Names, function: FunctionType) -> None:
        self._names = names
        self._first = next(iter(inspect.signature(function, follow_wrapped=False).parameters), "")
        self.has_changed = False

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """`super().method`."""
        self.generic_visit(node)
        call = node.value
        if not isinstance(call, ast.Call) or self._names.value(call.func) is not super or not self._first:
            return node
        found = self._names.lookup("__class__") if not call.args else (self._names.value(call.args[0]),)
        owner: Any = found[0] if found else None
        if not isinstance(owner, type):
            return node
        self.has_changed = True
        instance = ast.copy_location(ast.Name(id=self._first, ctx=ast.Load()), node)
        changed = ast.Attribute(value=instance, attr=name_after(owner, node.attr), ctx=node.ctx)
        return ast.copy_location(changed, node)
