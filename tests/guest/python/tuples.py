"""Tuples, named tuples, optional values, several results."""

from collections import namedtuple

import numpy as np

import truestep

Range = namedtuple("Range", "low high")


def extent(values):
    return Range(int(values.min()), int(values.max()))


def maybe(value):
    if value > 100:
        return value
    return None


@truestep.guest
def main(input):
    low, high = extent(input)
    found = extent(input[10:20])
    count = 0
    for value in input:
        if maybe(int(value)) is not None:
            count += 1
    swapped = (high, low) + (found.low, found.high)
    return np.array(swapped + (count, len(swapped), (1, 2) < (1, 3)))
