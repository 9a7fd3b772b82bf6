"""The Gray-Scott model of reaction and diffusion, by array expressions over slices."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.float64]:
    """A square of reagent in a tank."""
    size = 128 * task.shard_count
    u = np.ones((size, size))
    v = np.zeros((size, size))
    u[54:74, 54:74] = 0.5
    v[54:74, 54:74] = 0.25
    for _ in range(200):
        c = u[1:-1, 1:-1]
        d = v[1:-1, 1:-1]
        around_u = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * c
        around_v = v[:-2, 1:-1] + v[2:, 1:-1] + v[1:-1, :-2] + v[1:-1, 2:] - 4.0 * d
        reaction = c * d * d
        u[1:-1, 1:-1] = c + (0.16 * around_u - reaction + 0.035 * (1.0 - c))
        v[1:-1, 1:-1] = d + (0.08 * around_v + reaction - 0.1 * d)
    return v
