"""Ufuncs that write to an array they are given read their operands as they were, and check their shapes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import compare, compile_guest, refusal

FUNCTIONS = """
def shifted(x):
    r = x.copy()
    r[1:] += r[:-1]
    return r

def reversed_in_place(x):
    r = x.copy()
    np.negative(r[::-1], r)
    return r

def centred(x):
    r = x.copy().reshape(3, 4)
    r -= r[0]
    r[:, 1:] *= r[:, :1] + 1
    return r.ravel()

def symmetric(x):
    r = x[:9].copy().reshape(3, 3)
    r += r.T
    return r.ravel()

def doubled(x):
    r = x.copy()
    r += r
    return r
"""
MAIN = """
def main(x):
    if x.size == 3:
        r = x.copy()
        r += np.ones(int(x[0]))
        return r
    if x.size == 4:
        r = x.copy().reshape(2, 2)
        r[int(x[0]):] = np.ones((2, 1)) * x[1]
        return r.transpose(int(x[2]), int(x[3])).sum(axis=int(x[2]))
    parts = (shifted(x), reversed_in_place(x), centred(x), symmetric(x), doubled(x))
    return np.concatenate(parts)
"""

SHAPES = "could not broadcast input array from shape (2,1) into shape (1,2)"


def test_operands_are_read_before_the_output_is_written(tmp_path: Path) -> None:
    guest = compile_guest(tmp_path, FUNCTIONS, MAIN, "float64[:]")
    found, expected = compare(guest, np.arange(12.0) ** 2 - 3)
    assert found.tobytes() == expected.tobytes()
    with pytest.raises(AssertionError, match="ValueError: operands could not be broadcast together"):
        compare(guest, np.array([2.0, 1.0, 0.0]))
    found, expected = compare(guest, np.array([0.0, 3.0, 1.0, -2.0]))
    assert found.tolist() == expected.tolist()
    for given, said in (
        ([1, 0, 1, 0], f"ValueError: {SHAPES}"),
        ([0, 0, 1, -1], "ValueError: repeated axis in transpose"),
        ([0, 0, 1, 2], "AxisError: axis 2 is out of bounds for array of dimension 2"),
        ([0, 0, -3, 1], "AxisError: axis -3 is out of bounds for array of dimension 2"),
    ):
        with pytest.raises(ValueError, match=re.escape(said.partition(": ")[2])):
            guest.module.main(np.array(given, float))
        assert refusal(guest, np.array(given, float)).endswith(f": {said}\n")
