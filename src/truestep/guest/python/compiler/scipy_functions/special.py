"""scipy.special: ufuncs that the C library has, or that are made of those."""

# pyright: basic
# What Numba compiles has no types of Python.

import math
from typing import Any

import numba
import numpy as np

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
    "ndtr": _ndtr, "xlogy": _xlogy,
}  # fmt: skip
"""The function of each item, by SciPy's name."""


def ufunc(name: str) -> Any:
    """The ufunc of doubles."""
    return numba.vectorize(UFUNCS[name])
