"""Element-wise functions with exact results, and a @vectorize of one's own."""

import numba
import numpy as np

import truestep


@numba.vectorize
def clipped(x, low, high):
    return low if x < low else high if x > high else x


TABLE = clipped(np.arange(5), 1.0, 3.5)


@truestep.guest
def main(input):
    x = input[:100].astype(np.float64) - 77.7
    y = input[100:200].astype(np.float64) / 3
    a = np.sqrt(np.abs(x)) + np.floor(y) - np.maximum(x, y) * np.minimum(x, 3.0)
    b = np.sign(x) * np.square(y) + np.clip(x, -5, 5)
    c = clipped(x, -10.0, 10.0) + TABLE.sum()
    d = np.logical_and(x > 0, y < 30).astype(np.float64)
    e = np.bitwise_xor(input[:100], input[100:200]).astype(np.float64)
    f = np.hypot(3.0, 4.0) + np.divide(x, y + 1) - np.mod(x, 7.0)
    return np.stack((a, b, c, d, e, f))
