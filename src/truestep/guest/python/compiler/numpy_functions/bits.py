"""packbits and unpackbits."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np
from numba.core import errors, types

from truestep.guest.python.compiler.numpy_functions.arguments import array_of, as_array, literal
from truestep.guest.python.compiler.numpy_functions.axes import is_none, place_of, rows_of, rows_put_back
from truestep.guest.python.compiler.numpy_functions.extending import extend


def install_bits() -> None:
    """Add them to Numba's."""
    extend(np.packbits, _packbits)
    extend(np.unpackbits, _unpackbits)


def _is_little(bitorder: Any) -> bool:
    chosen = literal(bitorder, "bitorder")
    if chosen not in {"big", "little"}:
        raise errors.TypingError("'bitorder' must be either 'little' or 'big'")
    return chosen == "little"


def _packbits(a: Any, axis: Any = None, bitorder: Any = "big") -> Any:
    array = array_of(a)
    if array is None or not isinstance(array.dtype, types.Integer | types.Boolean):
        raise errors.TypingError("Expected an input array of integer or boolean data type")
    is_little = _is_little(bitorder)
    if is_none(axis):

        def packbits_of_all(a: Any, axis: Any = None, bitorder: Any = "big") -> Any:
            return _packed(as_array(a).ravel().reshape(1, -1), is_little)[0]

        return packbits_of_all

    def packbits(a: Any, axis: Any = None, bitorder: Any = "big") -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        return rows_put_back(_packed(rows_of(items, (place,)), is_little), items, place)

    return packbits


def _packed(rows: Any, is_little: Any) -> Any:
    out = np.zeros((rows.shape[0], (rows.shape[1] + 7) // 8), np.uint8)
    for row in range(rows.shape[0]):
        for index in range(rows.shape[1]):
            if rows[row, index]:
                shift = index % 8 if is_little else 7 - index % 8
                out[row, index // 8] |= np.uint8(1 << shift)
    return out


def _unpackbits(a: Any, axis: Any = None, count: Any = None, bitorder: Any = "big") -> Any:
    array = array_of(a)
    if array is None or array.dtype != types.uint8:
        raise errors.TypingError("Expected an input array of unsigned byte data type")
    is_little = _is_little(bitorder)
    length_of = _all_bits if is_none(count) else _asked_bits

    def unpackbits_of_all(a: Any, axis: Any = None, count: Any = None, bitorder: Any = "big") -> Any:
        rows = as_array(a).ravel().reshape(1, -1)
        return _unpacked(rows, length_of(count, 8 * rows.shape[1]), is_little)[0]

    def unpackbits(a: Any, axis: Any = None, count: Any = None, bitorder: Any = "big") -> Any:
        items = as_array(a)
        place = place_of(axis, items.ndim)
        rows = rows_of(items, (place,))
        bits = _unpacked(rows, length_of(count, 8 * rows.shape[1]), is_little)
        return rows_put_back(bits, items, place)

    return unpackbits_of_all if is_none(axis) else unpackbits


def _all_bits(count: Any, size: Any) -> Any:
    _ = count
    return size


def _asked_bits(count: Any, size: Any) -> Any:
    return count if count >= 0 else size + count


def _unpacked(rows: Any, length: Any, is_little: Any) -> Any:
    out = np.zeros((rows.shape[0], length), np.uint8)
    for row in range(rows.shape[0]):
        for index in range(min(length, 8 * rows.shape[1])):
            shift = index % 8 if is_little else 7 - index % 8
            out[row, index] = (rows[row, index // 8] >> shift) & 1
    return out
