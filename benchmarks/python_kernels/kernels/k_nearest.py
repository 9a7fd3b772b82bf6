"""The nearest neighbours of points: squared distances by loops, sums over the last axis."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.int64]:
    """Which point is nearest to each."""
    width = 8 * task.shard_count
    points = (np.arange(900 * width) * 7907 % 4001 / 4001).reshape(-1, width)
    nearest = np.empty(len(points), np.int64)
    for i in range(len(points)):
        best = np.inf
        for j in range(len(points)):
            distance = 0.0
            for k in range(points.shape[1]):
                distance += (points[i, k] - points[j, k]) ** 2
            if i != j and distance < best:
                best = distance
                nearest[i] = j
    return nearest
