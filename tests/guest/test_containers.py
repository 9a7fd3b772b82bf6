"""Lists and dictionaries of a module, deletions, itertools and statistics in Python guests, and what is known
of their functions' arguments: branches that are never taken, tables of functions, class methods. Numbers that
become arrays, generator expressions in variables, io.StringIO, empty lists and dictionaries that are filled
later."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import compare, compile_guest

FUNCTIONS = """
import collections
import dataclasses
import enum
import io
import itertools
import statistics
import time

PRICES = {"rose": 2.5, "tulip": 1.25}
TABLE = [[0.5, 1.0], [3.0, 4.5]]

def largest(values):
    return max(values)

def shifted(value, by=1.0, **others):
    return value + by + others.get("more", 0.25)

def passed_on(value, **others):
    return shifted(value, **others)

def neighbours(items):
    return zip(items, itertools.islice(items, 1, None))

class Unit(str, enum.Enum):
    METRE = "m"
    CENTIMETRE = "cm"

FACTORS = {Unit.METRE: 1.0, Unit.CENTIMETRE: 100.0}
AXES = {"xyz": (0, 1), "zyx": (2, 0)}

def factor(unit):
    return FACTORS[unit]

class Graph:
    def __init__(self):
        self.edges = {}

    def add(self, a, b):
        if a not in self.edges:
            self.edges[a] = []
        self.edges[a].append(b)

def reach(graph, node, seen, order):
    seen.add(node)
    order.append(float(node))
    for other in graph.edges.get(node, []):
        if other not in seen:
            reach(graph, other, seen, order)

@dataclasses.dataclass
class Ellipsoid:
    a: float
    b: float
    models = {"earth": {"a": 6.5, "b": 6.25}}

    @classmethod
    def named(cls, name):
        return cls(cls.models[name]["a"], cls.models[name]["b"])

    def flattening(self, scale):
        return scale * (self.a - self.b) / self.a

MARS = Ellipsoid(3.5, 3.25)

def smooth(x, window="flat", unit=Unit.CENTIMETRE, axes="zyx", ell=None, planet=MARS, plot=False, full=False):
    windows = {"flat": np.ones, "hanning": np.hanning}
    began = time.perf_counter()
    if plot:
        import a_package_that_nobody_has
        a_package_that_nobody_has.plot(x)
    if x.ndim == 2:
        return x[:, 0]
    if isinstance(axes, str) and window.lower() in windows:
        w = windows[window](3)
    try:
        first, second = AXES[axes]
    except KeyError:
        first, second = axes
    if ell is None:
        ell = Ellipsoid.named("earth")
    took = time.perf_counter() - began
    result = x * factor(unit) + w[0] + first - second + ell.a * ell.flattening(2.0) + planet.flattening(1.0)
    return (result, took) if full else result

def summed(x):
    total = 0.0
    for factor in range(1, 3):
        total += x * factor
    return total

"""
MAIN = """
def main(x):
    items = [v for v in x]
    del items[1]
    r = [PRICES["tulip"] + TABLE[1][0] + sum([largest(row) for row in TABLE]), shifted(x[0])]
    r.extend([a * b for a, b in itertools.combinations(items, 2)])
    r.extend(list(itertools.accumulate(items)))
    r.append(statistics.stdev(items))
    r.append(statistics.mean(items))
    if (last := items[-1] * 2) > 1:
        r.append(last)
    r.append(float(len(set([1, 2, 3]) - {2})))
    r.append(passed_on(x[0]) + passed_on(x[1], by=2.0, more=0.5))
    r.extend(smooth(x))
    r.extend(smooth(x, "hanning", Unit.METRE, "xyz", Ellipsoid(3.0, 2.0)))
    r.extend(summed(x))
    text = io.StringIO()
    for left, right in neighbours([1, 2, 3]):
        text.write(str(left * right))
    r.append(float(text.getvalue()))
    doubled = (v * 2 for v in items if v > 0.0)
    for v in doubled:
        r.append(v)
    groups, buckets, order, graph = {}, [[] for _ in range(2)], [], Graph()
    for k, v in enumerate(items):
        groups.setdefault(v > 0.0, []).append(k)
        buckets[k % 2].append(v)
        graph.add(k % 3, (k * k + 1) % 4)
    reach(graph, 0, set(), order)
    queue, later = collections.deque([1]), collections.defaultdict(list)
    while queue and len(order) < 20:
        k = queue.popleft()
        order.append(float(k))
        later[k % 2].append(k)
        queue.extend([k + 1, k + 2])
    order.extend([float(len(later[0])), float(len(later[5]))])
    scale = len(later)
    order.extend(sorted(items, key=lambda v: abs(v - scale)))
    order.append(float(collections.Counter("banana").most_common(1)[0][1]))
    r.extend([v * 2 for v in groups[True]])
    r.extend(buckets[1] + order)
    r.append(float(hash("a guest is a program") % 65537))
    return np.array(r)
"""
HASH = 34977
"""What CPython gives with PYTHONHASHSEED=0."""


@pytest.mark.long
def test_containers_are_read_and_changed(tmp_path: Path) -> None:
    guest = compile_guest(tmp_path, FUNCTIONS, MAIN, "float64[:]")
    found, expected = compare(guest, np.array([0.1, 0.7, 1e8, -3.3, 2.0]))
    assert found.dtype == expected.dtype
    assert found.tolist() == [*expected[:-1].tolist(), HASH]
