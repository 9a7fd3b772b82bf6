"""Generator.integers and RandomState.randint for every dtype."""

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.bits import next_uint32
from truestep.guest.python.compiler.randomness.bounded import below, below_half, mask_of, masked
from truestep.guest.python.compiler.randomness.drawing import (
    function_from,
    is_array,
    is_integer,
    is_size,
    lines_of,
    numbers_of,
    spread_lines,
)
from truestep.guest.python.compiler.sums import is_none

_FULL_HALF = 0xFFFFFFFF
_ENDS = ("bottom", "top")


@register_jitable
def _part(bits: Any, width_bits: int, buffer: Any, left: int) -> Any:
    """(the next part of a word of 32 bits, what remains of it, how many parts that is)"""
    if left == 0:
        buffer = np.uint64(next_uint32(bits))
        left = 32 // width_bits
    mask = (np.uint64(1) << np.uint64(width_bits)) - np.uint64(1)
    return buffer & mask, buffer >> np.uint64(width_bits), left - 1


@register_jitable
def _small_below(bits: Any, width_bits: int, width: Any, buffer: Any, left: int) -> Any:
    """An integer from 0 to `width`, by Lemire's multiplication of parts."""
    largest = (np.uint64(1) << np.uint64(width_bits)) - np.uint64(1)
    if width == np.uint64(0):
        return np.uint64(0), buffer, left
    part, buffer, left = _part(bits, width_bits, buffer, left)
    if width == largest:
        return part, buffer, left
    count = width + np.uint64(1)
    product = part * count
    if product & largest < count:
        threshold = (largest - width) % count
        while product & largest < threshold:
            part, buffer, left = _part(bits, width_bits, buffer, left)
            product = part * count
    return product >> np.uint64(width_bits), buffer, left


@register_jitable
def _small_masked(bits: Any, width_bits: int, width: Any, buffer: Any, left: int) -> Any:
    """An integer from 0 to `width`, by masks and rejection of parts."""
    if width == np.uint64(0):
        return np.uint64(0), buffer, left
    mask = mask_of(width)
    while True:
        part, buffer, left = _part(bits, width_bits, buffer, left)
        if part & mask <= width:
            return part & mask, buffer, left


@register_jitable
def _half_below(bits: Any, width: Any) -> Any:
    if width == np.uint64(0):
        return np.uint64(0)
    return np.uint64(next_uint32(bits)) if width == np.uint64(_FULL_HALF) else below_half(bits, width)


def _drawer(number: Any, *, is_masked: bool) -> Any:
    """draw(bits, width, buffer, left) gives (an integer from 0 to width, buffer, left)."""
    width_bits = 1 if number is np.bool_ else 8 * np.dtype(number).itemsize
    small = _small_masked if is_masked else _small_below
    whole = masked if is_masked else (below if width_bits == 64 else _half_below)

    def of_parts(bits: Any, width: Any, buffer: Any, left: int) -> Any:
        return small(bits, width_bits, width, buffer, left)

    def of_words(bits: Any, width: Any, buffer: Any, left: int) -> Any:
        return whole(bits, width), buffer, left

    return register_jitable(of_parts if width_bits < 32 else of_words)


def _bounds(number: Any) -> Any:
    """span(low, high, is_closed) gives (the lowest integer, the width), both as uint64."""
    smallest, largest = (0, 1) if number is np.bool_ else (np.iinfo(number).min, np.iinfo(number).max)
    name = np.dtype(number).name
    too_low, too_high = f"low is out of bounds for {name}", f"high is out of bounds for {name}"
    top_of_signed = np.uint64(min(largest, 2**63 - 1))
    least = np.int64(max(smallest, -(2**63)))

    def of_unsigned(low: Any, high: Any, is_closed: bool) -> Any:
        if low < 0:
            raise ValueError(too_low)
        if high < 0 or (high == 0 and not is_closed):
            raise ValueError("low >= high")
        top = np.uint64(high) - np.uint64(0 if is_closed else 1)
        if np.uint64(low) > top:
            raise ValueError("low >= high")
        return np.uint64(low), top - np.uint64(low)

    def of_signed(low: Any, high: Any, is_closed: bool) -> Any:
        if low > 0 and np.uint64(low) > top_of_signed:
            raise ValueError(too_high)
        lowest = np.int64(low)
        if lowest < least:
            raise ValueError(too_low)
        if high > 0 and np.uint64(high) - np.uint64(0 if is_closed else 1) > top_of_signed:
            raise ValueError(too_high)
        if high <= 0 and np.int64(high) <= least and not is_closed:
            raise ValueError("low >= high")
        top = np.int64(np.uint64(high) - np.uint64(0 if is_closed else 1))
        if lowest > top:
            raise ValueError("low >= high")
        return np.uint64(lowest), np.uint64(top) - np.uint64(lowest)

    return register_jitable(of_unsigned if number is np.uint64 else of_signed)


