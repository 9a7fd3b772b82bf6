"""Doubles: arithmetic, rounding, comparisons, special values."""

import math

import numpy as np

import truestep


@truestep.guest
def main(input):
    x = input[:16].astype(np.float64) / 7.0
    out = np.zeros(16)
    out[0] = x[0] + x[1] * x[2] - x[3] / (x[4] + 1.0)
    out[1] = math.sqrt(x[5])
    out[2] = math.floor(x[6]) + math.ceil(x[7])
    out[3] = np.rint(x[8]) + np.trunc(-x[9])
    out[4] = abs(-x[10])
    out[5] = x[11] % 1.5
    out[6] = -x[12] // 0.7
    out[7] = math.copysign(x[13], -0.0)
    out[8] = int(math.isnan(math.nan)) + int(math.isinf(math.inf))
    out[9] = x[14] ** 2 + x[15] ** 3
    out[10] = min(x[0], x[1]) + max(x[2], x[3])
    out[11] = np.fmod(-x[4], 1.25)
    out[12] = 1.0 if x[0] < x[1] else -1.0
    out[13] = np.round(x[6], 2)
    out[14] = 5e-324 * (1 + int(input[0]) % 2)
    out[15] = float(int(x[7] * 1e6))
    return out
