"""Functions that call themselves and each other."""

import numba
import numpy as np

import truestep


@numba.njit
def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def hanoi(count, source, target, spare, moves):
    if count == 0:
        return 0
    done = hanoi(count - 1, source, spare, target, moves)
    moves.append(source * 10 + target)
    return done + 1 + hanoi(count - 1, spare, target, source, moves)


@truestep.guest
def main(input):
    moves = [0]
    count = hanoi(5, 1, 3, 2, moves)
    return np.array([fibonacci(int(input[0]) % 8 + 8), ackermann(2, 3), count, *moves[1:4], len(moves)])
