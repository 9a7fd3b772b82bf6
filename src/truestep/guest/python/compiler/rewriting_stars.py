"""`f(*items)` of a function that says how many it takes, and `next((f(x) for x in y), default)`."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import ast
import functools
import inspect
import itertools
from typing import Any

from numba.core import cgutils, errors, imputils, types
from numba.core.extending import intrinsic, overload

from truestep.guest.python.compiler.int_or_float import INT_OR_FLOAT, are_mixed
from truestep.guest.python.compiler.ownership import is_ours, is_users_class, is_users_function
from truestep.guest.python.compiler.packed_arguments import pack, takes_any_number
from truestep.guest.python.compiler.rewriting_names import Names

_TAKEN_MAX = 16
_ENDLESS: tuple[Any, ...] = (itertools.count, itertools.cycle)


class StarRewriter(ast.NodeTransformer):
    """Rewrites such calls in one function."""

    def __init__(self, names: Names, tree: Any) -> None:
        self._names = names
        vararg = tree.args.vararg
        self._packed = {vararg.arg} if vararg else set()
        self.has_changed = False

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Any call."""
        self.generic_visit(node)
        called = self._names.value(node.func)
        if called is next and node.args and isinstance(node.args[0], ast.GeneratorExp) and not node.keywords:
            return self._first(node, node.args[0])
        if called is next and len(node.args) == 2 and not node.keywords:
            self.has_changed = True
            call = self._names.call("next_or", next_or, *node.args)
            return ast.fix_missing_locations(ast.copy_location(call, node))
        last: Any = node.args[-1] if node.args else None
        if (called is max or called is min) and len(node.args) == 1 and isinstance(last, ast.Starred):
            node.args = [last.value]
            self.has_changed = True
            return node
        if not isinstance(last, ast.Starred) or any(isinstance(p, ast.Starred) for p in node.args[:-1]):
            return node
        if takes_any_number(called, len(node.args) - 1) and not node.keywords:
            items = last.value
            if isinstance(items, ast.GeneratorExp):
                items = ast.copy_location(ast.ListComp(elt=items.elt, generators=items.generators), items)
            last.value = ast.fix_missing_locations(
                ast.copy_location(self._names.call("pack", pack, items), last)
            )
            self.has_changed = True
            return node
        is_packed = isinstance(last.value, ast.Name) and last.value.id in self._packed
        wanted = _number_of_parameters(called)
        if wanted is None or is_packed or not all(part.arg for part in node.keywords):
            return node
        count = wanted - (len(node.args) - 1) - len(node.keywords)
        if not 0 < count <= _TAKEN_MAX:
            return node
        items = last.value
        if isinstance(items, ast.GeneratorExp):
            items = ast.copy_location(ast.ListComp(elt=items.elt, generators=items.generators), items)
        taken = self._names.call("taken", taken_items, items, ast.Constant(count))
        last.value = ast.fix_missing_locations(ast.copy_location(taken, last))
        self.has_changed = True
        return node

    def _first(self, node: ast.Call, made: ast.GeneratorExp) -> ast.expr:
        """All items are computed, of which the first is taken."""
        sources = [part.iter for part in made.generators]
        calls = [self._names.value(source.func) for source in sources if isinstance(source, ast.Call)]
        if any(called is endless for called in calls for endless in _ENDLESS):
            return node
        items = ast.copy_location(ast.ListComp(elt=made.elt, generators=made.generators), made)
        if len(node.args) > 1:
            call = self._names.call("first_or", first_or, items, node.args[1])
        else:
            call = self._names.call("first_item", first_item, items)
        self.has_changed = True
        return ast.fix_missing_locations(ast.copy_location(call, node))


def _number_of_parameters(called: Any) -> int | None:
    """How many arguments a function or class takes, if that is a fixed number."""
    called = getattr(called, "py_func", called)
    fields = getattr(called, "_fields", None)
    if isinstance(called, type) and issubclass(called, tuple) and fields is not None:
        return None if getattr(called, "_field_defaults", None) else len(fields)
    if not (is_users_function(called) or is_users_class(called)) or is_ours(called):
        return None
    parameters = inspect.signature(called, follow_wrapped=False).parameters.values()
    plain = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    is_fixed = all(part.kind in plain and part.default is part.empty for part in parameters)
    return len(parameters) if is_fixed else None


def taken_items(items: Any, count: Any) -> Any:
    """`count` items as a tuple, which must be all there are. Compiled only."""
    raise NotImplementedError


@overload(taken_items, strict=False, prefer_literal=True)
def _taken_items(items: Any, count: Any) -> Any:
    if isinstance(items, types.BaseTuple):
        return lambda items, count: items
    number = getattr(count, "literal_value", None)
    if number is None or not isinstance(items, types.IterableType):
        return None
    return _taker(number, isinstance(items, types.Array | types.List | types.UnicodeType))


@functools.cache
def _taker(count: int, is_indexed: bool) -> Any:
    parts = ", ".join(f"held[{place}]" for place in range(count))
    source = (
        "def take(items, count):\n"
        f"    held = {'items' if is_indexed else '[item for item in items]'}\n"
        f"    if len(held) != {count}:\n"
        f'        raise TypeError("{count} arguments are expected of what stands behind *")\n'
        f"    return ({parts},)\n"
    )
    scope: dict[str, Any] = {}
    exec(source, scope)  # the number of items is the only difference
    return scope["take"]


def first_item(items: Any) -> Any:
    """The first item. Compiled only."""
    raise NotImplementedError


@overload(first_item, strict=False)
def _first_item(items: Any) -> Any:
    def first(items: Any) -> Any:
        if len(items) == 0:
            raise StopIteration
        return items[0]

    return first


def first_or(items: Any, default: Any) -> Any:
    """The first item, or the default if there is none. Compiled only."""
    raise NotImplementedError


@overload(first_or, strict=False)
def _first_or(items: Any, default: Any) -> Any:
    if not isinstance(items, types.List):
        raise errors.TypingError("a guest's next() takes a generator of items of one type")

    def first(items: Any, default: Any) -> Any:
        if len(items) == 0:
            return default
        return items[0]

    return first


@intrinsic
def next_or(typing_context: Any, items: Any, default: Any) -> Any:
    """`next(items, default)` of an iterator. Compiled only."""
    if not isinstance(items, types.IteratorType):
        return None
    item = items.yield_type
    if are_mixed(item, types.unliteral(default)):
        found: Any = INT_OR_FLOAT
    else:
        found = types.Optional(item) if default == types.none else typing_context.unify_types(item, default)
    if found is None:
        raise errors.TypingError("a guest's next(items, default) takes a default of the items' type, or None")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        following = imputils.call_iternext(context, builder, items, arguments[0])
        other = context.cast(builder, arguments[1], signature.args[1], found)
        place = cgutils.alloca_once_value(builder, other)
        with builder.if_else(following.is_valid()) as (has_item, has_none):
            with has_item:
                builder.store(context.cast(builder, following.yielded_value(), item, found), place)
            with has_none:
                context.nrt.incref(builder, found, other)
        return builder.load(place)

    return found(items, default), generate
