"""What guests have in the place of SciPy's functions, as plain Python, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg, ndimage
from scipy.spatial import distance

from truestep.guest.python.compiler.scipy_functions import distances, filters, matrices

_NDIMAGE: Any = ndimage
_DISTANCE: Any = distance
_LINALG: Any = linalg


@pytest.mark.parametrize("size", range(1, 14))
def test_extremes_of_windows(size: int) -> None:
    random = np.random.default_rng(size)
    for vector in (
        random.random(20),
        random.integers(-3, 3, 9),
        np.where(random.random(9) < 0.3, np.nan, 1.5),
    ):
        for name in ("minimum_filter1d", "maximum_filter1d"):
            found, expected = getattr(filters, name)(vector, size), getattr(_NDIMAGE, name)(vector, size)
            assert found.dtype == expected.dtype
            assert np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f")


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cityblock", "chebyshev"])
def test_distances(metric: str) -> None:
    left, right = np.random.default_rng(1).random((4, 3)), np.arange(6).reshape(2, 3)
    assert np.allclose(distances.cdist(left, right, metric), _DISTANCE.cdist(left, right, metric), rtol=1e-15)
    assert np.allclose(distances.pdist(left, metric), _DISTANCE.pdist(left, metric), rtol=1e-15)


def test_factors_are_above_the_diagonal() -> None:
    matrix = np.array([[4.0, 1.0], [1.0, 3.0]])
    for lower in (False, True):
        expected = _LINALG.cholesky(matrix, lower=lower)
        assert np.allclose(matrices.cholesky(matrix, lower=lower), expected, rtol=1e-15)
