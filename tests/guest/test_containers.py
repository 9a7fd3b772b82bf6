"""Lists and dictionaries of a module, deletions, itertools and statistics in Python guests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.guest.numpy_guests import compare, compile_guest

FUNCTIONS = """
import itertools
import statistics

PRICES = {"rose": 2.5, "tulip": 1.25}
TABLE = [[0.5, 1.0], [3.0, 4.5]]

def largest(values):
    return max(values)

def shifted(value, by=1.0, **others):
    return value + by + others.get("more", 0.25)

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
    return np.array(r)
"""


def test_containers_are_read_and_changed(tmp_path: Path) -> None:
    guest = compile_guest(tmp_path, FUNCTIONS, MAIN, "float64[:]")
    found, expected = compare(guest, np.array([0.1, 0.7, 1e8, -3.3, 2.0]))
    assert found.dtype == expected.dtype
    assert found.tolist() == expected.tolist()
