"""Distributions that only a Generator draws in this way."""

import math
from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness import draws
from truestep.guest.python.compiler.randomness.bits import next_double
from truestep.guest.python.compiler.randomness.bounded import interval
from truestep.guest.python.compiler.randomness.sources import standard_exponential, standard_normal

_INT64_MAX = 2**63 - 1
_TINY_BETA = 3e-103
"""Beta numbers with smaller parameters are 0 or 1."""
_WIDE_VONMISES = 1e6
"""With a larger kappa, vonmises is a wrapped normal distribution."""
_SEARCH_START = 0.333333333333333333333333
"""Geometric numbers with this probability or a larger one are searched for."""
_TABLE_SIZE = 126
_LOG_FACTORIALS = np.array([math.log(math.factorial(k)) for k in range(_TABLE_SIZE)])
_HALF_LOG_TAU = 0.9189385332046728
_RATIO_MIN = 10
"""Hypergeometric numbers of fewer drawn or fewer left items are drawn item by item."""
RATIO_WIDTH = 1.7155277699214135
"""2 · sqrt(2 / e)"""
RATIO_SHIFT = 0.8989161620588988
"""3 - 2 · sqrt(3 / e)"""


@register_jitable
def beta(bits: Any, a: float, b: float) -> float:
    """A beta number."""
    if a < _TINY_BETA and b < _TINY_BETA:
        return 1.0 if (a + b) * next_double(bits) < a else 0.0
    if a > 1.0 or b > 1.0:
        return draws.beta(bits, a, b)
    while True:
        u = next_double(bits)
        v = next_double(bits)
        x = u ** (1.0 / a)
        y = v ** (1.0 / b)
        if x + y <= 1.0 and u + v > 0.0:
            return x / (x + y) if x > 0.0 and y > 0.0 else _quotient_of_powers(u, a, v, b)


@register_jitable
def _quotient_of_powers(u: float, a: float, v: float, b: float) -> float:
    """`u**(1/a) / (u**(1/a) + v**(1/b))` where a power underflows."""
    if u == 0.0 or v == 0.0:
        return 0.0 if u == 0.0 else 1.0
    x = math.log(u) / a
    y = math.log(v) / b
    return math.exp(x - max(x, y) - math.log1p(math.exp(-abs(y - x))))


@register_jitable
def rayleigh(bits: Any, scale: float) -> float:
    """The length of a vector of two normal numbers."""
    return scale * math.sqrt(2.0 * standard_exponential(bits))


@register_jitable
def pareto(bits: Any, a: float) -> float:
    """A number of the Lomax distribution."""
    return math.expm1(standard_exponential(bits) / a)


@register_jitable
def power(bits: Any, a: float) -> float:
    """A number whose density is a power."""
    return (-math.expm1(-standard_exponential(bits))) ** (1.0 / a)


@register_jitable
def wald(bits: Any, mean: float, scale: float) -> float:
    """An inverse Gaussian number (Michael, Schucany and Haas, 1976), without cancellation."""
    normal = standard_normal(bits)
    y = mean * normal * normal
    x = mean * (1.0 - 2.0 / (1.0 + math.sqrt(1.0 + 4.0 * scale / y)))
    u = next_double(bits)
    return x if u <= mean / (mean + x) else mean * mean / x


@register_jitable
def geometric(bits: Any, p: float) -> int:
    """The number of trials up to the first success."""
    if p >= _SEARCH_START:
        return search_geometric(bits, p)
    found = np.ceil(-standard_exponential(bits) / math.log1p(-p))
    return _INT64_MAX if found >= 9.223372036854776e18 else int(found)


@register_jitable
def search_geometric(bits: Any, p: float) -> int:
    """A geometric number, by adding up probabilities."""
    u = next_double(bits)
    count = 1
    share = p
    total = p
    while u > total:
        share *= 1.0 - p
        total += share
        count += 1
    return count


@register_jitable
def logseries(bits: Any, p: float) -> int:
    """A number of the logarithmic distribution (Kemp, 1981)."""
    r = math.log1p(-p)
    while True:
        v = next_double(bits)
        if v >= p:
            return 1
        q = -math.expm1(r * next_double(bits))
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
    """A number of the zeta distribution (Devroye, 1986, X.6.1), from uniform numbers that cannot overflow."""
    if a >= 1025.0:
        return 1
    exponent = a - 1.0
    b = 2.0**exponent
    smallest = 9.223372036854776e18**-exponent
    while True:
        shift = next_double(bits)
        u = shift * smallest + (1.0 - shift)
        v = next_double(bits)
        x = np.floor(u ** (-1.0 / exponent))
        if x > 9.223372036854775e18 or x < 1.0:
            continue
        t = (1.0 + 1.0 / x) ** exponent
        if v * x * (t - 1.0) / (b - 1.0) <= t / b:
            return int(x)


