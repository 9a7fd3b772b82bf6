"""bytearray: a list of the bytes that nobody else has, all of which are from 0 to 255."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportOptionalIterable=false
# What Numba compiles has no types of Python.

import operator
from typing import Any

import numpy as np
from numba.core import cgutils, errors, imputils, types, typing
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.extending import intrinsic, overload, overload_method, register_jitable

from truestep.guest.python.compiler.encodings_of_texts import bytes_over

_of_python: Any = operator
_HELD = types.List(types.int64)


class ByteList(types.IterableType):
    """The type of a bytearray."""

    def __init__(self) -> None:
        kind: Any = super()
        kind.__init__("bytearray")

    @property
    def iterator_type(self) -> Any:
        """That of a list."""
        return types.ListIter(_HELD)


BYTE_LIST = ByteList()


@register_default(ByteList)
class _ByteListModel(models.StructModel):
    def __init__(self, dmm: Any, fe_type: Any) -> None:
        models.StructModel.__init__(self, dmm, fe_type, [("held", _HELD)])


def install_byte_arrays() -> None:
    """Add what Python does with a bytearray."""
    registry: Any = imputils.builtin_registry
    registry.lower("getiter", ByteList)(_get_iterator)
    overload(bytearray, strict=False)(_made)
    overload(bytes, strict=False)(_as_bytes)
    overload(len, strict=False)(_length)
    overload(bool, strict=False)(_is_filled)
    overload(operator.not_, strict=False)(_is_empty)
    overload(operator.getitem, strict=False)(_item)
    overload(operator.setitem, strict=False)(_set_item)
    overload(operator.delitem, strict=False)(_delete_item)
    overload(operator.contains, strict=False)(_contains)
    overload(_of_python.add, strict=False)(_sum)
    overload(_of_python.iadd, strict=False)(_extended)
    overload(_of_python.mul, strict=False)(_repeated)
    for compare in (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge):
        overload(compare, strict=False)(_comparison(compare))
    for name, method in _METHODS.items():
        overload_method(ByteList, name, strict=False)(method)
    for name in _OF_BYTES:
        overload_method(ByteList, name, strict=False)(_method_of_bytes(name))


def _get_iterator(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    held = cgutils.create_struct_proxy(BYTE_LIST)(context, builder, value=arguments[0]).held
    inner = typing.signature(types.ListIter(_HELD), _HELD)
    return context.get_function("getiter", inner)(builder, [held])


@intrinsic
def _held(typing_context: Any, content: Any) -> Any:
    """The list."""
    del typing_context
    if not isinstance(content, ByteList):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=arguments[0]).held
        return imputils.impl_ret_borrowed(context, builder, signature.return_type, held)

    return _HELD(content), generate


@intrinsic
def _holding(typing_context: Any, items: Any) -> Any:
    """A bytearray of a list that nobody else may have."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        made.held = context.cast(builder, arguments[0], signature.args[0], _HELD)
        return imputils.impl_ret_borrowed(context, builder, signature.return_type, made._getvalue())

    return BYTE_LIST(items), generate


@register_jitable
def _byte(number: Any) -> Any:
    """The number, which must be one of a byte. Compiled only."""
    if number < 0 or number > 255:
        raise ValueError("byte must be in range(0, 256)")
    return np.int64(number)


def _is_own(*kinds: Any) -> bool:
    return all(isinstance(kind, ByteList) for kind in kinds)


def _has_bytes(kind: Any) -> bool:
    return isinstance(kind, ByteList | types.Bytes)


def _made(source: Any = None, encoding: Any = "utf-8") -> Any:
    if isinstance(source, types.Integer):

        def zeros(source: Any = None, encoding: Any = "utf-8") -> Any:
            if source < 0:
                raise ValueError("negative count")
            return _holding([0 for _ in range(source)])

        return zeros
    if isinstance(source, types.UnicodeType | types.StringLiteral):
        return lambda source=None, encoding="utf-8": bytearray(source.encode(encoding))
    if source is None or isinstance(source, types.Omitted | types.NoneType):
        return lambda source=None, encoding="utf-8": _holding([0 for _ in range(0)])
    if isinstance(source, types.Float | types.Complex):
        raise errors.TypingError("a guest's bytearray takes a number of bytes, bytes, or items from 0 to 255")
    return lambda source=None, encoding="utf-8": _holding([_byte(item) for item in source])


def _as_bytes(source: Any) -> Any:
    if not _is_own(source):
        return None

    def to_bytes(source: Any) -> Any:
        content = np.empty(len(source), np.uint8)
        for place in range(len(source)):
            content[place] = _held(source)[place]
        return bytes_over(content)

    return to_bytes


