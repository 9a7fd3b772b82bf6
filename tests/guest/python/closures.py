"""Closures, lambdas, functions as arguments, default arguments."""

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
        )
    )
