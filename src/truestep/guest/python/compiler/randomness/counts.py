"""Distributions of counts that Generator and RandomState draw by the same rules.

The papers: Hoermann (1993, PTRS) for poisson, Kachitvichyanukul and Schmeiser (1988, BTPE) for binomial.
"""

import math
from typing import Any

from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.bits import next_double

_STIRLING = (
    8.333333333333333e-02,
    -2.777777777777778e-03,
    7.936507936507937e-04,
    -5.952380952380952e-04,
    8.417508417508418e-04,
    -1.917526917526918e-03,
    6.410256410256410e-03,
    -2.955065359477124e-02,
    1.796443723688307e-01,
    -1.39243221690590e00,
)
"""Of log(gamma(x)) for large x (Zhang and Jin, 1996, chapter 3)."""
_HALF_LOG_TAU = 0.5 * 1.8378770664093453
_SERIES_START = 7.0
"""From here on the series is exact enough."""
_PTRS_START = 10.0
"""Poisson numbers with this mean or a larger one are drawn by rejection."""
_BTPE_START = 30.0
"""Likewise binomial numbers."""


@register_jitable
def log_gamma(x: float) -> float:
    """The logarithm of the gamma function as NumPy computes it for its acceptance tests."""
    if x in (1.0, 2.0):
        return 0.0
    steps = int(_SERIES_START - x) if x < _SERIES_START else 0
    shifted = x + steps
    inverse_square = (1.0 / shifted) * (1.0 / shifted)
    series = _STIRLING[9]
    for index in range(8, -1, -1):
        series *= inverse_square
        series += _STIRLING[index]
    result = series / shifted + _HALF_LOG_TAU + (shifted - 0.5) * math.log(shifted) - shifted
    for _ in range(steps):
        result -= math.log(shifted - 1.0)
        shifted -= 1.0
    return result


_RECURSION_MAX = 20
"""BTPE computes shares this near the mode by recursion."""


@register_jitable
def poisson(bits: Any, lam: float) -> int:
    """The number of events of which `lam` are expected."""
    if lam >= _PTRS_START:
        return _poisson_by_rejection(bits, lam)
    if lam == 0.0:
        return 0
    limit = math.exp(-lam)
    count = 0
    product = next_double(bits)
    while product > limit:
        count += 1
        product *= next_double(bits)
    return count


@register_jitable
def _poisson_by_rejection(bits: Any, lam: float) -> int:
    root = math.sqrt(lam)
    log_lam = math.log(lam)
    b = 0.931 + 2.53 * root
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    squeeze = 0.9277 - 3.6224 / (b - 2.0)
    while True:
        u = next_double(bits) - 0.5
        v = next_double(bits)
        distance = 0.5 - abs(u)
        if distance == 0.0:
            continue
        k = math.floor((2.0 * a / distance + b) * u + lam + 0.43)
        if distance >= 0.07 and v <= squeeze:
            return int(k)
        if k < 0 or (distance < 0.013 and v > distance):
            continue
        if v == 0.0:
            return int(k)
        left = math.log(v) + math.log(inverse_alpha) - math.log(a / (distance * distance) + b)
        if left <= -lam + k * log_lam - log_gamma(k + 1.0):
            return int(k)


@register_jitable
def binomial(bits: Any, n: int, p: float) -> int:
    """The number of successes in `n` trials."""
    if n == 0 or p == 0.0:
        return 0
    rare = p if p <= 0.5 else 1.0 - p
    if rare * n <= _BTPE_START:
        count = _binomial_by_inversion(bits, n, rare)
    else:
        count = _binomial_by_rejection(bits, n, rare)
    return count if p <= 0.5 else n - count


@register_jitable
def _binomial_by_inversion(bits: Any, n: int, p: float) -> int:
    q = 1.0 - p
    none = math.exp(n * math.log(q))
    expected = n * p
    bound = int(min(float(n), expected + 10.0 * math.sqrt(expected * q + 1.0)))
    count = 0
    share = none
    u = next_double(bits)
    while u > share:
        count += 1
        if count > bound:
            count = 0
            share = none
            u = next_double(bits)
        else:
            u -= share
            share = ((n - count + 1) * p * share) / (count * q)
    return count


@register_jitable
def _stirling_correction(x: float) -> float:
    square = x * x
    inner = 13680.0 - (462.0 - (132.0 - (99.0 - 140.0 / square) / square) / square) / square
    return inner / x / 166320.0


@register_jitable
def _binomial_by_rejection(bits: Any, n: int, p: float) -> int:
    """BTPE; its names are the paper's."""
    r = min(p, 1.0 - p)
    q = 1.0 - r
    fm = n * r + r
    m = math.floor(fm)
    p1 = math.floor(2.195 * math.sqrt(n * r * q) - 4.6 * q) + 0.5
    xm = m + 0.5
    xl = xm - p1
    xr = xm + p1
    c = 0.134 + 20.5 / (15.3 + m)
    a = (fm - xl) / (fm - xl * r)
    lambda_left = a * (1.0 + a / 2.0)
    a = (xr - fm) / (xr * q)
    lambda_right = a * (1.0 + a / 2.0)
    p2 = p1 * (1.0 + 2.0 * c)
    p3 = p2 + c / lambda_left
    p4 = p3 + c / lambda_right
    nrq = n * r * q
    while True:
        u = next_double(bits) * p4
        v = next_double(bits)
        if u <= p1:
            return math.floor(xm - p1 * v + u)
        if u <= p2:
            x = xl + (u - p1) / c
            v = v * c + 1.0 - abs(m - x + 0.5) / p1
            if v > 1.0:
                continue
            y = math.floor(x)
        elif u <= p3:
            if v == 0.0:
                continue
            y = math.floor(xl + math.log(v) / lambda_left)
            if y < 0:
                continue
            v = v * (u - p2) * lambda_left
        else:
            if v == 0.0:
                continue
            y = math.floor(xr - math.log(v) / lambda_right)
            if y > n:
                continue
            v = v * (u - p3) * lambda_right
        if _is_binomial(int(y), v, n, m, r, q, nrq, xm):
            return int(y)


@register_jitable
def _is_binomial(y: int, v: float, n: int, m: int, r: float, q: float, nrq: float, xm: float) -> bool:
    """Whether BTPE accepts y: by recursion if it is near the mode, otherwise by squeezing (step 5)."""
    k = abs(y - m)
    if k <= _RECURSION_MAX or k >= nrq / 2.0 - 1.0:
        s = r / q
        a = s * (n + 1)
        share = 1.0
        for i in range(m + 1, y + 1):
            share *= a / i - s
        for i in range(y + 1, m + 1):
            share /= a / i - s
        return v <= share
    if v == 0.0:
        return True
    rho = (k / nrq) * ((k * (k / 3.0 + 0.625) + 0.16666666666666666) / nrq + 0.5)
    t = -k * k / (2.0 * nrq)
    a = math.log(v)
    if a < t - rho:
        return True
    if a > t + rho:
        return False
    x1 = y + 1.0
    f1 = m + 1.0
    z = n + 1.0 - m
    w = n - y + 1.0
    return a <= (
        xm * math.log(f1 / x1)
        + (n - m + 0.5) * math.log(z / w)
        + (y - m) * math.log(w * r / (x1 * q))
        + _stirling_correction(f1)
        + _stirling_correction(z)
        + _stirling_correction(x1)
        + _stirling_correction(w)
    )
