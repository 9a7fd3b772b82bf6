"""sort, argsort, searchsorted, unique, partition by hand."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    y = (input.astype(np.float64) * 1.7) % 13
    order = np.argsort(y, kind="mergesort")
    ordered = np.sort(y)
    own = y.copy()
    own.sort()
    unique = np.unique(input)
    positions = np.searchsorted(ordered, y[:10])
    return np.concatenate(
        (order.astype(np.float64), ordered, own, unique.astype(np.float64), positions.astype(np.float64))
    )
