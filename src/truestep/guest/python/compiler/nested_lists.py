"""Lists of lists whose numbers have different types, such as `[[0, 0], [0.5, 0]]`."""

from typing import Any

import numba
from numba.core import imputils, types, typing
from numba.cpython import listobj

from truestep.guest.python.compiler.int_or_float import IntOrFloat, either, is_member

_same_items: Any = listobj.list_to_list


def install_nested_lists() -> None:
    """Let a list of integers become one of floats where its neighbour is one; Numba fails there."""
    registry: Any = imputils.builtin_registry
    registry.casts[:] = [
        (_convert if implementation is _same_items else implementation, *rest)
        for implementation, *rest in registry.casts
    ]


def _convert(context: Any, builder: Any, from_kind: Any, to_kind: Any, value: Any) -> Any:
    if isinstance(to_kind.dtype, IntOrFloat) and is_member(from_kind.dtype):
        if isinstance(from_kind.dtype, IntOrFloat):
            return _same_items(context, builder, from_kind, to_kind, value)

        def of_both_kinds(items: Any) -> Any:
            return [either(item) for item in items]

        return context.compile_internal(builder, of_both_kinds, typing.signature(to_kind, from_kind), [value])
    is_of_numbers = isinstance(from_kind.dtype, types.Number) and isinstance(to_kind.dtype, types.Number)
    if from_kind.dtype == to_kind.dtype or not is_of_numbers:
        return _same_items(context, builder, from_kind, to_kind, value)
    number = numba.np.numpy_support.as_dtype(to_kind.dtype).type

    def converted(items: Any) -> Any:
        return [number(item) for item in items]

    return context.compile_internal(builder, converted, typing.signature(to_kind, from_kind), [value])
