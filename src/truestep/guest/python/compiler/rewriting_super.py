"""`super().method(…)` and `Base.method(self, …)` as methods of the instance, named after where to look."""

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


def name_in(base: type, method: str) -> str:
    """The name of the method that instances have in the place of `Base.method`."""
    return f"base_{name_after(base, method)}"


def own_members(kind: type) -> dict[str, Any]:
    """What a class defines; Python's exceptions have what guests know of them."""
    if not issubclass(kind, BaseException) or is_users_exception(kind):
        return dict(kind.__dict__)
    return BASE if kind is BaseException else {}


def methods_after(origin: type) -> dict[str, Any]:
    """What the methods of a class ask of its bases, by the names that this module gives; None is nothing."""
    found = _named_methods(origin)
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


def _named_methods(origin: type) -> dict[str, Any]:
    """The methods that those of a class may ask of its bases by their names, as in `Base.method(self)`."""
    found: dict[str, Any] = {}
    kinds = origin.__mro__[:-1]
    functions = [
        each for kind in kinds for each in own_members(kind).values() if isinstance(each, FunctionType)
    ]
    for base in kinds[1:]:
        for function in functions:
            names = function.__code__.co_names
            for name in names if base.__name__ in names else ():
                member = next(
                    (own_members(kind)[name] for kind in base.__mro__ if name in own_members(kind)), None
                )
                if isinstance(member, FunctionType):
                    found[name_in(base, name)] = member
    return found


def _class_of(function: FunctionType) -> type | None:
    """The class of a module in whose body a function stands."""
    owner: Any = function.__globals__.get(function.__qualname__.split(".")[0])
    for part in function.__qualname__.split(".")[1:-1]:
        owner = getattr(owner, part, None)
    return owner if isinstance(owner, type) else None


class SuperRewriter(ast.NodeTransformer):
    """Rewrites the uses of `super` in one method."""

    def __init__(self, names: Names, function: FunctionType) -> None:
        self._names = names
        self._first = next(iter(inspect.signature(function, follow_wrapped=False).parameters), "")
        self._owner = _class_of(function)
        self.has_changed = False

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """`Base.method(self, …)`."""
        self.generic_visit(node)
        asked, first = node.func, node.args[0] if node.args else None
        if not isinstance(asked, ast.Attribute) or not isinstance(first, ast.Name) or first.id != self._first:
            return node
        base = self._names.value(asked.value)
        if self._owner is None or not isinstance(base, type) or base not in self._owner.__mro__[1:-1]:
            return node
        name = name_in(base, asked.attr)
        if name not in methods_after(self._owner):
            return node
        self.has_changed = True
        func = ast.copy_location(ast.Attribute(value=first, attr=name, ctx=ast.Load()), asked)
        return ast.copy_location(ast.Call(func=func, args=node.args[1:], keywords=node.keywords), node)

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
