"""What public code does and a guest computes as Python: kinds that pieces of public packages showed."""

from __future__ import annotations

from pathlib import Path

from tests.guest.numpy_guests import HEADER
from tests.guest.test_python_builds import built
from tests.guest.test_python_builds import run as run_guest

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
    report, found = run_guest(built(tmp_path, text + "    return input\n"))
    assert report.exit_code == 0, found
    return found.splitlines()


def in_python(functions: str, *expressions: str) -> list[str]:
    """The same in CPython, for an empty input."""
    scope: dict[str, object] = {"n": 0}
    exec(HEADER + functions, scope)
    return [str(eval(expression, scope)) for expression in expressions]


def test_calls_in_a_try_keep_the_names_of_arguments(tmp_path: Path) -> None:
    expression = "in_try(n + 2)"
    assert printed(tmp_path, CALLS, expression) == in_python(CALLS, expression)
