"""scipy.stats: distributions, and what describes samples."""

# pyright: basic
# What Numba compiles has no types of Python.

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numba.core import types
from numba.core.extending import overload

from truestep.guest.python.compiler.scipy_functions import special_functions as own
from truestep.guest.python.compiler.scipy_functions.vectors import doubles

_ROOT_OF_TWO_PI = math.sqrt(2.0 * math.pi)
_HALF_LOG = 0.5 * math.log(2.0 * math.pi)
_ROOT_OF_HALF = math.sqrt(0.5)
_TINY = 1.0e-20
_STEPS_MAX = 200


class Tested(NamedTuple):
    """A statistic and its p-value."""

    statistic: float
    pvalue: float


class Line(NamedTuple):
    """What `linregress` returns."""

    slope: float
    intercept: float
    rvalue: float
    pvalue: float
    stderr: float


def _standard(x: Any, loc: Any, scale: Any) -> Any:
    """Numbers, or an array, as the distribution with loc 0 and scale 1 has them. Compiled only."""
    raise NotImplementedError


@overload(_standard, strict=False)
def _standard_of(x: Any, loc: Any, scale: Any) -> Any:
    if isinstance(x, types.Number | types.Boolean | types.Array):
        return lambda x, loc, scale: (x - loc) / (1.0 * scale)
    return lambda x, loc, scale: (np.asarray(x) - loc) / (1.0 * scale)


def _as_numbers(q: Any) -> Any:
    """Numbers, or an array. Compiled only."""
    raise NotImplementedError


@overload(_as_numbers, strict=False)
def _as_numbers_of(q: Any) -> Any:
    if isinstance(q, types.Number | types.Boolean | types.Array):
        return lambda q: 1.0 * q
    return lambda q: 1.0 * np.asarray(q)


def _t_below(x: Any, df: Any) -> Any:
    """Student's distribution function."""
    half = 0.5 * own.betainc(0.5 * df, 0.5, df / (df + x * x))
    return half if x < 0.0 else 1.0 - half


def _t_above(x: Any, df: Any) -> Any:
    return _t_below(-x, df)


def _t_density(x: Any, df: Any) -> Any:
    scale = math.exp(math.lgamma(0.5 * (df + 1.0)) - math.lgamma(0.5 * df)) / math.sqrt(math.pi * df)
    return scale * (1.0 + x * x / df) ** (-0.5 * (df + 1.0))


def _t_place(q: Any, df: Any) -> Any:
    """The inverse of Student's distribution function, by bisection to the last bit."""
    if not 0.0 < q < 1.0:
        return -math.inf if q == 0.0 else math.inf if q == 1.0 else math.nan
    if q == 0.5:
        return 0.0
    wanted = min(q, 1.0 - q)
    low = -1.0
    while _t_below(low, df) > wanted:
        low *= 2.0
    high = 0.0
    for _ in range(_STEPS_MAX):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if _t_below(middle, df) < wanted:
            low = middle
        else:
            high = middle
    return high if q < 0.5 else -high


def _chi2_below(x: Any, df: Any) -> Any:
    return own.gammainc(0.5 * df, 0.5 * x) if x > 0.0 else 0.0


def _chi2_above(x: Any, df: Any) -> Any:
    return own.gammaincc(0.5 * df, 0.5 * x) if x > 0.0 else 1.0


def _chi2_density(x: Any, df: Any) -> Any:
    if x <= 0.0:
        return 0.0
    half = 0.5 * df
    return math.exp((half - 1.0) * math.log(x) - 0.5 * x - math.lgamma(half) - half * math.log(2.0))


def _expon_density(x: Any) -> Any:
    return math.exp(-x) if x >= 0.0 else 0.0


def _expon_below(x: Any) -> Any:
    return -math.expm1(-x) if x > 0.0 else 0.0


def _expon_above(x: Any) -> Any:
    return math.exp(-x) if x > 0.0 else 1.0


def _expon_place(q: Any) -> Any:
    if not 0.0 <= q < 1.0:
        return math.inf if q == 1.0 else math.nan
    return -math.log1p(-q)


def _uniform_density(x: Any) -> Any:
    return 1.0 if 0.0 <= x <= 1.0 else 0.0


def _uniform_below(x: Any) -> Any:
    return min(max(x, 0.0), 1.0)


def _uniform_above(x: Any) -> Any:
    return 1.0 - min(max(x, 0.0), 1.0)


def _uniform_place(q: Any) -> Any:
    return q if 0.0 <= q <= 1.0 else math.nan


def _normal_density(x: Any) -> Any:
    return math.exp(-x * x / 2.0) / _ROOT_OF_TWO_PI


def _normal_log_density(x: Any) -> Any:
    return -x * x / 2.0 - _HALF_LOG


def _normal_below(x: Any) -> Any:
    return 0.5 * math.erfc(-x * _ROOT_OF_HALF)


