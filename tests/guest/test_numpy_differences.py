"""The page of differences says what guests and NumPy give."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.guest.numpy_differences import DIFFERENCES, PAGE, page
from tests.guest.numpy_guests import compare, compile_guest

NAMES = (
    "    n = len(x)\n"
    "    small = np.array([250, 10, 2]).astype(np.uint8)\n"
    "    keys = np.array([3, 1, 3, 1, 2, 2, 1, 3] * 5)\n"
    "    singles = np.array([0.1, 0.2, 0.3]).astype(np.float32)\n"
)
CONDITIONS = ("stable", "since Python")
"""Values of NumPy and Python that depend on the processor or the version say so in words."""


def test_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_examples_give_what_the_page_says(tmp_path: Path) -> None:
    functions = "".join(
        f"def f{i}(x):\n{NAMES}    return float({difference.example})\n"
        for i, difference in enumerate(DIFFERENCES)
    )
    calls = ", ".join(f"f{i}(x)" for i in range(len(DIFFERENCES)))
    guest = compile_guest(
        tmp_path, functions, f"def main(x):\n    return np.array([{calls}])\n", "float64[:]"
    )
    found, expected = compare(guest, np.zeros(3))
    assert found.tolist() == [float(difference.guest) for difference in DIFFERENCES]
    for value, difference in zip(expected, DIFFERENCES, strict=True):
        is_conditional = any(words in difference.numpy for words in CONDITIONS)
        assert is_conditional or value == float(difference.numpy)


def test_an_integer_to_a_negative_power_is_refused_where_it_happens(tmp_path: Path) -> None:
    main = "def main(x):\n    k = int(x[0])\n    return np.array([2 ** k])\n"
    guest = compile_guest(tmp_path, "", main, "float64[:]")
    assert compare(guest, np.array([3.0]))[0].tolist() == [8]
    try:
        compare(guest, np.array([-3.0]))
    except AssertionError as error:
        assert str(error).startswith("model.py:6: ValueError: Integers to negative integer powers")
    else:
        raise AssertionError("nothing was refused")