@register_jitable
def vonmises(bits: Any, mu: float, kappa: float) -> float:
    """An angle (Best and Fisher, 1979)."""
    if kappa > _WIDE_VONMISES:
        angle = mu + math.sqrt(1.0 / kappa) * standard_normal(bits)
        if angle < -math.pi:
            angle += 2.0 * math.pi
        if angle > math.pi:
            angle -= 2.0 * math.pi
        return angle
    return angle_around(bits, mu, kappa)


@register_jitable
def angle_around(bits: Any, mu: float, kappa: float) -> float:
    """An angle, by rejection from a wrapped Cauchy distribution."""
    if kappa < 1e-8:
        return math.pi * (2.0 * next_double(bits) - 1.0)
    if kappa < 1e-5:
        s = 1.0 / kappa + kappa
    else:
        r = 1.0 + math.sqrt(1.0 + 4.0 * kappa * kappa)
        rho = (r - math.sqrt(2.0 * r)) / (2.0 * kappa)
        s = (1.0 + rho * rho) / (2.0 * rho)
    while True:
        z = math.cos(math.pi * next_double(bits))
        w = (1.0 + s * z) / (s + z)
        y = kappa * (s - w)
        v = next_double(bits)
        if y * (2.0 - y) - v >= 0.0 or v == 0.0 or (y > 0.0 and math.log(y / v) + 1.0 - y >= 0.0):
            break
    angle = math.acos(w)
    if next_double(bits) < 0.5:
        angle = -angle
    angle += mu
    wrapped = (abs(angle) + math.pi) % (2.0 * math.pi) - math.pi
    return -wrapped if angle < 0.0 else wrapped


@register_jitable
def hypergeometric(bits: Any, good: int, bad: int, sample: int) -> int:
    """The number of good items in a sample."""
    if _RATIO_MIN <= sample <= good + bad - _RATIO_MIN:
        return _hypergeometric_by_ratio(bits, good, bad, sample)
    return _hypergeometric_by_items(bits, good, bad, sample)


@register_jitable
def _hypergeometric_by_items(bits: Any, good: int, bad: int, sample: int) -> int:
    total = good + bad
    is_inverted = sample > total // 2
    to_draw = total - sample if is_inverted else sample
    left = total
    good_left = good
    while to_draw > 0 and good_left > 0 and left > good_left:
        left -= 1
        if interval(bits, left) < good_left:
            good_left -= 1
        to_draw -= 1
    if left == good_left:
        good_left -= to_draw
    return good_left if is_inverted else good - good_left


@register_jitable
def _log_factorial(k: int) -> float:
    if k < _TABLE_SIZE:
        return _LOG_FACTORIALS[k]
    # Stirling's series
    return (k + 0.5) * math.log(k) - k + (_HALF_LOG_TAU + (1.0 / k) * (1.0 / 12.0 - 1.0 / (360.0 * k * k)))


@register_jitable
def _log_of_ways(smaller: int, larger: int, sample: int, drawn: int) -> float:
    return (
        _log_factorial(drawn)
        + _log_factorial(smaller - drawn)
        + _log_factorial(sample - drawn)
        + _log_factorial(larger - sample + drawn)
    )


@register_jitable
def _hypergeometric_by_ratio(bits: Any, good: int, bad: int, sample: int) -> int:
    """HRUA*: the ratio of uniforms (Stadlober, 1990)."""
    total = good + bad
    drawn_items = min(sample, total - sample)
    smaller = min(good, bad)
    larger = max(good, bad)
    p = smaller / total
    q = larger / total
    middle = drawn_items * p + 0.5
    variance = float(total - drawn_items) * drawn_items * p * q / (total - 1)
    spread = math.sqrt(variance + 0.5)
    width = RATIO_WIDTH * spread + RATIO_SHIFT
    mode = math.floor(float(drawn_items + 1) * (smaller + 1) / (total + 2))
    ways = _log_of_ways(smaller, larger, drawn_items, mode)
    end = min(float(min(drawn_items, smaller) + 1), math.floor(middle + 16.0 * spread))
    while True:
        u = next_double(bits)
        v = next_double(bits)
        if u == 0.0:
            continue
        x = middle + width * (v - 0.5) / u
        if x < 0.0 or x >= end:
            continue
        drawn = math.floor(x)
        t = ways - _log_of_ways(smaller, larger, drawn_items, drawn)
        if u * (4.0 - u) - 3.0 <= t:
            break
        if u * (u - t) < 1.0 and 2.0 * math.log(u) <= t:
            break
    if good > bad:
        drawn = drawn_items - drawn
    return good - drawn if drawn_items < sample else drawn
