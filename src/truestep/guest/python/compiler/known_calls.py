"""Calls whose arguments are known, and that become calls of a variant of the function with these bound."""

import ast
import copy
import enum
import inspect
from collections.abc import Callable
from itertools import zip_longest
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from numba.core import types

from truestep.guest.python.compiler.known_types import Fact, Known, Typed
from truestep.guest.python.compiler.known_values import Evaluator, are_functions, class_of, is_function
from truestep.guest.python.compiler.name_uses import has_star
from truestep.guest.python.compiler.ownership import (
    is_ours,
    is_users_class,
    is_users_function,
    is_users_instance,
)
from truestep.guest.python.compiler.rewriting_names import Names
from truestep.guest.python.compiler.stand_ins import function_in_guests, method_in_guests

_Facts = dict[str, Fact]
_ARGUMENTS_MAX = 32
"""Each argument has a type of its own, so that many of them take long to compile."""
_WITHOUT_TYPE = (dict, set, list)
"""Defaults that Numba cannot take."""
_NAMED: Any = (np.generic, np.ndarray, type, ModuleType)
_WRITABLE: Any = (bool, int, float, complex, str, type(None))


class Constants:
    """Expressions for values that are known."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def written(self, value: Any) -> ast.expr | None:
        """An expression for a constant; None if Numba knows no such constant."""
        if type(value) in _WRITABLE:
            return ast.Constant(value)
        if value.__class__ is tuple:
            parts: list[ast.expr | None] = [self.written(part) for part in value]
            kept = [part for part in parts if part is not None]
            return ast.Tuple(elts=kept, ctx=ast.Load()) if len(kept) == len(parts) else None
        if isinstance(value, _NAMED) or is_function(value):
            is_enumeration = isinstance(value, type) and issubclass(value, enum.Enum)
            is_unknown = is_enumeration or class_of(value) is MethodType
            return None if is_unknown else self._named(value)
        return None

    def _named(self, value: Any) -> ast.expr:
        return self._names.helper(f"known{id(value)}", value)


class Partial:
    """What `functools.partial(function, …)` makes, whose arguments are names or constants."""

    def __init__(self, call: ast.Call) -> None:
        self._call = call

    def called(self, node: ast.Call) -> ast.Call:
        """The call of the function with all arguments."""
        given = {part.arg for part in node.keywords}
        kept = [part for part in self._call.keywords if part.arg not in given]
        made = ast.Call(
            func=self._call.args[0],
            args=[*self._call.args[1:], *node.args],
            keywords=[*kept, *node.keywords],
        )
        return ast.copy_location(copy.deepcopy(made), node)


class CallBinder:
    """Rewrites calls for what is known of their arguments."""

    def __init__(
        self, names: Names, evaluator: Evaluator, constants: Constants, variant: Callable[..., Any]
    ) -> None:
        self._names = names
        self._evaluator = evaluator
        self._constants = constants
        self._variant = variant

    def unpack(self, node: ast.Call, facts: _Facts) -> bool:
        """Write out arguments with stars. Returns whether there are any that are known."""
        before = (len(node.args), [part.arg for part in node.keywords], list(map(type, node.args)))
        if any(part.arg for part in node.keywords):
            node.args = [part for argument in node.args for part in self._items_of_tuple(argument, facts)]
        node.args = [part for argument in node.args for part in self._unpacked(argument, facts)]
        node.keywords = [part for keyword in node.keywords for part in self._named_arguments(keyword, facts)]
        return before != (len(node.args), [part.arg for part in node.keywords], list(map(type, node.args)))

    def _items_of_tuple(self, argument: ast.expr, facts: _Facts) -> list[ast.expr]:
        """`f(*args, key=1)` is `f(args[0], args[1], key=1)`."""
        items = argument.value if isinstance(argument, ast.Starred) else None
        fact = self._evaluator.fact(items, facts) if isinstance(items, ast.Name) else None
        kind: Any = fact.kind if isinstance(fact, Typed) else None
        if items is None or not isinstance(kind, types.BaseTuple) or len(kind) > _ARGUMENTS_MAX:
            return [argument]
        places = [ast.Constant(place) for place in range(len(kind))]
        parts = [ast.Subscript(value=items, slice=place, ctx=ast.Load()) for place in places]
        return [ast.fix_missing_locations(ast.copy_location(copy.deepcopy(part), argument)) for part in parts]

    def bound(self, node: ast.Call, facts: _Facts) -> ast.Call | None:
        """The call of a function that knows those of its arguments that Numba has no types for."""
        method = self._method(node, facts)
        if method is not None:
            function, owner = method
            parameter = next(iter(inspect.signature(function, follow_wrapped=False).parameters))
            return self._with(node, function, {parameter: owner}, facts)
        called = self._evaluator.fact(node.func, facts)
        function = getattr(called.value, "py_func", called.value) if isinstance(called, Known) else None
        has_stand_in = isinstance(called, Known) and function_in_guests(called.value) is not None
        if not is_users_function(function) or is_ours(function) or has_stand_in:
            return None
        return self._with(node, function, {}, facts)

    def _unpacked(self, argument: ast.expr, facts: _Facts) -> list[ast.expr]:
        """`f(*[a, b])` is `f(a, b)`, and `f(*[a] * 2)` is `f(a, a)` where the number is known."""
        if not isinstance(argument, ast.Starred):
            return [argument]
        items, count = argument.value, 1
        if isinstance(items, ast.BinOp) and isinstance(items.op, ast.Mult):
            times = self._evaluator.fact(items.right, facts)
            count = times.value if isinstance(times, Known) else None
            items = items.left
        if not isinstance(items, ast.List | ast.Tuple) or has_star(items) or type(count) is not int:
            return [argument]
        is_repeatable = count == 1 or all(isinstance(item, ast.Name | ast.Constant) for item in items.elts)
        if not is_repeatable or not 0 <= count * len(items.elts) <= _ARGUMENTS_MAX:
            return [argument]
        return [copy.deepcopy(item) for _ in range(count) for item in items.elts]

    def _named_arguments(self, keyword: ast.keyword, facts: _Facts) -> list[ast.keyword]:
        """`f(**options)` names the items of a dictionary that is known."""
        fact = self._evaluator.fact(keyword.value, facts) if keyword.arg is None else None
        if not isinstance(fact, Known) or class_of(fact.value) is not dict:
            return [keyword]
        written = {name: self._constants.written(value) for name, value in fact.value.items()}
        if None in written.values():
            return [keyword]
        return [ast.keyword(arg=name, value=value) for name, value in written.items() if value]

    def _method(self, node: ast.Call, facts: _Facts) -> tuple[FunctionType, Any] | None:
        """The function of `Class.method(…)` or `constant.method(…)`, and the class or the instance."""
        if not isinstance(node.func, ast.Attribute):
            return None
        owner = self._evaluator.fact(node.func.value, facts)
        if not isinstance(owner, Known):
            return None
        kind = owner.value if isinstance(owner.value, type) else type(owner.value)
        has_stand_in = method_in_guests(getattr(owner.value, node.func.attr, None)) is not None
        if not is_users_class(kind) or is_ours(kind) or has_stand_in:
            return None
        member: Any = inspect.getattr_static(kind, node.func.attr, None)
        if member.__class__ is classmethod:
            return member.__func__, kind
        is_method = isinstance(member, FunctionType) and not isinstance(owner.value, type)
        return (member, owner.value) if is_method else None

    def _with(
        self, node: ast.Call, function: FunctionType, bound: dict[str, Any], facts: _Facts
    ) -> ast.Call | None:
        parameters = list(inspect.signature(function, follow_wrapped=False).parameters.values())
        if any(isinstance(part, ast.Starred) for part in node.args) or not all(k.arg for k in node.keywords):
            return None
        places = [p.name for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
        places = [name for name in places if name not in bound]
        taken = set(bound)
        given = dict(zip(places, node.args, strict=False))
        given.update({str(part.arg): part.value for part in node.keywords})
        for parameter in parameters:
            value = given.get(parameter.name)
            fact = self._evaluator.fact(value, facts) if value else Known(parameter.default)
            if not isinstance(fact, Known) or parameter.name in bound:
                continue
            if _is_opaque(fact.value) or (value is None and class_of(fact.value) in _WITHOUT_TYPE):
                bound[parameter.name] = fact.value
        has_others = any(p.kind is p.VAR_KEYWORD for p in parameters)
        others = sorted(set(given) - {p.name for p in parameters}) if has_others else []
        made = self._variant(function, tuple(bound.items()), tuple(others)) if bound or others else None
        if made is None:
            return None
        left_out = set(bound) - taken
        call = ast.Call(
            func=ast.copy_location(self._names.helper(f"variant{id(made)}", made), node.func),
            args=[part for part, name in zip_longest(node.args, places) if part and name not in left_out],
            keywords=[part for part in node.keywords if part.arg not in bound],
        )
        return ast.copy_location(call, node)


def _is_opaque(value: Any) -> bool:
    """Whether Numba has no type for a constant, or none that says its value."""
    is_sentinel = class_of(value) is object
    return isinstance(value, enum.Enum) or is_users_instance(value) or are_functions(value) or is_sentinel
