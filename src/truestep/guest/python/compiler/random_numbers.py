"""np.random's distributions as NumPy's RandomState draws them: the same numbers for the same seed.

Numba has other algorithms for some of these. The papers: Marsaglia and Tsang (2000) and Ahrens and Dieter
(1974) for gamma, Joehnk (1964) for beta, Best and Fisher (1979) for vonmises, Stadlober (1990) for
hypergeometric. What RandomState fixes beside them is how many numbers are drawn, and in which order.
"""

import importlib
import math
from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import overload, register_jitable

from truestep.guest.python.compiler.sums import forget, is_none

_TWICE_RATIO_WIDTH = 1.7155277699214135
"""2 · sqrt(2 / e)"""
_TWICE_RATIO_SHIFT = 0.8989161620588988
"""3 - 2 · sqrt(3 / e)"""
_poisson: Any = np.random.poisson

_INVERSION_MAX = 10
"""The largest sample of which RandomState draws a hypergeometric number item by item."""


def install_random_numbers() -> None:
    """Replace Numba's own, which are registered when their module is imported."""
    importlib.import_module("numba.np.random.legacy")
    for function, implementation in (
        (np.random.standard_gamma, _standard_gamma_of),
        (np.random.gamma, _gamma_of),
        (np.random.beta, _beta_of),
        (np.random.chisquare, _chisquare_of),
        (np.random.f, _f_of),
        (np.random.standard_t, _standard_t_of),
        (np.random.negative_binomial, _negative_binomial_of),
        (np.random.vonmises, _vonmises_of),
        (np.random.dirichlet, _dirichlet_of),
        (np.random.triangular, _triangular_of),
        (np.random.pareto, _pareto_of),
        (np.random.hypergeometric, _hypergeometric_of),
    ):
        forget(function, "")
        overload(function)(implementation)


@register_jitable
def _standard_gamma(shape: float) -> float:
    if shape < 0.0:
        raise ValueError("shape < 0")
    if shape == 0.0:
        return 0.0
    if shape == 1.0:
        return np.random.standard_exponential()
    return _gamma_below_one(shape) if shape < 1.0 else _gamma_above_one(shape)


@register_jitable
def _gamma_below_one(shape: float) -> float:
    while True:
        u = np.random.random()
        v = np.random.standard_exponential()
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
def _gamma_above_one(shape: float) -> float:
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = np.random.standard_normal()
        v = 1.0 + c * x
        while v <= 0.0:
            x = np.random.standard_normal()
            v = 1.0 + c * x
        v = v * v * v
        u = np.random.random()
        if u < 1.0 - 0.0331 * (x * x) * (x * x):
            return d * v
        # RandomState takes the logarithm of v only if that of u is not enough.
        if math.log(u) < 0.5 * x * x + d * (1.0 - v + math.log(v)):
            return d * v


@register_jitable
def _gamma(shape: float, scale: float) -> float:
    if scale < 0.0:
        raise ValueError("scale < 0")
    return scale * _standard_gamma(shape)


@register_jitable
def _chisquare(df: float) -> float:
    if df <= 0.0:
        raise ValueError("df <= 0")
    return 2.0 * _standard_gamma(df / 2.0)


@register_jitable
def _beta(a: float, b: float) -> float:
    if a <= 0.0:
        raise ValueError("a <= 0")
    if b <= 0.0:
        raise ValueError("b <= 0")
    if a > 1.0 or b > 1.0:
        first = _standard_gamma(a)
        return first / (first + _standard_gamma(b))
    while True:
        u = np.random.random()
        v = np.random.random()
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
def _f(dfnum: float, dfden: float) -> float:
    numerator = _chisquare(dfnum) * dfden
    return numerator / (_chisquare(dfden) * dfnum)


@register_jitable
def _standard_t(df: float) -> float:
    if df <= 0.0:
        raise ValueError("df <= 0")
    normal = np.random.standard_normal()
    gamma = _standard_gamma(df / 2.0)
    return math.sqrt(df / 2.0) * normal / math.sqrt(gamma)


@register_jitable
def _negative_binomial(n: float, p: float) -> int:
    if n <= 0.0:
        raise ValueError("n <= 0")
    if p <= 0.0 or p > 1.0:
        raise ValueError("p <= 0, p > 1 or p contains NaNs")
    return _poisson(_gamma(n, (1.0 - p) / p))


