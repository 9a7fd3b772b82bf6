"""scipy.special: ufuncs that the C library has, or that are made of those."""

# pyright: basic
# What Numba compiles has no types of Python.

import functools
import math
from typing import Any

import numba
import numpy as np
from numba.core.extending import overload

from truestep.guest.python.compiler.scipy_functions import special_functions as own

_ROOT_OF_HALF = math.sqrt(0.5)


def _erf(x: Any) -> Any:
    return math.erf(x)


def _erfc(x: Any) -> Any:
    return math.erfc(x)


def _gamma(x: Any) -> Any:
    return math.gamma(x)


def _gammaln(x: Any) -> Any:
    return math.lgamma(x)


def _expit(x: Any) -> Any:
    return 1.0 / (1.0 + math.exp(-x))


def _logit(x: Any) -> Any:
    return math.log(x / (1.0 - x))


def _ndtr(x: Any) -> Any:
    return 0.5 * math.erfc(-x * _ROOT_OF_HALF)


def _xlogy(x: Any, y: Any) -> Any:
    return 0.0 if x == 0.0 and not np.isnan(y) else x * np.log(y)


UFUNCS: dict[str, Any] = {
    "erf": _erf, "erfc": _erfc, "gamma": _gamma, "gammaln": _gammaln, "expit": _expit, "logit": _logit,
    "ndtr": _ndtr, "xlogy": _xlogy, "ndtri": own.ndtri, "log_ndtr": own.log_ndtr,
    "erfinv": own.erfinv, "erfcinv": own.erfcinv, "gammainc": own.gammainc, "gammaincc": own.gammaincc,
    "betainc": own.betainc, "beta": own.beta, "betaln": own.betaln, "digamma": own.digamma,
    "psi": own.digamma, "binom": own.binom, "xlog1py": own.xlog1py, "entr": own.entr,
    "rel_entr": own.rel_entr, "kl_div": own.kl_div,
}  # fmt: skip
"""The function of each item, by SciPy's name."""


def ufunc(name: str) -> Any:
    """The ufunc of doubles."""
    return numba.vectorize(UFUNCS[name])


def comb(N: Any, k: Any, *, exact: Any = False) -> Any:  # noqa: N803 - SciPy's names
    """`scipy.special.comb`."""
    return _comb_of(N, k, exact)


def factorial(n: Any, exact: Any = False) -> Any:
    """`scipy.special.factorial`."""
    return _factorial_of(n, exact)


def logsumexp(a: Any) -> Any:
    """`scipy.special.logsumexp` of all numbers."""
    numbers = np.asarray(a)
    largest = np.max(numbers)
    if not np.isfinite(largest):
        return largest
    return np.log(np.sum(np.exp(numbers - largest))) + largest


def softmax(x: Any) -> Any:
    """`scipy.special.softmax` of all numbers."""
    numbers = np.asarray(x)
    powers = np.exp(numbers - np.max(numbers))
    return powers / np.sum(powers)


def _comb_of(n: Any, k: Any, exact: Any) -> Any:
    """Compiled only."""
    raise NotImplementedError


def _factorial_of(n: Any, exact: Any) -> Any:
    """Compiled only."""
    raise NotImplementedError


_ufunc_of = functools.cache(numba.vectorize)
"""A ufunc, which is not made before Numba is told about the machine."""


@overload(_comb_of, strict=False, prefer_literal=True)
def _overloaded_comb(n: Any, k: Any, exact: Any) -> Any:
    if getattr(exact, "literal_value", getattr(exact, "value", exact)) is True:
        return lambda n, k, exact: math.comb(n, k) if 0 <= k <= n else 0
    ufunc = _ufunc_of(own.chosen)
    return lambda n, k, exact: ufunc(n, k)


@overload(_factorial_of, strict=False, prefer_literal=True)
def _overloaded_factorial(n: Any, exact: Any) -> Any:
    if getattr(exact, "literal_value", getattr(exact, "value", exact)) is True:
        return lambda n, exact: math.factorial(n)
    ufunc = _ufunc_of(own.factorial)
    return lambda n, exact: ufunc(n)
