"""Generators, enumerate, zip, and unpacking."""

import numpy as np

import truestep


def primes(limit):
    for candidate in range(2, limit):
        is_prime = True
        for divisor in range(2, int(candidate**0.5) + 1):
            if candidate % divisor == 0:
                is_prime = False
                break
        if is_prime:
            yield candidate


def running(values):
    total = 0
    for value in values:
        total += int(value)
        yield total


@truestep.guest
def main(input):
    out = []
    for index, prime in enumerate(primes(int(input[0]) + 20)):
        out.append(index * prime)
    for value in running(input):
        if value % 2:
            out.append(value)
    total = 0
    for a, b in zip(input[:5], input[5:10]):
        total += int(a) * int(b)
    out.append(total)
    first, _second = (1, 2)
    out.append(first)
    return np.array(out)
