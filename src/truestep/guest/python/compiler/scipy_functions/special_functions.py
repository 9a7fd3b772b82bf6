"""Functions of one or more numbers of scipy.special that the C library does not have."""

# pyright: basic
# What Numba compiles has no types of Python.

import math
from typing import Any

_STEPS_MAX = 10_000
"""Enough for arguments of some millions; beyond it a series no longer changes."""
_EPSILON = 2.220446049250313e-16
_TINY = 1e-300
_HALF_LOG_OF_TWO_PI = 0.5 * math.log(2.0 * math.pi)
_ROOT_OF_TWO = math.sqrt(2.0)
_TWO_OVER_ROOT_OF_PI = 2.0 / math.sqrt(math.pi)
_EXACT_FACTORIALS = 22
"""Up to it, factorials are doubles."""


def gammainc(a: Any, x: Any) -> Any:
    """The lower incomplete gamma function over the whole one."""
    if math.isnan(a) or math.isnan(x) or x < 0.0 or a < 0.0:
        return math.nan
    if x == 0.0:
        return 0.0 if a > 0.0 else math.nan
    if a == 0.0 or math.isinf(x):
        return 1.0
    return _series_of_gamma(a, x) if x < a + 1.0 else 1.0 - _fraction_of_gamma(a, x)


def gammaincc(a: Any, x: Any) -> Any:
    """The upper incomplete gamma function over the whole one."""
    if math.isnan(a) or math.isnan(x) or x < 0.0 or a < 0.0:
        return math.nan
    if x == 0.0:
        return 1.0 if a > 0.0 else math.nan
    if a == 0.0 or math.isinf(x):
        return 0.0
    return 1.0 - _series_of_gamma(a, x) if x < a + 1.0 else _fraction_of_gamma(a, x)


def _series_of_gamma(a: Any, x: Any) -> Any:
    term = total = 1.0 / a
    for step in range(1, _STEPS_MAX):
        term *= x / (a + step)
        total += term
        if abs(term) < abs(total) * _EPSILON:
            break
    return total * math.exp(a * math.log(x) - x - math.lgamma(a))


def _fraction_of_gamma(a: Any, x: Any) -> Any:
    """By Lentz's method (DLMF 8.9.2, 3.10)."""
    b = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / b
    total = d
    for step in range(1, _STEPS_MAX):
        factor = -step * (step - a)
        b += 2.0
        d = _not_zero(factor * d + b)
        c = _not_zero(b + factor / c)
        d = 1.0 / d
        total *= d * c
        if abs(d * c - 1.0) < _EPSILON:
            break
    return total * math.exp(a * math.log(x) - x - math.lgamma(a))


def _not_zero(value: Any) -> Any:
    return _TINY if abs(value) < _TINY else value


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The incomplete beta function over the whole one."""
    if math.isnan(a + b + x) or a <= 0.0 or b <= 0.0 or x < 0.0 or x > 1.0:
        return math.nan
    if x in (0.0, 1.0):
        return x
    factor = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1.0) / (a + b + 2.0):
        return factor * _fraction_of_beta(a, b, x) / a
    return 1.0 - factor * _fraction_of_beta(b, a, 1.0 - x) / b


def _fraction_of_beta(a: Any, b: Any, x: Any) -> Any:
    """By Lentz's method (DLMF 8.17.22, 3.10)."""
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0))
    total = d
    for step in range(1, _STEPS_MAX):
        even = step * (b - step) * x / ((a + 2 * step - 1.0) * (a + 2 * step))
        d = 1.0 / _not_zero(1.0 + even * d)
        c = _not_zero(1.0 + even / c)
        total *= d * c
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1.0))
        d = 1.0 / _not_zero(1.0 + odd * d)
        c = _not_zero(1.0 + odd / c)
        total *= d * c
        if abs(d * c - 1.0) < _EPSILON:
            break
    return total


def beta(a: Any, b: Any) -> Any:
    """The beta function."""
    if a > 0.0 and b > 0.0 and a + b < 100.0:
        return math.gamma(a) / math.gamma(a + b) * math.gamma(b)
    return math.exp(math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))


def betaln(a: Any, b: Any) -> Any:
    """The logarithm of the beta function."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def digamma(x: Any) -> Any:
    """The derivative of the logarithm of the gamma function (DLMF 5.5.2, 5.5.4 and 5.11.2)."""
    if x <= 0.0 and x == math.floor(x):
        return math.nan if x < 0.0 else math.copysign(math.inf, -x)
    result = 0.0
    if x < 0.0:
        result = -math.pi / math.tan(math.pi * x)
        x = 1.0 - x
    while x < 12.0:
        result -= 1.0 / x
        x += 1.0
    square = 1.0 / (x * x)
    tail = 1 / 12 - square * (1 / 120 - square * (1 / 252 - square * (1 / 240 - square * (1 / 132 - square * (
        691 / 32760 - square / 12)))))  # fmt: skip
    return result + math.log(x) - 0.5 / x - square * tail


def ndtri(p: Any) -> Any:
    """The inverse of the normal distribution's function: M. J. Wichura, Algorithm AS 241 (1988), PPND16."""
    if not 0.0 < p < 1.0:
        return -math.inf if p == 0.0 else math.inf if p == 1.0 else math.nan
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        above = (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
            + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
            + 133.14166789178437745) * r + 3.387132872796366608) * q  # fmt: skip
        below = ((((((5226.495278852854561 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
            + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
            + 42.313330701600911252) * r + 1.0  # fmt: skip
        return above / below
    r = math.sqrt(-math.log(p if q < 0.0 else 1.0 - p))
    if r <= 5.0:
        r -= 1.6
        above = ((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r
            + 0.24178072517745061177) * r + 1.27045825245236838258) * r + 3.64784832476320460504) * r
            + 5.7694972214606914055) * r + 4.6303378461565452959) * r + 1.42343711074968357734  # fmt: skip
        below = ((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r
            + 0.0151986665636164571966) * r + 0.14810397642748007459) * r + 0.68976733498510000455) * r
            + 1.6763848301838038494) * r + 2.05319162663775882187) * r + 1.0  # fmt: skip
    else:
        r -= 5.0
        above = ((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r
            + 0.0012426609473880784386) * r + 0.026532189526576123093) * r + 0.29656057182850489123) * r
            + 1.7848265399172913358) * r + 5.4637849111641143699) * r + 6.6579046435011037772  # fmt: skip
        below = ((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r
            + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r
            + 0.13692988092273580531) * r + 0.59983220655588793769) * r + 1.0  # fmt: skip
    return math.copysign(above / below, q)


