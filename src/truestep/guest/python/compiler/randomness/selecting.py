"""choice, shuffle, permutation and permuted."""

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.bounded import interval
from truestep.guest.python.compiler.randomness.choosing import (
    checked_probabilities,
    permute_indices,
    weighted_indices,
)
from truestep.guest.python.compiler.randomness.drawing import function_from, is_array, is_integer, is_size
from truestep.guest.python.compiler.randomness.overloading import implement
from truestep.guest.python.compiler.sums import is_none


@register_jitable
def _count_of(size: Any) -> int:
    count = 1
    for length in size:
        count *= length
    return count


@register_jitable
def _check_population(population: int, count: int) -> None:
    if population <= 0 and count > 0:
        raise ValueError("a cannot be empty unless no samples are taken")


def _choice_body(a: Any, size: Any, p: Any) -> str:
    lines = ["count = 1" if is_none(size) else f"count = {'size' if is_integer(size) else 'count_of(size)'}"]
    has_items = not is_integer(a)
    lines += ["items = np.asarray(a)", "population = items.shape[axis]"] if has_items else ["population = a"]
    lines += ["check(population, count)"]
    if is_none(p):
        lines += ["places = indices(bits, population, count, bool(replace), bool(shuffle))"]
    else:
        lines += ["places = weighted(bits, checked(p, population), count, bool(replace))"]
    is_flat = not has_items or getattr(a, "ndim", 1) == 1
    if is_flat:
        taken = "items[places]" if has_items else "places"
        if is_none(size):
            lines += [f"return {taken.replace('places', 'places[0]') if has_items else 'places[0]'}"]
        elif is_integer(size):
            lines += [f"return {taken}"]
        else:
            lines += [f"return {taken}.reshape(size)"]
    else:
        lines += _rows(size)
    return "".join(f"    {line}\n" for line in lines)


def _rows(size: Any) -> list[str]:
    """Lines that take slices along an axis of an array of more dimensions."""
    moved = "np.moveaxis(items, axis, 0)"
    if is_none(size):
        return [f"return {moved}[places[0]].copy()"]
    return [f"return np.ascontiguousarray(np.moveaxis({moved}[places], 0, axis))"]


def choice_of(indices: Any, names: dict[str, Any], head: str, bits: str) -> Any:
    """The overload of a `choice` whose function has this head, and gets indices from `indices`."""
    known = {
        **names,
        "np": np,
        "indices": indices,
        "weighted": weighted_indices,
        "checked": checked_probabilities,
        "count_of": _count_of,
        "check": _check_population,
    }

    def chosen(a: Any, size: Any, replace: Any, p: Any, axis: Any) -> Any:
        is_many = isinstance(a, types.Array) and a.ndim > 1
        fits_size = is_size(size) and not (is_many and isinstance(size, types.BaseTuple))
        fits = is_integer(a) or isinstance(a, types.Array) or (is_array(a) and not isinstance(a, types.Tuple))
        if not (fits and fits_size and is_integer(replace) and (is_none(p) or is_array(p))):
            return None
        del axis
        return function_from(f"{head}    bits = {bits}\n{_choice_body(a, size, p)}", known)

    return chosen


def _swap(items: Any, i: Any, j: Any) -> Any:
    """Exchange two items. Compiled only."""
    raise NotImplementedError


@implement(_swap)
def _swap_of(items: Any, i: Any, j: Any) -> Any:
    del i, j

    def rows(items: Any, i: Any, j: Any) -> Any:
        kept = items[i].copy()
        items[i] = items[j]
        items[j] = kept

    def flat(items: Any, i: Any, j: Any) -> Any:
        kept = items[i]
        items[i] = items[j]
        items[j] = kept

    return rows if isinstance(items, types.Array) and items.ndim > 1 else flat


@register_jitable
def shuffle_items(bits: Any, items: Any) -> None:
    """Shuffle along the first axis."""
    for i in range(len(items) - 1, 0, -1):
        j = interval(bits, i)
        if i != j:
            _swap(items, i, j)


def can_be_shuffled(kind: Any) -> bool:
    """Whether it is an array of one dimension or more that can be written, or a list."""
    if isinstance(kind, types.Array):
        return kind.ndim > 0 and kind.mutable
    return isinstance(kind, types.List | types.ListType)


def permuted_number(bits: Any, x: Any) -> Any:
    """permutation(x) along the first axis. Compiled only."""
    raise NotImplementedError


@implement(permuted_number)
def _permutation_of(bits: Any, x: Any) -> Any:
    del bits

    def of_array(bits: Any, x: Any) -> Any:
        out = x.copy()
        shuffle_items(bits, out)
        return out

    def of_items(bits: Any, x: Any) -> Any:
        out = np.asarray(x)
        shuffle_items(bits, out)
        return out

    def of_count(bits: Any, x: Any) -> Any:
        return permute_indices(bits, x)

    if is_integer(x):
        return of_count
    if isinstance(x, types.Array):
        return of_array if x.ndim > 0 else None
    return of_items if is_array(x) else None