@register_jitable
def _vonmises(mu: float, kappa: float) -> float:
    if kappa < 0.0:
        raise ValueError("kappa < 0")
    if kappa < 1e-8:
        return math.pi * (2.0 * np.random.random() - 1.0)
    if kappa < 1e-5:
        s = 1.0 / kappa + kappa
    else:
        r = 1.0 + math.sqrt(1.0 + 4.0 * kappa * kappa)
        rho = (r - math.sqrt(2.0 * r)) / (2.0 * kappa)
        s = (1.0 + rho * rho) / (2.0 * rho)
    while True:
        z = math.cos(math.pi * np.random.random())
        w = (1.0 + s * z) / (s + z)
        y = kappa * (s - w)
        v = np.random.random()
        if y * (2.0 - y) - v >= 0.0 or math.log(y / v) + 1.0 - y >= 0.0:
            break
    angle = math.acos(w)
    if np.random.random() < 0.5:
        angle = -angle
    angle += mu
    wrapped = (abs(angle) + math.pi) % (2.0 * math.pi) - math.pi
    return -wrapped if angle < 0.0 else wrapped


@register_jitable
def _triangular(left: float, mode: float, right: float) -> float:
    if left > mode or mode > right:
        raise ValueError("expected left <= mode <= right")
    if left == right:
        raise ValueError("left == right")
    width = right - left
    u = np.random.random()
    if u <= (mode - left) / width:
        return left + math.sqrt(u * ((mode - left) * width))
    return right - math.sqrt((1.0 - u) * ((right - mode) * width))


@register_jitable
def _pareto(a: float) -> float:
    if a <= 0.0:
        raise ValueError("a <= 0")
    return math.exp(np.random.standard_exponential() / a) - 1.0


@register_jitable
def _hypergeometric(ngood: int, nbad: int, nsample: int) -> int:
    if ngood < 0 or nbad < 0 or nsample < 0:
        raise ValueError("ngood, nbad or nsample is negative")
    if ngood + nbad < nsample:
        raise ValueError("ngood + nbad < nsample")
    if nsample > _INVERSION_MAX:
        return _hypergeometric_by_ratio(ngood, nbad, nsample)
    return _hypergeometric_by_items(ngood, nbad, nsample)


@register_jitable
def _hypergeometric_by_items(ngood: int, nbad: int, nsample: int) -> int:
    smaller = float(min(ngood, nbad))
    left_over = ngood + nbad - nsample
    missing = smaller
    rest = nsample
    while missing > 0.0 and rest > 0:
        missing -= math.floor(np.random.random() + missing / (left_over + rest))
        rest -= 1
    drawn = int(smaller - missing)
    return nsample - drawn if ngood > nbad else drawn


@register_jitable
def _log_of_ways(smaller: int, larger: int, sample: int, drawn: float) -> float:
    return (
        math.lgamma(drawn + 1.0)
        + math.lgamma(smaller - drawn + 1.0)
        + math.lgamma(sample - drawn + 1.0)
        + math.lgamma(larger - sample + drawn + 1.0)
    )


@register_jitable
def _hypergeometric_by_ratio(ngood: int, nbad: int, nsample: int) -> int:
    smaller = min(ngood, nbad)
    larger = max(ngood, nbad)
    total = ngood + nbad
    sample = min(nsample, total - nsample)
    share = smaller / float(total)
    middle = sample * share + 0.5
    spread = math.sqrt(float(total - sample) * nsample * share * (1.0 - share) / (total - 1) + 0.5)
    width = _TWICE_RATIO_WIDTH * spread + _TWICE_RATIO_SHIFT
    mode = math.floor((sample + 1.0) * (smaller + 1.0) / (total + 2.0))
    ways = _log_of_ways(smaller, larger, sample, mode)
    end = min(min(sample, smaller) + 1.0, math.floor(middle + 16.0 * spread))
    while True:
        x = np.random.random()
        y = np.random.random()
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
    if ngood > nbad:
        found = sample - found
    return ngood - found if sample < nsample else found


@register_jitable
def _fill(out: Any, draw: Any, parameters: Any) -> Any:
    places = out.flat
    for index in range(out.size):
        places[index] = draw(*parameters)
    return out


def _are_numbers(*parameters: Any) -> bool:
    accepted = (types.Number, types.Boolean, int, float)
    return all(
        isinstance(getattr(kind, "value", kind) if isinstance(kind, types.Omitted) else kind, accepted)
        for kind in parameters
    )


def _draw_number(size: Any, number: Any, parameters: Any) -> Any:
    """One number, or an array of them. Compiled only."""
    raise NotImplementedError


def _draw_count(size: Any, number: Any, parameters: Any) -> Any:
    """One integer, or an array of them. Compiled only."""
    raise NotImplementedError


def _drawing(dtype: type) -> Any:
    def drawing(size: Any, number: Any, parameters: Any) -> Any:
        if is_none(size):

            def draw(size: Any, number: Any, parameters: Any) -> Any:
                return number(*parameters)

            return draw

        def draw(size: Any, number: Any, parameters: Any) -> Any:
            return _fill(np.empty(size, dtype), number, parameters)

        return draw

    return drawing


