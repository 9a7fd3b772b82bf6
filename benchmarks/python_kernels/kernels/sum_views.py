"""Sums of the inside of a grid: all items, and along each axis."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.float64]:
    """Sums of a three-dimensional view."""
    size = 80 * task.shard_count
    grid = (np.arange(size**3) % 1009 / 1009).reshape(size, size, size)
    inside = grid[1:-1, 1:-1, 1:-1]
    totals = np.zeros(4)
    for step in range(25):
        grid[1, 1, 1] = step
        totals[0] += np.sum(inside)
        totals[1] += np.sum(inside, axis=0)[3, 5]
        totals[2] += np.sum(inside, axis=1)[3, 5]
        totals[3] += np.sum(inside, axis=2)[3, 5]
    return totals
