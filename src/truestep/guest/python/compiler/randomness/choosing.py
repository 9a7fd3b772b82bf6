"""Which items choice takes: indices drawn with and without replacement, with and without probabilities."""

import math
from typing import Any

import numpy as np
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.bits import next_double
from truestep.guest.python.compiler.randomness.bounded import below, interval, masked

_TAIL_MIN = 10_000
"""Generator.choice shuffles the tail of a larger population, if a large enough part of it is drawn."""
_SUM_TOLERANCE = math.sqrt(np.finfo(np.float64).eps)


@register_jitable
def shuffle_indices(bits: Any, indices: Any, first: int) -> None:
    """Fisher and Yates from the end down to `first`, as choice shuffles."""
    for i in range(len(indices) - 1, first - 1, -1):
        j = np.int64(below(bits, np.uint64(i)))
        indices[i], indices[j] = indices[j], indices[i]


@register_jitable
def permute_indices(bits: Any, count: int) -> Any:
    """Shuffled indices, as shuffle and permutation draw them."""
    indices = np.arange(count)
    for i in range(count - 1, 0, -1):
        j = interval(bits, i)
        indices[i], indices[j] = indices[j], indices[i]
    return indices


@register_jitable
def checked_probabilities(p: Any, population: int) -> Any:
    """A copy of the probabilities. Raises ValueError for those that are none."""
    if len(p) != population:
        raise ValueError("a and p must have same size")
    copied = np.empty(population)
    total = 0.0
    lost = 0.0
    for index in range(population):
        share = float(p[index])
        if not share >= 0.0:
            raise ValueError("Probabilities are not non-negative")
        copied[index] = share
        # Kahan's sum
        corrected = share - lost
        raised = total + corrected
        lost = (raised - total) - corrected
        total = raised
    if abs(total - 1.0) > _SUM_TOLERANCE:
        raise ValueError("Probabilities do not sum to 1.")
    return copied


@register_jitable
def _cumulated(p: Any) -> Any:
    shares = np.empty(len(p))
    total = 0.0
    for index in range(len(p)):
        total += p[index]
        shares[index] = total
    for index in range(len(p)):
        shares[index] /= total
    return shares


@register_jitable
def _place_of(shares: Any, u: float) -> int:
    """The first share that is larger than u."""
    low = 0
    high = len(shares)
    while low < high:
        middle = (low + high) >> 1
        if u < shares[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@register_jitable
def weighted_indices(bits: Any, p: Any, count: int, replace: bool) -> Any:
    """Indices drawn with probabilities, which are changed."""
    indices = np.empty(count, np.int64)
    if replace:
        shares = _cumulated(p)
        for index in range(count):
            indices[index] = _place_of(shares, next_double(bits))
        return indices
    if np.count_nonzero(p > 0.0) < count:
        raise ValueError("Fewer non-zero entries in p than size")
    found = 0
    while found < count:
        shares = _cumulated(p)
        start = found
        for _ in range(count - start):
            place = _place_of(shares, next_double(bits))
            if p[place] > 0.0:
                p[place] = 0.0
                indices[found] = place
                found += 1
    return indices


@register_jitable
def _check_sample(population: int, count: int) -> None:
    if count > population:
        raise ValueError("Cannot take a larger sample than population when replace is False")


@register_jitable
def uniform_indices(bits: Any, population: int, count: int, replace: bool, is_shuffled: bool) -> Any:
    """Generator.choice's indices."""
    if replace:
        indices = np.empty(count, np.int64)
        for index in range(count):
            indices[index] = np.int64(below(bits, np.uint64(population - 1)))
        return indices
    _check_sample(population, count)
    if population > _TAIL_MIN and count > population // (50 if is_shuffled else 20):
        everything = np.arange(population)
        shuffle_indices(bits, everything, max(population - count, 1))
        return everything[population - count :].copy()
    indices = _floyd_indices(bits, population, count)
    if is_shuffled:
        shuffle_indices(bits, indices, 1)
    return indices


@register_jitable
def _was_added(table: Any, value: int) -> bool:
    """Add to a hash table of integers; False if it was there."""
    mask = len(table) - 1
    place = value & mask
    while table[place] not in (-1, value):
        place = (place + 1) & mask
    if table[place] == value:
        return False
    table[place] = value
    return True


@register_jitable
def _floyd_indices(bits: Any, population: int, count: int) -> Any:
    """Distinct indices in O(count) (Bentley and Floyd, 1987)."""
    size = 2
    while size < 2 * count:
        size *= 2
    table = np.full(size, -1, np.int64)
    indices = np.empty(count, np.int64)
    for step in range(count):
        last = population - count + step
        value = np.int64(below(bits, np.uint64(last)))
        if not _was_added(table, value):
            value = last
            _was_added(table, last)
        indices[step] = value
    return indices


@register_jitable
def legacy_indices(bits: Any, population: int, count: int, replace: bool, is_shuffled: bool) -> Any:
    """RandomState.choice's indices, which are always in the order of a shuffle."""
    if replace:
        indices = np.empty(count, np.int64)
        for index in range(count):
            indices[index] = np.int64(masked(bits, np.uint64(population - 1)))
        return indices
    _check_sample(population, count)
    return permute_indices(bits, population)[:count].copy()
