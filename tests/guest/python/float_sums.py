"""Sums, means and variances of floats that do round: the order of additions is NumPy's."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    x = input.astype(np.float64) / 7.3 + 0.1
    long = np.empty(5000)
    for i in range(5000):
        long[i] = x[i % x.size] * (1.0 + i / 3.0)
    single = long.astype(np.float32)
    grid = long[:4998].reshape(51, 98)
    sides = np.concatenate(
        (
            grid.sum(axis=0),
            grid.sum(axis=1),
            grid.T.sum(axis=0),
            grid.mean(axis=0),
            grid.mean(axis=-1),
            grid.var(axis=1),
            grid.std(axis=0),
        )
    )
    numbers = np.array(
        [
            long.sum(), np.sum(long[:1001]), long[:7].sum(), long[::3].sum(), np.mean(long), long.mean(), np.var(long),
            np.std(long), float(single.sum()), float(single.mean()), grid.sum(), np.sum(x), x.mean(), x[:129].sum(),
            grid[::2, 1:].sum(), grid.T.sum(), long[::-1].sum(), (x + 1j * x[::-1]).sum().imag, single.std(), input.mean(),
        ]
    )  # fmt: skip
    return np.concatenate((sides, numbers))
