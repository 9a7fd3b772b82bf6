"""scipy.signal and scipy.ndimage: filters and peaks of vectors."""

# pyright: basic
# What Numba compiles has no types of Python.

import math
from typing import Any

import numpy as np

from truestep.guest.python.compiler.scipy_functions.vectors import doubles, vector


def lfilter(b: Any, a: Any, x: Any) -> Any:
    """`scipy.signal.lfilter` of a vector (direct form II, transposed)."""
    signal = doubles(x)
    above, below = doubles(b), doubles(a)
    order = max(len(above), len(below))
    gains, returns = np.zeros(order), np.zeros(order)
    gains[: len(above)] = above / below[0]
    returns[: len(below)] = below / below[0]
    state = np.zeros(order)
    result = np.empty(len(signal))
    for place in range(len(signal)):
        value = signal[place]
        output = state[0] + gains[0] * value
        for step in range(order - 1):
            state[step] = state[step + 1] + value * gains[step + 1] - output * returns[step + 1]
        result[place] = output
    return result


def convolve(in1: Any, in2: Any, mode: Any = "full") -> Any:
    """`scipy.signal.convolve` of vectors; `same` means as long as the first."""
    first, second = vector(in1), vector(in2)
    return _part(np.convolve(first, second), len(first), len(second), mode)


def correlate(in1: Any, in2: Any, mode: Any = "full") -> Any:
    """`scipy.signal.correlate` of real vectors; `same` means as long as the first."""
    first, second = vector(in1), vector(in2)[::-1]
    return _part(np.convolve(first, second), len(first), len(second), mode)


def _part(full: Any, first: int, second: int, mode: str) -> Any:
    if mode == "full":
        return full
    if mode == "same":
        start = (len(full) - first) // 2
        return full[start : start + first].copy()
    if mode == "valid":
        shorter = min(first, second)
        return full[shorter - 1 : len(full) - shorter + 1].copy()
    raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")


def medfilt(volume: Any, kernel_size: Any = 3) -> Any:
    """`scipy.signal.medfilt` of a vector, with zeros beyond its ends."""
    if kernel_size % 2 == 0:
        raise ValueError("Each element of kernel_size should be odd.")
    signal = vector(volume)
    half = kernel_size // 2
    padded = np.zeros(len(signal) + 2 * half, signal.dtype)
    padded[half : half + len(signal)] = signal
    result = np.empty_like(signal)
    for place in range(len(signal)):
        result[place] = np.sort(padded[place : place + kernel_size])[half]
    return result


def detrend(data: Any, type: Any = "linear") -> Any:  # noqa: A002 - SciPy's names
    """`scipy.signal.detrend` of a vector."""
    values = doubles(data)
    if type in {"constant", "c"}:
        return values - np.mean(values)
    count = len(values)
    matrix = np.ones((count, 2))
    matrix[:, 0] = np.arange(1, count + 1) / count
    return values - matrix @ np.linalg.lstsq(matrix, values)[0]


def savgol_coeffs(
    window_length: Any,
    polyorder: Any,
    deriv: Any = 0,
    delta: Any = 1.0,
    pos: Any = None,
    use: Any = "conv",
) -> Any:
    """`scipy.signal.savgol_coeffs`."""
    if polyorder >= window_length:
        raise ValueError("polyorder must be less than window_length.")
    half = window_length // 2
    middle = half - 0.5 if window_length % 2 == 0 else float(half)
    if pos is not None:
        middle = float(pos)
    if deriv > polyorder:
        return np.zeros(window_length)
    places = np.arange(window_length) - middle
    if use == "conv":
        places = places[::-1].copy()
    matrix = np.ones((polyorder + 1, window_length))
    for order in range(1, polyorder + 1):
        matrix[order] = matrix[order - 1] * places
    wanted = np.zeros(polyorder + 1)
    wanted[deriv] = math.gamma(deriv + 1.0) / delta**deriv
    return np.linalg.lstsq(matrix, wanted)[0]


def savgol_filter(
    x: Any,
    window_length: Any,
    polyorder: Any,
    deriv: Any = 0,
    delta: Any = 1.0,
    axis: Any = -1,
    mode: Any = "interp",
    cval: Any = 0.0,
) -> Any:
    """`scipy.signal.savgol_filter` of a vector."""
    del axis
    signal = doubles(x)
    weights = savgol_coeffs(window_length, polyorder, deriv, delta)
    if mode == "interp":
        if window_length > len(signal):
            raise ValueError(
                "If mode is 'interp', window_length must be less than or equal to the size of x."
            )
        result = convolve1d(signal, weights, -1, "constant")
        half = window_length // 2
        scale = delta**deriv
        result[:half] = _fitted(signal[:window_length], polyorder, deriv, 0, half) / scale
        end = len(signal)
        result[end - half :] = (
            _fitted(signal[end - window_length :], polyorder, deriv, window_length - half, window_length)
            / scale
        )
        return result
    return convolve1d(signal, weights, -1, mode, cval)


