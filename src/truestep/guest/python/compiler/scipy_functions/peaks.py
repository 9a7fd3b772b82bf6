"""scipy.signal: peaks of a vector and what distinguishes them."""

# pyright: basic
# What Numba compiles has no types of Python.

from typing import Any

import numpy as np

from truestep.guest.python.compiler.scipy_functions.vectors import doubles, vector


def find_peaks(  # noqa: PLR0913, PLR0917 - SciPy's arguments
    x: Any,
    height: Any = None,
    threshold: Any = None,
    distance: Any = None,
    prominence: Any = None,
    width: Any = None,
    wlen: Any = None,
    rel_height: Any = 0.5,
    plateau_size: Any = None,
) -> Any:
    """`scipy.signal.find_peaks` with minima for height, threshold, distance and prominence.

    The dictionary has the properties that are floats: heights, thresholds and prominences.
    """
    if width is not None or plateau_size is not None or wlen is not None:
        raise ValueError("a guest's find_peaks has height, threshold, distance and prominence")
    del rel_height
    signal = doubles(x)
    peaks = _maxima(signal)
    properties = {"": np.zeros(0)}
    if height is not None:
        peaks = peaks[signal[peaks] >= height]
    if threshold is not None:
        left, right = signal[peaks] - signal[peaks - 1], signal[peaks] - signal[peaks + 1]
        peaks = peaks[np.minimum(left, right) >= threshold]
    if distance is not None:
        peaks = peaks[_far_apart(peaks, signal[peaks], distance)]
    if prominence is not None:
        prominences = peak_prominences(signal, peaks)[0]
        is_kept = prominences >= prominence
        peaks = peaks[is_kept]
        properties["prominences"] = prominences[is_kept]
    if height is not None:
        properties["peak_heights"] = signal[peaks]
    if threshold is not None:
        properties["left_thresholds"] = signal[peaks] - signal[peaks - 1]
        properties["right_thresholds"] = signal[peaks] - signal[peaks + 1]
    properties.pop("")
    return peaks, properties


def _maxima(signal: Any) -> Any:
    """The middles of all plateaus that are higher than what is on both sides."""
    found = []
    place, last = 1, len(signal) - 1
    while place < last:
        if signal[place - 1] < signal[place]:
            ahead = place + 1
            while ahead < last and signal[ahead] == signal[place]:
                ahead += 1
            if signal[ahead] < signal[place]:
                found.append((place + ahead - 1) // 2)
                place = ahead
        place += 1
    return np.array(found, dtype=np.int64)


def _far_apart(peaks: Any, heights: Any, distance: Any) -> Any:
    """Keep the highest peaks, and remove those that are closer to them."""
    if distance < 1:
        raise ValueError("`distance` must be greater or equal to 1")
    gap = int(np.ceil(distance))
    is_kept = np.ones(len(peaks), np.bool_)
    for at in np.argsort(heights, kind="mergesort")[::-1]:
        if not is_kept[at]:
            continue
        left = at - 1
        while left >= 0 and peaks[at] - peaks[left] < gap:
            is_kept[left] = False
            left -= 1
        right = at + 1
        while right < len(peaks) and peaks[right] - peaks[at] < gap:
            is_kept[right] = False
            right += 1
    return is_kept


def peak_prominences(x: Any, peaks: Any) -> Any:
    """`scipy.signal.peak_prominences`: prominences, and the bases on both sides."""
    signal, places = doubles(x), np.asarray(peaks)
    count = len(places)
    prominences, left_bases, right_bases = (
        np.empty(count),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
    )
    for index in range(count):
        peak = places[index]
        place = left_base = right_base = peak
        left = right = signal[peak]
        while place >= 0 and signal[place] <= signal[peak]:
            if signal[place] < left:
                left, left_base = signal[place], place
            place -= 1
        place = peak
        while place < len(signal) and signal[place] <= signal[peak]:
            if signal[place] < right:
                right, right_base = signal[place], place
            place += 1
        prominences[index] = signal[peak] - max(left, right)
        left_bases[index], right_bases[index] = left_base, right_base
    return prominences, left_bases, right_bases


def argrelmax(data: Any, axis: Any = 0, order: Any = 1, mode: Any = "clip") -> Any:
    """`scipy.signal.argrelmax` of a vector."""
    del axis
    return (_relative(vector(data), order, mode, True),)


def argrelmin(data: Any, axis: Any = 0, order: Any = 1, mode: Any = "clip") -> Any:
    """`scipy.signal.argrelmin` of a vector."""
    del axis
    return (_relative(vector(data), order, mode, False),)


def argrelextrema(data: Any, comparator: Any, axis: Any = 0, order: Any = 1, mode: Any = "clip") -> Any:
    """`scipy.signal.argrelextrema` of a vector."""
    del axis
    signal = vector(data)
    found = []
    for place in range(len(signal)):
        is_found = True
        for step in range(1, order + 1):
            left, right = _around(place, step, len(signal), mode)
            is_left, is_right = (
                comparator(signal[place], signal[left]),
                comparator(signal[place], signal[right]),
            )
            is_found = is_found and is_left and is_right
        if is_found:
            found.append(place)
    return (np.array(found, dtype=np.int64),)


def _relative(signal: Any, order: Any, mode: Any, is_largest: bool) -> Any:
    found = []
    for place in range(len(signal)):
        is_found = True
        for step in range(1, order + 1):
            left, right = _around(place, step, len(signal), mode)
            if is_largest:
                is_found = is_found and signal[place] > signal[left] and signal[place] > signal[right]
            else:
                is_found = is_found and signal[place] < signal[left] and signal[place] < signal[right]
        if is_found:
            found.append(place)
    return np.array(found, dtype=np.int64)


def _around(place: int, step: int, count: int, mode: str) -> Any:
    if mode == "wrap":
        return (place - step) % count, (place + step) % count
    return max(place - step, 0), min(place + step, count - 1)
