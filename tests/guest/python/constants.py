"""Global arrays, small and large, tuples and constants become part of the program."""

import numpy as np

import truestep

WEIGHTS = np.arange(12, dtype=np.float64).reshape(3, 4) / 8
LARGE = (np.arange(40_000, dtype=np.uint32) * 2654435761).astype(np.uint32)
STRIDED = np.arange(20)[::3]
LIMITS = (3, 5.5, "name")
BIAS = np.float32(0.25)


@truestep.guest
def main(input):
    x = input[:4].astype(np.float64)
    hidden = (WEIGHTS * x).sum(axis=1) + BIAS
    picked = LARGE[input.astype(np.int64) * 100].astype(np.float64)
    return np.concatenate(
        (hidden, picked, np.array([LIMITS[0] + LIMITS[1], len(LIMITS[2])]), STRIDED.astype(np.float64))
    )