def erfinv(y: Any) -> Any:
    """The inverse of erf, by Newton's method from the inverse of the normal distribution."""
    if not -1.0 < y < 1.0:
        return math.copysign(math.inf, y) if abs(y) == 1.0 else math.nan
    if y == 0.0:
        return y
    size = abs(y)
    x = -ndtri(0.5 * (1.0 - size)) / _ROOT_OF_TWO
    for _ in range(2):
        error = math.erf(x) - size if x < 1.0 else (1.0 - size) - math.erfc(x)
        x -= error / (_TWO_OVER_ROOT_OF_PI * math.exp(-x * x))
    return math.copysign(x, y)


def erfcinv(y: Any) -> Any:
    """The inverse of erfc."""
    if not 0.0 < y < 2.0:
        return math.inf if y == 0.0 else -math.inf if y == 2.0 else math.nan
    if y > 0.5:
        return erfinv(1.0 - y)
    x = -ndtri(0.5 * y) / _ROOT_OF_TWO
    for _ in range(2):
        x += (math.erfc(x) - y) / (_TWO_OVER_ROOT_OF_PI * math.exp(-x * x))
    return x


def binom(n: Any, k: Any) -> Any:
    """The binomial coefficient of real numbers: a product for small k, else by the beta function."""
    below = float(k)
    if below == math.floor(below) and (abs(n) > 1e-8 or n == 0.0):
        whole = math.floor(n)
        if whole == n and below > whole / 2 and whole > 0:
            below = whole - below
        if 0.0 <= below < 20.0:
            above, under = 1.0, 1.0
            for step in range(1, int(below) + 1):
                above *= step + n - below
                under *= step
                if abs(above) > 1e50:
                    above /= under
                    under = 1.0
            return above / under
    if n < k and n - k == math.floor(n - k):
        return 0.0
    return 1.0 / (n + 1.0) / beta(1.0 + n - k, 1.0 + k)


def chosen(n: Any, k: Any) -> Any:
    """`comb(n, k)`: no ways where k is out of range."""
    return binom(n, k) if 0.0 <= k <= n else 0.0


def factorial(n: Any) -> Any:
    """`factorial(n)` as a float."""
    if n < 0.0:
        return 0.0
    if n == math.floor(n) and n <= _EXACT_FACTORIALS:
        product = 1.0
        for number in range(2, int(n) + 1):
            product *= number
        return product
    return math.gamma(n + 1.0) if n < 171.0 else math.inf


def xlog1py(x: Any, y: Any) -> Any:
    """X log(1 + y), which is 0 where x is."""
    return 0.0 if x == 0.0 and not math.isnan(y) else x * math.log1p(y)


def entr(x: Any) -> Any:
    """-x log(x)."""
    if math.isnan(x):
        return x
    return -x * math.log(x) if x > 0.0 else 0.0 if x == 0.0 else -math.inf


def rel_entr(x: Any, y: Any) -> Any:
    """X log(x / y)."""
    if math.isnan(x) or math.isnan(y):
        return math.nan
    if x > 0.0 and y > 0.0:
        return x * math.log(x / y)
    return 0.0 if x == 0.0 and y >= 0.0 else math.inf


def kl_div(x: Any, y: Any) -> Any:
    """X log(x / y) - x + y."""
    if math.isnan(x) or math.isnan(y):
        return math.nan
    if x > 0.0 and y > 0.0:
        return x * math.log(x / y) - x + y
    return y if x == 0.0 and y >= 0.0 else math.inf


def log_ndtr(x: Any) -> Any:
    """The logarithm of the normal distribution's function, far to the left by its asymptotic series."""
    if x > -20.0:
        return (
            math.log1p(-0.5 * math.erfc(x / _ROOT_OF_TWO))
            if x > 1.0
            else math.log(0.5 * math.erfc(-x / _ROOT_OF_TWO))
        )
    total, term, square = 1.0, 1.0, 1.0 / (x * x)
    for step in range(1, 20):
        term *= -(2 * step - 1) * square
        total += term
    return -0.5 * x * x - math.log(-x) - _HALF_LOG_OF_TWO_PI + math.log(total)
