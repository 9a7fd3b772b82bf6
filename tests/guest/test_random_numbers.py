"""Random numbers of one guest against NumPy and Python's random: the same for the same seed.

The formulas of all distributions are tested by `test_random_draws.py`, every signature by `make one-liners`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import compare, compile_guest

CALLS = (
    "generator.random(3)[2]",
    "generator.standard_normal(2, dtype=np.float32)[1]",
    "generator.normal([0.0, 10.0], scale=2.0)[1]",
    "generator.poisson(np.array([[1], [50]]))[1, 0]",
    "generator.integers(0, 100, 5, dtype=np.int8)[4]",
    "generator.integers(-5, 2**40, endpoint=True)",
    "generator.choice([1.5, 2.5, 3.5], 3, replace=False, p=[0.2, 0.3, 0.5])[1]",
    "generator.permutation(7)[3]",
    "generator.spawn(2)[1].random()",
    "state.normal(size=3)[2]",
    "state.randint(0, 200, 5, dtype=np.uint8)[4]",
    "np.random.choice(5, 3, replace=False)[1]",
    "np.random.hypergeometric(1500, 2000, 900)",
    "np.random.vonmises(0.5, 2.0, size=(1, 2))[0, 1]",
    "random.random()",
    "random.gauss(1.0, 2.0)",
    "random.normalvariate(1.0, 2.0)",
    "random.randrange(10)",
    "random.gammavariate(2.5, 1.5)",
)
SEEDS = (0, -17, 2**40 + 3)
DRAWS = 6


def assert_same(found: np.ndarray, expected: np.ndarray, calls: tuple[str, ...]) -> None:
    """Equal, or different by what log and exp differ by."""
    for call, row, wanted in zip(calls, found, expected, strict=True):
        assert np.allclose(row, wanted, rtol=1e-12, atol=1e-14), call


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])
def test_a_guest_draws_the_same_numbers(tmp_path: Path, step: int) -> None:
    """By every one of the calls, or by every third."""
    tried = CALLS[::step]
    functions = "import random\n" + "".join(
        f"def f{i}(out, generator, state):\n    for i in range(len(out)):\n        out[i] = {call}\n"
        for i, call in enumerate(tried)
    )
    drawn = "".join(f"        f{i}(out[{i}, s], generator, state)\n" for i in range(len(tried)))
    body = (
        f"def main(x):\n    out = np.empty(({len(tried)}, {len(SEEDS)}, {DRAWS}))\n"
        f"    for s, seed in enumerate({SEEDS}):\n"
        "        random.seed(seed)\n"
        "        np.random.seed(abs(seed) & 0xFFFFFFFF)\n"
        "        state = np.random.RandomState([abs(seed) & 0xFFFFFFFF, 1])\n"
        "        generator = np.random.default_rng(abs(seed))\n"
        f"{drawn}    return out\n"
    )
    assert_same(*compare(compile_guest(tmp_path, functions, body)), tried)


def test_a_guest_goes_on_from_its_modules_seeds(tmp_path: Path) -> None:
    functions = (
        "import random\nrandom.seed(5)\nrandom.gauss(0, 1)\nnp.random.seed(0)\nnp.random.standard_normal()\n"
    )
    calls = "random.gauss(0, 1), random.random(), np.random.standard_normal(), np.random.random()"
    body = f"def main(x):\n    return np.array([{calls}])\n"
    found, expected = compare(compile_guest(tmp_path, functions, body))
    assert np.allclose(found, expected, rtol=1e-15)
