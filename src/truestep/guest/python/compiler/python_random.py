"""Python's own `random`: seeds and normal numbers as there; Numba's come from NumPy's algorithms."""

import math
import random
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, overload

from truestep.guest.python.compiler.sums import forget

_WORD = ir.IntType(64)
_NORMAL_WIDTH = 4.0 * math.exp(-0.5) / math.sqrt(2.0)
"""Of the rectangle from which Kinderman and Monahan (1977) draw."""


def install_python_random() -> None:
    """Replace Numba's own."""
    for function, implementation in (
        (random.seed, _seed),
        (random.gauss, _gauss),
        (random.normalvariate, _normalvariate),
    ):
        forget(function, "")
        overload(function)(implementation)


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
