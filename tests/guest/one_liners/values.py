"""Values that a guest delivered, and their comparison with Python's."""

from __future__ import annotations

import io
from enum import Enum
from typing import Any

import numpy as np

NOTHING, ARRAY, SCALAR, TEXT, BYTES, TUPLE, LIST, SET, DICT = range(9)
"""What comes next in a guest's output."""

_CLOSE = {"f": 1e-5, "d": 1e-12, "F": 1e-5, "D": 1e-12}
"""Relative differences that libm or another order of sums in BLAS may make, by the dtype's character."""
_KINDS = {tuple: TUPLE, list: LIST, set: SET, frozenset: SET, dict: DICT}


class Delivered:
    """The values in a guest's output, one after another."""

    def __init__(self, output: bytes) -> None:
        self._file = io.BytesIO(output)

    def next(self) -> Any:
        """The next value, as Python and NumPy have it; arrays and numbers both as arrays."""
        tag, count = np.load(self._file).tolist()
        if tag == NOTHING:
            return None
        if tag in {ARRAY, SCALAR}:
            array = np.load(self._file)
            return array if tag == ARRAY else array[()]
        if tag == TEXT:
            return "".join(map(chr, np.load(self._file).tolist()))
        if tag == BYTES:
            return np.load(self._file).tobytes()
        if tag == DICT:
            return {_key(self.next()): self.next() for _ in range(count)}
        members = [self.next() for _ in range(count)]
        return {TUPLE: tuple, LIST: list, SET: _set_of}[tag](members)


def _key(value: Any) -> Any:
    """A key or a member of a set, whose numbers are compared as Python's."""
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    return value.item() if isinstance(value, np.generic) else value


def _set_of(members: list[Any]) -> set[Any]:
    return {_key(member) for member in members}


def difference(found: Any, expected: Any, *, is_close_enough: bool) -> str:
    """How a guest's value differs from Python's, in words; empty if it does not."""
    if isinstance(expected, Enum):
        expected = expected.value
    if isinstance(expected, np.ndarray | np.generic | bool | int | float | complex):
        return _difference_of_numbers(found, expected, is_close_enough)
    for kind in _KINDS:
        if isinstance(expected, kind):
            return _difference_of_members(found, expected, kind, is_close_enough)
    is_same = type(found) is type(expected) and found == expected
    return "" if is_same else f"gave {found!r}, expected {expected!r}"


def _difference_of_members(found: Any, expected: Any, kind: type, is_close_enough: bool) -> str:
    if kind is frozenset:
        kind = set
    if not isinstance(found, kind) or len(found) != len(expected):
        return f"gave {found!r}, expected {expected!r}"
    if kind is set:
        plain = {_key(member) for member in expected}
        return "" if found == plain else f"gave {found!r}, expected {plain!r}"
    if kind is dict:
        keys = [_key(key) for key in expected]
        if list(map(repr, found)) != list(map(repr, keys)):
            return f"gave the keys {list(found)!r}, expected {keys!r}"
        found, expected = found.values(), expected.values()
    pairs = zip(found, expected, strict=True)
    differences = (difference(one, other, is_close_enough=is_close_enough) for one, other in pairs)
    return next((text for text in differences if text), "")


def _difference_of_numbers(found: Any, expected: Any, is_close_enough: bool) -> str:
    what = f"gave {found!r}, expected {expected!r}"
    if isinstance(expected, int) and not isinstance(expected, bool) and not -(2**63) <= expected < 2**63:
        return f"{what}, which has more than 64 bits"
    if not isinstance(found, np.ndarray | np.generic):
        return what
    is_array = isinstance(expected, np.ndarray)
    if isinstance(found, np.ndarray) != is_array:
        return f"{what}: an array for a number, or a number for an array"
    one, other = np.asarray(found), np.asarray(expected)
    if one.dtype != other.dtype:
        return f"gave {one.dtype}, expected {other.dtype}: {what}"
    if one.shape != other.shape:
        return f"gave the shape {one.shape}, expected {other.shape}: {what}"
    if _equal(one, other):
        return ""
    if is_close_enough and other.dtype.char in _CLOSE:
        close = _CLOSE[other.dtype.char]
        scale = float(np.max(np.abs(other), initial=0.0, where=np.isfinite(other)))
        if np.allclose(one, other, rtol=close, atol=close * min(scale, 1.0), equal_nan=True):
            return ""
    return what


def _equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal bytes, but for the sign and payload of a NaN."""
    if one.dtype.kind in "fc":
        parts = (
            [(one, other)]
            if one.dtype.kind == "f"
            else [
                (np.real(one), np.real(other)),
                (np.imag(one), np.imag(other)),
            ]
        )
        return all(
            np.array_equal(a, b, equal_nan=True)
            and np.array_equal(np.signbit(a)[~np.isnan(a)], np.signbit(b)[~np.isnan(b)])
            for a, b in parts
        )
    return one.tobytes() == other.tobytes()
