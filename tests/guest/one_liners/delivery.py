"""How a guest delivers any value: as a row of .npy files, each kind of value after its tag."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload
from numba.typed.typedobjectutils import _nonoptional

from tests.guest.one_liners.values import ARRAY, BYTES, DICT, LIST, NOTHING, SCALAR, SET, TEXT, TUPLE
from truestep.guest.python.compiler.entry import store_npy
from truestep.guest.python.compiler.int_or_float import IntOrFloat
from truestep.guest.python.compiler.item_tuples import ItemTuple


def deliver(value: Any) -> None:
    """Write a value to the output. Compiled only."""
    raise NotImplementedError


def _deliver_members(value: Any) -> None:
    """Write what a tuple holds. Compiled only."""
    raise NotImplementedError


@overload(deliver)
def _deliver(value: Any) -> Any:
    if isinstance(value, types.Optional):
        return _optional
    if isinstance(value, types.NoneType):
        return _nothing
    if isinstance(value, types.Array):
        return _array
    if isinstance(value, types.UnicodeType | types.StringLiteral):
        return _text
    if isinstance(value, types.Bytes | types.ByteArray):
        return _bytes
    if isinstance(value, types.BaseTuple):
        return _tuple
    if isinstance(value, types.List | types.ListType):
        return _list
    if isinstance(value, ItemTuple):
        return _items
    if isinstance(value, types.Set):
        return _set
    if isinstance(value, types.DictType):
        return _dict
    if isinstance(value, types.EnumMember):
        return _member
    if isinstance(value, types.Number | types.Boolean | types.NPDatetime | types.NPTimedelta | IntOrFloat):
        return _scalar
    raise errors.TypingError(f"a guest cannot return {value} as its output")


@overload(_deliver_members)
def _members(value: Any) -> Any:
    if len(value) == 0:
        return _no_members
    return _first_and_rest


def _no_members(value: Any) -> None:
    _ = value  # Numba does not compile `del` of a parameter


def _first_and_rest(value: Any) -> None:
    deliver(value[0])
    _deliver_members(value[1:])


def _optional(value: Any) -> None:
    if value is None:
        deliver(None)
    else:
        deliver(_unwrapped(value))


def _unwrapped(value: Any) -> Any:
    raise NotImplementedError


@overload(_unwrapped)
def _unwrap(value: Any) -> Any:
    del value
    return _without_none


def _without_none(value: Any) -> Any:
    return _nonoptional(value)


def _nothing(value: Any) -> None:
    _ = value
    store_npy(np.array([NOTHING, 0]))


def _member(value: Any) -> None:
    deliver(value.value)


def _array(value: Any) -> None:
    store_npy(np.array([ARRAY, 0]))
    store_npy(value)


def _scalar(value: Any) -> None:
    store_npy(np.array([SCALAR, 0]))
    store_npy(value)


def _text(value: Any) -> None:
    text = str(value)
    store_npy(np.array([TEXT, len(text)]))
    codes = np.zeros(len(text), np.int64)
    for index in range(len(text)):
        codes[index] = ord(text[index])
    store_npy(codes)


def _bytes(value: Any) -> None:
    store_npy(np.array([BYTES, len(value)]))
    store_npy(np.frombuffer(value, np.uint8))


def _tuple(value: Any) -> None:
    store_npy(np.array([TUPLE, len(value)]))
    _deliver_members(value)


def _items(value: Any) -> None:
    store_npy(np.array([TUPLE, len(value)]))
    for member in value:
        deliver(member)


def _list(value: Any) -> None:
    store_npy(np.array([LIST, len(value)]))
    for member in value:
        deliver(member)


def _set(value: Any) -> None:
    store_npy(np.array([SET, len(value)]))
    for member in value:
        deliver(member)


def _dict(value: Any) -> None:
    store_npy(np.array([DICT, len(value)]))
    for key, member in value.items():
        deliver(key)
        deliver(member)
