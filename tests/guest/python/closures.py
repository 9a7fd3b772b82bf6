"""Closures, lambdas, functions as arguments, default arguments."""

import functools

import numpy as np

import truestep

scale = 3


def apply(function, values):
    out = np.empty(values.size, np.int64)
    for i in range(values.size):
        out[i] = function(values[i])
    return out


def shifted(value, by=5):
    return int(value) * scale + by


class Box:
    def __init__(self):
        self.items = np.zeros(2, np.int64)


@functools.cache
def ways(down, right):
    return 1 if down == 0 or right == 0 else ways(down - 1, right) + ways(down, right - 1)


def inner_functions(limit):
    box = Box()
    box.items[1] = 7
    calls = 0

    def depth(number):
        nonlocal calls
        calls += 1
        return 0 if number == 0 else 1 + depth(number // 2)

    def squares():
        for number in range(limit):
            yield number * number

    return [depth(limit), calls, sum([square for square in squares()]), box.items[1], ways(12, 12)]


@truestep.guest
def main(input):
    offset = int(input[0])

    def add(value):
        return int(value) + offset

    double = lambda value: int(value) * 2  # noqa: E731
    return np.concatenate(
        (
            np.array([add(v) for v in input]),
            apply(double, input[:9]),
            np.array([shifted(1), shifted(2, by=9)]),
            np.array(inner_functions(offset + 5)),
        )
    )