def _integers_function(head: str, kinds: Any, size: Any, number: Any, names: dict[str, Any]) -> Any:
    """A function of this head, whose body begins with `bits`, `bottom`, `top` and `closed`."""
    names = {**names, "np": np, "number": number, "span": _bounds(number)}
    arrays = [name for name, kind in zip(_ENDS, kinds, strict=True) if is_array(kind)]
    ends = ", ".join(f"{name}_at[index]" if name in arrays else name for name in _ENDS)
    span = f"low_word, width = span({ends}, closed)"
    draw = "value, buffer, left = draw_one(bits, width, buffer, left)"
    start = ["buffer = np.uint64(0)", "left = 0"]
    if arrays:
        filled = [span, draw, f"out[index] = {_result(number)}"]
        begin = [*start, *spread_lines(arrays, size), "out = np.empty(shape, number)"]
        text = lines_of(1, [*begin, "for index in np.ndindex(shape):"]) + lines_of(2, filled)
        return function_from(f"{head}{text}    return out\n", names)
    if is_none(size):
        return function_from(head + lines_of(1, [*start, span, draw, f"return {_result(number)}"]), names)
    begin = [*start, span, "out = np.empty(size, number)", "flat = out.reshape(out.size)"]
    filled = [draw, f"flat[i] = {_result(number)}"]
    text = lines_of(1, [*begin, "for i in range(out.size):"]) + lines_of(2, filled)
    return function_from(f"{head}{text}    return out\n", names)


def _result(number: Any) -> str:
    return "low_word + value" if number is np.uint64 else "number(np.int64(low_word + value))"


def _fits(kind: Any) -> bool:
    if is_array(kind):
        return isinstance(getattr(kind, "dtype", None), types.Integer | types.Boolean)
    return is_integer(kind)


def _function(
    head: str, low: Any, high: Any, size: Any, dtype: Any, names: dict[str, Any], is_masked: bool
) -> Any:
    number = numbers_of(dtype)
    is_upper_only = is_none(high)
    if not (is_size(size) and _fits(low) and (is_upper_only or _fits(high)) and _is_integer_type(number)):
        return None
    ends = "    bottom = 0\n    top = low\n" if is_upper_only else "    bottom = low\n    top = high\n"
    kinds = (types.int64, low) if is_upper_only else (low, high)
    names = {**names, "draw_one": _drawer(number, is_masked=is_masked)}
    return _integers_function(head + ends, kinds, size, number, names)


def _is_integer_type(number: Any) -> bool:
    return number is np.bool_ or (isinstance(number, type) and issubclass(number, np.integer))


def integers_of(names: dict[str, Any]) -> Any:
    """Generator.integers."""

    def integers(
        self: Any, low: Any, high: Any = None, size: Any = None, dtype: Any = np.int64, endpoint: Any = False
    ) -> Any:
        del self, endpoint
        head = (
            "def draw(self, low, high=None, size=None, dtype=np.int64, endpoint=False):\n"
            "    bits = bits_of(self)\n    closed = bool(endpoint)\n"
        )
        return _function(head, low, high, size, dtype, names, False)

    return integers


def randint_of(names: dict[str, Any], *, is_method: bool) -> Any:
    """RandomState.randint, or np.random.randint."""

    def chosen(low: Any, high: Any, size: Any, dtype: Any) -> Any:
        owner, bits = ("self, ", "bits_of(self)") if is_method else ("", "global_bits()")
        head = (
            f"def draw({owner}low, high=None, size=None, dtype=int):\n    bits = {bits}\n    closed = False\n"
        )
        return _function(head, low, high, size, dtype, names, True)

    def method(self: Any, low: Any, high: Any = None, size: Any = None, dtype: Any = int) -> Any:
        del self
        return chosen(low, high, size, dtype)

    def function(low: Any, high: Any = None, size: Any = None, dtype: Any = int) -> Any:
        return chosen(low, high, size, dtype)

    return method if is_method else function