overload(_draw_number)(_drawing(np.float64))
overload(_draw_count)(_drawing(np.int64))


def _standard_gamma_of(shape: Any, size: Any = None) -> Any:
    if _are_numbers(shape):

        def draw(shape: Any, size: Any = None) -> Any:
            return _draw_number(size, _standard_gamma, (float(shape),))

        return draw
    return None


def _gamma_of(shape: Any, scale: Any = 1.0, size: Any = None) -> Any:
    if _are_numbers(shape, scale):

        def draw(shape: Any, scale: Any = 1.0, size: Any = None) -> Any:
            return _draw_number(size, _gamma, (float(shape), float(scale)))

        return draw
    return None


def _beta_of(a: Any, b: Any, size: Any = None) -> Any:
    if _are_numbers(a, b):

        def draw(a: Any, b: Any, size: Any = None) -> Any:
            return _draw_number(size, _beta, (float(a), float(b)))

        return draw
    return None


def _chisquare_of(df: Any, size: Any = None) -> Any:
    if _are_numbers(df):

        def draw(df: Any, size: Any = None) -> Any:
            return _draw_number(size, _chisquare, (float(df),))

        return draw
    return None


def _f_of(dfnum: Any, dfden: Any, size: Any = None) -> Any:
    if _are_numbers(dfnum, dfden):

        def draw(dfnum: Any, dfden: Any, size: Any = None) -> Any:
            return _draw_number(size, _f, (float(dfnum), float(dfden)))

        return draw
    return None


def _standard_t_of(df: Any, size: Any = None) -> Any:
    if _are_numbers(df):

        def draw(df: Any, size: Any = None) -> Any:
            return _draw_number(size, _standard_t, (float(df),))

        return draw
    return None


def _negative_binomial_of(n: Any, p: Any, size: Any = None) -> Any:
    if _are_numbers(n, p):

        def draw(n: Any, p: Any, size: Any = None) -> Any:
            return _draw_count(size, _negative_binomial, (float(n), float(p)))

        return draw
    return None


def _vonmises_of(mu: Any, kappa: Any, size: Any = None) -> Any:
    if _are_numbers(mu, kappa):

        def draw(mu: Any, kappa: Any, size: Any = None) -> Any:
            return _draw_number(size, _vonmises, (float(mu), float(kappa)))

        return draw
    return None


def _triangular_of(left: Any, mode: Any, right: Any, size: Any = None) -> Any:
    if not _are_numbers(left, mode, right):
        return None

    def draw(left: Any, mode: Any, right: Any, size: Any = None) -> Any:
        return _draw_number(size, _triangular, (float(left), float(mode), float(right)))

    return draw


def _pareto_of(a: Any, size: Any = None) -> Any:
    if _are_numbers(a):

        def draw(a: Any, size: Any = None) -> Any:
            return _draw_number(size, _pareto, (float(a),))

        return draw
    return None


def _hypergeometric_of(ngood: Any, nbad: Any, nsample: Any, size: Any = None) -> Any:
    if not _are_numbers(ngood, nbad, nsample):
        return None

    def draw(ngood: Any, nbad: Any, nsample: Any, size: Any = None) -> Any:
        return _draw_count(size, _hypergeometric, (np.int64(ngood), np.int64(nbad), np.int64(nsample)))

    return draw


@register_jitable
def _dirichlet_row(alpha: Any, row: Any) -> None:
    total = 0.0
    for index in range(len(alpha)):
        row[index] = _standard_gamma(float(alpha[index]))
        total += row[index]
    inverse = 1.0 / total
    for index in range(len(alpha)):
        row[index] *= inverse


def _dirichlet_of(alpha: Any, size: Any = None) -> Any:
    if not isinstance(alpha, types.Array | types.Sequence | types.UniTuple):
        return None

    @register_jitable
    def check(alpha: Any) -> None:
        for parameter in alpha:
            if parameter <= 0:
                raise ValueError("alpha <= 0")

    def one(alpha: Any, size: Any = None) -> Any:
        check(alpha)
        row = np.empty(len(alpha))
        _dirichlet_row(alpha, row)
        return row

    def rows(alpha: Any, size: Any = None) -> Any:
        check(alpha)
        out = np.empty((size, len(alpha)))
        for index in range(size):
            _dirichlet_row(alpha, out[index])
        return out

    def grid(alpha: Any, size: Any = None) -> Any:
        check(alpha)
        out = np.empty((*size, len(alpha)))
        flat = out.reshape(-1, len(alpha))
        for index in range(len(flat)):
            _dirichlet_row(alpha, flat[index])
        return out

    if is_none(size):
        return one
    return rows if isinstance(size, types.Integer) else grid
