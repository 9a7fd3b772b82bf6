"""Heat in a plate, by loops over two arrays."""

import numpy as np
import numpy.typing as npt

import truestep


def step(old: npt.NDArray[np.float64], new: npt.NDArray[np.float64]) -> None:
    """Each inner item becomes the mean of its neighbours."""
    for i in range(1, old.shape[0] - 1):
        for j in range(1, old.shape[1] - 1):
            new[i, j] = 0.25 * (old[i - 1, j] + old[i + 1, j] + old[i, j - 1] + old[i, j + 1])


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.float64]:
    """A plate with one hot side."""
    size = 200 * task.shard_count
    plate = np.zeros((size, size))
    plate[0] = 100.0
    other = plate.copy()
    for _ in range(150):
        step(plate, other)
        step(other, plate)
    return plate
