"""What the one-liners can use: small arrays and values, each made anew, and the classes below."""

from __future__ import annotations

import abc
import bisect  # noqa: F401 - the one-liners use the imports
import cmath  # noqa: F401
import collections  # noqa: F401
import ctypes  # noqa: F401
import enum
import functools
import heapq  # noqa: F401
import itertools  # noqa: F401
import math
import operator  # noqa: F401
import random  # noqa: F401
import statistics  # noqa: F401
import string  # noqa: F401
from collections import Counter, defaultdict, deque  # noqa: F401
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tests.guest.one_liners.branches import (  # noqa: F401
    Chooser,
    Shifted,
    chosen,
    first_item,
    inverse,
    put_last,
    without_warnings,
    workers,
)
from tests.guest.one_liners.instances import Branch, Link, Words, branches, doubled, sum_within  # noqa: F401


def make_x() -> np.ndarray:
    """Floats of one dimension, unsorted."""
    return np.array([2.5, -1.0, 4.0, 0.5, 3.25])


def make_y() -> np.ndarray:
    """As many floats as x has."""
    return np.array([1.0, 2.0, -3.5, 0.25, 8.0])


def make_m() -> np.ndarray:
    """A matrix of 3 by 4 floats."""
    return np.array([[1.0, 8.0, -2.0, 4.5], [5.0, 2.0, 7.0, 0.5], [-3.0, 6.0, 9.0, 1.5]])


def make_q() -> np.ndarray:
    """A regular, not symmetric 3 by 3 matrix."""
    return np.array([[4.0, 1.0, 2.0], [0.5, 3.0, 1.0], [1.0, -1.0, 5.0]])


def make_p() -> np.ndarray:
    """A symmetric positive definite 3 by 3 matrix."""
    return np.array([[4.0, 1.0, 0.5], [1.0, 3.0, 0.25], [0.5, 0.25, 2.0]])


def make_t() -> np.ndarray:
    """Floats of 2 by 3 by 4."""
    return (np.arange(24) * 7 % 11).reshape(2, 3, 4) * 0.5


def make_i() -> np.ndarray:
    """Integers with repetitions."""
    return np.array([3, 1, 2, 3, 1, 7, 0, 5])


def make_j() -> np.ndarray:
    """As many integers as i has."""
    return np.array([1, 4, 2, -6, 1, 0, 9, 5])


def make_w() -> np.ndarray:
    """A matrix of 3 by 3 integers."""
    return np.array([[3, 1, 2], [0, 5, 4], [8, 7, 6]])


def make_b() -> np.ndarray:
    """Truth values."""
    return np.array([True, False, True, True, False])


def make_f() -> np.ndarray:
    """Single precision."""
    return np.array([0.1, 1.5, -2.25, 3.0, 0.7, 10.0], dtype=np.float32)


def make_u() -> np.ndarray:
    """Bytes."""
    return np.array([250, 10, 2, 77, 128, 3], dtype=np.uint8)


def make_h() -> np.ndarray:
    """Short integers."""
    return np.array([-5, 300, 17, -32000], dtype=np.int16)


def make_c() -> np.ndarray:
    """Complex numbers."""
    return np.array([1 + 2j, -0.5j, 3 - 1j, 2.5 + 0j])


def make_z() -> np.ndarray:
    """Floats with missing ones."""
    return np.array([1.5, np.nan, -2.0, np.nan, 4.0])


def make_e() -> np.ndarray:
    """No floats."""
    return np.zeros(0)


def make_n() -> int:
    """A whole number."""
    return len(make_x()) + 2


def make_k() -> int:
    """A negative whole number."""
    return -len(make_x())


def make_v() -> float:
    """A real number."""
    return float(make_x()[4]) * 0.8


def make_text() -> str:
    """Words between commas."""
    return ", ".join(["tulip", "Rose,aster ", "rose"])


def make_number() -> str:
    """Digits."""
    return str(make_n() * 6)


def make_data() -> bytes:
    """ASCII."""
    return b"name=rose;n=42"


def make_words() -> list[str]:
    """Words."""
    return ["rose", "aster", "tulip", "iris", "rose"]


def make_numbers() -> list[int]:
    """Whole numbers."""
    return [5, 2, 9, 2, -4]


def make_floats() -> list[float]:
    """Real numbers."""
    return [0.5, 2.25, -1.0, 8.0]


def make_pairs() -> list[tuple[int, float]]:
    """Tuples."""
    return [(3, 1.5), (1, 2.5), (2, 0.5)]


def make_ages() -> dict[str, int]:
    """A dictionary."""
    return {"ann": 31, "bob": 7, "cy": 64}


class Point(NamedTuple):
    """A tuple with names."""

    x: float
    y: float


class Colour(enum.IntEnum):
    """Names of numbers."""

    RED = 1
    BLUE = 4


@dataclass
class Circle:
    """A dataclass with a method and a default."""

    radius: float
    scale: float = 2.0

    def area(self) -> float:
        """Of the scaled circle."""
        return 3.0 * (self.radius * self.scale) ** 2


@dataclass(frozen=True)
class Vector:
    """A frozen dataclass."""

    x: float
    y: float

    @property
    def norm(self) -> float:
        """Its length."""
        return math.sqrt(self.x * self.x + self.y * self.y)


@dataclass(order=True)
class Shelf:
    """A dataclass with an order, and with defaults that are made anew."""

    height: int
    items: list[str] = field(default_factory=list, compare=False)
    prices: dict[str, float] = field(default_factory=dict, compare=False)

    def put(self, name: str, price: float) -> None:
        """Add."""
        self.items.append(name)
        self.prices[name] = self.prices.get(name, 0.0) + price


