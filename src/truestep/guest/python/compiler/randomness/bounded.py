"""Integers below a bound: by Lemire's multiplication (2019) or by masks and rejection.

Integers of 8 and 16 bits and booleans share words: `buffer` holds the rest of one, `count` what is in it.
"""

from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.bits import next_uint32, next_uint64

_FULL_HALF = 0xFFFFFFFF


@register_jitable
def mask_of(largest: Any) -> Any:
    """The smallest number of ones, in binary, that is not below `largest`."""
    mask = np.uint64(largest)
    for shift in (1, 2, 4, 8, 16, 32):
        mask |= mask >> np.uint64(shift)
    return mask


@register_jitable
def interval(bits: Any, largest: int) -> Any:
    """An integer from 0 to `largest`, by masks: shuffle's."""
    if largest == 0:
        return 0
    mask = mask_of(largest)
    bound = np.uint64(largest)
    is_half = bound <= np.uint64(_FULL_HALF)
    while True:
        word = np.uint64(next_uint32(bits)) if is_half else np.uint64(next_uint64(bits))
        if word & mask <= bound:
            return np.int64(word & mask)


@register_jitable
def upper_product(x: Any, y: Any) -> Any:
    """The upper 64 bits of a product of 64-bit numbers."""
    half = np.uint64(32)
    low = np.uint64(_FULL_HALF)
    x_low = x & low
    x_high = x >> half
    y_low = y & low
    y_high = y >> half
    middle = x_high * y_low + ((x_low * y_low) >> half)
    other = (middle & low) + x_low * y_high
    return x_high * y_high + (middle >> half) + (other >> half)


@register_jitable
def below_half(bits: Any, width: Any) -> Any:
    """An integer from 0 to `width`, which is below 2^32 - 1."""
    count = np.uint64(width) + np.uint64(1)
    low = np.uint64(_FULL_HALF)
    product = np.uint64(next_uint32(bits)) * count
    if product & low < count:
        threshold = (low - np.uint64(width)) % count
        while product & low < threshold:
            product = np.uint64(next_uint32(bits)) * count
    return product >> np.uint64(32)


@register_jitable
def below_word(bits: Any, width: Any) -> Any:
    """An integer from 0 to `width`, which is below 2^64 - 1."""
    count = np.uint64(width) + np.uint64(1)
    word = np.uint64(next_uint64(bits))
    if word * count < count:
        threshold = (np.uint64(0xFFFFFFFFFFFFFFFF) - np.uint64(width)) % count
        while word * count < threshold:
            word = np.uint64(next_uint64(bits))
    return upper_product(word, count)


@register_jitable
def below(bits: Any, width: Any) -> Any:
    """An integer from 0 to `width`, a uint64, as integers(dtype=int64) draws it."""
    if width == np.uint64(0):
        return np.uint64(0)
    if width < np.uint64(_FULL_HALF):
        return below_half(bits, width)
    if width == np.uint64(_FULL_HALF):
        return np.uint64(next_uint32(bits))
    if width == np.uint64(0xFFFFFFFFFFFFFFFF):
        return np.uint64(next_uint64(bits))
    return below_word(bits, width)


@register_jitable
def masked(bits: Any, width: Any) -> Any:
    """An integer from 0 to `width`, a uint64, as randint draws it."""
    if width == np.uint64(0):
        return np.uint64(0)
    mask = mask_of(width)
    is_half = width <= np.uint64(_FULL_HALF)
    while True:
        word = np.uint64(next_uint32(bits)) if is_half else np.uint64(next_uint64(bits))
        if word & mask <= width:
            return word & mask
