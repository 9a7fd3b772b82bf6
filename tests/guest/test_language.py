"""Python that Numba cannot read or lacks: what a guest prints is what CPython prints."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import HEADER, npy
from tests.guest.quick_engine import quick_engine
from tests.guest.test_python import load, run
from truestep.guest import GuestBuildError, build_python
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

EXPRESSIONS = (
    "sorted({int(v) for v in x}), sum(v * v for v in x if v > 0), any(k for k in ks if k > 9)",
    "min(x, key=lambda v: abs(v)), max([k for k in ks if k > 5], default=-1), [k for k in reversed(ks)]",
    "int(s[:0] + ' -1_7\\n'), float(s[:0] + ' 0.1000000000000000055511151231257827')",
    "str(half) + str(n) + str(True) + str([1.5, 2.5]) + repr((1, 'a\\x00')) + bytes([104, 105]).decode()",
    "f'{half:.2f} {n:>5d}|{n:05d}|{s:*<13.4}|{half:e}|{1234567 + n:,}|{half!r:>6} {n=} {half:{n + 5}.{n}f}'",
    "'%d|%s|%.3f|%-6d|%+d|%05d|%x' % (n, s, half, n, n, -n, 255) + '{0} {1:>8} {0:.2f}'.format(half, s[:3])",
    "math.comb(n + 60, 5), math.factorial(n + 17), math.lcm(4, 6, 10), math.isqrt(2**62 - 1), math.prod(ks)",
    "math.fsum([1e16, 1.0, 1e-16]), math.dist([1.5, 2.5, 0.1], [0.3, 1.0, 9.0]), math.log(n + 5, 2)",
    "s.isdigit(), s[1:2].isalpha(), s.isascii(), 'Ab'.istitle(), ''.isspace(), [w.isupper() for w in 'Aa']",
    "random.sample(ks, 2), random.sample(range(3, 90, 2), 9), random.choices(ks, [1, 2, 0.5, 1], k=5)",
    "random.choice(s), random.choice(range(7)), random.getrandbits(40), random.lognormvariate(0.0, half) > 0",
    "random.shuffle(ks), ks, random.triangular(1, n), random.paretovariate(n) > 0",
)
STATEMENTS = (
    "print(n, half, sep=', ', end='!\\n')",
    "print(caught(2), caught(3), caught(7), outer(2), outer(3), outer(8))",
    "try:\n        again(1)\n    except Refused as error:\n        print('again', error)",
    "try:\n        raise ValueError(f'no {len(ks)}')\n    except ValueError as error:\n        print(error)",
    "stack = [1, 2, 5]\n    print(f'{stack} {stack.pop()} {stack} {n:{stack.pop()}d} {half:.{len(stack)}f}')",
    "print(sum([item for item in flat([[1, 2], [3]])]))",
    "parts(ks)",
    *(
        f"try:\n        print({expression})\n    except ValueError:\n        print('ValueError')\n"
        "    except OverflowError:\n        print('OverflowError')"
        for expression in (
            "math.sqrt(half - n)", "math.log(0 * n)", "math.log(0.0 * n, 2)", "math.acos(2.0 * n)",
            "math.exp(1000.0 * n)", "math.pow(0.0, -n)", "math.gamma(0.0 * n)", "int(math.nan * n)",
            "round(math.inf * n)", "math.fmod(half, 0.0 * n)",
            "(10.0 * n) ** 400",
        )
    ),
    "shapes(x)",
    "print(merged(1, y=n), told(1, x=n), told(3), told(n, scale=n, z=5))",
)  # fmt: skip
LARGE_STEP = 8
"""`make test` compiles every eighth of the expressions and statements: seconds of Numba."""

FUNCTIONS = """
import dataclasses
import math
import random
import warnings

class Refused(ValueError):
    pass

def check(v):
    if v < 3:
        raise Refused(f"{v} is too small")
    if v > 5:
        raise KeyError("large")
    return v