def _normal_above(x: Any) -> Any:
    return 0.5 * math.erfc(x * _ROOT_OF_HALF)


def _normal_place_above(q: Any) -> Any:
    return -own.ndtri(q)


_UFUNCS: dict[str, dict[str, Any]] = {
    "norm": {
        "pdf": _normal_density, "logpdf": _normal_log_density, "cdf": _normal_below, "sf": _normal_above,
        "logcdf": own.log_ndtr, "ppf": own.ndtri, "isf": _normal_place_above,
    },
    "expon": {"pdf": _expon_density, "cdf": _expon_below, "sf": _expon_above, "ppf": _expon_place},
    "uniform": {"pdf": _uniform_density, "cdf": _uniform_below, "sf": _uniform_above, "ppf": _uniform_place},
    "t": {"pdf": _t_density, "cdf": _t_below, "sf": _t_above, "ppf": _t_place},
    "chi2": {"pdf": _chi2_density, "cdf": _chi2_below, "sf": _chi2_above},
}  # fmt: skip
_SHAPED = {"t", "chi2"}
"""Distributions with a parameter besides place and scale."""


def distribution_method(name: str, method: str) -> Any:
    """The function `norm.cdf(x, loc=0, scale=1)` and its like; None if there is none."""
    of_item = _UFUNCS.get(name, {}).get(method)
    if of_item is None:
        return None
    first = "q" if method in {"ppf", "isf"} else "x"
    shape = ", df" if name in _SHAPED else ""
    value = f"ufunc(as_numbers({first}){shape}) * scale + loc"
    if first == "x":
        value = f"ufunc(standard(x, loc, scale){shape})"
        value += {"pdf": " / scale", "logpdf": " - np.log(scale)"}.get(method, "")
    source = f"def {name}_{method}({first}{shape}, loc=0, scale=1):\n    return {value}\n"
    scope: dict[str, Any] = {
        "__name__": __name__, "ufunc": numba.vectorize(of_item), "np": np,
        "standard": _standard, "as_numbers": _as_numbers,
    }  # fmt: skip
    exec(source, scope)  # the names are those of the table above
    return scope[f"{name}_{method}"]


def zscore(a: Any, axis: Any = 0, ddof: Any = 0) -> Any:
    """`scipy.stats.zscore` of a vector."""
    del axis
    values = doubles(a)
    deviation = np.sqrt(np.sum((values - values.mean()) ** 2) / (len(values) - ddof))
    return (values - values.mean()) / deviation


def skew(a: Any, axis: Any = 0, bias: Any = True) -> Any:
    """`scipy.stats.skew` of a vector."""
    del axis
    values = doubles(a)
    count = len(values)
    second, third = _moment(values, 2), _moment(values, 3)
    if second <= (np.finfo(np.float64).resolution * values.mean()) ** 2:
        return np.nan
    found = third / second**1.5
    if not bias and count > 2:
        found *= np.sqrt((count - 1.0) * count) / (count - 2.0)
    return found


def kurtosis(a: Any, axis: Any = 0, fisher: Any = True, bias: Any = True) -> Any:
    """`scipy.stats.kurtosis` of a vector."""
    del axis
    values = doubles(a)
    count = len(values)
    second, fourth = _moment(values, 2), _moment(values, 4)
    if second <= (np.finfo(np.float64).resolution * values.mean()) ** 2:
        return np.nan
    found = fourth / second**2.0
    if not bias and count > 3:
        excess = (count**2 - 1.0) * fourth / second**2.0 - 3 * (count - 1) ** 2.0
        found = 1.0 / (count - 2) / (count - 3) * excess + 3.0
    return found - 3 if fisher else found


def _moment(values: Any, order: int) -> float:
    """A central moment; powers are products, as SciPy takes them."""
    centred = values - values.mean()
    power = centred**2
    if order == 3:
        power = power * centred
    elif order == 4:
        power = power**2
    return power.mean()


def gmean(a: Any) -> Any:
    """`scipy.stats.gmean` of a vector."""
    return np.exp(np.mean(np.log(doubles(a))))


def hmean(a: Any) -> Any:
    """`scipy.stats.hmean` of a vector."""
    values = doubles(a)
    if np.any(values < 0):
        return np.nan
    return 1.0 / np.mean(1.0 / values)


def sem(a: Any, axis: Any = 0, ddof: Any = 1) -> Any:
    """`scipy.stats.sem` of a vector."""
    del axis
    values = doubles(a)
    return np.sqrt(np.sum((values - values.mean()) ** 2) / (len(values) - ddof)) / np.sqrt(len(values))


def iqr(x: Any) -> Any:
    """`scipy.stats.iqr` of a vector."""
    values = doubles(x)
    return np.percentile(values, 75) - np.percentile(values, 25)


