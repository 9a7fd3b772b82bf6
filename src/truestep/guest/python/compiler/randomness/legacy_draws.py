"""Distributions that only a RandomState draws in this way; its stream does not change any more."""

import math
from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness import draws
from truestep.guest.python.compiler.randomness.bits import next_double
from truestep.guest.python.compiler.randomness.counts import log_gamma
from truestep.guest.python.compiler.randomness.generator_draws import (
    RATIO_SHIFT,
    RATIO_WIDTH,
    angle_around,
    search_geometric,
)
from truestep.guest.python.compiler.randomness.sources import standard_exponential, standard_normal

_SEARCH_START = 0.333333333333333333333333
_ITEMS_MAX = 10
"""The largest sample of which RandomState draws a hypergeometric number item by item."""

beta = draws.beta
vonmises = angle_around


@register_jitable
def rayleigh(bits: Any, scale: float) -> float:
    """The length of a vector of two normal numbers."""
    return scale * math.sqrt(-2.0 * math.log1p(-next_double(bits)))


@register_jitable
def pareto(bits: Any, a: float) -> float:
    """A number of the Lomax distribution."""
    return math.exp(standard_exponential(bits) / a) - 1.0


@register_jitable
def power(bits: Any, a: float) -> float:
    """A number whose density is a power."""
    return (1.0 - math.exp(-standard_exponential(bits))) ** (1.0 / a)


@register_jitable
def wald(bits: Any, mean: float, scale: float) -> float:
    """An inverse Gaussian number (Michael, Schucany and Haas, 1976)."""
    normal = standard_normal(bits)
    y = mean * normal * normal
    x = mean + mean / (2.0 * scale) * (y - math.sqrt(4.0 * scale * y + y * y))
    u = next_double(bits)
    return x if u <= mean / (mean + x) else mean * mean / x


@register_jitable
def geometric(bits: Any, p: float) -> int:
    """The number of trials up to the first success."""
    if p >= _SEARCH_START:
        return search_geometric(bits, p)
    return math.ceil(math.log1p(-next_double(bits)) / math.log(1.0 - p))


@register_jitable
def logseries(bits: Any, p: float) -> int:
    """A number of the logarithmic distribution (Kemp, 1981)."""
    r = math.log(1.0 - p)
    while True:
        v = next_double(bits)
        if v >= p:
            return 1
        q = 1.0 - math.exp(r * next_double(bits))
        if v <= q * q:
            if v == 0.0:
                continue
            found = math.floor(1.0 + math.log(v) / math.log(q))
            if found < 1:
                continue
            return found
        return 1 if v >= q else 2


@register_jitable
def zipf(bits: Any, a: float) -> int:
    """A number of the zeta distribution (Devroye, 1986, X.6.1)."""
    exponent = a - 1.0
    b = 2.0**exponent
    while True:
        u = 1.0 - next_double(bits)
        v = next_double(bits)
        x = np.floor(u ** (-1.0 / exponent))
        if x > 9.223372036854775e18 or x < 1.0:
            continue
        t = (1.0 + 1.0 / x) ** exponent
        if v * x * (t - 1.0) / (b - 1.0) <= t / b:
            return int(x)


@register_jitable
def hypergeometric(bits: Any, good: int, bad: int, sample: int) -> int:
    """The number of good items in a sample."""
    if sample > _ITEMS_MAX:
        return _hypergeometric_by_ratio(bits, good, bad, sample)
    return _hypergeometric_by_items(bits, good, bad, sample) if sample > 0 else 0


@register_jitable
def _hypergeometric_by_items(bits: Any, good: int, bad: int, sample: int) -> int:
    smaller = float(min(good, bad))
    left_over = good + bad - sample
    missing = smaller
    rest = sample
    while missing > 0.0 and rest > 0:
        missing -= math.floor(next_double(bits) + missing / (left_over + rest))
        rest -= 1
    drawn = int(smaller - missing)
    return sample - drawn if good > bad else drawn


@register_jitable
def _log_of_ways(smaller: int, larger: int, sample: int, drawn: float) -> float:
    return (
        log_gamma(drawn + 1.0)
        + log_gamma(smaller - drawn + 1.0)
        + log_gamma(sample - drawn + 1.0)
        + log_gamma(larger - sample + drawn + 1.0)
    )


@register_jitable
def _hypergeometric_by_ratio(bits: Any, good: int, bad: int, nsample: int) -> int:
    """HRUA: the ratio of uniforms (Stadlober, 1990)."""
    smaller = min(good, bad)
    larger = max(good, bad)
    total = good + bad
    sample = min(nsample, total - nsample)
    share = smaller / float(total)
    middle = sample * share + 0.5
    spread = math.sqrt(float(total - sample) * nsample * share * (1.0 - share) / (total - 1) + 0.5)
    width = RATIO_WIDTH * spread + RATIO_SHIFT
    mode = math.floor((sample + 1.0) * (smaller + 1.0) / (total + 2.0))
    ways = _log_of_ways(smaller, larger, sample, mode)
    end = min(min(sample, smaller) + 1.0, math.floor(middle + 16.0 * spread))
    while True:
        x = next_double(bits)
        y = next_double(bits)
        if x == 0.0:
            continue
        w = middle + width * (y - 0.5) / x
        if w < 0.0 or w >= end:
            continue
        drawn = math.floor(w)
        t = ways - _log_of_ways(smaller, larger, sample, drawn)
        if x * (4.0 - x) - 3.0 <= t:
            break
        if x * (x - t) < 1.0 and 2.0 * math.log(x) <= t:
            break
    found = int(drawn)
    if good > bad:
        found = sample - found
    return good - found if sample < nsample else found
