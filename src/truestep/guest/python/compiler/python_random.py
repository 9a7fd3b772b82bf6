"""Python's own `random`: seeds and normal numbers as there; Numba's come from NumPy's algorithms."""

import math
import random
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, overload

from truestep.guest.python.compiler.python_selections import install_python_selections
from truestep.guest.python.compiler.sums import forget, is_none

_WORD = ir.IntType(64)
_NORMAL_WIDTH = 4.0 * math.exp(-0.5) / math.sqrt(2.0)
"""Of the rectangle from which Kinderman and Monahan (1977) draw."""


def install_python_random() -> None:
    """Replace Numba's own."""
    for function, implementation in (
        (random.seed, _seed),
        (random.gauss, _gauss),
        (random.normalvariate, _normalvariate),
        (random.lognormvariate, _lognormvariate),
        (random.paretovariate, _paretovariate),
        (random.triangular, _triangular),
        (random.expovariate, _expovariate),
    ):
        forget(function, "")
        overload(function)(implementation)
    install_python_selections()


@intrinsic
def _seed_with(typing_context: Any, magnitude: Any) -> Any:
    del typing_context, magnitude

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        kind = ir.FunctionType(ir.VoidType(), [_WORD])
        function = cgutils.get_or_insert_function(builder.module, kind, "truestep_seed_python_random")
        builder.call(function, arguments)
        return context.get_dummy_value()

    return types.none(types.uint64), generate


@intrinsic
def _standard_gauss(typing_context: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature, arguments
        kind = ir.FunctionType(ir.DoubleType(), [])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, "truestep_python_gauss"), [])

    return types.float64(), generate


def _seed(a: Any) -> Any:
    if not isinstance(a, types.Integer):
        return None
    if a.signed:

        def draw(a: Any) -> Any:
            return _seed_with(-a if a < 0 else a)

        return draw

    def draw(a: Any) -> Any:
        return _seed_with(np.uint64(a))

    return draw


def _gauss(mu: Any = 0.0, sigma: Any = 1.0) -> Any:
    del mu, sigma

    def draw(mu: Any = 0.0, sigma: Any = 1.0) -> Any:
        return mu + _standard_gauss() * sigma

    return draw


def _normalvariate(mu: Any = 0.0, sigma: Any = 1.0) -> Any:
    del mu, sigma

    def normalvariate(mu: Any = 0.0, sigma: Any = 1.0) -> Any:
        while True:
            u = random.random()
            v = 1.0 - random.random()
            z = _NORMAL_WIDTH * (u - 0.5) / v
            if z * z / 4.0 <= -math.log(v):
                return mu + z * sigma

    return normalvariate


def _lognormvariate(mu: Any = 0.0, sigma: Any = 1.0) -> Any:
    del mu, sigma

    def lognormvariate(mu: Any = 0.0, sigma: Any = 1.0) -> Any:
        return math.exp(random.normalvariate(mu, sigma))

    return lognormvariate


def _paretovariate(alpha: Any) -> Any:
    del alpha

    def paretovariate(alpha: Any) -> Any:
        return (1.0 - random.random()) ** (-1.0 / alpha)

    return paretovariate


def _expovariate(lambd: Any = 1.0) -> Any:
    del lambd

    def expovariate(lambd: Any = 1.0) -> Any:
        return -math.log(1.0 - random.random()) / lambd

    return expovariate


def _triangular(low: Any = 0.0, high: Any = 1.0, mode: Any = None) -> Any:
    del low, high
    is_symmetric = is_none(mode)

    def triangular(low: Any = 0.0, high: Any = 1.0, mode: Any = None) -> Any:
        u = random.random()
        if not is_symmetric and high == low:
            return float(low)
        share = 0.5 if is_symmetric else (mode - low) / (high - low)
        if u > share:
            return high + (low - high) * math.sqrt((1.0 - u) * (1.0 - share))
        return low + (high - low) * math.sqrt(u * share)

    return triangular
