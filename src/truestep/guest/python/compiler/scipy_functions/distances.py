"""scipy.spatial.distance: distances between the rows of matrices, added in the order of their items."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np


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