def caught(v):
    from math import floor as down
    import numpy
    with np.errstate(divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = down(numpy.float64(0.5))
    try:
        check(v)
        kind += 1
    except KeyError:
        kind += 10
    except (RuntimeError, ValueError) as error:
        print("caught", error, f"[{error}]", str(error))
        kind += 100
    return kind

def outer(v):
    try:
        try:
            check(v)
        except KeyError:
            return 1
    except ValueError:
        return 2
    return 3

def again(v):
    try:
        check(v)
    except ValueError as error:
        raise error

def chained(v):
    try:
        return check(v)
    except KeyError as error:
        raise ValueError("no") from error

def flat(rows):
    yield 0
    for row in rows:
        yield from row

class Shape:
    SIDES = 3

    def __init__(self, size, scale=2.0):
        self.size = size
        self.scale = scale
        self.uses = 0
        self.reset()

    def reset(self):
        self.total = np.zeros(2)

    def area(self, extra=1.0):
        self.uses += 1
        self.total[0] += self.size
        return self.size ** 2 * self.scale * extra

    @property
    def corners(self):
        return self.SIDES * self.size

    def __str__(self):
        return f"Shape({self.size})"

class Square(Shape):
    SIDES = 4

    def __len__(self):
        return 4

@dataclasses.dataclass(frozen=True)
class Point:
    x: float
    y: float = 1.0

    def norm(self):
        return math.hypot(self.x, self.y)

def shapes(x):
    a, b = Shape(1.5), Square(2, scale=1.0)
    a.size = 3.0
    print(a.area(), a.area(extra=0.5), a.uses, a.total[0], b.corners, b.area(), len(b), f"{a} {b!s:>12}")
    print(sum([Shape(v).area() for v in x]), Point(3.0, 4.0).norm(), Point(x=2.0) == Point(2.0), Point(1.0).y)
    print((x.astype(np.float32) * Point(0.1).x).itemsize, Point(0.5), f"{Point(1.5)}", a)

def parts(items):
    first, *rest = items
    *most, last = items
    a, *middle, b = items
    print(first, rest, most, last, a, middle, b)

def merged(a, **others):
    known = {"x": 1, "y": 2}
    known.update(others)
    for key in known:
        a += known.get(key, 0)
    return a

def told(*values, scale=2, **others):
    print(others, len(others), scale, values)
    return merged(*values, **others)

"""


def _source(step: int) -> str:
    expressions = EXPRESSIONS[::step]
    each = "".join(
        f"def f{index}(x, n, s, half, ks):\n    print({expression})\n\n"
        for index, expression in enumerate(expressions)
    )
    calls = "".join(f"    f{index}(x, n, s, half, ks)\n" for index in range(len(expressions)))
    statements = "".join(f"    {statement}\n" for statement in STATEMENTS[::step])
    main = (
        "@truestep.guest(input='float64[:]')\n"
        "def main(x):\n    n = len(x)\n    s = 'héllo wörld'\n    half = 0.5\n    ks = [3, 1, 2, 3]\n"
        f"    random.seed(7)\n{calls}{statements}    return chained(n + 6)\n"
    )
    return f"{HEADER}{FUNCTIONS}{each}{main}"


@pytest.mark.parametrize("step", [LARGE_STEP, pytest.param(1, marks=pytest.mark.long)])
def test_a_guest_prints_what_python_prints(tmp_path: Path, step: int) -> None:
    source = tmp_path / "model.py"
    source.write_text(_source(step), encoding="utf-8")
    guest = build_python(source, tmp_path / "model.elf")
    given = np.array([2.5, -1.0, 7.25])
    report, printed = run(quick_engine(), load_elf(guest.path.read_bytes()), Task(input=npy(given)))
    expected = io.StringIO()
    with redirect_stdout(expected), pytest.raises(ValueError, match="no"):
        load(source).main(given)
    lines = printed.splitlines()
    assert lines[:-1] == expected.getvalue().replace("np.float64(", "").splitlines()
    assert (report.exit_code, lines[-1].partition(": ")[2]) == (138, "ValueError: no")


CLASS = "class P:\n    def __init__(self, a):\n        self.a = a\n"


@pytest.mark.parametrize(
    ("functions", "body", "words"),
    [
        (CLASS, "p = P(1)\n    p.a = np.float32(1.5)",
         "9: a guest's field has one type: a of P begins as an integer"),
        (CLASS, "p = P()", "8: a guest cannot call P like this: missing a required argument: 'a'\n  try: "),
        (CLASS, "p = P(x)\n    p.a = 1.5", "9: a guest's field has one type: a of P is 1-d array"),
        ("import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass P:\n    a: float\n",
         "p = P(1.0)\n    p.a = 2.0", "10: a guest cannot set a of P, which is frozen"),
        (f"{CLASS}P.__module__ = 'sklearn.linear'\nmodel = P(1)\n", "return model.predict(x)",
         "10: a guest cannot use model, a sklearn.linear.P, as a value"),
    ],
)  # fmt: skip
def test_classes_are_refused_where_python_would_differ(
    tmp_path: Path, functions: str, body: str, words: str
) -> None:
    source = tmp_path / "model.py"
    source.write_text(f"{HEADER}{functions}@truestep.guest(input='float64[:]')\ndef main(x):\n    {body}\n")
    with pytest.raises(GuestBuildError) as caught:
        build_python(source, tmp_path / "model.elf")
    assert str(caught.value).startswith(f"model.py:{words}")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "g = (v for v in x)\n    return sum(g) + max(g)",
            "5: a guest cannot keep a generator expression\n  try: ",
        ),
        ("with open('a') as f:\n        return x", "5: a guest has no context managers"),
        ("try:\n        pass\n    except FloatingPointError:\n        pass", "7: a guest does not raise F"),
        ("print(f'{len(x):.2d}')", "5: a guest cannot format by '.2d': Precision not allowed"),
        ("return str(x)", "5: a guest cannot turn an array into a string; print it"),
        ("import absent\n    return x", "5: ModuleNotFoundError: No module named 'absent'"),
        ("print(x, file=None)", "5: print in a guest does not know file="),
        ("return '%(a)s' % x", "5: a guest cannot format by this text and these values"),
        ("r = [len(x)] * 3\n    r[0] = x[0]\n    return r",
         "6: a guest cannot put float64 into a list of int64"),
        (
            "def items():\n        try:\n            yield 1\n        finally:\n            print('end')\n"
            "    for item in items():\n        break",
            "6: a guest's generator cannot yield inside of `finally`",
        ),
        (
            "def items():\n        with x.manager():\n            yield 1\n    next(items())",
            "6: a guest's generator cannot yield inside of `with`",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_translated_is_refused(tmp_path: Path, body: str, words: str) -> None:
    source = tmp_path / "model.py"
    source.write_text(f"{HEADER}@truestep.guest(input='float64[:]')\ndef main(x):\n    {body}\n")
    with pytest.raises(GuestBuildError) as caught:
        build_python(source, tmp_path / "model.elf")
    assert str(caught.value).startswith(f"model.py:{words}")
