"""A jitclass with methods and properties, and plain classes with bases that are asked by super()."""

import abc

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


@truestep.guest
def main(input):
    account = Account(input.size)
    for value in input:
        account.deposit(float(value) - 100.5)
    return np.array([account.balance, account.mean, account.count, account.history[3], grown_area()])


def grown_area():
    shape = Grown(2, 3, 4)
    return shape.area() + shape.count / 16
