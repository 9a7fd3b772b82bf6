"""np.fft of one guest against NumPy's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.guest.numpy_guests import compare, compile_guest

CALLS = (
    "np.fft.irfft(np.fft.rfft(np.sqrt(np.arange(n))), n)",
    "np.fft.fft(np.arange(n) ** 1.5)",
    "np.fft.fftshift(np.fft.fftfreq(n, d=0.1))",
    "np.fft.fft2(np.arange(n * 4.0).reshape(n, 4), axes=(1, 0))[n // 2]",
    "np.fft.ifft(np.exp(1j * np.arange(n)), n + 3, norm='ortho')",
)
LENGTHS = (1, 2, 3, 4, 5, 7, 8, 12, 30, 47, 53, 101, 128, 360)
ERROR_MAX = 1e-14
"""Relative to the largest number of a transform."""


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.long)])
def test_transforms_of_all_lengths(tmp_path: Path, step: int) -> None:
    """Every one of the calls, or every second."""
    tried = CALLS[::step]
    functions = "".join(
        f"def f{i}(out, n):\n    found = {call}\n    out[: len(found)] = found\n"
        for i, call in enumerate(tried)
    )
    width = max(LENGTHS) + 3
    calls = "".join(f"        f{i}(out[{i}, k], n)\n" for i in range(len(tried)))
    body = (
        f"def main(x):\n    out = np.zeros(({len(tried)}, {len(LENGTHS)}, {width}), np.complex128)\n"
        f"    for k, n in enumerate({LENGTHS}):\n{calls}    return out\n"
    )
    found, expected = compare(compile_guest(tmp_path, functions, body))
    for call, rows, wanted in zip(tried, found, expected, strict=True):
        for length, row, right in zip(LENGTHS, rows, wanted, strict=True):
            assert np.max(np.abs(row - right)) <= ERROR_MAX * np.max(np.abs(right)), (call, length)
