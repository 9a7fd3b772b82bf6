"""What programs of courses do and a guest computes as Python: kinds that such programs showed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.numpy_guests import HEADER
from tests.guest.test_public_code import in_python, printed
from truestep.guest import GuestBuildError, build_python

RAISING_IN_LOOPS = """
def plain(x):
    if x < 0:
        raise ValueError("neg")
    return x + 1

def again(x, log):
    try:
        made = plain(x)
    except ValueError:
        log.append(x)
        raise
    return made

def at_last(x, log):
    try:
        return plain(x)
    finally:
        log.append(x)

def in_loops():
    log = []
    total = 0
    for k in [1, -2, 3]:
        try:
            total += again(k, log)
        except ValueError:
            total += 100
    for k in [1, -2, 3]:
        try:
            total += at_last(k, log)
        except ValueError as error:
            log.append(len(str(error)))
    return total, log

def with_inner_functions(n):
    log = []
    scale = 2
    def check(x, low=0):
        if x < low:
            raise ValueError(f"{x} below {low}")
        return x * scale
    def safe(x):
        try:
            return check(x)
        except ValueError as error:
            log.append(len(str(error)))
            return -1
        finally:
            log.append(x)
    def whole(x):
        assert x > 0, "none"
        return n // x
    total = 0
    for k in [1, -2, 3]:
        try:
            total += check(k) + safe(-k) + whole(k)
        except (ValueError, AssertionError):
            total += 1000
    return total, log
"""


def test_a_call_that_raises_leaves_nothing_to_the_next_one(tmp_path: Path) -> None:
    """A function with a `try` that had raised from it took its next call in a loop for one that raises."""
    expressions = ("in_loops()", "with_inner_functions(7)")
    assert printed(tmp_path, RAISING_IN_LOOPS, *expressions) == in_python(RAISING_IN_LOOPS, *expressions)


COLLECTIONS = """
from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import Enum

class Color(Enum):
    RED = 1
    GREEN = 2
    BLUE = 3

class Unit(Enum):
    M = "m"
    KM = "km"

@dataclass(frozen=True)
class Point:
    x: int
    y: int

class Name:
    def __init__(self, text, number):
        self.text = text
        self.number = number

    def __eq__(self, other):
        return self.text == other.text

    def __hash__(self):
        return hash(self.text)

def counters(n):
    a = Counter("abca")
    b = Counter("bcd")
    b["a"] = n
    return sorted((a + b).items()), sorted((a - b).items()), sorted((a | b).items()), sorted((a & b).items())

def members(n):
    found = [Color(number % 3 + 1).name for number in range(n, n + 3)]
    for number in (2, 9):
        try:
            found.append(Color(number).name)
        except ValueError as error:
            found.append(str(error))
    return found, Unit("k" + "m" * (n + 1)).value, Color(Color.RED).value

def updated(n):
    known = {"a": n}
    known.update(b=3)
    known.update([("c", 2)])
    known.update({"d": 9}, a=5)
    return list(known.items())

def nested(n):
    found = defaultdict(lambda: defaultdict(int))
    for a, b in [("a", "b"), ("a", "c"), ("b", "c"), ("a", "b")]:
        found[a][b] += n + 1
    return [(key, sorted(found[key].items())) for key in sorted(found)]

def deleted(n):
    lists = [list(range(length)) for length in (10, 10, 6, 7, 5)]
    del lists[0][n::3]
    del lists[1][1:8:2]
    del lists[2][::-2]
    del lists[3][5:1:-3]
    del lists[4][4:4:2]
    return lists

def following(n):
    numbers, words = iter([1, 2]), iter("a b c".split())
    found = [next(numbers, n), next(numbers, n), next(numbers, n)]
    pairs = []
    while True:
        word = next(words, None)
        if word is None:
            break
        pairs.append(word + next(words, "!"))
    halves = iter([0.5])
    found.append(pow(3, -1, 11 + n))
    numbered = [f"{place}:{word}" for place, word in enumerate("ab", start=n + 1)]
    return found, pairs, next(halves, 0), next(halves, 0), numbered

class Model:
    def __init__(self):
        self.weights = None

    def fit(self, n):
        self.weights = np.zeros(2)
        for _ in range(3):
            self.weights -= 0.5
        return float(self.weights[n])