def rankdata(a: Any, method: Any = "average") -> Any:
    """`scipy.stats.rankdata` of a vector, with the mean rank of equal items."""
    if method != "average":
        raise ValueError("a guest's rankdata has method='average'")
    values = doubles(a)
    order = np.argsort(values, kind="mergesort")
    ranks = np.empty(len(values))
    first = 0
    while first < len(values):
        last = first
        while last + 1 < len(values) and values[order[last + 1]] == values[order[first]]:
            last += 1
        for place in range(first, last + 1):
            ranks[order[place]] = 0.5 * (first + last) + 1.0
        first = last + 1
    return ranks


def pearsonr(x: Any, y: Any) -> Any:
    """`scipy.stats.pearsonr`."""
    one, other = doubles(x), doubles(y)
    if len(one) != len(other):
        raise ValueError("`x` and `y` must have the same length along `axis`.")
    return _correlation(one, other)


def spearmanr(a: Any, b: Any) -> Any:
    """`scipy.stats.spearmanr` of two vectors."""
    one, other = rankdata(a), rankdata(b)
    found = _correlation(one, other)
    freedom = len(one) - 2
    t = found.statistic * np.sqrt(max(freedom / ((found.statistic + 1.0) * (1.0 - found.statistic)), 0.0))
    return Tested(found.statistic, 2.0 * _t_above(abs(t), 1.0 * freedom))


def _correlation(one: Any, other: Any) -> Any:
    left, right = one - one.mean(), other - other.mean()
    r = np.dot(left / np.sqrt(np.sum(left * left)), right / np.sqrt(np.sum(right * right)))
    r = max(min(r, 1.0), -1.0)
    if len(one) == 2:
        return Tested(float(np.round(r)), 1.0)
    half = 0.5 * len(one) - 1.0
    return Tested(r, 2.0 * own.betainc(half, half, 0.5 * (1.0 - abs(r))))


def linregress(x: Any, y: Any) -> Any:
    """`scipy.stats.linregress`, as a tuple with names."""
    one, other = doubles(x), doubles(y)
    count = len(one)
    left, right = one - one.mean(), other - other.mean()
    xx, xy, yy = np.dot(left, left) / count, np.dot(left, right) / count, np.dot(right, right) / count
    r = 0.0 if xx == 0.0 or yy == 0.0 else max(min(xy / np.sqrt(xx * yy), 1.0), -1.0)
    slope = xy / xx
    intercept = other.mean() - slope * one.mean()
    if count == 2:
        return Line(slope, intercept, r, 1.0 if other[0] == other[1] else 0.0, 0.0)
    freedom = count - 2.0
    t = r * np.sqrt(freedom / ((1.0 - r + _TINY) * (1.0 + r + _TINY)))
    return Line(
        slope, intercept, r, 2.0 * _t_above(abs(t), freedom), np.sqrt((1.0 - r * r) * yy / xx / freedom)
    )


def ttest_1samp(a: Any, popmean: Any) -> Any:
    """`scipy.stats.ttest_1samp` of a vector."""
    values = doubles(a)
    freedom = len(values) - 1.0
    variance = np.sum((values - values.mean()) ** 2) / freedom
    t = (values.mean() - popmean) / np.sqrt(variance / len(values))
    return Tested(t, 2.0 * _t_above(abs(t), freedom))


def ttest_ind(a: Any, b: Any, equal_var: Any = True) -> Any:
    """`scipy.stats.ttest_ind` of two vectors."""
    one, other = doubles(a), doubles(b)
    n1, n2 = len(one), len(other)
    v1 = np.sum((one - one.mean()) ** 2) / (n1 - 1.0)
    v2 = np.sum((other - other.mean()) ** 2) / (n2 - 1.0)
    if equal_var:
        freedom = n1 + n2 - 2.0
        deviation = np.sqrt(((n1 - 1) * v1 + (n2 - 1) * v2) / freedom * (1.0 / n1 + 1.0 / n2))
    else:
        freedom = (v1 / n1 + v2 / n2) ** 2 / ((v1 / n1) ** 2 / (n1 - 1) + (v2 / n2) ** 2 / (n2 - 1))
        deviation = np.sqrt(v1 / n1 + v2 / n2)
    t = (one.mean() - other.mean()) / deviation
    return Tested(t, 2.0 * _t_above(abs(t), freedom))


def entropy(pk: Any, qk: Any = None, base: Any = None) -> Any:
    """`scipy.stats.entropy` of a vector, or the divergence of one from another."""
    p = doubles(pk)
    p = p / np.sum(p)
    total = 0.0
    if qk is None:
        for value in p:
            total += own.entr(value)
    else:
        q = doubles(qk)
        q = q / np.sum(q)
        for place in range(len(p)):
            total += own.rel_entr(p[place], q[place])
    return total if base is None else total / math.log(base)
