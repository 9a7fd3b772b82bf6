"""What public code does and a guest computes as Python: kinds that pieces of public packages showed."""

from __future__ import annotations

from pathlib import Path

from tests.guest.numpy_guests import HEADER
from tests.guest.quick_engine import quick_engine
from tests.guest.test_python_builds import built, said
from truestep.client.runs import run_task
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

CALLS = """
def weighed(a=1, b=10, c=100):
    return a + 2 * b + 3 * c

def inner(f, x, slope=None, args=(), options={}, top=None):
    for i in range(2):
        if slope == True:
            value, by = f(x, *args, **options)
        else:
            value, by = f(x, *args, **options), 1.0
        x = x - value / by
    return x if top is None or x < top else top

def square(x, a):
    return x * x - a, 2.0 * x

def in_try(a):
    try:
        found = weighed(a, c=2), weighed(c=a, b=3)
        root = inner(square, 1.0, args=(2.0 * a,), slope=True, top=9.0)
    except ValueError:
        root = weighed(b=a)
        found = a, a
    return found, root
"""


def printed(tmp_path: Path, functions: str, *expressions: str) -> list[str]:
    """What a guest prints of some expressions, a line each."""
    lines = "".join(f"    print({expression})\n" for expression in expressions)
    text = HEADER + functions + "@truestep.guest\ndef main(input):\n    n = len(input)\n" + lines
    program = load_elf(built(tmp_path, text + "    return input\n").path.read_bytes())
    found: list[bytes] = []
    report = run_task(quick_engine(), program, Task(), debug_sink=found.append)
    text = b"".join(found).decode()
    assert report.exit_code == 0, text
    return text.splitlines()


def in_python(functions: str, *expressions: str) -> list[str]:
    """The same in CPython, for an empty input."""
    scope: dict[str, object] = {"n": 0}
    exec(HEADER + functions, scope)
    return [str(eval(expression, scope)) for expression in expressions]


def test_calls_in_a_try_keep_the_names_of_arguments(tmp_path: Path) -> None:
    expression = "in_try(n + 2)"
    assert printed(tmp_path, CALLS, expression) == in_python(CALLS, expression)


SIGNATURES = """
import numba

@numba.njit("float64(float64, float64)")
def scaled(x, y):
    return 2 * x + y

@numba.vectorize(["float64(float64, float64)"])
def shifted(x, y):
    return scaled(x, y) + np.arange(3)[1]

@numba.njit(["float64(float64)", "float32(float32)"])
def unused(x):
    with open("file") as file:
        return x + len(file.read())
"""


def test_functions_with_signatures_are_compiled_when_they_are_used(tmp_path: Path) -> None:
    expressions = "scaled(3, n)", "shifted(np.array([0.5, 1.0]), n + 0.5)"
    assert printed(tmp_path, SIGNATURES, *expressions) == ["6.0", "[2.5 3.5]"]
    text = HEADER + SIGNATURES + "@truestep.guest\ndef main(input):\n    return unused(0.5)\n"
    assert said(tmp_path, text).startswith("model.py:16: a guest has no context managers, such as files")


ADDRESSES = """
from numba import types
from numba.extending import get_cython_function_address
import scipy.special
from scipy.special import cython_special

def function_at(name, signature):
    address = get_cython_function_address("scipy.special.cython_special", name)
    members = {"__wrapper_address__": lambda self: address, "signature": lambda self: signature}
    return type(name, (types.WrapperAddressProtocol,), members)()

ndtri = function_at("ndtri", types.float64(types.float64))
owens_t = function_at("owens_t", types.float64(types.float64, types.float64))
"""


def test_functions_of_scipy_may_be_called_by_address(tmp_path: Path) -> None:
    text = ADDRESSES + "quartile = ndtri(0.25)\n"
    assert printed(tmp_path, text, "ndtri(0.25 + n) == quartile, round(quartile, 9)") == ["True -0.67448975"]
    call = HEADER + ADDRESSES + "@truestep.guest\ndef main(input):\n    return owens_t(0.5, 0.25)\n"
    assert "model.py:18: a guest cannot call owens_t by its address\n  try: write it" in said(tmp_path, call)


FRACTIONS = """
from fractions import Fraction

HALF = Fraction(1, 2)

def cases(x, n):
    theta, third = Fraction(6, 29), Fraction(1, 3)
    root = x ** third if x > theta ** 3 else x / (3 * theta ** 2) + Fraction(4, 29)
    compared = x < third, x <= third, x > third, x >= third, x == third, x != third, third < x, HALF == 0.5
    whole = n > third, n == Fraction(4, 2), n <= Fraction(5, 2), n >= Fraction(5, 2), third < HALF
    powers = 2 ** -HALF, x ** Fraction(3), Fraction(7) / x, float(-third) - x, third.numerator, x - HALF * 3
    return root, compared, whole, powers
"""


def test_fractions_of_known_numbers_are_exact(tmp_path: Path) -> None:
    near = "0.3333333333333333", "0.33333333333333337", "-0.5", "float('nan')"
    expressions = [f"cases({x} + n * 0.5, n + {n})" for x, n in zip(near, (2, 0, 3, -1), strict=True)]
    assert printed(tmp_path, FRACTIONS, *expressions) == in_python(FRACTIONS, *expressions)
    call = HEADER + FRACTIONS + "@truestep.guest\ndef main(input):\n    return float(HALF + len(input))\n"
    assert said(tmp_path, call).startswith(
        "model.py:17: a guest cannot compute (Fraction(1, 2)) + (int)\n  try: use int"
    )


