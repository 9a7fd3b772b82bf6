"""The distributions as plain Python over NumPy's own bit generators: NumPy's numbers, bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from truestep.guest.python.compiler.randomness import counts, draws, generator_draws, legacy_draws
from truestep.guest.python.compiler.randomness.distributions import OF_GENERATOR, OF_RANDOM_STATE

DRAWS = 150
SEED = 7


class GeneratorBits:
    """What a draw needs of a Generator."""

    is_legacy = False

    def __init__(self, bit_generator: Any) -> None:
        self.owner = bit_generator
        self.ctypes = bit_generator.ctypes


class RandomStateBits(GeneratorBits):
    """What a draw needs of a RandomState."""

    is_legacy = True
    spare = math.nan

    def take_normal(self) -> float:
        """The spare number, or NaN."""
        spare, self.spare = self.spare, math.nan
        return spare

    def keep_normal(self, number: float) -> None:
        """Keep a spare number."""
        self.spare = number


CASES: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("gamma", (0.3, 2.0)),
    ("gamma", (1.0, 1.0)),
    ("gamma", (2.5, 1.5)),
    ("beta", (0.5, 0.5)),
    ("beta", (2.0, 3.0)),
    ("beta", (1e-3, 1e-3)),
    ("beta", (1e-200, 1e-200)),
    ("chisquare", (3.0,)),
    ("f", (3.0, 5.0)),
    ("noncentral_chisquare", (3.0, 2.0)),
    ("noncentral_chisquare", (0.5, 3.0)),
    ("noncentral_f", (3.0, 5.0, 2.0)),
    ("standard_t", (4.0,)),
    ("standard_cauchy", ()),
    ("normal", (1.0, 2.0)),
    ("lognormal", (0.0, 1.0)),
    ("exponential", (2.0,)),
    ("uniform", (-1.0, 2.0)),
    ("weibull", (2.0,)),
    ("weibull", (0.0,)),
    ("laplace", (0.0, 1.0)),
    ("gumbel", (0.0, 1.0)),
    ("logistic", (0.0, 1.0)),
    ("triangular", (0.0, 1.0, 3.0)),
    ("poisson", (0.0,)),
    ("poisson", (3.0,)),
    ("poisson", (50.0,)),
    ("poisson", (1e15,)),
    ("negative_binomial", (5.0, 0.3)),
    ("negative_binomial", (50.5, 0.3)),
    ("binomial", (10, 0.3)),
    ("binomial", (1000, 0.7)),
    ("binomial", (10**9, 0.5)),
    ("rayleigh", (1.5,)),
    ("pareto", (3.0,)),
    ("power", (2.0,)),
    ("wald", (3.0, 7.0)),
    ("wald", (1000.0, 0.001)),
    ("geometric", (0.1,)),
    ("geometric", (0.6,)),
    ("logseries", (0.6,)),
    ("logseries", (0.99,)),
    ("zipf", (2.5,)),
    ("vonmises", (0.0, 4.0)),
    ("vonmises", (3.0, 0.5)),
    ("vonmises", (0.5, 1e-6)),
    ("vonmises", (0.5, 1e-9)),
    ("vonmises", (2.0, 1e7)),
    ("hypergeometric", (15, 20, 9)),
    ("hypergeometric", (1500, 2000, 900)),
    ("hypergeometric", (20, 15, 30)),
    ("hypergeometric", (2000, 15, 1900)),
)


@pytest.mark.parametrize("is_legacy", [False, True], ids=["Generator", "RandomState"])
@pytest.mark.parametrize(("name", "parameters"), CASES, ids=str)
def test_a_distribution_draws_numpys_numbers(
    name: str, parameters: tuple[float, ...], is_legacy: bool
) -> None:
    table = OF_RANDOM_STATE if is_legacy else OF_GENERATOR
    draw = next(entry.draw for entry in table if entry.name == name)
    if is_legacy:
        numpys: Any = np.random.RandomState(SEED)
        bits = RandomStateBits(np.random.RandomState(SEED)._bit_generator)
    else:
        numpys = np.random.default_rng(SEED)
        bits = GeneratorBits(np.random.default_rng(SEED).bit_generator)
    expected = getattr(numpys, name)(*parameters, size=DRAWS)
    assert [draw(bits, *parameters) for _ in range(DRAWS)] == expected.tolist()


def test_every_distribution_has_a_case() -> None:
    assert {entry.name for entry in (*OF_GENERATOR, *OF_RANDOM_STATE)} == {name for name, _ in CASES}


@pytest.mark.parametrize("shape", [0.0, 0.5, 1.0, 2.5])
def test_standard_gamma(shape: float) -> None:
    bits = GeneratorBits(np.random.default_rng(SEED).bit_generator)
    expected = np.random.default_rng(SEED).standard_gamma(shape, DRAWS)
    assert [draws.standard_gamma(bits, shape) for _ in range(DRAWS)] == expected.tolist()


def test_a_zero_of_the_uniform_numbers_takes_no_logarithm() -> None:
    class Zeros:
        """Draws 0 for ever, or first a few other numbers."""

        is_legacy = False

        def __init__(self, *first: float) -> None:
            self.rest = list(first)
            self.ctypes = self
            self.state = None

        def next_double(self, state: None) -> float:
            """The next number."""
            return self.rest.pop(0) if self.rest else 0.0

    # distance is 0 at first; afterwards v is 0, where NumPy takes log(0) = -inf.
    assert counts.poisson(Zeros(0.0, 0.5, 0.995, 0.0), 50.0) > 50
    assert legacy_draws.logseries(Zeros(0.0, 0.5, 0.9), 0.5) == 1
    assert generator_draws.logseries(Zeros(0.0, 0.5, 0.9), 0.5) == 1
