"""Calls of Python's types and functions that Numba lacks: `dict(a=1)`, `type(x) is int`, `sorted(key=…)`.

A lambda that uses variables of the function around it is written out as a comprehension where all its calls
are made at once, as for `sorted`, `min` and `list(map(…))`.
"""

import ast
import copy
import itertools
import operator
from types import BuiltinFunctionType, MethodDescriptorType
from typing import Any

from truestep.guest.python.compiler import calls_of_types, collection_calls
from truestep.guest.python.compiler.instances_of import asked_for_class
from truestep.guest.python.compiler.item_tuples import transposed
from truestep.guest.python.compiler.number_methods import integer_from_bytes
from truestep.guest.python.compiler.ownership import is_users_class
from truestep.guest.python.compiler.rewriting_decimals import rounded_integer
from truestep.guest.python.compiler.rewriting_methods import without_special_name
from truestep.guest.python.compiler.rewriting_names import Names
from truestep.guest.python.compiler.rewriting_rows import rows_applied

_HELPERS: tuple[tuple[Any, str, Any], ...] = (
    (int.from_bytes, "integer_from_bytes", integer_from_bytes),
    (bytes.fromhex, "bytes_of_hex", calls_of_types.bytes_of_hex),
    (str.maketrans, "translation", calls_of_types.translation),
)
_COMPLETE: tuple[Any, ...] = (list, sum, sorted, set, tuple, max, min, any, all)
"""Functions that go through all of an iterable at once."""


