"""Tuples of ints and floats, such as `(1, 2.5)`, where a loop goes through them or an index is computed."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import heapq
from typing import Any

from numba.core import types
from numba.core.extending import infer, intrinsic, overload
from numba.core.registry import cpu_target
from numba.core.typing import templates

from truestep.guest.python.compiler.class_instances import PlainInstance
from truestep.guest.python.compiler.int_or_float import INT_OR_FLOAT, unified


def _as_uniform(kind: Any) -> Any:
    """The type of the tuple with numbers that may be ints or floats; None of all other tuples."""
    is_plain = isinstance(kind, types.Tuple) and not isinstance(kind, types.BaseNamedTuple)
    if not is_plain or not len(kind):
        return None
    item = unified(cpu_target.typing_context, list(kind.types))
    return types.UniTuple(item, len(kind)) if item is not None and _has_both_kinds(item) else None


@infer
class _Loop(templates.AbstractTemplate):
    key = "getiter"

    def generic(self, args: Any, kws: Any) -> Any:
        """A loop over the tuple goes through the items of one of a single type."""
        del kws
        uniform = _as_uniform(args[0])
        return None if uniform is None else templates.signature(uniform.iterator_type, uniform)


@intrinsic
def _as_item(typing_context: Any, items: Any, item: Any) -> Any:
    """The item with the type of those in a list."""
    if not isinstance(items, types.List) or typing_context.can_convert(item, items.dtype) is None:
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[1], signature.args[1], signature.args[0].dtype)

    return items.dtype(items, types.unliteral(item)), generate


def _with_item(function: Any) -> Any:
    """A function of a heap and an item, which need not have the type of the others."""

    def with_item(heap: Any, item: Any) -> Any:
        is_heap = isinstance(heap, types.List) and _has_both_kinds(heap.dtype)
        if isinstance(heap, types.List) and isinstance(heap.dtype, PlainInstance):
            cpu_target.typing_context.unify_types(heap.dtype, item)
        if not is_heap or types.unliteral(item) == heap.dtype:
            return None
        return lambda heap, item: function(heap, _as_item(heap, item))

    return with_item


def _has_both_kinds(kind: Any) -> bool:
    if isinstance(kind, types.BaseTuple):
        return any(map(_has_both_kinds, kind.types))
    return kind == INT_OR_FLOAT


def install_int_or_float_tuples() -> None:
    """Add heaps of such items to Numba's."""
    for function in (heapq.heappush, heapq.heappushpop, heapq.heapreplace):
        overload(function, strict=False)(_with_item(function))
