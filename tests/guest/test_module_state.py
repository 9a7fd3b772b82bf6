"""What a guest changes of modules, and refuses to change; python/module_state.py has more of it."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.guest.quick_engine import quick_engine
from tests.guest.test_python import load
from tests.guest.test_python import run as run_guest
from tests.guest.test_python_builds import GUEST, HEADER, built, run, said, write
from truestep.machine.elf import load_elf
from truestep.machine.program import Task


def test_a_module_is_changed_from_another_one(tmp_path: Path) -> None:
    write(
        tmp_path, "level = 1\nnames = ['a']\ndef both():\n    return level * 10 + len(names)\n", "settings.py"
    )
    text = HEADER + (
        "import settings\n"
        "from settings import names\n"
        "def change():\n"
        "    settings.level += 4\n"
        "    names.append('b')\n"
        "@truestep.guest\n"
        "def main(input):\n"
        "    before = settings.both()\n"
        "    change()\n"
        "    print(before, settings.both(), settings.level, settings.names)\n"
        "    return input\n"
    )
    assert run(built(tmp_path, text))[1] == "11 52 5 ['a', 'b']\n"


PROGRAM = (
    HEADER
    + """
import functools
mode, last, cache = 'fast', 0, None
limits, names = {5: 6}, ['a', 'b']
graph = {'a': ['b'], 'b': ['c']}
seen = set()
board = [[0] * 3 for _ in range(3)]

class Draws:
    def __init__(self, start):
        self.state = start
        self.values = []

    def next(self):
        self.state = (self.state * 1103515245 + 12345) % 2147483648
        self.values.append(self.state % 100)
        return self.state

draws = Draws(42)

def counted(function):
    calls = 0
    @functools.wraps(function)
    def wrapper(*arguments):
        nonlocal calls
        calls += 1
        return function(*arguments) + calls
    return wrapper

@counted
def product(a, b):
    return a * b

def with_default(n, known={}):
    if n not in known:
        known[n] = len(known)
    return known[n]

def visit(node):
    seen.add(node)
    return 1 + sum([visit(other) for other in graph.get(node, []) if other not in seen])

def prepared(n):
    global cache, mode, last
    if cache is None:
        cache = np.arange(n) * 2
    mode = 'slow'
    for last in range(n):
        pass
    return cache

def replaced():
    global limits, names
    limits = {1: 2, 3: 4}
    names = []
    names.append('x')

def show(n):
    replaced()
    print(len(limits), names)
    graph['c'] = ['a', 'd']
    print(visit('a'), len(seen), with_default(7), with_default(9), with_default(7))
    print(cache is None, mode, prepared(4).sum(), prepared(9).sum(), mode, last)
    print(product(1, 2), product(n, 2), draws.next(), draws.next(), draws.values)
    for row in board:
        row[0] = n
    print(board)
"""
)


@pytest.mark.long
def test_what_is_printed_is_what_python_prints(tmp_path: Path) -> None:
    source = write(tmp_path, PROGRAM, "plain.py")
    with redirect_stdout(io.StringIO()) as printed:
        load(source).show(3)
    text = f"{PROGRAM}@truestep.guest\ndef main(input):\n    show(int(input[0]))\n"
    program = load_elf(built(tmp_path, text).path.read_bytes())
    assert run_guest(quick_engine(), program, Task(input=bytes([3])))[1] == printed.getvalue()


def test_an_import_in_a_function_may_set_a_variable_of_the_module(tmp_path: Path) -> None:
    text = HEADER + (
        "root = None\n"
        "def lazy(x):\n"
        "    global root\n"
        "    if root is None:\n"
        "        from math import sqrt as root\n"
        "    return root(x)\n"
        "@truestep.guest\n"
        "def main(input):\n"
        "    print(lazy(4.0), lazy(9.0))\n"
        "    return input\n"
    )
    assert run(built(tmp_path, text))[1] == "2.0 3.0\n"


CHECKS = (
    HEADER
    + """
def positive(x):
    if x <= 0:
        raise ValueError('not positive')

def small(x):
    if x > 9:
        raise ValueError('too large')

def check(x, checks):
    for one in checks:
        one(x)

def half(x):
    return x / 2

def halved(x, checks=[positive, small]):
    check(x, checks)
    return half(x)

def applied(x, table={'half': half, 'check': positive}):
    return table['half'](x)

def counted(x, kinds={half}):
    return x + len(kinds)

@truestep.guest
def main(input):
    print(halved(3), applied(5))
    try:
        halved(10)
    except ValueError as error:
        print(error)
    return input
"""
)


def test_defaults_may_hold_functions(tmp_path: Path) -> None:
    assert run(built(tmp_path, CHECKS))[1] == "1.5 2.5\ntoo large\n"


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("    check(x, checks)", "    checks.append(small)\n    check(x, checks)"),
        ("    return table['half'](x)", "    table['half'] = small\n    return table['half'](x)"),
        ("applied(5)", "counted(5)"),
    ],
)
def test_defaults_that_hold_functions_are_only_read(tmp_path: Path, line: str, changed: str) -> None:
    assert "model.py:" in said(tmp_path, CHECKS.replace(line, changed))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            "A = [1]\nB = {'a': A}\ndef f():\n    B['a'].append(2)\n    return A[0]\n",
            "A of the module holds, or",
        ),
        (
            "A = np.zeros(4)\nB = A[1:]\ndef f():\n    A[2] = 1\n    return B[0]\n",
            "shares, what the guest changes as A",
        ),
        (
            "A = [[0]] * 2\ndef f():\n    A[0].append(1)\n    return 1\n",
            "a guest cannot change A of the module, in",
        ),
        (
            "def f():\n    global a\n    a = 1\n    return a\n",
            "a guest cannot make or delete a of the module",
        ),
        (
            "a = None\ndef g():\n    global a\n    from math import sin as a\n    return a(1.0)\n"
            "def f():\n    return g(), a is None\n",
            "9: a guest cannot read a of the module here, which an import in another function sets",
        ),
        (
            "a = 1\ndef f():\n    global a\n    a = 2\n    return globals()['a']\n",
            "a guest cannot look up by text what model has",
        ),
        (
            "class P:\n    count = 0\ndef f():\n    P.total = 1\n    return P.count\n",
            "6: a guest cannot make total of the class P",
        ),
        (
            "a = {}\nb = a\ndef f():\n    global a\n    a = {1: 2}\n    return len(b)\n",
            " of the module holds, or shares",
        ),
    ],
)
def test_what_would_be_two_things_is_refused(tmp_path: Path, body: str, words: str) -> None:
    message = said(tmp_path, f"{HEADER}{body}{GUEST}f()\n")
    assert message.startswith("model.py:")
    assert words in message
