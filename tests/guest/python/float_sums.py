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
    return np.array(
        [
            long.sum(), np.sum(long[:1001]), long[:7].sum(), long[::3].sum(), np.mean(long), long.mean(), np.var(long),
            np.std(long), float(single.sum()), float(single.mean()), grid.sum(), np.sum(x), x.mean(), x[:129].sum(),
        ]
    )  # fmt: skip
