"""What `rewriting_collections` puts in the place of the methods of Counter and deque."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

from typing import Any

from numba.core import types
from numba.core.extending import overload


def counted(items: Any) -> Any:
    """`Counter(items)` as a dictionary. Compiled only."""
    raise NotImplementedError


@overload(counted, strict=False)
def _counted(items: Any) -> Any:
    if isinstance(items, types.DictType):
        return lambda items: items.copy()

    def count(items: Any) -> Any:
        numbers = {item: 0 for item in items}  # noqa: C420 - as Numba compiles it
        for item in items:
            numbers[item] += 1
        return numbers

    return count


def count_further(numbers: Any, items: Any) -> None:
    """`counter.update(items)`. Compiled only."""
    raise NotImplementedError


@overload(count_further, strict=False)
def _count_further(numbers: Any, items: Any) -> Any:
    def add_counts(numbers: Any, items: Any) -> None:
        for item, number in items.items():
            numbers[item] = numbers.get(item, 0) + number

    def add(numbers: Any, items: Any) -> None:
        for item in items:
            numbers[item] = numbers.get(item, 0) + 1

    return add_counts if isinstance(items, types.DictType) else add


def most_common(numbers: Any) -> Any:
    """`counter.most_common()`. Compiled only."""
    raise NotImplementedError


def _number_of(pair: Any) -> Any:
    return pair[1]


@overload(most_common, strict=False)
def _most_common(numbers: Any) -> Any:
    def ordered(numbers: Any) -> Any:
        pairs = list(numbers.items())
        return sorted(pairs, key=_number_of, reverse=True)

    return ordered


def added_counts(one: Any, other: Any, sign: Any) -> Any:
    """`one + other`, or `one - other`, of counters: the counts that are positive. Compiled only."""
    raise NotImplementedError


@overload(added_counts, strict=False)
def _added_counts(one: Any, other: Any, sign: Any) -> Any:
    def add(one: Any, other: Any, sign: Any) -> Any:
        made = one.copy()
        made.clear()
        for item, number in one.items():
            count = number + sign * other.get(item, 0)
            if count > 0:
                made[item] = count
        for item, number in other.items():
            if item not in one and sign * number > 0:
                made[item] = sign * number
        return made

    return add


def chosen_counts(one: Any, other: Any, largest: Any) -> Any:
    """`one | other`, or `one & other`, of counters: the counts that are positive. Compiled only."""
    raise NotImplementedError


@overload(chosen_counts, strict=False)
def _chosen_counts(one: Any, other: Any, largest: Any) -> Any:
    def choose(one: Any, other: Any, largest: Any) -> Any:
        made = one.copy()
        made.clear()
        for item, number in one.items():
            count = other.get(item, 0)
            if (count > number) != largest:
                count = number
            if count > 0:
                made[item] = count
        for item, number in other.items():
            if largest and item not in one and number > 0:
                made[item] = number
        return made

    return choose


def have_same_counts(one: Any, other: Any) -> bool:
    """`one == other` of counters, for which what is missing counts 0. Compiled only."""
    raise NotImplementedError


@overload(have_same_counts, strict=False)
def _have_same_counts(one: Any, other: Any) -> Any:
    def compare(one: Any, other: Any) -> bool:
        for item, number in one.items():
            if other.get(item, 0) != number:
                return False
        for item, number in other.items():  # noqa: SIM110 - Numba has no generator expressions
            if one.get(item, 0) != number:
                return False
        return True

    return compare


def rotate(items: Any, steps: Any) -> None:
    """`deque.rotate(steps)` of a list. Compiled only."""
    raise NotImplementedError


@overload(rotate, strict=False)
def _rotate(items: Any, steps: Any) -> Any:
    def turn(items: Any, steps: Any) -> None:
        if len(items) > 1:
            place = len(items) - steps % len(items)
            items[:] = items[place:] + items[:place]

    return turn


def extend_left(items: Any, others: Any) -> None:
    """`deque.extendleft(others)` of a list. Compiled only."""
    raise NotImplementedError


@overload(extend_left, strict=False)
def _extend_left(items: Any, others: Any) -> Any:
    def extend(items: Any, others: Any) -> None:
        for other in others:
            items.insert(0, other)

    return extend


def grouped(pairs: Any) -> Any:
    """`itertools.groupby`: of (key, item), the keys with the items that follow each other. Compiled only."""
    raise NotImplementedError


@overload(grouped, strict=False)
def _grouped(pairs: Any) -> Any:
    def groups_of(pairs: Any) -> Any:
        keys = [pair[0] for pair in pairs[:0]]
        groups = [[pair[1]] for pair in pairs[:0]]
        for key, item in pairs:
            if len(keys) > 0 and keys[-1] == key:
                groups[-1].append(item)
            else:
                keys.append(key)
                groups.append([item])
        return [(keys[place], groups[place]) for place in range(len(keys))]

    return groups_of
