"""A cellular automaton: loops over a two-dimensional array, with helpers that are inlined."""

import numba
import numpy as np

import truestep


@numba.njit(inline="always")
def neighbours(grid, row, column):
    rows, columns = grid.shape
    count = 0
    for i in range(-1, 2):
        for j in range(-1, 2):
            if i or j:
                count += grid[(row + i) % rows, (column + j) % columns]
    return count


@truestep.guest
def main(input):
    grid = (input[:256].reshape(16, 16) & 1).astype(np.uint8)
    for _ in numba.prange(5):
        following = np.zeros_like(grid)
        for row in range(16):
            for column in range(16):
                count = neighbours(grid, row, column)
                following[row, column] = count == 3 or (count == 2 and grid[row, column] == 1)
        grid = following
    return grid