def keys(n):
    known = {}
    known[Point(1, n)] = 5
    known[Point(1, n)] = 6
    known[Point(n, 1)] = 7
    groups = {}
    for number in range(4):
        groups.setdefault(Point(number % 2, n), []).append(number)
    names = {}
    names[Name("a", 1)] = 1
    names[Name("a", 2)] = 2
    try:
        known[Point(8, n)]
        text = ""
    except KeyError as error:
        text = str(error)
    fitted = Model().fit(n)
    return len(known), known[Point(1, n)], Point(n, 9) in known, groups[Point(1, n)], len(names), text, fitted
"""


def test_collections_do_what_those_of_python_do(tmp_path: Path) -> None:
    names = ("counters", "members", "updated", "nested", "deleted", "following", "keys")
    expressions = [f"{name}(n)" for name in names]
    assert printed(tmp_path, COLLECTIONS, *expressions) == in_python(COLLECTIONS, *expressions)


TABLES = """
import math

INF = float("inf")

def all_ways(n):
    distance = [[INF] * 4 for _ in range(4)]
    for i in range(4):
        distance[i][i] = 0
    for u, v, length in [(0, 1, 5), (1, 2, 3 + n), (0, 2, 9)]:
        distance[u][v] = length
    for k in range(4):
        for i in range(4):
            for j in range(4):
                if distance[i][k] + distance[k][j] < distance[i][j]:
                    distance[i][j] = distance[i][k] + distance[k][j]
    return distance

def from_one(edges):
    unknown = math.inf
    distance = [unknown for _ in range(3)]
    distance[0] = 0
    for _ in range(2):
        for u, v, length in edges:
            distance[v] = min(distance[v], distance[u] + length)
    return distance

def coins(values, amount):
    least: list[float] = [float("inf")] * (amount + 1)
    least[0] = 0
    for value in values:
        for x in range(value, amount + 1):
            least[x] = min(least[x], least[x - value] + 1)
    return least[amount] if least[amount] != float("inf") else -1

def best(numbers):
    sums = [-math.inf] * (len(numbers) + 1)
    sums[0] = 0
    for place, number in enumerate(numbers, 1):
        sums[place] = max(sums[place - 1], sums[place - 1] + number)
    return max(sums), sum(sums), sums[-1] / 2
"""


def test_tables_that_begin_as_infinities_keep_their_ints(tmp_path: Path) -> None:
    """A table of shortest ways showed 4.0 where Python shows 4."""
    expressions = (
        "all_ways(n)", "from_one([(0, 1, 2), (1, 2, 3)])", "from_one([(0, 1, 0.5), (1, 2, 3)])",
        "(coins([1, 5, 12], 16), coins([5, 10], n + 3))", "best([3, -4, 5])",
    )  # fmt: skip
    assert printed(tmp_path, TABLES, *expressions) == in_python(TABLES, *expressions)


@pytest.mark.parametrize(
    ("functions", "body", "words"),
    [
        (
            "class P:\n    total = 0\n    def __init__(self):\n        P.total += 1\n",
            "p = P()\n    p.total = 5",
            "10: a guest cannot set total of one P, which its class changes for all",
        ),
        (
            "class P:\n    def __init__(self, a):\n        self.a = a\n",
            "d = {P(1): 2}",
            "8: a guest knows no hash of P, whose instances are keys of a dictionary",
        ),
        (
            "class P:\n    def __init__(self, a):\n        self.a = a\n",
            "d = {P(1), P(2)}",
            "8: a guest's set cannot hold P",
        ),
        ("", "for a, b in zip(x, x, strict=True):\n        pass", "5: a guest's zip has no strict="),
    ],
)
def test_refusals_say_what_cannot_be(tmp_path: Path, functions: str, body: str, words: str) -> None:
    source = tmp_path / "model.py"
    source.write_text(f"{HEADER}{functions}@truestep.guest(input='float64[:]')\ndef main(x):\n    {body}\n")
    with pytest.raises(GuestBuildError) as caught:
        build_python(source, tmp_path / "model.elf")
    assert str(caught.value).startswith(f"model.py:{words}")
