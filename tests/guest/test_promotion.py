"""The dtypes of results in guests against NumPy 2 (NEP 50): arrays, NumPy's numbers and Python's."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import HEADER, Comparison, compare, compile_guest
from truestep.guest import GuestBuildError, build_python

DTYPES = ("bool_", "int8", "uint8", "int32", "uint32", "int64", "uint64", "float32", "float64", "complex64")
PYTHONS = (
    "2",
    "n",
    "0.5",
    "half",
    "n * 0.5",
    "1 / n",
    "HALF",
    "int(half * 4)",
    "-n",
    "x.shape[0]",
    "default()",
)
FLOATS = ("float32", "complex64")

PAIRS = [f"a_{left} + a_{right}" for left, right in combinations_with_replacement(DTYPES, 2)]
# The quotient of two complex numbers is rounded differently (docs/numpy-differences.md).
DIVISIONS = [
    *(f"a_float32 / a_{dtype}" for dtype in DTYPES[:-1]),
    *(f"a_{dtype} / a_float32" for dtype in DTYPES[:-1]),
]
WITH_PYTHONS = [
    *(f"a_{dtype} {operation}" for dtype in DTYPES[1:] for operation in ("+ 1", "* 0.5", "/ n")),
    *(f"a_{dtype} < 2" for dtype in DTYPES[1:-1]),
    *(f"a_{dtype} * ({number})" for dtype in FLOATS for number in PYTHONS),
    "np.maximum(a_float32, 0.3)", "np.power(a_float32, 2)", "a_float32 ** 0.5", "a_float32 == 0.1",
    "added(a_float32, 0.5)", "added(a_float32, n)", "a_float32 * np.float64(0.5)", "a_float32 + np.int64(3)",
    "a_float32[::2] - 0.1", "a_uint64 + n", "0.1 - a_float32", "2 // a_float32", "in_a_loop(a_float32)",
    "in_place(a_float32.copy())", "a_float32 * np.array([0.5, HALF])[0]",
    "a_float32 + np.array((0.5, half))[1]",
    "np.array([half, n, 1 / n])", "np.array([n, 1, x.size])", "np.array([[0.5, half], [n, 1]])",
    "np.array([(0.5, half), (n, 0.1)])", "np.array(sorted([0.5, 0.1, half]))",
    "np.array([0.5 for _ in range(n)])", "np.array([[0, 0], [1 / 5, 0]])",
    "np.array(list({1, n}))", "np.full(n, half)", "np.arange(n) * half", "np.arange(0.1, 5.0, 0.3)",
    "np.arange(0.1, 2.0, 0.3, dtype=np.float32)", "np.arange(n, 9)", "np.arange(0.5)",
    "np.linspace(0, half, n)",
]  # fmt: skip
NUMBERS = [
    f"np.full(1, {expression})"
    for expression in (
        "s * 0.1", "s + 1", "s ** 0.5", "s + n", "0.1 / s", "s * np.float64(0.1)", "a_uint64[1] + 1",
        "-s * 2.5", "a_uint64[1] - n", "a_int64[1] * 0.5", "s > 0.1", "s * math.sqrt(n)", "s + float(n)",
        "s + abs(-0.1)", "s + (0.1 if n > 2 else 0.2)", "s ** 2", "s ** 3", "s ** n", "x[4] ** -1",
        "2 ** -n", "10 ** -(n - 2)", "n ** -1", "2 ** n", "a_int64[2] ** 3", "a_uint64[2] ** n",
        "a_float64[1] ** 3", "a_float64[1] ** n", "a_int64[2] ** (n * n * n)", "s * 2 ** -n",
        "math.sqrt(s)", "s * math.floor(x[4])",
        "round(2.675, 2)", "round(1.005, 2) + round(half * 5.35, 2)", "round(-0.285, 2)",
        "round(1234.5, -2)", "round(2.5, n - 5)", "round(a_float64[0], 2)", "round(0.1 + n, 20)",
        "round(1e300, 3)",
    )
]  # fmt: skip
# Numba joins operations to one loop over single numbers, and has its own quotients, signs and comparisons.
JOINED = [
    "(a_uint8 * 60 + 9) // 2", "(a_uint8 * 90) > 100", "(a_uint8 - a_uint8[::-1]) / 2",
    "(a_int32 * 2000000000) // 3", "(a_bool_ + a_bool_) * 1.5", "np.multiply(a_float32, 0.1)",
    "(a_float32 == 0.1) & (a_float32 < 2)", "a_uint8 / (a_uint8 + 1)", "a_uint8 < n * 60", "a_uint8 == 356",
    "a_uint64 > -n", "a_float64 // 0.1", "np.divmod(a_float32, 0.1)[0]", "(a_float64 - 1.1) % -0.5",
    "np.sign(-0.0 * a_float64)", "np.histogram(a_float32, 3)[1]", "np.full(1, np.ptp(a_uint8))",
    "np.full(1, round(25 * n, -1))",
]  # fmt: skip
LARGE_STEP = 13
EXPRESSIONS = [*PAIRS, *DIVISIONS, *WITH_PYTHONS, *NUMBERS]

FUNCTIONS = """
import math
HALF = 0.5

def default(number=0.3):
    return number

def added(a, number, more=0.1):
    return a + number * more

def in_a_loop(a):
    step = 0.1
    for i in range(3):
        a = a * (i + 1) + step
        step = step * 0.5
    return a

