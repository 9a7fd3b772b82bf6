"""The Mandelbrot set: floats that stay in registers."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.int64]:
    """How long each point stays near zero."""
    counts = np.zeros((160 * task.shard_count, 240), np.int64)
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            x, y = -2.0 + j * 3.0 / 240, -1.0 + i * 2.0 / 160
            a = b = 0.0
            for k in range(200):
                a, b = a * a - b * b + x, 2.0 * a * b + y
                if a * a + b * b > 4.0:
                    break
                counts[i, j] = k
    return counts
