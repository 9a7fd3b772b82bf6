"""scipy.spatial.distance: distances between the rows of matrices, added in the order of their items."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np

from truestep.guest.python.compiler.scipy_functions.vectors import doubles, vector


def _floats(rows: Any) -> Any:
    return np.asarray(rows).astype(np.float64)


def cdist(XA: Any, XB: Any, metric: Any = "euclidean") -> Any:  # noqa: N803 - SciPy's names
    """`scipy.spatial.distance.cdist` by one of four metrics."""
    left, right = _floats(XA), _floats(XB)
    if left.shape[1] != right.shape[1]:
        raise ValueError("XA and XB must have the same number of columns (i.e. feature dimension.)")
    result = np.zeros((left.shape[0], right.shape[0]))
    for i in range(left.shape[0]):
        for j in range(right.shape[0]):
            result[i, j] = _distance(left[i], right[j], metric)
    return result


def pdist(X: Any, metric: Any = "euclidean") -> Any:  # noqa: N803 - SciPy's names
    """`scipy.spatial.distance.pdist` by one of four metrics."""
    rows = _floats(X)
    count = rows.shape[0]
    result = np.zeros(count * (count - 1) // 2)
    place = 0
    for i in range(count):
        for j in range(i + 1, count):
            result[place] = _distance(rows[i], rows[j], metric)
            place += 1
    return result


def euclidean(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.euclidean`."""
    return _distance(doubles(u), doubles(v), "euclidean")


def sqeuclidean(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.sqeuclidean`."""
    return _distance(doubles(u), doubles(v), "sqeuclidean")


def cityblock(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.cityblock`."""
    return np.sum(np.abs(vector(u) - vector(v)))


def chebyshev(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.chebyshev`."""
    return np.max(np.abs(vector(u) - vector(v)))


def minkowski(u: Any, v: Any, p: Any = 2) -> Any:
    """`scipy.spatial.distance.minkowski`."""
    return np.sum(np.abs(doubles(u) - doubles(v)) ** p) ** (1.0 / p)


def cosine(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.cosine`."""
    one, other = doubles(u), doubles(v)
    found = 1.0 - np.dot(one, other) / np.sqrt(np.dot(one, one) * np.dot(other, other))
    return min(max(found, 0.0), 2.0)


def correlation(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.correlation`."""
    one, other = doubles(u), doubles(v)
    return cosine(one - one.mean(), other - other.mean())


def canberra(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.canberra`."""
    one, other = doubles(u), doubles(v)
    total = 0.0
    for i in range(len(one)):
        size = abs(one[i]) + abs(other[i])
        if size != 0.0:
            total += abs(one[i] - other[i]) / size
    return total


def braycurtis(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.braycurtis`."""
    one, other = doubles(u), doubles(v)
    return np.sum(np.abs(one - other)) / np.sum(np.abs(one + other))


def hamming(u: Any, v: Any) -> Any:
    """`scipy.spatial.distance.hamming`: the share of items that differ."""
    return np.mean(doubles(u) != doubles(v))


def squareform(X: Any) -> Any:  # noqa: N803 - SciPy's names
    """`scipy.spatial.distance.squareform` of the distances of pairs."""
    distances = doubles(X)
    count = int(np.ceil(np.sqrt(len(distances) * 2)))
    if count * (count - 1) != len(distances) * 2:
        raise ValueError("Incompatible vector size. It must be a binomial coefficient n choose 2.")
    result = np.zeros((count, count))
    place = 0
    for i in range(count):
        for j in range(i + 1, count):
            result[i, j] = result[j, i] = distances[place]
            place += 1
    return result


def _distance(u: Any, v: Any, metric: str) -> float:
    total = 0.0
    if metric == "euclidean":
        for i in range(len(u)):
            total += (u[i] - v[i]) * (u[i] - v[i])
        return np.sqrt(total)
    if metric == "sqeuclidean":
        for i in range(len(u)):
            total += (u[i] - v[i]) * (u[i] - v[i])
        return total
    if metric == "cityblock":
        for i in range(len(u)):
            total += abs(u[i] - v[i])
        return total
    if metric == "chebyshev":
        for i in range(len(u)):
            total = max(total, abs(u[i] - v[i]))
        return total
    raise ValueError("a guest knows the metrics euclidean, sqeuclidean, cityblock and chebyshev")
