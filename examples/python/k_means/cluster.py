"""One shard of a k-means clustering: some starts from random points, the best of them kept.

Input: points, shape (count, dimensions), uint8, as a .npy file.
Output: float64, `[inertia, centre 0 ..., centre 1 ..., ..., centre 9 ...]`.
"""

import numpy as np
import numpy.typing as npt

import truestep

CLUSTERS = 10
STARTS = 2
ROUNDS_LIMIT = 60


def squared_distance(point: npt.NDArray[np.float64], centre: npt.NDArray[np.float64]) -> float:
    """The square of the Euclidean distance."""
    total = 0.0
    for dimension in range(len(point)):
        difference = point[dimension] - centre[dimension]
        total += difference * difference
    return total


def first_centres(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """k-means++ (Arthur, 2007): each next centre is a point, likelier if far from those before."""
    centres = np.empty((CLUSTERS, points.shape[1]))
    distances = np.full(len(points), np.inf)
    chosen = np.random.randint(len(points))
    for cluster in range(CLUSTERS):
        centres[cluster] = points[chosen]
        for index in range(len(points)):
            distances[index] = min(distances[index], squared_distance(points[index], centres[cluster]))
        chosen = np.searchsorted(np.cumsum(distances), np.random.random() * np.sum(distances))
        chosen = min(chosen, len(points) - 1)
    return centres


def assign(
    points: npt.NDArray[np.float64], centres: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> tuple[float, bool]:
    """Label each point with its nearest centre; the sum of squared distances, and whether a label changed."""
    inertia, has_changed = 0.0, False
    for index in range(len(points)):
        best, best_distance = 0, np.inf
        for cluster in range(CLUSTERS):
            distance = squared_distance(points[index], centres[cluster])
            if distance < best_distance:
                best, best_distance = cluster, distance
        has_changed |= labels[index] != best
        labels[index] = best
        inertia += best_distance
    return inertia, has_changed


def move(
    points: npt.NDArray[np.float64], centres: npt.NDArray[np.float64], labels: npt.NDArray[np.int64]
) -> None:
    """Put each centre in the middle of its points; one without points stays."""
    sums, counts = np.zeros_like(centres), np.zeros(CLUSTERS)
    for index in range(len(points)):
        sums[labels[index]] += points[index]
        counts[labels[index]] += 1
    for cluster in range(CLUSTERS):
        if counts[cluster] > 0:
            centres[cluster] = sums[cluster] / counts[cluster]


@truestep.guest(input="uint8[:, :]", output="raw")
def main(task: truestep.Task, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """The best of this shard's starts."""
    points = pixels.astype(np.float64)
    np.random.seed(np.uint32(task.seed[0]) * 65_536 + np.uint32(task.shard_index))
    best_inertia, best_centres = np.inf, np.empty((CLUSTERS, points.shape[1]))
    for _ in range(STARTS):
        centres, labels = first_centres(points), np.full(len(points), -1)
        inertia, has_changed = assign(points, centres, labels)
        for _ in range(ROUNDS_LIMIT):
            move(points, centres, labels)
            inertia, has_changed = assign(points, centres, labels)
            if not has_changed:
                break
        if inertia < best_inertia:
            best_inertia, best_centres = inertia, centres
    return np.concatenate((np.array([best_inertia]), best_centres.reshape(-1)))
