"""`random.choice`, `choices`, `sample`, `shuffle` and `getrandbits`, which draw what CPython draws."""

import random
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, register_jitable
from numba.cpython import randomimpl

from truestep.guest.python.compiler.sums import forget, is_none

_LARGEST_SIGNED = 63
_SMALL_SET = 21
_SMALL_SAMPLE = 5
"""Up to here CPython takes a set to be as large as `_SMALL_SET` items."""

_SEQUENCES = types.List | types.ListType | types.BaseTuple | types.UnicodeType | types.RangeType


def install_python_selections() -> None:
    """Replace Numba's own, and add what it lacks."""
    for function, implementation in (
        (random.choice, _choice),
        (random.choices, _choices),
        (random.sample, _sample),
        (random.shuffle, _shuffle),
    ):
        forget(function, "")
        overload(function)(implementation)
    forget(random.getrandbits, "")
    overload(random.getrandbits, prefer_literal=True)(_getrandbits)


def _raw_bits(k: int) -> int:
    """1 to 64 bits as a uint64. Compiled only."""
    raise NotImplementedError


overload(_raw_bits)(randomimpl.getrandbits_impl)


def _getrandbits(k: Any) -> Any:
    if not isinstance(k, types.Integer):
        return None
    if getattr(k, "literal_value", 0) > _LARGEST_SIGNED:

        def unsigned(k: Any) -> Any:
            return _raw_bits(k)

        return unsigned

    def signed(k: Any) -> Any:
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        if k > _LARGEST_SIGNED:
            raise OverflowError("an integer of a guest has 64 bits: getrandbits makes at most 63 of them")
        return np.int64(_raw_bits(k)) if k else 0

    return signed


def item_at(population: Any, place: int) -> Any:
    """`population[place]`, of a range too. Compiled only."""
    raise NotImplementedError


@overload(item_at)
def _item_of(population: Any, place: Any) -> Any:
    def of_range(population: Any, place: Any) -> Any:
        return population.start + place * population.step

    def of_sequence(population: Any, place: Any) -> Any:
        return population[place]

    return of_range if isinstance(population, types.RangeType) else of_sequence


def _choice(seq: Any) -> Any:
    def choose(seq: Any) -> Any:
        if len(seq) == 0:
            raise IndexError("Cannot choose from an empty sequence")
        return item_at(seq, random.randrange(len(seq)))

    return choose


