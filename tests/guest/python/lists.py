"""Python lists: append, pop, insert, slices, comprehensions, nested, sorted (stable), reversed."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    numbers = [int(value) for value in input if value % 3 == 0]
    numbers.append(7)
    numbers.insert(1, -5)
    numbers.extend([1, 2, 3])
    last = numbers.pop()
    numbers.remove(7)
    numbers.reverse()
    squares = [n * n for n in numbers[2:10:2]]
    table = [[i * j for j in range(3)] for i in range(4)]
    total = 0
    for row in table:
        for cell in row:
            total += cell
    ordered = sorted(numbers)
    pairs = [(n, float(n) / 2) for n in ordered[:5]]
    pairs.sort()
    return np.array(
        [last, len(numbers), sum(squares), total, ordered[0], ordered[-1], numbers.index(-5)]
        + [first for first, _ in pairs]
        + ordered
        + sorted(numbers, key=lambda n: n % 10, reverse=True)
    )
