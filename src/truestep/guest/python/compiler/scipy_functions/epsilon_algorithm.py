"""Wynn's epsilon algorithm, which speeds up the convergence of a sequence, as QUADPACK uses it."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np

_EPSILON = float(np.finfo(np.float64).eps)
LARGEST = float(np.finfo(np.float64).max)
"""An error that nothing is known of."""
_ELEMENTS_MAX = 50


def extrapolated(count: Any, table: Any, last_results: Any, calls: Any) -> Any:
    """The limit of the sequence in `table[1 : count + 1]`, which becomes the table's new last diagonal.

    Returns how many elements that has, the limit, an estimate of its error and the number of calls so far.
    """
    calls += 1
    error, result = LARGEST, table[count]
    if count < 3:
        return count, result, max(error, 5 * _EPSILON * abs(result)), calls
    table[count + 2] = table[count]
    new, given, at = (count - 1) // 2, count, count
    table[count] = LARGEST
    for step in range(1, new + 1):
        e0, e1, e2 = table[at - 2], table[at - 1], table[at + 2]
        size = abs(e1)
        second, third = e2 - e1, e1 - e0
        is_second_small = abs(second) <= max(abs(e2), size) * _EPSILON
        is_third_small = abs(third) <= max(size, abs(e0)) * _EPSILON
        if is_second_small and is_third_small:
            return count, e2, max(abs(second) + abs(third), 5 * _EPSILON * abs(e2)), calls
        e3 = table[at]
        table[at] = e1
        first = e1 - e3
        is_first_small = abs(first) <= max(size, abs(e3)) * _EPSILON
        if is_first_small or is_second_small or is_third_small:
            count = 2 * step - 1
            break
        slope = 1 / first + 1 / second - 1 / third
        if abs(slope * e1) <= 1e-4:
            count = 2 * step - 1
            break
        table[at] = e1 + 1 / slope
        change = abs(second) + abs(table[at] - e2) + abs(third)
        if change <= error:
            error, result = change, table[at]
        at -= 2
    count = _shifted(table, count, given, new)
    if calls < 4:
        last_results[calls] = result
        error = LARGEST
    else:
        error = abs(result - last_results[3]) + abs(result - last_results[2]) + abs(result - last_results[1])
        last_results[1], last_results[2], last_results[3] = last_results[2], last_results[3], result
    return count, result, max(error, 5 * _EPSILON * abs(result)), calls


def _shifted(table: Any, count: Any, given: Any, new: Any) -> Any:
    """Move the last diagonal to the beginning. Returns how many elements it has."""
    if count == _ELEMENTS_MAX:
        count = 2 * (_ELEMENTS_MAX // 2) - 1
    at = 2 if given % 2 == 0 else 1
    for _ in range(new + 1):
        table[at] = table[at + 2]
        at += 2
    if given != count:
        for place in range(1, count + 1):
            table[place] = table[given - count + place]
    return count
