"""Reductions over integers and exact floats; cumulative sums; statistics."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    x = input.astype(np.int64) - 90
    y = input.astype(np.float64) * 0.25
    matrix = x[:60].reshape(6, 10)
    return np.array(
        [
            x.sum(), x.min(), x.max(), x.argmin(), x.argmax(), x.prod() % 97, y.sum(), y.mean(), y.max(),
            matrix.sum(axis=0)[3], matrix.sum(axis=1)[2], np.cumsum(x)[-2], np.median(y), np.ptp(x),
            np.any(x > 100), np.all(x > -91), np.count_nonzero(x > 0), np.diff(x)[4], np.var(y[:64]), matrix.max(axis=0)[2], np.min(matrix, axis=1)[3], np.max(y), np.amin(x),
            matrix.T.min(axis=-1)[5],
        ],
        dtype=np.float64,
    )  # fmt: skip
