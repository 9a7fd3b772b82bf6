"""A power iteration: a matrix times a vector, again and again."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.float64]:
    """The greatest eigenvector of a symmetric matrix."""
    size = 256 * task.shard_count
    matrix = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            matrix[i, j] = 1.0 / (1.0 + abs(i - j))
    vector = np.ones(size)
    for _ in range(300):
        vector = matrix @ vector
        vector /= np.max(np.abs(vector))
    return vector
