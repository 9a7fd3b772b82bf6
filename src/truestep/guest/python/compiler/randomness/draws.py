"""Distributions that Generator and RandomState draw by the same rules, from different normal numbers.

The papers: Marsaglia and Tsang (2000) and Ahrens and Dieter (1974) for gamma, Joehnk (1964) for beta. What
NumPy fixes beside them is how many numbers are drawn, and in which
order. A function `draw(bits, *parameters)` is compiled, or plain Python over one of NumPy's bit generators.
"""

import math
from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.bits import next_double
from truestep.guest.python.compiler.randomness.counts import poisson
from truestep.guest.python.compiler.randomness.sources import standard_exponential, standard_normal


@register_jitable
def standard_gamma(bits: Any, shape: float) -> float:
    """A gamma number of scale 1."""
    if shape == 1.0:
        return standard_exponential(bits)
    if shape == 0.0:
        return 0.0
    return _gamma_below_one(bits, shape) if shape < 1.0 else _gamma_above_one(bits, shape)


@register_jitable
def _gamma_below_one(bits: Any, shape: float) -> float:
    while True:
        u = next_double(bits)
        v = standard_exponential(bits)
        if u <= 1.0 - shape:
            x = u ** (1.0 / shape)
            if x <= v:
                return x
        else:
            y = -math.log((1.0 - u) / shape)
            x = (1.0 - shape + shape * y) ** (1.0 / shape)
            if x <= v + y:
                return x


@register_jitable
def _gamma_above_one(bits: Any, shape: float) -> float:
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = standard_normal(bits)
        v = 1.0 + c * x
        while v <= 0.0:
            x = standard_normal(bits)
            v = 1.0 + c * x
        v = v * v * v
        u = next_double(bits)
        if u < 1.0 - 0.0331 * (x * x) * (x * x):
            return d * v
        if u == 0.0 or math.log(u) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
            return d * v


@register_jitable
def gamma(bits: Any, shape: float, scale: float) -> float:
    """A gamma number."""
    return scale * standard_gamma(bits, shape)


@register_jitable
def chisquare(bits: Any, df: float) -> float:
    """The sum of `df` squares of normal numbers."""
    return 2.0 * standard_gamma(bits, df / 2.0)


@register_jitable
def beta(bits: Any, a: float, b: float) -> float:
    """A beta number."""
    if a > 1.0 or b > 1.0:
        first = standard_gamma(bits, a)
        return first / (first + standard_gamma(bits, b))
    while True:
        u = next_double(bits)
        v = next_double(bits)
        x = u ** (1.0 / a)
        y = v ** (1.0 / b)
        if x + y <= 1.0 and u + v > 0.0:
            return x / (x + y) if x + y > 0.0 else _quotient_of_powers(u, a, v, b)


@register_jitable
def _quotient_of_powers(u: float, a: float, v: float, b: float) -> float:
    """`u**(1/a) / (u**(1/a) + v**(1/b))` where the powers underflow."""
    x = math.log(u) / a
    y = math.log(v) / b
    largest = max(x, y)
    x -= largest
    y -= largest
    return math.exp(x - math.log(math.exp(x) + math.exp(y)))


@register_jitable
def f(bits: Any, dfnum: float, dfden: float) -> float:
    """The quotient of two mean squares."""
    numerator = chisquare(bits, dfnum) * dfden
    return numerator / (chisquare(bits, dfden) * dfnum)


@register_jitable
def noncentral_chisquare(bits: Any, df: float, nonc: float) -> float:
    """Like chisquare, of normal numbers that are not centred."""
    if math.isnan(nonc):
        return nonc
    if nonc == 0.0:
        return chisquare(bits, df)
    if df > 1.0:
        rest = chisquare(bits, df - 1.0)
        shifted = standard_normal(bits) + math.sqrt(nonc)
        return rest + shifted * shifted
    count = poisson(bits, nonc / 2.0)
    return chisquare(bits, df + 2.0 * count)


@register_jitable
def noncentral_f(bits: Any, dfnum: float, dfden: float, nonc: float) -> float:
    """Like f, with a numerator that is not centred."""
    numerator = noncentral_chisquare(bits, dfnum, nonc) * dfden
    return numerator / (chisquare(bits, dfden) * dfnum)


@register_jitable
def standard_t(bits: Any, df: float) -> float:
    """Student's t."""
    normal = standard_normal(bits)
    denominator = standard_gamma(bits, df / 2.0)
    return math.sqrt(df / 2.0) * normal / math.sqrt(denominator)


@register_jitable
def standard_cauchy(bits: Any) -> float:
    """The quotient of two normal numbers."""
    numerator = standard_normal(bits)
    return np.float64(numerator) / standard_normal(bits)


@register_jitable
def normal(bits: Any, loc: float, scale: float) -> float:
    """A normal number."""
    return loc + scale * standard_normal(bits)


@register_jitable
def lognormal(bits: Any, mean: float, sigma: float) -> float:
    """A number whose logarithm is normal."""
    return math.exp(normal(bits, mean, sigma))


@register_jitable
def exponential(bits: Any, scale: float) -> float:
    """An exponential number."""
    return scale * standard_exponential(bits)


@register_jitable
def uniform(bits: Any, low: float, high: float) -> float:
    """A number between two others."""
    return low + (high - low) * next_double(bits)


@register_jitable
def weibull(bits: Any, a: float) -> float:
    """A power of an exponential number."""
    return 0.0 if a == 0.0 else standard_exponential(bits) ** (1.0 / a)


@register_jitable
def laplace(bits: Any, loc: float, scale: float) -> float:
    """A number of the double exponential distribution."""
    u = next_double(bits)
    while u <= 0.0:
        u = next_double(bits)
    return loc - scale * math.log(2.0 - u - u) if u >= 0.5 else loc + scale * math.log(u + u)


@register_jitable
def gumbel(bits: Any, loc: float, scale: float) -> float:
    """A number of the distribution of extreme values."""
    u = 1.0 - next_double(bits)
    while u >= 1.0:
        u = 1.0 - next_double(bits)
    return loc - scale * math.log(-math.log(u))


@register_jitable
def logistic(bits: Any, loc: float, scale: float) -> float:
    """A number of the logistic distribution."""
    u = next_double(bits)
    while u <= 0.0:
        u = next_double(bits)
    return loc + scale * math.log(u / (1.0 - u))


@register_jitable
def triangular(bits: Any, left: float, mode: float, right: float) -> float:
    """A number whose density is a triangle."""
    width = right - left
    u = next_double(bits)
    if u <= (mode - left) / width:
        return left + math.sqrt(u * ((mode - left) * width))
    return right - math.sqrt((1.0 - u) * ((right - mode) * width))


@register_jitable
def negative_binomial(bits: Any, n: float, p: float) -> int:
    """The number of failures before `n` successes."""
    return poisson(bits, gamma(bits, n, (1.0 - p) / p))
