"""Numbers that are ints at one time and floats at another: fields, lists, heaps, variables and results."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest

from tests.guest.int_or_float_programs import CONTAINERS, CONTAINERS_MAIN, PAIRS, PAIRS_MAIN
from tests.guest.numpy_guests import Comparison, compile_guest, npy
from tests.guest.quick_engine import quick_engine
from tests.guest.test_python_builds import HEADER, built, run
from truestep.client.runs import run_task
from truestep.machine.program import Task

CODES = [*range(-9, 10), 20, 41, 97, 98, 99]


def check_printed(comparison: Comparison, codes: np.ndarray) -> None:
    """The guest prints what CPython prints."""
    printed: list[bytes] = []
    report = run_task(quick_engine(), comparison.program, Task(input=npy(codes)), debug_sink=printed.append)
    expected = io.StringIO()
    with contextlib.redirect_stdout(expected):
        comparison.module.main(codes)
    found = b"".join(printed).decode().splitlines()
    assert report.exit_code == 0, found[-1:]
    assert found == expected.getvalue().splitlines()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compile_guest(tmp_path_factory.mktemp("pairs"), PAIRS, PAIRS_MAIN, "int64[:]")


def test_fields_keep_ints_and_floats_apart(pairs: Comparison) -> None:
    every = [(one, other) for one in CODES for other in CODES]
    seed = int(np.random.default_rng().integers(1 << 32))
    chosen = np.random.default_rng(seed).choice(np.array(every), 40, replace=False)
    print("seed", seed)
    check_printed(pairs, chosen.reshape(-1))


@pytest.mark.long
def test_fields_keep_all_ints_and_floats_apart(pairs: Comparison) -> None:
    check_printed(pairs, np.array([(one, other) for one in CODES for other in CODES]).reshape(-1))


@pytest.mark.long
def test_containers_variables_and_results_keep_them_apart(tmp_path: Path) -> None:
    guest = compile_guest(tmp_path, CONTAINERS, CONTAINERS_MAIN, "int64[:]")
    check_printed(guest, np.zeros(1, np.int64))


COUNTS = """
class Counts:
    def __init__(self, keys):
        self.roots = {}
        self.counts = {}
        self.seen = []
        for key in keys:
            self.counts[key] = 0
            self.roots[key] = key

    def add(self, key, amount):
        self.counts[key] += amount
        self.seen.append(self.roots[key])
"""
COUNTS_MAIN = """
def main(codes):
    first, second = int(codes[0]), int(codes[1])
    counts = Counts([first, second])
    counts.add(first, 0.5)
    counts.add(second, 2)
    print(counts.counts, counts.roots, counts.seen)
"""


def test_dictionaries_of_fields_may_be_filled_in_init(tmp_path: Path) -> None:
    check_printed(compile_guest(tmp_path, COUNTS, COUNTS_MAIN, "int64[:]"), np.array([7, 5]))


def test_of_two_shortest_texts_of_a_float_the_even_one_is_written(tmp_path: Path) -> None:
    main = "\ndef main(codes):\n    quarters = int(codes[0]) * 0.25\n"
    main += "    print(quarters - 1501199875790166, quarters + 1501199875790164)\n"
    check_printed(compile_guest(tmp_path, "", main, "int64[:]"), np.array([3]))


def test_the_build_says_where_ints_become_floats_and_how_to_keep_them(tmp_path: Path) -> None:
    text = (
        HEADER
        + "def share(a, b):\n    return a / b if b else 0\n"
        + "@truestep.guest\ndef main(input):\n    x = share(3, len(input))\n    print(x)\n"
        + "    print(np.linspace(0, x, 3))\n    return input\n"
    )
    guest = built(tmp_path, text)
    assert guest.warnings.startswith(
        "model.py:9: a guest cannot call linspace(0, int or float, 3), so all numbers"
    )
    assert run(guest)[1] == "0.0\n[0.0 0.0 0.0]\n"
    kept = built(tmp_path, text.replace("(0, x, 3)", "(0, float(x), 3)"))
    assert (kept.warnings, run(kept)[1]) == ("", "0\n[0.0 0.0 0.0]\n")


def test_a_function_whose_ints_become_floats_is_named(tmp_path: Path) -> None:
    text = (
        HEADER
        + "def mixed(n):\n    x = 0\n    if n:\n        x = 1.5\n    print(x)\n    return np.float32(x)\n"
        + "@truestep.guest\ndef main(input):\n    print(mixed(len(input)))\n    return input\n"
    )
    guest = built(tmp_path, text)
    assert (
        guest.warnings.startswith("model.py:8: ") and "all numbers of the function that are" in guest.warnings
    )
    assert run(guest)[1] == "0.0\n0.0\n"
