"""<math.h> in guests against this computer's C library: how far apart, in units in the last place.

`python -m tests.guest.test_libm` prints the table of docs/python-guests.md.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import random
import struct
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.guest.conftest import Build, run
from truestep.guest import build_c
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task

UNARY = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "sqrt", "cbrt", "erf", "erfc",
    "tgamma", "lgamma", "fabs", "floor", "ceil", "trunc", "round", "rint", "logb",
)  # fmt: skip
BINARY = ("pow", "atan2", "hypot", "fmod", "remainder", "copysign", "nextafter", "fdim", "fmax", "fmin")
FUNCTIONS = (*UNARY, *BINARY)
EXACT = {"sqrt", "fabs", "floor", "ceil", "trunc", "round", "rint", "logb"} | {*BINARY} - {
    "pow",
    "atan2",
    "hypot",
}
LARGEST_DIFFERENCE_ULP = {"tgamma": 12, "lgamma": 12}
"""Of the rest: 2. Near the zeros of lgamma every library is off by more, so that they are left out."""
RANGES = {
    "exp": (-700, 700), "exp2": (-1000, 1000), "expm1": (-30, 700), "sin": (-1e6, 1e6),
    "cos": (-1e6, 1e6), "tan": (-1e6, 1e6), "asin": (-1, 1), "acos": (-1, 1), "atanh": (-1, 1),
    "acosh": (1, 1e6), "sinh": (-700, 700), "cosh": (-700, 700), "tanh": (-20, 20), "erf": (-6, 6),
    "erfc": (-6, 26), "tgamma": (0.1, 170), "lgamma": (3, 1e6), "log1p": (-0.99, 1e6),
    "pow": (1e-3, 30), "log": (1e-6, 1e6), "log2": (1e-6, 1e6), "log10": (1e-6, 1e6), "sqrt": (0, 1e12),
    "asinh": (-1e6, 1e6),
}  # fmt: skip
SINGLE_RANGES = {
    "exp": (-80, 80), "exp2": (-120, 120), "expm1": (-15, 80), "sinh": (-80, 80), "cosh": (-80, 80),
    "erfc": (-4, 9), "tgamma": (0.1, 33), "pow": (0.1, 20),
}  # fmt: skip
SPECIAL = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    2.0,
    math.inf,
    -math.inf,
    math.nan,
    5e-324,
    1e-310,
    1.7976931348623157e308,
)
LIBM = ctypes.CDLL(ctypes.util.find_library("m"))

Pairs = list[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Results of a guest and of this computer's library."""

    ours: np.ndarray
    theirs: np.ndarray

    def largest_ulp(self) -> int:
        """The largest distance in units in the last place between results that are numbers."""
        kind = np.int64 if self.ours.dtype == np.float64 else np.int32
        finite = np.isfinite(self.ours) & np.isfinite(self.theirs)
        ordered = []
        for values in (self.ours[finite], self.theirs[finite]):
            bits = values.view(kind).astype(object)
            ordered.append(np.where(values.view(kind) < 0, -(bits & np.iinfo(kind).max), bits))
        return int(max(abs(ordered[0] - ordered[1]), default=0))


def arguments(name: str, count: int, *, is_single: bool, seed: int) -> Pairs:
    generator = random.Random(f"{name} {seed}")
    low, high = (SINGLE_RANGES if is_single else {}).get(name) or RANGES.get(name, (-1e3, 1e3))
    pairs = [(generator.uniform(low, high), generator.uniform(-20, 20)) for _ in range(count)]
    return [(float(np.float32(x)), float(np.float32(y))) for x, y in pairs] if is_single else pairs


def compare(program: Program, name: str, pairs: Pairs, *, is_single: bool) -> Compared:
    content = struct.pack("<2Q", FUNCTIONS.index(name), is_single)
    content += struct.pack(f"<{2 * len(pairs)}d", *(number for pair in pairs for number in pair))
    ours = np.frombuffer(run(program, Task(input=content)).output, np.float64)
    kind = ctypes.c_float if is_single else ctypes.c_double
    function = getattr(LIBM, name + ("f" if is_single else ""))
    function.restype, count = kind, 2 if name in BINARY else 1
    function.argtypes = [kind] * count
    dtype = np.float32 if is_single else np.float64
    theirs = np.array([function(*pair[:count]) for pair in pairs], dtype)
    with np.errstate(invalid="ignore"):
        return Compared(ours=ours.astype(dtype), theirs=theirs)


@pytest.mark.parametrize("is_single", [False, True], ids=["double", "single"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_close_to_the_c_librarys(build: Build, name: str, is_single: bool) -> None:
    program = build("mathematics.c")
    compared = compare(program, name, arguments(name, 100, is_single=is_single, seed=1), is_single=is_single)
    limit = 0 if name in EXACT else LARGEST_DIFFERENCE_ULP.get(name, 2)
    assert compared.largest_ulp() <= limit
    special = [(x, y) for x in SPECIAL for y in (SPECIAL if name in BINARY else SPECIAL[:1])]
    if is_single:
        special = [
            (float(np.float32(x)), float(np.float32(y)))
            for x, y in special
            if abs(x) < 1e300 or math.isinf(x)
        ]
    compared = compare(program, name, special, is_single=is_single)
    assert np.array_equal(np.isnan(compared.ours), np.isnan(compared.theirs))
    infinite = np.isinf(compared.theirs)
    assert np.array_equal(compared.ours[infinite], compared.theirs[infinite])


@pytest.mark.parametrize("is_single", [False, True], ids=["double", "single"])
def test_remainders_are_exact_at_every_distance(build: Build, is_single: bool) -> None:
    generator = random.Random(6)
    least, largest = (-149, 127) if is_single else (-1074, 1023)
    sizes = [[generator.randrange(least, largest) for _ in range(2)] for _ in range(150)]
    sizes += [[high, high - generator.randrange(70)] for high in range(least + 70, largest, largest // 10)]
    pairs = [
        (math.ldexp(generator.uniform(-1, 1), high), math.ldexp(generator.uniform(-1, 1), low))
        for high, low in sizes
    ]
    pairs += [(math.ldexp(generator.randrange(60), least), math.ldexp(1, least + 2)) for _ in range(9)]
    if is_single:
        pairs = [(float(np.float32(x)), float(np.float32(y))) for x, y in pairs]
    compared = compare(build("mathematics.c"), "fmod", pairs, is_single=is_single)
    assert np.array_equal(compared.ours, compared.theirs, equal_nan=True)
    assert np.array_equal(np.signbit(compared.ours), np.signbit(compared.theirs))


def main(count: int) -> None:
    """Print the largest differences as a Markdown table."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "mathematics.elf"
        build_c([Path(__file__).parent / "programs" / "mathematics.c"], target)
        program = load_elf(target.read_bytes())
    print("| function | double | single |\n| --- | --- | --- |")
    for function in FUNCTIONS:
        if function not in EXACT:
            columns = []
            for is_single in (False, True):
                pairs = arguments(function, count, is_single=is_single, seed=2)
                columns.append(str(compare(program, function, pairs, is_single=is_single).largest_ulp()))
            print(f"| `{function}` | {' | '.join(columns)} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
