"""What guests have in the place of SciPy's functions, as plain Python, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, linalg, ndimage, optimize, signal, special
from scipy.spatial import distance

from truestep.guest.python.compiler.scipy_functions import (
    assignment,
    distances,
    filters,
    matrices,
    peaks,
    quadrature,
    roots,
    samples,
    signals,
    special_functions,
)

_NDIMAGE: Any = ndimage
_DISTANCE: Any = distance
_LINALG: Any = linalg
_INTEGRATE: Any = integrate
_OPTIMIZE: Any = optimize
_SIGNAL: Any = signal
_SPECIAL: Any = special


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


def _root_of_two(t: float) -> float:
    return t**3 - 2


def _far(t: float) -> float:
    return float(np.exp(-t) * np.sin(t) ** 2)


def _sharp(t: float) -> float:
    return 1 / (t * t + 1e-4)


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (np.cos, 1, 0),
        (_sharp, -1, 1),
        (_far, 0, np.inf),
        (np.exp, -np.inf, 1),
        (np.log, 0, 1),
        (np.sqrt, 0, 2),
    ],
)
def test_integrals(function: Any, low: float, high: float) -> None:
    found, expected = quadrature.quad(function, low, high), _INTEGRATE.quad(function, low, high)
    assert np.isclose(found[0], expected[0], rtol=1e-14, atol=0)
    assert np.isclose(found[1], expected[1], rtol=1e-3, atol=1e-14)


@pytest.mark.parametrize("count", range(2, 9))
def test_integrals_of_samples(count: int) -> None:
    random = np.random.default_rng(count)
    y, x = random.random(count), np.cumsum(random.random(count))
    assert samples.simpson(y, None, 0.5) == _INTEGRATE.simpson(y, dx=0.5)
    assert samples.simpson(y, x) == _INTEGRATE.simpson(y, x)
    assert samples.trapezoid(y, x) == _INTEGRATE.trapezoid(y, x)
    expected = _INTEGRATE.cumulative_trapezoid(y, x, initial=0)
    assert np.array_equal(samples.cumulative_trapezoid(y, x, 1.0, 0), expected)


def test_roots_and_minima_are_those_of_scipy() -> None:
    assert roots.brentq(_root_of_two, 0, 2) == _OPTIMIZE.brentq(_root_of_two, 0, 2)
    assert roots.bisect(_root_of_two, 0, 2) == _OPTIMIZE.bisect(_root_of_two, 0, 2)
    assert roots.newton(_root_of_two, 2.0) == _OPTIMIZE.newton(_root_of_two, 2.0)
    assert roots.fminbound(_sharp, -1, 3) == _OPTIMIZE.fminbound(_sharp, -1, 3)
    with pytest.raises(ValueError, match="different signs"):
        roots.brentq(_sharp, 0, 1)


def test_assignments() -> None:
    random = np.random.default_rng(4)
    for _ in range(100):
        shape = tuple(random.integers(1, 7, 2))
        for costs in (random.integers(0, 6, shape), random.random(shape)):
            found, expected = (
                assignment.linear_sum_assignment(costs),
                _OPTIMIZE.linear_sum_assignment(costs),
            )
            assert np.array_equal(found, expected)


@pytest.mark.parametrize("mode", ["reflect", "constant", "nearest", "mirror", "wrap"])
def test_filters_add_in_the_order_of_scipy(mode: str) -> None:
    random = np.random.default_rng(5)
    vector = random.random(20)
    for size in (3, 4, 5):
        weights = random.random(size)
        for name in ("convolve1d", "correlate1d"):
            found, expected = (
                getattr(signals, name)(vector, weights, -1, mode),
                getattr(_NDIMAGE, name)(vector, weights, mode=mode),
            )
            assert np.array_equal(found, expected)
        found = signals.uniform_filter1d(vector, size, -1, mode)
        assert np.array_equal(found, _NDIMAGE.uniform_filter1d(vector, size, mode=mode))
    assert np.array_equal(
        signals.gaussian_filter1d(vector, 1.5, -1, 0, mode),
        _NDIMAGE.gaussian_filter1d(vector, 1.5, mode=mode),
    )


@pytest.mark.parametrize(
    "options", [{}, {"height": 2}, {"threshold": 0.25}, {"distance": 4}, {"prominence": 2, "height": 1}]
)
def test_peaks(options: dict[str, float]) -> None:
    random = np.random.default_rng(6)
    for vector in (np.round(random.random(40) * 6), random.random(60) * 4):
        if options.get("distance") and len(set(vector)) < len(vector):
            continue  # which of two equal peaks stays depends on NumPy's sort
        found, expected = peaks.find_peaks(vector, **options), _SIGNAL.find_peaks(vector, **options)
        assert np.array_equal(found[0], expected[0])
        assert all(np.array_equal(values, expected[1][name]) for name, values in found[1].items())


def test_digital_filters() -> None:
    vector = np.random.default_rng(7).random(30)
    found = signals.lfilter([1.0, 2.0, 0.5], [2.0, 0.25], vector)
    assert np.array_equal(found, _SIGNAL.lfilter([1.0, 2.0, 0.5], [2.0, 0.25], vector))
    for mode in ("interp", "nearest", "wrap"):
        found = signals.savgol_filter(vector, 7, 3, 1, 0.5, -1, mode)
        assert np.allclose(found, _SIGNAL.savgol_filter(vector, 7, 3, 1, 0.5, mode=mode), rtol=1e-11)
    for mode in ("full", "same", "valid"):
        assert np.allclose(
            signals.correlate(vector, vector[:4], mode), _SIGNAL.correlate(vector, vector[:4], mode)
        )


_NUMBERS = (0.1, 0.5, 1.0, 2.5, 10.0, 80.0)


@pytest.mark.parametrize("name", ["gammainc", "gammaincc", "beta", "betaln", "binom"])
def test_special_functions_of_two_numbers(name: str) -> None:
    pairs = [(a, x) for a in _NUMBERS for x in _NUMBERS if name != "binom" or x <= a]
    found = [getattr(special_functions, name)(*pair) for pair in pairs]
    assert np.allclose(found, [getattr(_SPECIAL, name)(*pair) for pair in pairs], rtol=2e-12, atol=0)


@pytest.mark.parametrize("name", ["digamma", "ndtri", "erfinv", "erfcinv", "entr", "log_ndtr"])
def test_special_functions_of_one_number(name: str) -> None:
    for number in (0.0, 1e-20, 1e-5, 0.02, 0.3, 0.5, 0.75, 0.999, 1.0):
        found, expected = getattr(special_functions, name)(number), getattr(_SPECIAL, name)(number)
        assert np.isclose(found, expected, rtol=1e-14, atol=0), (name, number)
