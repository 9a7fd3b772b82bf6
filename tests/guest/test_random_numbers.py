"""Random numbers of guests against NumPy's RandomState and Python's random: the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import compare, compile_guest

NUMPY = (
    "standard_gamma(0.5)",
    "standard_gamma(1.0)",
    "standard_gamma(0.0)",
    "gamma(2.5, 1.5)",
    "gamma(0.3, scale=2.0)",
    "gamma(2, size=(2, 3))[1, 2]",
    "gamma(2.0, 1.0, 3)[1]",
    "beta(0.5, 0.5)",
    "beta(2, 3)",
    "beta(0.5, 3.0)",
    "beta(1e-3, 1e-3)",
    "beta(2, 3, size=4)[2]",
    "chisquare(3)",
    "chisquare(1.0, 2)[1]",
    "f(3.0, 5)",
    "standard_t(4)",
    "standard_t(0.5, 3)[2]",
    "negative_binomial(5, 0.3)",
    "negative_binomial(50.5, 0.3)",
    "negative_binomial(3, 0.4, 5)[2]",
    "dirichlet((1.0, 2.0, 0.5))[1]",
    "dirichlet(np.array([1.0, 2.0]), 4)[2, 1]",
    "dirichlet((1.5, 2.0), (2, 3))[1, 2, 1]",
    "vonmises(0.0, 4.0)",
    "vonmises(3, 0.5)",
    "vonmises(0.5, 1e-6)",
    "vonmises(0.5, 1e-9)",
    "vonmises(0.5, 2.0, size=(1, 2))[0, 1]",
    "triangular(0.0, 1.0, 3.0)",
    "triangular(-1, 2, 2, size=2)[1]",
    "pareto(3)",
    "hypergeometric(15, 20, 9)",
    "hypergeometric(1500, 2000, 900)",
    "hypergeometric(20, 15, 30)",
    "hypergeometric(200, 150, 11, (2, 2))[0, 1]",
    # Numba's own
    "random()",
    "standard_normal()",
    "normal(1.0, 2.0)",
    "randint(0, 100)",
    "uniform(-1.0, 2.0)",
    "exponential(2.0)",
    "weibull(2.0)",
    "binomial(10, 0.3)",
    "binomial(1000, 0.7)",
    "geometric(0.1)",
    "gumbel(0.0, 1.0)",
    "laplace(0.0, 1.0)",
    "logistic(0.0, 1.0)",
    "logseries(0.6)",
    "poisson(3.0)",
    "poisson(50.0)",
    "power(2.0)",
    "rayleigh(1.5)",
    "standard_cauchy()",
    "wald(1.0, 2.0)",
    "zipf(2.5)",
    "choice(7)",
)

PYTHON = (
    "random()",
    "gauss(1.0, 2.0)",
    "normalvariate(1.0, 2.0)",
    "uniform(1.0, 3.0)",
    "getrandbits(40)",
    "randrange(10)",
    "randint(3, 9)",
    "expovariate(2.0)",
    "gammavariate(2.5, 1.5)",
    "gammavariate(0.5, 1.0)",
    "betavariate(2.0, 3.0)",
    "paretovariate(2.0)",
    "weibullvariate(2.0, 3.0)",
    "triangular(0.0, 1.0, 0.2)",
)
SEEDS = (0, 17, -17, 2**32 - 1, 2**40 + 3)
DRAWS = 20


def assert_same(found: np.ndarray, expected: np.ndarray, calls: tuple[str, ...]) -> None:
    """Equal where a distribution makes integers; others may differ by what log and exp differ by."""
    for call, row, wanted in zip(calls, found, expected, strict=True):
        assert np.allclose(row, wanted, rtol=1e-12, atol=1e-14), call


@pytest.fixture(scope="module")
def numpy_numbers(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """What the guest drew, and what NumPy draws."""
    functions = "".join(
        f"def f{i}(out):\n    np.random.seed(17)\n    for i in range(len(out)):\n"
        f"        out[i] = np.random.{call}\n"
        for i, call in enumerate(NUMPY)
    )
    calls = "".join(f"    f{i}(out[{i}])\n" for i in range(len(NUMPY)))
    body = f"def main(x):\n    out = np.empty(({len(NUMPY)}, {DRAWS}))\n{calls}    return out\n"
    return compare(compile_guest(tmp_path_factory.mktemp("numpy"), functions, body))


def test_numpys_random_state(numpy_numbers: tuple[np.ndarray, np.ndarray]) -> None:
    assert_same(*numpy_numbers, NUMPY)


def test_pythons_random(tmp_path: Path) -> None:
    functions = "import random\n" + "".join(
        f"def f{i}(out, seed):\n    random.seed(seed)\n    for i in range(len(out)):\n"
        f"        out[i] = random.{call}\n"
        for i, call in enumerate(PYTHON)
    )
    calls = "".join(f"        f{i}(out[{i}, s], seed)\n" for i in range(len(PYTHON)))
    body = (
        f"def main(x):\n    out = np.empty(({len(PYTHON)}, {len(SEEDS)}, {DRAWS}))\n"
        f"    for s, seed in enumerate({SEEDS}):\n{calls}    return out\n"
    )
    assert_same(*compare(compile_guest(tmp_path, functions, body)), PYTHON)