class CallRewriter(ast.NodeTransformer):
    """Rewrites the calls in one function."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.has_changed = False

    def _value(self, node: ast.AST) -> Any:
        """What a name stands for, also one that stands for what was found out about an expression."""
        if isinstance(node, ast.Name) and node.id in self._names.helpers:
            return self._names.helpers[node.id]
        return self._names.value(node)

    def _replace(self, node: ast.AST, replacement: ast.expr) -> ast.expr:
        self.has_changed = True
        return ast.fix_missing_locations(ast.copy_location(replacement, node))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """`type(x) is int` asks for the class itself."""
        self.generic_visit(node)
        call: Any = node.left
        compared = node.ops[0]
        if not isinstance(call, ast.Call) or self._value(call.func) is not type or len(call.args) != 1:
            return node
        if len(node.ops) > 1 or not isinstance(compared, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
            return node
        kind = self._value(node.comparators[0])
        if not any(kind is known for known in calls_of_types.EXACT_KINDS):
            return node
        asked = self._names.call("is_exactly", calls_of_types.is_exactly, call.args[0], node.comparators[0])
        is_negated = isinstance(compared, ast.IsNot | ast.NotEq)
        return self._replace(node, ast.UnaryOp(op=ast.Not(), operand=asked) if is_negated else asked)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Any call."""
        rounded = rounded_integer(node, self._names)
        if rounded is not None:
            self.generic_visit(rounded)
            return self._replace(node, rounded)
        if (written := without_special_name(node, self._names)) is not None:
            return self._replace(node, self.visit(ast.copy_location(written, node)))
        if (asked := asked_for_class(node, self._names)) is not None:
            self.generic_visit(asked)
            return self._replace(node, asked)
        if (applied := rows_applied(node, self._names)) is not None:
            self.generic_visit(applied)
            return self._replace(node, applied)
        called = self._value(node.func)
        if called is sorted or called is min or called is max:
            node = self._keyed(node, called)
        elif any(called is function for function in _COMPLETE) and len(node.args) == 1:
            node.args[0] = self._mapped(node.args[0])
        self.generic_visit(node)
        if called is itertools.groupby and node.args:
            return self._grouped(node)
        if called is dict:
            return self._dictionary(node)
        if called is enumerate and len(node.args) == 1 and [part.arg for part in node.keywords] == ["start"]:
            given = node.args[0], node.keywords[0].value
            return self._replace(node, ast.Call(func=node.func, args=[*given], keywords=[]))
        if calls_of_types.is_enumeration(called) and len(node.args) == 1 and not node.keywords:
            given = node.func, node.args[0]
            return self._replace(node, self._names.call("member_with", calls_of_types.member_with, *given))
        if _is(called, dict.fromkeys) and len(node.args) == 2:
            keys = self._names.call("dictionary_of", calls_of_types.dictionary_of, *node.args)
            return self._replace(node, keys)
        if called is zip and len(node.args) == 1 and isinstance(node.args[0], ast.Starred):
            rows = node.args[0].value
            if not node.keywords:
                return self._replace(node, self._names.call("transposed", transposed, rows))
        if called is print and any(isinstance(part, ast.Starred) for part in node.args):
            return self._printed(node)
        for function, name, helper in _HELPERS:
            if _is(called, function):
                node.func = self._names.helper(name, helper)
                self.has_changed = True
        return self._unique(node, called)

    def visit_For(self, node: ast.For) -> Any:
        """`for x in map(…)`, where the body changes nothing that the lambda uses."""
        stored = _stored(node)
        self.generic_visit(node)
        node.iter = self._mapped(node.iter, stored)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> Any:
        """As `for`; the variables of a comprehension are its own."""
        node.iter = self._mapped(node.iter, _stored(node))
        return self.generic_visit(node)

    def _unique(self, node: ast.Call, called: Any) -> ast.expr:
        """`list(dict.fromkeys(items))` has each item once."""
        if not (called is list or called is sorted or called is len) or len(node.args) != 1:
            return node
        inner: Any = node.args[0]
        is_call = isinstance(inner, ast.Call) and _is(self._value(inner.func), dict.fromkeys)
        if is_call and len(inner.args) == 1:
            given = inner.args[0], ast.Constant(True)
            node.args[0] = self._names.call("dictionary_of", calls_of_types.dictionary_of, *given)
            self._replace(inner, node.args[0])
        return node

    def _grouped(self, node: ast.Call) -> ast.expr:
        """`itertools.groupby(items, key)` as a list of keys and lists."""
        keys = [*node.args[1:], *(keyword.value for keyword in node.keywords if keyword.arg == "key")]
        key: Any = keys[0] if keys else None
        name = "item$"
        if isinstance(key, ast.Lambda) and len(key.args.args) == 1:
            name, weight = key.args.args[0].arg, key.body
        elif key is None or (isinstance(key, ast.Constant) and key.value is None):
            weight = ast.Name(id=name, ctx=ast.Load())
        else:
            item = ast.Name(id=name, ctx=ast.Load())
            weight = self._weight(key, node.args[0]) or ast.Call(func=key, args=[item], keywords=[])
        target = ast.Name(id=name, ctx=ast.Store())
        loop = ast.comprehension(target=target, iter=node.args[0], ifs=[], is_async=0)
        pair = ast.Tuple(elts=[weight, ast.Name(id=name, ctx=ast.Load())], ctx=ast.Load())
        pairs = ast.ListComp(elt=pair, generators=[loop])
        return self._replace(node, self._names.call("grouped", collection_calls.grouped, pairs))

    def _dictionary(self, node: ast.Call) -> ast.expr:
        """`dict(a=1)` and `dict(other, a=1)`."""
        names = [ast.Constant(keyword.arg) if keyword.arg else None for keyword in node.keywords]
        if len(node.args) > 1 or (not names and not node.args):
            return node
        if not names:
            made = self._names.call("dictionary_from", calls_of_types.dictionary_from, node.args[0])
            return self._replace(node, made)
        keys: list[ast.expr | None] = [None for _ in node.args]
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        return self._replace(node, ast.Dict(keys=keys + names, values=values))

    def _printed(self, node: ast.Call) -> ast.expr:
        """`print(*items)` of a list."""
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        if len(node.args) != 1 or set(named) - {"sep", "end", "flush"}:
            return node
        starred: Any = node.args[0]
        separator, end = named.get("sep", ast.Constant(" ")), named.get("end", ast.Constant("\n"))
        given = (starred.value, separator, end)
        return self._replace(node, self._names.call("print_all", calls_of_types.print_all, *given))

    def _captured(self, node: ast.expr | None) -> set[str]:
        """The variables of the function that a lambda uses."""
        if not isinstance(node, ast.Lambda):
            return set()
        own = {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
        used = {part.id for part in ast.walk(node.body) if isinstance(part, ast.Name)}
        return {
            name
            for name in used - own
            if name in self._names.bound and self._value(ast.Name(id=name)) is None
        }

    def _written_out(self, function: ast.expr, items: list[ast.expr]) -> ast.comprehension | None:
        """The loop in which the function's body stands for its call; None if it cannot be written so."""
        if not isinstance(function, ast.Lambda) or not self._captured(function):
            return None
        arguments = function.args
        if len(arguments.args) != len(items) or arguments.vararg or arguments.kwonlyargs or arguments.kwarg:
            return None
        targets: list[ast.expr] = [ast.Name(id=part.arg, ctx=ast.Store()) for part in arguments.args]
        if len(items) == 1:
            return ast.comprehension(target=targets[0], iter=items[0], ifs=[], is_async=0)
        zipped = self._names.call("zip", zip, *items)
        return ast.comprehension(
            target=ast.Tuple(elts=targets, ctx=ast.Store()), iter=zipped, ifs=[], is_async=0
        )

    def _mapped(self, node: ast.expr, stored: frozenset[str] = frozenset()) -> ast.expr:
        """`map` and `filter` with a lambda of which `stored` are not variables, as a list."""
        if not isinstance(node, ast.Call) or node.keywords or len(node.args) < 2:
            return node
        called = self._value(node.func)
        function: Any = node.args[0]
        loop = self._written_out(function, node.args[1:]) if called is map or called is filter else None
        if loop is None or stored & self._captured(function):
            return node
        if called is map:
            return self._replace(node, ast.ListComp(elt=function.body, generators=[loop]))
        item: Any = copy.deepcopy(loop.target)
        item.ctx = ast.Load()
        loop.ifs = [function.body]
        return self._replace(node, ast.ListComp(elt=item, generators=[loop]))

    def _keyed(self, node: ast.Call, called: Any) -> ast.Call:
        """`sorted`, `min` and `max` with a key that uses variables, or is a function or method of Python."""
        keys = [keyword for keyword in node.keywords if keyword.arg == "key"]
        if len(node.args) != 1:
            return node
        node.args[0] = self._mapped(node.args[0])
        if not keys:
            return node
        key: Any = keys[0].value
        loop = self._written_out(key, node.args)
        if loop is not None:
            weight: ast.expr = key.body
            item: Any = copy.deepcopy(loop.target)
            item.ctx = ast.Load()
        elif (found := self._weight(key, node.args[0])) is not None:
            weight, item = found, ast.Name(id="item$", ctx=ast.Load())
            target = ast.Name(id="item$", ctx=ast.Store())
            loop = ast.comprehension(target=target, iter=node.args[0], ifs=[], is_async=0)
        else:
            return node
        pair = ast.Tuple(elts=[weight, item], ctx=ast.Load())
        pairs = ast.ListComp(elt=pair, generators=[loop])
        others = [keyword for keyword in node.keywords if keyword.arg != "key"]
        helper = {sorted: "sorted_pairs", min: "least_pair", max: "greatest_pair"}[called]
        if called is not sorted and others:
            return node
        reverse = [keyword.value for keyword in others if keyword.arg == "reverse"] or [ast.Constant(False)]
        given = [pairs, *(reverse if called is sorted else [])]
        replaced = self._names.call(helper, getattr(calls_of_types, helper), *given)
        self._replace(node, replaced)
        return replaced

    def _weight(self, key: Any, items: ast.expr) -> ast.expr | None:
        """What a key that is a function or method of Python gives for `item$`; None for all others."""
        item = ast.Name(id="item$", ctx=ast.Load())
        called = self._value(key)
        if isinstance(key, ast.Attribute) and called is None and key.attr in {"get", "__getitem__"}:
            is_same = ast.dump(key.value) == ast.dump(items)
            is_item = is_same or key.attr == "__getitem__"
            return ast.Subscript(value=key.value, slice=item, ctx=ast.Load()) if is_item else None
        if isinstance(called, BuiltinFunctionType) or any(called is kind for kind in (int, float, str)):
            return ast.Call(func=key, args=[item], keywords=[])
        if isinstance(called, MethodDescriptorType):
            method = ast.Attribute(value=item, attr=called.__name__, ctx=ast.Load())
            return ast.Call(func=method, args=[], keywords=[])
        if not isinstance(key, ast.Call) or self._value(key.func) is not operator.itemgetter:
            return None
        if not key.keywords and all(isinstance(part, ast.Constant) for part in key.args):
            parts: list[ast.expr] = [
                ast.Subscript(value=item, slice=part, ctx=ast.Load()) for part in key.args
            ]
            return parts[0] if len(parts) == 1 else ast.Tuple(elts=parts, ctx=ast.Load())
        return None

    def _updated(self, node: ast.Expr, call: ast.Call) -> list[ast.stmt]:
        """`d.update(other, a=1)` in two steps."""
        values = [part.value for part in call.keywords]
        named = ast.Dict(keys=[ast.Constant(part.arg) for part in call.keywords], values=values)
        given = [*call.args, named]
        made = [ast.Call(func=copy.deepcopy(call.func), args=[part], keywords=[]) for part in given]
        self.has_changed = True
        steps = [ast.fix_missing_locations(ast.copy_location(ast.Expr(part), node)) for part in made]
        return [self.visit(step) for step in steps]

    def _is_update_by_names(self, call: Any) -> bool:
        """Whether a call of a dictionary's `update` names keys; other classes of the module have none."""
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            return False
        is_update = call.func.attr == "update" and len(call.args) < 2 and bool(call.keywords)
        if not is_update or not isinstance(call.func.value, ast.Name | ast.Attribute):
            return False
        has_others = any(
            isinstance(value, type) and hasattr(value, "update") and is_users_class(value)
            for value in self._names.of_module.values()
        )
        return not has_others and all(part.arg for part in call.keywords)

    def visit_Expr(self, node: ast.Expr) -> Any:
        """`items.sort(key=…)` with such a key, and `d.update(a=1)`."""
        call = node.value
        if self._is_update_by_names(call):
            return self._updated(node, call)  # pyright: ignore[reportArgumentType]
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "sort":
            items = call.func.value
            copied = ast.Call(
                func=ast.Name(id="sorted", ctx=ast.Load()), args=[items], keywords=[*call.keywords]
            )
            ast.copy_location(copied, node)
            if not call.args and isinstance(items, ast.Name | ast.Attribute):
                ordered = self._keyed(copied, sorted)
                if ordered is not copied:
                    target = ast.Subscript(value=copy.deepcopy(items), slice=ast.Slice(), ctx=ast.Store())
                    assigned = ast.Assign(targets=[target], value=self.visit(ordered))
                    return ast.fix_missing_locations(ast.copy_location(assigned, node))
        return self.generic_visit(node)


def _is(called: Any, function: Any) -> bool:
    return type(called) is type(function) and called == function


def _stored(node: ast.AST) -> frozenset[str]:
    names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
    return frozenset(part.id for part in names if isinstance(part.ctx, ast.Store))
