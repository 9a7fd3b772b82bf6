"""Normal and exponential numbers, from which most other distributions are made.

A Generator has the ziggurat (Marsaglia and Tsang, 2000), with the tables that Numba carries. A RandomState
has the polar method (Marsaglia and Bray, 1964), whose second number is kept, and the inverted logarithm.
"""

import math
from typing import Any

import numpy as np
from numba.core.extending import register_jitable
from numba.np.random import distributions

from truestep.guest.python.compiler.randomness.bits import Bits, keep_normal, next_double, take_normal
from truestep.guest.python.compiler.randomness.overloading import implement

_ziggurat_normal: Any = distributions.random_standard_normal
_ziggurat_exponential: Any = distributions.random_standard_exponential


def standard_normal(bits: Any) -> float:
    """One normal number. What compiled code calls is chosen below."""
    return _polar(bits) if bits.is_legacy else _ziggurat_normal(bits)


def standard_exponential(bits: Any) -> float:
    """One exponential number. What compiled code calls is chosen below."""
    return _logarithm(bits) if bits.is_legacy else _ziggurat_exponential(bits)


@register_jitable
def _polar(bits: Any) -> float:
    spare = take_normal(bits)
    if not np.isnan(spare):
        return spare
    while True:
        x = 2.0 * next_double(bits) - 1.0
        y = 2.0 * next_double(bits) - 1.0
        square = x * x + y * y
        if 0.0 < square < 1.0:
            factor = math.sqrt(-2.0 * math.log(square) / square)
            keep_normal(bits, factor * x)
            return factor * y


@register_jitable
def _logarithm(bits: Any) -> float:
    return -math.log(1.0 - next_double(bits))


@implement(standard_normal)
def _standard_normal_of(bits: Any) -> Any:
    def ziggurat(bits: Any) -> float:
        return _ziggurat_normal(bits)

    if not isinstance(bits, Bits):
        return None
    return _polar if bits.is_legacy else ziggurat


@implement(standard_exponential)
def _standard_exponential_of(bits: Any) -> Any:
    def ziggurat(bits: Any) -> float:
        return _ziggurat_exponential(bits)

    if not isinstance(bits, Bits):
        return None
    return _logarithm if bits.is_legacy else ziggurat
