"""Random walks: normal numbers of a generator, and their running extremes."""

import numpy as np
import numpy.typing as npt

import truestep


@truestep.guest(output="raw")
def main(task: truestep.Task) -> npt.NDArray[np.float64]:
    """The greatest distance of each walk."""
    rng = np.random.default_rng(7)
    farthest = np.zeros(400 * task.shard_count)
    for walk in range(len(farthest)):
        steps = rng.standard_normal(1000)
        place = 0.0
        for i in range(steps.shape[0]):
            place += steps[i]
            farthest[walk] = max(farthest[walk], abs(place))
    return farthest
