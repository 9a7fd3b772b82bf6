"""Functions of `statistics`, of floats: the exact value, rounded once, as Python computes it in fractions."""

import math
import statistics
from typing import Any

from numba.core import errors, types
from numba.core.extending import overload, register_jitable

_SPLITTER = 134217729.0
"""2**27 + 1, which halves the digits of a float (T. J. Dekker, 1971)."""


def install_statistics() -> None:
    """Add the implementations."""
    for function, implementation in (
        (statistics.fmean, _fmean),
        (statistics.mean, _mean),
        (statistics.variance, _variance),
        (statistics.pvariance, _pvariance),
        (statistics.stdev, _stdev),
        (statistics.pstdev, _pstdev),
        (statistics.median, _median),
        (statistics.median_low, _median_low),
        (statistics.median_high, _median_high),
        (statistics.mode, _mode),
        (statistics.geometric_mean, _geometric_mean),
    ):
        overload(function, strict=False)(implementation)


def _item(data: Any) -> Any:
    """The type of the items of a list, an array or another iterable."""
    if isinstance(data, types.Array):
        return data.dtype
    return data.iterator_type.yield_type if isinstance(data, types.IterableType) else types.undefined


def _check_floats(data: Any, name: str) -> None:
    if not isinstance(_item(data), types.Float):
        raise errors.TypingError(
            f"a guest's statistics.{name} takes floats: that of whole numbers is sometimes an int, too"
        )


def _check_numbers(data: Any, name: str) -> None:
    if not isinstance(_item(data), types.Float | types.Integer):
        raise errors.TypingError(f"a guest's statistics.{name} takes a list or an array of numbers")


@register_jitable
def _quotient(parts: Any, divisor: float) -> tuple[float, float]:
    """The sum of the parts over the divisor, as a float and what it lacks."""
    quotient = math.fsum(parts) / divisor
    if not math.isfinite(quotient):
        return quotient, 0.0
    product, rest = _product(quotient, divisor)
    parts.append(-product)
    parts.append(-rest)
    return quotient, math.fsum(parts) / divisor


@register_jitable
def _product(left: float, right: float) -> tuple[float, float]:
    """The product and its rounding error."""
    product = left * right
    a = left * _SPLITTER
    left_high = a - (a - left)
    left_low = left - left_high
    b = right * _SPLITTER
    right_high = b - (b - right)
    right_low = right - right_high
    error = left_high * right_high - product + left_high * right_low + left_low * right_high
    return product, error + left_low * right_low


@register_jitable
def _mean_of(data: Any) -> tuple[float, float]:
    values = [float(value) for value in data]
    size = len(values)
    if size == 0:
        raise statistics.StatisticsError("mean requires at least one data point")
    return _quotient(values, float(size))


@register_jitable
def _variance_of(data: Any, freedom: int) -> tuple[float, float]:
    """The sum of squared deviations over the number of values less `freedom`, and what it lacks."""
    values = [float(value) for value in data]
    size = len(values)
    if size < freedom + 1:
        raise statistics.StatisticsError("variance requires more data points")
    mean, mean_rest = _mean_of(values)
    parts = [0.0]
    for value in values:
        high = value - mean
        part = high - value
        low = (value - (high - part)) - (mean + part) - mean_rest
        square, square_rest = _product(high, high)
        cross, cross_rest = _product(2.0 * high, low)
        parts.append(square)
        parts.append(square_rest)
        parts.append(cross)
        parts.append(cross_rest)
        parts.append(low * low)
    return _quotient(parts, float(size - freedom))


@register_jitable
def _root(high: float, low: float) -> float:
    """The square root of a sum of two."""
    root = math.sqrt(high)
    if root == 0.0 or not math.isfinite(root):
        return root
    square, rest = _product(root, root)
    return root + ((high - square) - rest + low) / (2.0 * root)


def _fmean(data: Any) -> Any:
    _check_numbers(data, "fmean")

    def fmean(data: Any) -> float:
        values = [float(value) for value in data]
        if len(values) == 0:
            raise statistics.StatisticsError("fmean requires at least one data point")
        return math.fsum(values) / len(values)

    return fmean


def _mean(data: Any) -> Any:
    _check_floats(data, "mean")

    def mean(data: Any) -> float:
        high, low = _mean_of(data)
        return high + low

    return mean


def _variance(data: Any) -> Any:
    _check_floats(data, "variance")

    def variance(data: Any) -> float:
        high, low = _variance_of(data, 1)
        return high + low

    return variance


def _pvariance(data: Any) -> Any:
    _check_floats(data, "pvariance")

    def variance(data: Any) -> float:
        high, low = _variance_of(data, 0)
        return high + low

    return variance


def _stdev(data: Any) -> Any:
    _check_numbers(data, "stdev")

    def deviation(data: Any) -> float:
        high, low = _variance_of(data, 1)
        return _root(high, low)

    return deviation


def _pstdev(data: Any) -> Any:
    _check_numbers(data, "pstdev")

    def deviation(data: Any) -> float:
        high, low = _variance_of(data, 0)
        return _root(high, low)

    return deviation


def _median(data: Any) -> Any:
    _check_floats(data, "median")

    def median(data: Any) -> float:
        values = sorted(data)
        size = len(values)
        if size == 0:
            raise statistics.StatisticsError("no median for empty data")
        middle = size // 2
        return values[middle] if size % 2 else (values[middle - 1] + values[middle]) / 2

    return median


def _median_low(data: Any) -> Any:
    _check_numbers(data, "median_low")

    def median(data: Any) -> Any:
        values = sorted(data)
        if len(values) == 0:
            raise statistics.StatisticsError("no median for empty data")
        return values[(len(values) - 1) // 2]

    return median


def _median_high(data: Any) -> Any:
    _check_numbers(data, "median_high")

    def median(data: Any) -> Any:
        values = sorted(data)
        if len(values) == 0:
            raise statistics.StatisticsError("no median for empty data")
        return values[len(values) // 2]

    return median


def _mode(data: Any) -> Any:
    del data

    def mode(data: Any) -> Any:
        values = list(data)
        if len(values) == 0:
            raise statistics.StatisticsError("no mode for empty data")
        counts = {values[0]: 0}
        for value in values:
            counts[value] = counts.get(value, 0) + 1
        best, most = values[0], 0
        for value, count in counts.items():
            if count > most:
                best, most = value, count
        return best

    return mode


def _geometric_mean(data: Any) -> Any:
    _check_numbers(data, "geometric_mean")

    def geometric_mean(data: Any) -> float:
        logarithms = [math.log(float(value)) for value in data if value > 0]
        if len(logarithms) == 0 or len(logarithms) < len(list(data)):
            raise statistics.StatisticsError("geometric mean requires positive data points")
        return math.exp(math.fsum(logarithms) / len(logarithms))

    return geometric_mean