class Account:
    """A plain class with state."""

    def __init__(self, balance: float) -> None:
        self.balance = balance
        self.count = 0

    def deposit(self, amount: float) -> float:
        """Add."""
        self.balance += amount
        self.count += 1
        return self.balance


class Stack:
    """A class whose list begins empty."""

    def __init__(self) -> None:
        self.items = []

    def push(self, item) -> None:
        """Put on top."""
        self.items.append(item)

    def pop(self):
        """Take from the top."""
        return self.items.pop()

    def __len__(self) -> int:
        """How many there are."""
        return len(self.items)


class Graph:
    """A dictionary of lists that begins empty."""

    def __init__(self, size: int) -> None:
        self.edges = {}
        self.size = size

    def add(self, a: int, b: int) -> None:
        """An edge."""
        if a not in self.edges:
            self.edges[a] = []
        self.edges[a].append(b)

    def reach(self, start: int) -> list[int]:
        """The nodes that there is a way to."""
        seen = [start]
        stack = [start]
        while stack:
            for other in self.edges.get(stack.pop(), []):
                if other not in seen:
                    seen.append(other)
                    stack.append(other)
        return seen


def walk(graph, node: int, seen: set[int], order: list[int]) -> None:
    """Recursion that fills a set and a list."""
    seen.add(node)
    order.append(node)
    for other in graph[node]:
        if other not in seen:
            walk(graph, other, seen, order)


def subsets(items: list[int], index: int, path: list[int], found: list[list[int]]) -> None:
    """Recursion that fills a list of lists."""
    if index == len(items):
        found.append(path[:])
        return
    subsets(items, index + 1, path, found)
    path.append(items[index])
    subsets(items, index + 1, path, found)
    path.pop()


def lower_ones(number: int) -> list[int]:
    """A list that may stay empty."""
    found = []
    if number > 0:
        found.append(number - 1)
    return found


def square(number: float) -> float:
    """A function of the module."""
    return number * number


def scaled(values: np.ndarray, factor: float = 2.0, *, offset: float = 0.0) -> np.ndarray:
    """A function with a default and a keyword."""
    return values * factor + offset


def total(*values: float) -> float:
    """A function of any number of values."""
    result = 0.0
    for value in values:
        result += value
    return result


def weighed(a: int, b: int = 2, *, c: int, d: int = 4) -> int:
    """A function with a required keyword."""
    return a * 1000 + b * 100 + c * 10 + d


def gathered(first: int, *rest: int, scale: int = 2) -> int:
    """A function of any number of values, and a keyword."""
    return (first + len(rest)) * scale


def countdown(start: int):
    """A generator."""
    while start > 0:
        yield start
        start -= 1


def fibonacci(index: int) -> int:
    """Recursion."""
    return index if index < 2 else fibonacci(index - 1) + fibonacci(index - 2)


def described(first: int, second: int = 2, **others: int) -> int:
    """A function of any named values."""
    third = others.get("third", 3)
    return first * 100 + second * 10 + (third if "fourth" not in others else 0)


class Solid(abc.ABC):
    """An abstract class with a static method."""

    sides = 3

    def __init__(self, name: str, size: float) -> None:
        self.name = name
        self.size = size

    @abc.abstractmethod
    def volume(self) -> float:
        """Of the solid."""

    def title(self) -> str:
        """Its name."""
        return self.name + "!"

    @staticmethod
    def twice(number: float) -> float:
        """Times two."""
        return number * 2


class Cube(Solid):
    """A class that asks its base."""

    def __init__(self, *sizes: float, **others: int) -> None:
        super().__init__("cube", self.twice(sizes[0]))
        self.count = len(sizes)

    def volume(self) -> float:
        """Of the cube."""
        return self.size**3

    def title(self) -> str:
        """Its name, at length."""
        return "a " + super().title()


class Box(Cube):
    """A class that asks two bases."""

    def volume(self) -> float:
        """As that of a cube, and its sides."""
        return super().volume() + self.sides


def with_arrays(function):
    """A decorator that makes arrays of all arguments."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        args = list(args)
        for place, value in enumerate(args):
            if value is not None:
                args[place] = np.asarray(value)
        for name, value in kwargs.items():
            if value is not None:
                kwargs[name] = np.asarray(value)
        return function(*args, **kwargs)

    return wrapper


@with_arrays
def weighted(a, b, c=None, d=2.0):
    """A function that is wrapped."""
    return a * b * d if c is None else a * b + c


def mixed(*values):
    """A function of arguments of any type."""
    result = 0.0
    for value in values:
        result += np.sum(value)
    return result, len(values)


@functools.cache
def table_of(size: int) -> np.ndarray:
    """A function that remembers its results."""
    values = np.arange(size) * 2.0
    values.setflags(write=False)
    return values


def parents_of(size: int) -> list[int]:
    """A list of which some items stay None."""
    above: list[int | None] = [None] * size
    for place in range(1, size):
        above[place] = place // 2
    path = []
    at = size - 1
    while at is not None:
        path.append(at)
        at = above[at]
    return path


def sum_of(values):
    """A function that asks for the class of its argument."""
    return values.sum() if "numpy" in str(type(values)) else sum(values)


FRAMES = {"unit": np.eye(2), "count": np.arange(3)}
PRICES = {"rose": 2.5, "tulip": 1.25, "aster": 3.0}
LEVELS = [3, 1, 2, 8]
KNOWN = {7, 11}
TABLE = [[0.5, 1.0, 2.0], [3.0, 4.0, 5.5]]
LONG = [index * index for index in range(100)]


def largest(values: list[float]) -> float:
    """A function that reads a list."""
    result = values[0]
    for value in values:
        result = max(result, value)
    return result
