"""np.random.Generator's methods."""

from typing import Any

import numpy as np
from numba.core import types
from numba.np.random import distributions

from truestep.guest.python.compiler.randomness.bits import next_double, next_float
from truestep.guest.python.compiler.randomness.distributions import OF_GENERATOR
from truestep.guest.python.compiler.randomness.drawing import (
    define,
    function_from,
    is_array,
    is_number,
    is_size,
    numbers_of,
)
from truestep.guest.python.compiler.randomness.draws import standard_gamma
from truestep.guest.python.compiler.randomness.integers import integers_of
from truestep.guest.python.compiler.randomness.overloading import implement_method
from truestep.guest.python.compiler.randomness.owners import Generator, bits_of
from truestep.guest.python.compiler.randomness.sources import standard_exponential, standard_normal
from truestep.guest.python.compiler.sums import is_none

ziggurats: Any = distributions
_SINGLES = (np.float32, np.float64)


def install_generator() -> None:
    """Register the methods."""
    define(OF_GENERATOR, Generator, {"bits_of": bits_of})
    implement_method(Generator, "integers", integers_of({"bits_of": bits_of}))
    implement_method(Generator, "random", _random)
    implement_method(Generator, "standard_normal", _standard_normal)
    implement_method(Generator, "standard_exponential", _standard_exponential)
    implement_method(Generator, "standard_gamma", _standard_gamma)


def _filling(names: dict[str, Any], head: str, size: Any, out: Any, arguments: str = "") -> Any:
    """A function of the given head that draws one number, or fills an array."""
    call = f"number(draw_one(bits{arguments}))"
    lines = ["bits = bits_of(self)"]
    if not is_none(out):
        lines += ["flat = out.reshape(out.size)"]
    elif is_none(size):
        return function_from(f"{head}    bits = bits_of(self)\n    return {call}\n", names)
    else:
        lines += ["out = np.empty(size, number)", "flat = out.reshape(out.size)"]
    lines += ["for i in range(out.size):", f"    flat[i] = {call}", "return out"]
    return function_from(head + "".join(f"    {line}\n" for line in lines), names)


def _accepts(size: Any, number: Any, out: Any) -> bool:
    if not is_size(size) or number not in _SINGLES:
        return False
    return is_none(out) or (
        isinstance(out, types.Array)
        and out.layout == "C"
        and is_none(size)
        and numbers_of(out.dtype) is number
    )


def _names(number: Any, single: Any, double: Any) -> dict[str, Any]:
    draw_one = single if number is np.float32 else double
    return {"bits_of": bits_of, "np": np, "number": number, "draw_one": draw_one}


def _random(self: Any, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
    del self
    number = numbers_of(dtype)
    if not _accepts(size, number, out):
        return None
    head = "def draw(self, size=None, dtype=np.float64, out=None):\n"
    return _filling(_names(number, next_float, next_double), head, size, out)


def _standard_normal(self: Any, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
    del self
    number = numbers_of(dtype)
    if not _accepts(size, number, out):
        return None
    head = "def draw(self, size=None, dtype=np.float64, out=None):\n"
    names = _names(number, ziggurats.random_standard_normal_f, standard_normal)
    return _filling(names, head, size, out)


def _standard_exponential(
    self: Any, size: Any = None, dtype: Any = np.float64, method: Any = "zig", out: Any = None
) -> Any:
    del self
    number = numbers_of(dtype)
    how = getattr(method, "literal_value", getattr(method, "value", method))
    if not _accepts(size, number, out) or how not in ("zig", "inv"):
        return None
    head = "def draw(self, size=None, dtype=np.float64, method='zig', out=None):\n"
    names = _names(number, ziggurats.random_standard_exponential_f, standard_exponential)
    if how == "inv":
        single = ziggurats.random_standard_exponential_inv_f
        names = _names(number, single, ziggurats.random_standard_exponential_inv)
    return _filling(names, head, size, out)


def _standard_gamma(self: Any, shape: Any, size: Any = None, dtype: Any = np.float64, out: Any = None) -> Any:
    number = numbers_of(dtype)
    if is_array(shape) and is_none(out) and number is np.float64:
        head = "def draw(self, shape, size=None, dtype=np.float64, out=None):\n"
        return function_from(f"{head}    return self.gamma(shape, 1.0, size)\n", {"np": np})
    if not _accepts(size, number, out) or not is_number(shape):
        return None
    head = (
        "def draw(self, shape, size=None, dtype=np.float64, out=None):\n"
        "    if shape < 0:\n        raise ValueError('shape < 0')\n"
    )
    names = _names(number, ziggurats.random_standard_gamma_f, standard_gamma)
    return _filling(names, head, size, out, ", number(shape)")