def _fitted(values: Any, order: int, deriv: int, start: int, stop: int) -> Any:
    """A derivative of the polynomial through the values, from `start` to `stop`."""
    coefficients = np.polyfit(np.arange(len(values)) * 1.0, values, order)
    for _ in range(deriv):
        degree = len(coefficients) - 1
        coefficients = np.zeros(1) if degree == 0 else coefficients[:-1] * np.arange(degree, 0, -1)
    return np.polyval(coefficients, np.arange(start, stop) * 1.0)


def convolve1d(
    input: Any,  # noqa: A002 - SciPy's names
    weights: Any,
    axis: Any = -1,
    mode: Any = "reflect",
    cval: Any = 0.0,
) -> Any:
    """`scipy.ndimage.convolve1d` of a vector."""
    turned = doubles(weights)[::-1].copy()
    shift = -1 if len(turned) % 2 == 0 else 0
    return _correlated(vector(input), turned, mode, cval, shift)


def correlate1d(
    input: Any,  # noqa: A002 - SciPy's names
    weights: Any,
    axis: Any = -1,
    mode: Any = "reflect",
    cval: Any = 0.0,
) -> Any:
    """`scipy.ndimage.correlate1d` of a vector."""
    return _correlated(vector(input), doubles(weights), mode, cval, 0)


def gaussian_filter1d(
    input: Any,  # noqa: A002 - SciPy's names
    sigma: Any,
    axis: Any = -1,
    order: Any = 0,
    mode: Any = "reflect",
    cval: Any = 0.0,
    truncate: Any = 4.0,
) -> Any:
    """`scipy.ndimage.gaussian_filter1d` of a vector, without derivatives."""
    if order != 0:
        raise ValueError("a guest's gaussian_filter1d takes order=0")
    radius = int(truncate * float(sigma) + 0.5)
    places = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * places**2)
    return _correlated(vector(input), weights / weights.sum(), mode, cval, 0)


def uniform_filter1d(
    input: Any,  # noqa: A002 - SciPy's names
    size: Any,
    axis: Any = -1,
    mode: Any = "reflect",
    cval: Any = 0.0,
    origin: Any = 0,
) -> Any:
    """`scipy.ndimage.uniform_filter1d` of a vector: a running sum, as SciPy adds it."""
    signal = vector(input)
    result = np.empty_like(signal)
    total = 0.0
    before = size // 2 + origin
    for step in range(size):
        total += _extended(signal, step - before, mode, cval)
    for place in range(len(signal)):
        if place:
            new = _extended(signal, place + size - 1 - before, mode, cval)
            total += new - _extended(signal, place - 1 - before, mode, cval)
        result[place] = total / size
    return result


def _correlated(signal: Any, weights: Any, mode: str, cval: float, shift: int) -> Any:
    """Symmetric weights are added in pairs from the middle, as SciPy adds them."""
    size = len(weights)
    half = size // 2
    result = np.empty_like(signal)
    is_even, is_odd = size % 2 == 1, size % 2 == 1
    for step in range(1, half + 1 if size % 2 == 1 else 0):
        is_even = is_even and abs(weights[half + step] - weights[half - step]) <= 2.220446049250313e-16
        is_odd = is_odd and abs(weights[half + step] + weights[half - step]) <= 2.220446049250313e-16
    for place in range(len(signal)):
        start = place - half - shift
        if is_even or is_odd:
            total = _extended(signal, place, mode, cval) * weights[half]
            for step in range(-half, 0):
                left, right = (
                    _extended(signal, place + step, mode, cval),
                    _extended(signal, place - step, mode, cval),
                )
                total += (left + right if is_even else left - right) * weights[half + step]
        else:
            total = _extended(signal, start + size - 1, mode, cval) * weights[size - 1]
            for step in range(size - 1):
                total += _extended(signal, start + step, mode, cval) * weights[step]
        result[place] = total
    return result


def _extended(signal: Any, place: int, mode: str, cval: float) -> float:
    """The value at a place that may lie beyond the ends."""
    count = len(signal)
    if 0 <= place < count:
        return float(signal[place])
    if mode == "constant":
        return float(cval)
    if mode == "nearest":
        return float(signal[0] if place < 0 else signal[count - 1])
    if mode == "wrap":
        return float(signal[place % count])
    if mode == "mirror":
        place %= max(2 * count - 2, 1)
        return float(signal[place] if place < count else signal[2 * count - 2 - place])
    if mode == "reflect":
        place %= 2 * count
        return float(signal[place] if place < count else signal[2 * count - 1 - place])
    raise ValueError("a guest knows the modes reflect, constant, nearest, mirror and wrap")