def in_place(a):
    a *= 0.1
    a += 3
    return a

def put(out, place, result):
    flat = np.ascontiguousarray(result).reshape(-1)
    content = flat.view(np.uint8)
    out[place] = flat.itemsize
    out[place + 1 : place + 1 + content.size] = content
    return place + 1 + content.size

"""


def compiled(directory: Path, expressions: Sequence[str]) -> Comparison:
    """Each expression in a function of its own: its results' item size and bytes."""
    arrays = [f"    a_{dtype} = x.astype(np.{dtype})\n" for dtype in DTYPES]
    names = ", ".join(f"a_{dtype}" for dtype in DTYPES)
    each = "".join(
        f"def f{i}(out, place, x, n, half, s, {names}):\n    return put(out, place, {text})\n\n"
        for i, text in enumerate(expressions)
    )
    calls = "".join(
        f"    places[{i + 1}] = f{i}(out, places[{i}], x, n, half, s, {names})\n"
        for i in range(len(expressions))
    )
    main = (
        "def main(x):\n    n = len(x)\n    half = 0.5\n    s = x[1]\n"
        f"    out = np.zeros({100 * len(expressions)}, np.uint8)\n"
        f"    places = np.zeros({len(expressions) + 1}, np.int64)\n"
        + "".join(arrays)
        + calls
        + "    return np.concatenate((places.view(np.uint8), out))\n"
    )
    return compile_guest(directory, FUNCTIONS + each, main, "float32[:]")


@pytest.mark.parametrize("step", [LARGE_STEP, pytest.param(1, marks=pytest.mark.long)])
def test_results_have_numpys_dtype_and_bits(tmp_path: Path, step: int) -> None:
    """The long table and the joined operations, or a few (each dtype, Python's numbers, powers)."""
    expressions = EXPRESSIONS[::step] + JOINED[:: 1 if step == 1 else 2]
    guest = compiled(tmp_path, expressions)
    found, expected = compare(guest, np.array([1.1, 0.1, 3.7, 0.7, 100.3], np.float32))
    wrong: list[str] = []
    size = 8 * (len(expressions) + 1)
    ends = [array[:size].view(np.int64) for array in (found, expected)]
    for index, expression in enumerate(expressions):
        parts = [
            array[size:][end[index] : end[index + 1]].tobytes()
            for array, end in zip((found, expected), ends, strict=True)
        ]
        if parts[0] != parts[1]:
            wrong.append(f"{expression}: item sizes {parts[0][:1].hex()} and {parts[1][:1].hex()}")
    assert wrong == []


def test_uint64_beside_signed_integers_is_float64(tmp_path: Path) -> None:
    main = (
        "def main(x):\n"
        "    one = np.ones(len(x), np.int64)\n"
        "    numbers = np.array([x[0] + np.int64(1), x[0] * 0.5, float(x[0]), x[0] / 3])\n"
        "    whole = (x + np.uint64(1), x * 2, x + 1)\n"
        "    assert whole[0][0] == whole[2][0]\n"
        "    sums = (x + np.int64(1), x + one, x - one[::-1] * one)\n"
        "    return np.concatenate((*sums, x * 0.5, x / 3, numbers))\n"
    )
    guest = compile_guest(tmp_path, "", main, "uint64[:]")
    found, expected = compare(guest, np.array([2**63 + 5, 2**64 - 1, 7], np.uint64))
    np.testing.assert_array_equal(found, expected)


def test_powers_of_complex_numbers(tmp_path: Path) -> None:
    main = (
        "def main(x):\n"
        "    c = x[0]\n"
        "    s = np.complex64(c)\n"
        "    roots = np.array([c ** 0.5, s ** 1.5, (0 * c) ** 2.5])\n"
        "    return np.concatenate((roots, np.array([c ** 2, c ** 7, c ** -3, c ** (1 + 2j), c ** 0])))\n"
    )
    found, expected = compare(compile_guest(tmp_path, "", main, "complex128[:]"), np.array([1.5 - 2j]))
    assert np.allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x + 300", r"300 and uint8, .*\n  try: convert .*np\.int64\(300\)"),
        ("np.sqrt(x)", r"no float16, which np\.sqrt gives for uint8\n  try: .*astype\(np\.float64\)"),
        ("put(x, 0)", r"300 into an array of uint8.*\n  try: .*wider dtype"),
    ],
)
def test_what_a_dtype_cannot_hold_is_refused(tmp_path: Path, expression: str, message: str) -> None:
    source = tmp_path / "model.py"
    source.write_text(
        f"{HEADER}@truestep.guest\ndef main(x):\n    return {expression}\n\n"
        "def put(x, place):\n    x[place] = 300\n    return x\n"
    )
    with pytest.raises(GuestBuildError, match=rf"^model\.py:\d+: .*{message}"):
        build_python(source, tmp_path / "model.elf")


def test_a_python_integer_is_checked_while_the_guest_runs(tmp_path: Path) -> None:
    main = "def main(x):\n    n = int(x[0])\n    return x.astype(np.uint8) + n\n"
    guest = compile_guest(tmp_path, "", main, "int64[:]")
    found, expected = compare(guest, np.array([200, 100]))
    np.testing.assert_array_equal(found, expected)
    with pytest.raises(AssertionError, match="OverflowError: Python integer out of bounds for uint8"):
        compare(guest, np.array([-1, 100]))
