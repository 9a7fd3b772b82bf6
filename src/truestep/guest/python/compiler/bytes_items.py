"""The items of bytes are integers of Python; Numba takes them for numbers of 8 bits."""

# pyright: basic
# What Numba compiles has no types of Python.

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, imputils, types
from numba.core.datamodel import models, registry
from numba.core.typing import arraydecl, templates
from numba.np import arrayobj

_BYTES: Any = (types.Bytes, types.ByteArray)
_WIDE = ir.IntType(64)


class BytesIterator(types.ArrayIterator):
    """The iterator of bytes, which yields integers."""

    def __init__(self, array_type: Any) -> None:
        self.array_type = array_type
        types.SimpleIteratorType.__init__(self, f"iter({array_type})", types.int64)


registry.register_default(BytesIterator)(models.ArrayIterator)


def install_bytes_items() -> None:
    """Let loops and indices give integers."""
    arraydecl.GetItemBuffer.generic = _typing(arraydecl.GetItemBuffer.generic)
    lowered = imputils.builtin_registry
    for kind in _BYTES:
        kind.iterator_type = property(BytesIterator)
        lowered.lower(operator.getitem, kind, types.Integer)(_item)
    lowered.lower("iternext", BytesIterator)(_next)


def _typing(generic: Any) -> Any:
    def generic_of_bytes(self: Any, args: Any, kws: Any) -> Any:
        if isinstance(args[0], types.Bytes) and isinstance(args[1], types.SliceType):
            return None  # bytes again, not a view
        found = generic(self, args, kws)
        if found is None or not isinstance(args[0], _BYTES) or not isinstance(args[1], types.Integer):
            return found
        return templates.signature(types.int64, *found.args)

    return generic_of_bytes


def _item(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    narrow = signature.replace(return_type=signature.args[0].dtype)
    item = arrayobj.getitem_arraynd_intp(context, builder, narrow, arguments)
    return builder.zext(item, _WIDE)


@imputils.iternext_impl(imputils.RefType.BORROWED)
def _next(context: Any, builder: Any, signature: Any, arguments: Any, result: Any) -> None:
    kind = signature.args[0]
    iterator = context.make_helper(builder, kind, value=arguments[0])
    array = arrayobj.make_array(kind.array_type)(context, builder, value=iterator.array)
    (count,) = cgutils.unpack_tuple(builder, array.shape, count=1)
    index = builder.load(iterator.index)
    is_valid = builder.icmp_signed("<", index, count)
    result.set_valid(is_valid)
    with builder.if_then(is_valid):
        (stride,) = cgutils.unpack_tuple(builder, array.strides, count=1)
        place = cgutils.pointer_add(builder, array.data, builder.mul(index, stride))
        result.yield_(builder.zext(builder.load(place), _WIDE))
        builder.store(builder.add(index, index.type(1)), iterator.index)
