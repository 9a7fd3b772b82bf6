"""A jitclass, plain classes with bases that are asked by super() or are abstract, and a chain of instances."""

import abc
from collections.abc import MutableMapping

import numpy as np
from numba import float64, int64
from numba.experimental import jitclass

import truestep


@jitclass([("balance", float64), ("history", float64[:]), ("count", int64)])
class Account:
    def __init__(self, room):
        self.balance = 0.0
        self.history = np.zeros(room)
        self.count = 0

    def deposit(self, amount):
        self.balance += amount
        self.history[self.count] = self.balance
        self.count += 1
        return self

    @property
    def mean(self):
        return self.history[: self.count].sum() / self.count


class Shape(abc.ABC):
    sides = 0

    def __init__(self, size):
        self.size = size * 1.0

    @abc.abstractmethod
    def area(self):
        """Of the shape."""

    @staticmethod
    def halved(value):
        return value / 2


class Square(Shape):
    sides = 4

    def __init__(self, *sizes):
        super().__init__(sizes[0] + sizes[1])
        self.count = len(sizes)

    def area(self):
        return self.halved(self.size) ** 2


class Grown(Square):
    def area(self):
        return super().area() + self.sides


class Link:
    """A link of a chain, whose next one is set later; instances of one class that have one type."""

    links = 0

    def __init__(self, value, after=None):
        self.value = value
        self.after = after
        self.others = []

    def put(self, value):
        self.links += 1
        if self.after is None:
            self.after = Link(value)
            self.last = self.after
        else:
            self.after.put(value)
        self.others.append(self.after)
        return self

    def total(self):
        if not self.after:
            return self.value
        return self.value + self.after.total() + len(self.others)


def chained():
    chain = Link(1.5).put(2.0).put(4.0)
    assert chain.last is chain.after and chain.others[0] == chain.after and chain.links == 2
    try:
        return float(chain.last.after.last.value)  # pyright: ignore[reportOptionalMemberAccess] -- raises
    except AttributeError:
        return chain.total()


class Prices(MutableMapping):
    def __init__(self):
        self.items_held = {"a": 1.5}

    def __getitem__(self, name):
        return self.items_held[name]

    def __setitem__(self, name, price):
        self.items_held[name] = price

    def __delitem__(self, name):
        del self.items_held[name]

    def __iter__(self):
        return iter(self.items_held)

    def __len__(self):
        return len(self.items_held)


def kept_prices():
    prices = Prices()
    prices["b"] = 4.0
    return len(prices) * prices["a"] + prices["b"]


@truestep.guest
def main(input):
    account = Account(input.size)
    for value in input:
        account.deposit(float(value) - 100.5)
    return np.array(
        [
            account.balance,
            account.mean,
            account.count,
            account.history[3],
            grown_area(),
            chained(),
            kept_prices(),
        ]
    )


def grown_area():
    shape = Grown(2, 3, 4)
    return shape.area() + shape.count / 16
