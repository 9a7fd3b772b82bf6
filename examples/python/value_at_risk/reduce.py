"""The risk of the whole simulation, from the shards' records.

Input: the outputs of all shards of `simulate.py`, one after the other, as float64.
Output: float64, `[paths, mean loss, value at risk, expected shortfall]`, both at one percent.
"""

import numpy as np
import numpy.typing as npt

import truestep

RISK = 0.01
TAIL_PATHS = 1_000
"""Losses in each shard's record (simulate.py)."""


@truestep.guest
def main(records: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Merge the shards' worst losses."""
    shards = records.view(np.float64).reshape(-1, 2 + TAIL_PATHS)
    paths = np.sum(shards[:, 0])
    losses = np.sort(shards[:, 2:].copy().reshape(-1))[::-1]
    worst = int(paths * RISK)
    # What a shard did not keep is less than the least that it kept.
    if losses[worst - 1] < np.max(shards[:, -1]):
        raise ValueError("the shards kept too few of their losses")
    return np.array([paths, np.sum(shards[:, 1]) / paths, losses[worst - 1], np.mean(losses[:worst])])
