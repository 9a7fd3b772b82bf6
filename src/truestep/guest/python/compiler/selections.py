"""Selections of `itertools`: combinations and permutations."""

import itertools
from typing import Any

from numba.core import types
from numba.core.extending import overload, register_jitable

from truestep.guest.python.compiler.item_tuples import tuple_of

_WRITTEN_LENGTH_MAX = 4
"""Selections of up to so many items, if the number is written in the call, are tuples of Numba's own."""


def install_selections() -> None:
    """Add the implementations."""
    for function, implementation in (
        (itertools.combinations, _combinations),
        (itertools.combinations_with_replacement, _combinations_with_replacement),
        (itertools.permutations, _permutations),
    ):
        overload(function, strict=False, prefer_literal=True)(implementation)


@register_jitable
def _pick_1(pool: Any, places: Any) -> Any:
    return (pool[places[0]],)


@register_jitable
def _pick_2(pool: Any, places: Any) -> Any:
    return pool[places[0]], pool[places[1]]


@register_jitable
def _pick_3(pool: Any, places: Any) -> Any:
    return pool[places[0]], pool[places[1]], pool[places[2]]


@register_jitable
def _pick_4(pool: Any, places: Any) -> Any:
    return pool[places[0]], pool[places[1]], pool[places[2]], pool[places[3]]


@register_jitable
def _pick_any(pool: Any, places: Any) -> Any:
    return tuple_of([pool[place] for place in places])


def _picker(length: Any) -> Any:
    """What makes the tuple of a selection, which has its own type if its length is written in the call."""
    if not isinstance(length, types.IntegerLiteral) or not 1 <= length.literal_value <= _WRITTEN_LENGTH_MAX:
        return _pick_any
    return (_pick_1, _pick_2, _pick_3, _pick_4)[length.literal_value - 1]


def _checked_length(length: Any, size: int) -> int:
    """The length of a selection; all items if it is None. Compiled only."""
    raise NotImplementedError


@overload(_checked_length, strict=False)
def _checked_length_of(length: Any, size: Any) -> Any:
    if length is None or isinstance(length, types.NoneType | types.Omitted):

        def every(length: Any, size: int) -> int:
            return size

        return every

    def checked(length: Any, size: int) -> int:
        if length < 0:
            raise ValueError("r must be non-negative")
        return length

    return checked


def _combinations(iterable: Any, r: Any) -> Any:
    del iterable
    pick = _picker(r)

    def combinations(iterable: Any, r: Any) -> Any:
        pool = list(iterable)
        length = _checked_length(r, len(pool))
        places = list(range(length))
        is_left = length <= len(pool)
        while is_left:
            yield pick(pool, places)
            place = length - 1
            while place >= 0 and places[place] == place + len(pool) - length:
                place -= 1
            if place >= 0:
                places[place] += 1
                for later in range(place + 1, length):
                    places[later] = places[later - 1] + 1
            is_left = place >= 0

    return combinations


def _combinations_with_replacement(iterable: Any, r: Any) -> Any:
    del iterable
    pick = _picker(r)

    def combinations(iterable: Any, r: Any) -> Any:
        pool = list(iterable)
        length = _checked_length(r, len(pool))
        places = [0] * length
        is_left = len(pool) > 0 or length == 0
        while is_left:
            yield pick(pool, places)
            place = length - 1
            while place >= 0 and places[place] == len(pool) - 1:
                place -= 1
            if place >= 0:
                following = places[place] + 1
                for later in range(place, length):
                    places[later] = following
            is_left = place >= 0

    return combinations


def _permutations(iterable: Any, r: Any = None) -> Any:
    del iterable
    pick = _picker(r)

    def permutations(iterable: Any, r: Any = None) -> Any:
        pool = list(iterable)
        length = _checked_length(r, len(pool))
        places = list(range(length))
        is_left = length <= len(pool)
        while is_left:
            yield pick(pool, places)
            place, candidate = length - 1, 0
            while place >= 0:
                candidate = _next_free(places, place, len(pool))
                if candidate < len(pool):
                    break
                place -= 1
            if place >= 0:
                places[place] = candidate
                for later in range(place + 1, length):
                    places[later] = -1
                    places[later] = _next_free(places, later, len(pool))
            is_left = place >= 0

    return permutations


@register_jitable
def _next_free(places: Any, place: int, size: int) -> int:
    """The next index at a place that none of the places before it has."""
    candidate = places[place] + 1
    while candidate < size and candidate in places[:place]:
        candidate += 1
    return candidate
