"""Tuples, named tuples, optional values, several results."""

import itertools
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


def any_length(values):
    letters = [int(value) % 3 for value in values]
    seen = {tuple(letters[:1]), tuple(letters), tuple(sorted(letters)), tuple(letters)}
    columns = [sum(column) for column in zip(*[letters, letters[1:]])]
    return len(seen), columns[0], len(list(itertools.permutations(letters[:4])))


@truestep.guest
def main(input):
    low, high = extent(input)
    found = extent(input[10:20])
    count = 0
    for value in input:
        if maybe(int(value)) is not None:
            count += 1
    swapped = (high, low) + (found.low, found.high)
    return np.array(swapped + any_length(input[:5]) + (count, len(swapped), (1, 2) < (1, 3)))