UNPACKED = """
def scaled(x, y, z, white=(0.5, 1.0, 2.0)):
    x, y, z = [n / m for n, m in zip((x, y, z), white)]
    x, y, z = [part if part > 0.25 else part * 2 for part in (x, y, z)]
    return x, y, z
"""


def test_comprehensions_may_use_what_others_made(tmp_path: Path) -> None:
    expression = "scaled(0.125 + n, 3.0, 4.0)"
    assert printed(tmp_path, UNPACKED, expression) == in_python(UNPACKED, expression)


PLACEHOLDERS = """
def kept(words, size):
    first, second = [0] * size, [0.0] * size
    for place in range(len(words)):
        first[place] = words[place]
        second[place] = words[place][::-1]
    same = 0
    for place in range(len(second)):
        same += first[place] != second[place]
    return same, first[0] + second[1]

def counted(words, size):
    sizes = [0] * size
    for word in words:
        sizes[len(word)] += 1
    return sizes

def caught(words, size):
    try:
        return kept(words, size)
    except Exception:
        return 0, ''
"""


def test_lists_that_begin_with_numbers_may_get_texts(tmp_path: Path) -> None:
    words = "['abc', 'cbc', 'de'], 3 + n"
    expressions = f"caught({words})", f"counted({words.replace('3', '5')})"
    assert printed(tmp_path, PLACEHOLDERS, *expressions) == in_python(PLACEHOLDERS, *expressions)


def test_an_item_that_is_still_a_number_ends_the_run(tmp_path: Path) -> None:
    text = HEADER + PLACEHOLDERS + "@truestep.guest\ndef main(input):\n    print(caught(['abc', 'de'], 3))\n"
    found: list[bytes] = []
    program = load_elf(built(tmp_path, text + "    return input\n").path.read_bytes())
    report = run_task(quick_engine(), program, Task(), debug_sink=found.append)
    words = (
        "model.py:12: a guest cannot take an item of first that was not set, which is a number in Python\n"
    )
    assert report.exit_code == 138
    assert b"".join(found).decode().startswith(words + "  try: begin first with items of the type")


BRANCHES = """
def even(n, deep):
    if deep:
        import re
        return re.match("even", "odd") is None
    return n == 0 or odd(n - 1, deep)

def odd(n, deep):
    return n != 0 and even(n - 1, deep)

def power(x, times):
    if times > 9:
        return eval("x ** times")
    return x if times == 0 else x * power(x, times - 1)

def plain(x):
    return x + 0.5

def joined(x, is_deep):
    if is_deep:
        with open("file") as file:
            return float(file.read())
    return plain(power(x, 2)) + even(4, is_deep)
"""


def test_functions_stay_compiled_when_branches_of_others_are_left_out(tmp_path: Path) -> None:
    expressions = "joined(1.5, n > 3)", "odd(3, n > 3)", "plain(1)"
    assert printed(tmp_path, BRANCHES, *expressions) == in_python(BRANCHES, *expressions)


def test_values_that_do_not_fit_are_named(tmp_path: Path) -> None:
    text = HEADER + (
        "from collections import defaultdict\n"
        "def nearest(n):\n"
        "    found = defaultdict(lambda: (0.5,))\n"
        "    found[0] = (1, 2, 3)\n"
        "    return found[n][0]\n"
        "@truestep.guest\ndef main(input):\n    return nearest(len(input))\n"
    )
    words = "tuple of 1 float64 here, where others are tuple of 3 int64\n  try: make all of them of one type"
    assert f"model.py:7: a guest cannot use {words}" in said(tmp_path, text)


ITERATORS = """
from itertools import chain, islice

def pairs(items):
    found = []
    iterator = iter(items)
    while True:
        part = list(islice(iterator, 2))
        if not part:
            return found
        found.append(part)

def rest(items):
    iterator = iter(items)
    first = next(iterator)
    return [first * item for item in islice(iterator, 2)]

def numbers(n):
    for number in range(n):
        yield number

def halves(n):
    counted = numbers(n)
    return list(islice(counted, 2)), list(islice(counted, 2))

def taken(iterator):
    return next(iterator) + next(iterator)

def shared(n):
    counted = numbers(n)
    return taken(counted), taken(counted)
"""


def test_an_iterator_that_a_generator_has_a_copy_of_is_not_used_again(tmp_path: Path) -> None:
    text = HEADER + ITERATORS + "@truestep.guest\ndef main(input):\n    print(rest([2, 3, 4, 5]))\n"
    refused = said(tmp_path, text + "    print(pairs([1, 2, 3]))\n    return input\n")
    assert refused.startswith("model.py:10: a guest cannot go on with iterator, of which islice gets a copy")
    refused = said(tmp_path, text + "    print(halves(4))\n    return input\n")
    assert refused.startswith("model.py:26: a guest cannot go on with counted, of which islice gets a copy")
    expressions = "rest([2, 3, 4 + n, 5])", "shared(4)"
    assert printed(tmp_path, ITERATORS, *expressions) == in_python(ITERATORS, *expressions)