@register_jitable
def _right_of(cumulated: Any, value: float) -> int:
    """The first of the places but the last whose sum is above a value; else the last."""
    low, high = 0, len(cumulated) - 1
    while low < high:
        middle = (low + high) // 2
        if value < cumulated[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@register_jitable
def _checked_total(population: Any, cumulated: Any) -> Any:
    if len(cumulated) != len(population):
        raise ValueError("The number of weights does not match the population")
    total = cumulated[-1] + 0.0
    if total <= 0.0:
        raise ValueError("Total of weights must be greater than zero")
    if not np.isfinite(total):
        raise ValueError("Total of weights must be finite")
    return total


@register_jitable
def _weighted(population: Any, cumulated: Any, k: int) -> Any:
    total = _checked_total(population, cumulated)
    return [item_at(population, _right_of(cumulated, random.random() * total)) for _ in range(k)]


def chosen_by(population: Any, weights: Any, cum_weights: Any, units: Any) -> Any:
    """The items that numbers from 0 to 1 stand for. Compiled only."""
    raise NotImplementedError


@overload(chosen_by)
def _chosen_by(population: Any, weights: Any, cum_weights: Any, units: Any) -> Any:
    if not is_none(weights) and not is_none(cum_weights):
        raise errors.TypingError("random.choices cannot take both weights and cumulative weights")
    is_alike = is_none(weights) and is_none(cum_weights)
    sums_of = _cumulated if is_none(cum_weights) else _as_it_is

    def alike(population: Any, weights: Any, cum_weights: Any, units: Any) -> Any:
        count = len(population)
        if count == 0 and len(units) > 0:
            raise IndexError("list index out of range")
        return [item_at(population, int(unit * float(count))) for unit in units]

    def by_sum(population: Any, weights: Any, cum_weights: Any, units: Any) -> Any:
        sums = sums_of(cum_weights if weights is None else weights)
        total = _checked_total(population, sums)
        return [item_at(population, _right_of(sums, unit * total)) for unit in units]

    return alike if is_alike else by_sum


@register_jitable
def _as_it_is(sums: Any) -> Any:
    return sums


@register_jitable
def _cumulated(weights: Any) -> Any:
    sums = [weight for weight in weights]  # noqa: C416 - compiled by Numba, which has no list(array)
    for place in range(1, len(sums)):
        sums[place] = sums[place - 1] + sums[place]
    return sums


def _choices(population: Any, weights: Any = None, cum_weights: Any = None, k: Any = 1) -> Any:
    if not is_none(weights) and not is_none(cum_weights):
        raise errors.TypingError("random.choices cannot take both weights and cumulative weights")

    def by_weight(population: Any, weights: Any = None, cum_weights: Any = None, k: Any = 1) -> Any:
        return _weighted(population, _cumulated(weights), k)

    def by_sum(population: Any, weights: Any = None, cum_weights: Any = None, k: Any = 1) -> Any:
        return _weighted(population, cum_weights, k)

    def alike(population: Any, weights: Any = None, cum_weights: Any = None, k: Any = 1) -> Any:
        count = len(population)
        if count == 0 and k > 0:
            raise IndexError("list index out of range")
        return [item_at(population, int(random.random() * float(count))) for _ in range(k)]

    if not is_none(weights):
        return by_weight
    return alike if is_none(cum_weights) else by_sum


@register_jitable
def size_of_set(k: int) -> int:
    """Up to how many items CPython takes a sample of `k` from a pool."""
    size = _SMALL_SET
    if k > _SMALL_SAMPLE:
        power = 1
        while power < 3 * k:
            power *= 4
        size += power
    return size


@register_jitable
def _sample_places(count: int, k: int) -> Any:
    """Which `k` of `count` items CPython takes: from a pool, or from what a set does not hold yet."""
    if k < 0 or k > count:
        raise ValueError("Sample larger than population or is negative")
    places = np.empty(k, np.int64)
    if count <= size_of_set(k):
        pool = np.arange(count)
        for index in range(k):
            place = random.randrange(count - index)
            places[index] = pool[place]
            pool[place] = pool[count - index - 1]
        return places
    taken = {-1}
    for index in range(k):
        place = random.randrange(count)
        while place in taken:
            place = random.randrange(count)
        taken.add(place)
        places[index] = place
    return places


def _sample(population: Any, k: Any, counts: Any = None) -> Any:
    if not isinstance(population, _SEQUENCES):
        raise errors.TypingError(
            f"random.sample takes lists, tuples, strings and ranges, not {population}; write list(…)"
        )

    def sample(population: Any, k: Any, counts: Any = None) -> Any:
        return [item_at(population, place) for place in _sample_places(len(population), k)]

    def sample_counted(population: Any, k: Any, counts: Any = None) -> Any:
        sums = _cumulated(counts)
        if len(sums) != len(population):
            raise ValueError("The number of counts does not match the population")
        if sums[-1] <= 0:
            raise ValueError("Total of counts must be greater than zero")
        return [item_at(population, _right_of(sums, place)) for place in _sample_places(sums[-1], k)]

    return sample if is_none(counts) else sample_counted


def _shuffle(x: Any) -> Any:
    if isinstance(x, types.Array) and x.ndim > 1:
        raise errors.TypingError(
            "random.shuffle copies rows of arrays over each other, also in Python; use np.random.shuffle"
        )

    def shuffle(x: Any) -> None:
        for last in range(len(x) - 1, 0, -1):
            place = random.randrange(last + 1)
            x[last], x[place] = x[place], x[last]

    return shuffle
