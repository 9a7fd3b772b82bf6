"""scipy.ndimage: the least and the greatest of a window that moves along a vector, in SciPy's order."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np


def minimum_filter1d(input: Any, size: Any) -> Any:  # noqa: A002 - SciPy's names
    """`scipy.ndimage.minimum_filter1d` of a vector that is reflected at its ends."""
    return _filtered(input, size, True)


def maximum_filter1d(input: Any, size: Any) -> Any:  # noqa: A002 - SciPy's names
    """`scipy.ndimage.maximum_filter1d` of a vector that is reflected at its ends."""
    return _filtered(input, size, False)


def _filtered(vector: Any, size: int, is_least: bool) -> Any:
    """A queue of the values that may yet be the extreme of a window, which decides where a NaN stays."""
    if size < 1:
        raise RuntimeError("incorrect filter size")
    count = len(vector)
    result = np.empty(count, vector.dtype)
    values = np.empty(count + size, vector.dtype)
    ends = np.empty(count + size, np.int64)
    first, last = 0, -1
    for step in range(count + size - 1 if count else 0):
        value = vector[_reflected(step - size // 2, count)]
        if last >= first and ends[first] == step:
            first += 1
        if last < first or _is_beyond(value, values[first], is_least):
            last = first
        else:
            while _is_beyond(value, values[last], is_least):
                last -= 1
            last += 1
        values[last] = value
        ends[last] = step + size
        if step >= size - 1:
            result[step - size + 1] = values[first]
    return result


def _is_beyond(value: Any, known: Any, is_least: bool) -> bool:
    return value <= known if is_least else value >= known


def _reflected(place: int, count: int) -> int:
    """`d c b a | a b c d | d c b a`."""
    place %= 2 * count
    return place if place < count else 2 * count - 1 - place