def _length(content: Any) -> Any:
    return (lambda content: len(_held(content))) if _is_own(content) else None


def _is_filled(content: Any) -> Any:
    return (lambda content: len(_held(content)) > 0) if _is_own(content) else None


def _is_empty(content: Any) -> Any:
    return (lambda content: len(_held(content)) == 0) if _is_own(content) else None


def _item(content: Any, place: Any) -> Any:
    if not _is_own(content):
        return None
    if isinstance(place, types.SliceType):
        return lambda content, place: _holding(_held(content)[place])
    return lambda content, place: _held(content)[place]


def _set_item(content: Any, place: Any, value: Any) -> Any:
    if not _is_own(content):
        return None
    if not isinstance(place, types.SliceType):

        def set_item(content: Any, place: Any, value: Any) -> None:
            _held(content)[place] = _byte(value)

        return set_item

    def set_items(content: Any, place: Any, value: Any) -> None:
        _held(content)[place] = [_byte(item) for item in value]

    return set_items


def _delete_item(content: Any, place: Any) -> Any:
    if not _is_own(content):
        return None
    if isinstance(place, types.SliceType):

        def delete_items(content: Any, place: Any) -> None:
            del _held(content)[place]

        return delete_items

    def delete_item(content: Any, place: Any) -> None:
        _held(content).pop(place)

    return delete_item


def _contains(content: Any, item: Any) -> Any:
    if not _is_own(content):
        return None
    if isinstance(item, types.Integer):
        return lambda content, item: item in _held(content)
    return lambda content, item: bytes(item) in bytes(content)


def _sum(left: Any, right: Any) -> Any:
    if not _is_own(left) or not _has_bytes(right):
        return None

    def add(left: Any, right: Any) -> Any:
        items = [item for item in _held(left)]  # noqa: C416 - as Numba compiles it best
        for item in right:
            items.append(item)
        return _holding(items)

    return add


def _extended(left: Any, right: Any) -> Any:
    if not _is_own(left):
        return None

    def extend(left: Any, right: Any) -> Any:
        left.extend(right)
        return left

    return extend


def _repeated(content: Any, times: Any) -> Any:
    if not _is_own(content) or not isinstance(times, types.Integer):
        return None
    return lambda content, times: _holding(_held(content) * times)


def _comparison(compare: Any) -> Any:
    def comparison(left: Any, right: Any) -> Any:
        if not (_is_own(left) or _is_own(right)) or not (_has_bytes(left) and _has_bytes(right)):
            return None
        return lambda left, right: compare(bytes(left), bytes(right))

    return comparison


def _method_of_bytes(name: str) -> Any:
    """The method of bytes that gives a number or a text."""

    def method(content: Any, item: Any = None, start: Any = None, end: Any = None) -> Any:
        source = (
            "def found(content, item=None, start=None, end=None):\n"
            f"    return bytes(content).{name}({'' if name in _WITHOUT_ITEM else 'item, start, end'})\n"
        )
        scope: dict[str, Any] = {}
        exec(source, scope)  # the method's name is the only difference
        return scope["found"]

    return method


_WITHOUT_ITEM = {"hex", "decode", "isdigit", "isalpha", "isalnum"}
_OF_BYTES = {*_WITHOUT_ITEM, "find", "rfind", "index", "rindex", "count", "startswith", "endswith"}


def _append(content: Any, item: Any) -> Any:
    def append(content: Any, item: Any) -> None:
        _held(content).append(_byte(item))

    return append


def _extend(content: Any, items: Any) -> Any:
    def extend(content: Any, items: Any) -> None:
        added = [_byte(item) for item in items]
        _held(content).extend(added)

    return extend


def _insert(content: Any, place: Any, item: Any) -> Any:
    def insert(content: Any, place: Any, item: Any) -> None:
        _held(content).insert(place, _byte(item))

    return insert


def _pop(content: Any, place: Any = -1) -> Any:
    return lambda content, place=-1: _held(content).pop(place)


def _remove(content: Any, item: Any) -> Any:
    return lambda content, item: _held(content).remove(item)


def _reverse(content: Any) -> Any:
    return lambda content: _held(content).reverse()


def _clear(content: Any) -> Any:
    return lambda content: _held(content).clear()


def _copy(content: Any) -> Any:
    return lambda content: _holding(_held(content).copy())


_METHODS: dict[str, Any] = {
    "append": _append, "extend": _extend, "insert": _insert, "pop": _pop, "remove": _remove,
    "reverse": _reverse, "clear": _clear, "copy": _copy,
}  # fmt: skip
