"""Histogram, percentile, interpolation, bincount, digitize."""

import numpy as np

import truestep


@truestep.guest
def main(input):
    y = input.astype(np.float64)
    counts, edges = np.histogram(y, 16, (0.0, 256.0))
    places = np.digitize(y, np.array([64.0, 128.0, 192.0]))
    between = np.interp(np.array([1.5, 7.25]), np.arange(10).astype(np.float64), y[:10])
    return np.concatenate(
        (
            counts.astype(np.float64),
            edges,
            np.bincount(input % 9).astype(np.float64),
            places.astype(np.float64),
            between,
        )
    )
