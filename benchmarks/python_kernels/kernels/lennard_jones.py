"""Forces between all pairs of particles, and their motion."""

import numpy as np
import numpy.typing as npt

import truestep


def forces(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The force on each particle by the Lennard-Jones potential."""
    out = np.zeros(places.shape)
    for i in range(len(places)):
        for j in range(i + 1, len(places)):
            dx = places[i, 0] - places[j, 0]
            dy = places[i, 1] - places[j, 1]
            dz = places[i, 2] - places[j, 2]
            square = dx * dx + dy * dy + dz * dz
            if square < 6.25:
                inverse = 1.0 / square
                sixth = inverse * inverse * inverse
                strength = 24.0 * sixth * (2.0 * sixth - 1.0) * inverse
                out[i, 0] += strength * dx
                out[i, 1] += strength * dy
                out[i, 2] += strength * dz
                out[j, 0] -= strength * dx
                out[j, 1] -= strength * dy
                out[j, 2] -= strength * dz
    return out


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.float64]:
    """A cube of particles."""
    side = 8 * task.shard_count
    places = np.empty((side**3, 3))
    for i in range(side**3):
        places[i, 0] = 1.2 * (i // (side * side))
        places[i, 1] = 1.2 * (i // side % side)
        places[i, 2] = 1.2 * (i % side)
    speeds = np.zeros_like(places)
    for _ in range(60):
        speeds += 0.001 * forces(places)
        places += 0.001 * speeds
    return places
