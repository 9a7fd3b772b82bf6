"""`collections.deque` as a class: where one is a field, is given to functions, or has a greatest length."""

# pyright: basic
# What Numba compiles has no types of Python.

import functools
from types import FunctionType
from typing import Any

_LEFT_MAX = 64
"""So many items that were taken from the left are kept at least, before the others move."""


@functools.cache
def class_at(place: str) -> type:
    """The class of the queues that one variable or field holds, whose items have one type."""
    del place
    made = type("deque", (DoubleEndedQueue,), {"__module__": __name__})
    made.copy = _bound_to(DoubleEndedQueue.copy, made)
    made.__mul__ = _bound_to(DoubleEndedQueue.__mul__, made)
    return made


def _bound_to(method: Any, made: type) -> Any:
    """The method whose results are of the class."""
    scope = {**method.__globals__, "DoubleEndedQueue": made}
    return FunctionType(method.__code__, scope, method.__name__, method.__defaults__)


class DoubleEndedQueue:
    """What a guest has in the place of `deque`: a list, of which the first items may be gone."""

    def __init__(self, items: Any, maxlen: Any) -> None:
        self._items = items
        self._first = 0
        self._maxlen = -1 if maxlen is None else maxlen
        if maxlen is not None and maxlen < 0:
            raise ValueError("maxlen must be non-negative")
        self._take_left()

    def _take_left(self) -> None:
        """Drop the first items that are too many, and move the others if there are many gaps."""
        if self._maxlen >= 0:
            self._first = max(self._first, len(self._items) - self._maxlen)
        if self._first > _LEFT_MAX and 2 * self._first > len(self._items):
            del self._items[: self._first]
            self._first = 0

    def _place(self, index: int) -> int:
        count = len(self)
        if index < -count or index >= count:
            raise IndexError("deque index out of range")
        return self._first + (index + count if index < 0 else index)

    def _clean(self) -> None:
        """Let the first item be the first of the list."""
        del self._items[: self._first]
        self._first = 0

    def append(self, x: Any) -> None:
        """Add an item on the right."""
        self._items.append(x)
        self._take_left()

    def appendleft(self, x: Any) -> None:
        """Add an item on the left."""
        if self._first > 0:
            self._first -= 1
            self._items[self._first] = x
        else:
            self._items.insert(0, x)
        if self._maxlen >= 0 and len(self) > self._maxlen:
            self._items.pop()

    def extend(self, iterable: Any) -> None:
        """Add items on the right."""
        for x in iterable:
            self.append(x)

    def extendleft(self, iterable: Any) -> None:
        """Add items on the left, one by one."""
        for x in iterable:
            self.appendleft(x)

    def pop(self) -> Any:
        """The item on the right, which is taken out."""
        if len(self) == 0:
            raise IndexError("pop from an empty deque")
        return self._items.pop()

    def popleft(self) -> Any:
        """The item on the left, which is taken out."""
        if len(self) == 0:
            raise IndexError("pop from an empty deque")
        item = self._items[self._first]
        self._first += 1
        self._take_left()
        return item

    def clear(self) -> None:
        """Take all items out."""
        self._items.clear()
        self._first = 0

    def rotate(self, n: int = 1) -> None:
        """Let items go round to the right."""
        self._clean()
        count = len(self._items)
        if count > 0:
            steps = n % count
            moved = self._items[count - steps :] + self._items[: count - steps]
            for place in range(count):
                self._items[place] = moved[place]

    def reverse(self) -> None:
        """Turn the order round."""
        self._clean()
        self._items.reverse()

    def insert(self, i: int, x: Any) -> None:
        """Put an item before a place."""
        if self._maxlen >= 0 and len(self) >= self._maxlen:
            raise IndexError("deque already at its maximum size")
        self._clean()
        self._items.insert(i, x)

    def remove(self, value: Any) -> None:
        """Take out the first item that is equal."""
        self._clean()
        for place in range(len(self._items)):
            if self._items[place] == value:
                self._items.pop(place)
                return
        raise ValueError("deque.remove(x): x not in deque")

    def index(self, x: Any) -> int:
        """The place of the first item that is equal."""
        for place in range(self._first, len(self._items)):
            if self._items[place] == x:
                return place - self._first
        raise ValueError("value is not in deque")

    def count(self, x: Any) -> int:
        """How many items are equal."""
        found = 0
        for place in range(self._first, len(self._items)):
            found += self._items[place] == x
        return found

    def copy(self) -> Any:
        """Another one with the same items."""
        return DoubleEndedQueue(self._items[self._first :], self._limit())

    def _limit(self) -> Any:
        return None if self._maxlen < 0 else self._maxlen

    @property
    def maxlen(self) -> Any:
        """The greatest length, or None."""
        return self._limit()

    def __len__(self) -> int:
        return len(self._items) - self._first

    def __getitem__(self, index: int) -> Any:
        return self._items[self._place(index)]

    def __setitem__(self, index: int, value: Any) -> None:
        self._items[self._place(index)] = value

    def __contains__(self, x: Any) -> bool:
        return self.count(x) > 0

    def __iter__(self) -> Any:
        for place in range(len(self)):
            yield self._items[self._first + place]

    def __mul__(self, n: int) -> Any:
        return DoubleEndedQueue(self._items[self._first :] * n, self._limit())
