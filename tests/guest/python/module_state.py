"""Variables, containers and arrays of the module that functions change."""

import numpy as np

import truestep

count = 3
total = 0.0
seed = 12345
visits: list[int] = []
again = visits
memo: dict[int, int] = {}
table = np.zeros(5)


def tick(value: int) -> None:
    global count, total  # noqa: PLW0603
    count += 1
    total += value * 0.5
    visits.append(value)
    table[value % 5] += value


def fibonacci(n: int) -> int:
    if n not in memo:
        memo[n] = n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
    return memo[n]


def shadowed() -> int:
    def inner(count: int) -> int:
        return count * 2

    return inner(5) + count + sum([count for count in range(3)])


def drawn() -> float:
    global seed  # noqa: PLW0603
    seed = (seed * 1103515245 + 12345) % 2147483648
    return seed / 2147483648


@truestep.guest
def main(input: np.ndarray) -> np.ndarray:
    found = [drawn()]
    for value in input[:9]:
        tick(int(value))
    found += [float(count), total, float(len(again)), float(int(visits is again)), float(shadowed())]
    again.append(5)
    found += [float(visits[-1]), float(fibonacci(50)), float(len(memo))]
    return np.array(found + list(table) + [drawn()])
