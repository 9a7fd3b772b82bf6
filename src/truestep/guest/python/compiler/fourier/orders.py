"""np.fft.fftfreq, rfftfreq, fftshift and ifftshift."""

from typing import Any

import numpy as np
from numba.core import types
from numba.core.extending import register_jitable

from truestep.guest.python.compiler.randomness.drawing import is_integer
from truestep.guest.python.compiler.randomness.overloading import implement
from truestep.guest.python.compiler.sums import is_none


def install_orders() -> None:
    """Register the functions."""
    implement(np.fft.fftfreq, _fftfreq)
    implement(np.fft.rfftfreq, _rfftfreq)
    implement(np.fft.fftshift, _shift(is_inverse=False))
    implement(np.fft.ifftshift, _shift(is_inverse=True))


def _fftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
    del d
    if not is_integer(n) or not is_none(device):
        return None

    def fftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
        step = 1.0 / (n * d)
        out = np.empty(n)
        for index in range(n):
            out[index] = (index if index < (n + 1) // 2 else index - n) * step
        return out

    return fftfreq


def _rfftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
    del d
    if not is_integer(n) or not is_none(device):
        return None

    def rfftfreq(n: Any, d: Any = 1.0, device: Any = None) -> Any:
        step = 1.0 / (n * d)
        out = np.empty(n // 2 + 1)
        for index in range(n // 2 + 1):
            out[index] = index * step
        return out

    return rfftfreq


@register_jitable
def _rolled(x: Any, axis: int, is_inverse: bool) -> Any:
    """The array with the zero frequency in the middle of an axis, or at its start again."""
    out: Any = np.empty_like(x)
    source = np.moveaxis(x, axis, 0)
    target = np.moveaxis(out, axis, 0)
    length = len(source)
    first = length // 2 if is_inverse else (length + 1) // 2
    target[: length - first] = source[first:]
    target[length - first :] = source[:first]
    return out


def _shift(*, is_inverse: bool) -> Any:
    """fftshift, or ifftshift."""

    def of(x: Any, axes: Any = None) -> Any:
        if not isinstance(x, types.Array) or x.ndim == 0:
            return None
        everything = tuple(range(x.ndim))

        def of_all(x: Any, axes: Any = None) -> Any:
            out = x.copy()
            for axis in everything:
                out = _rolled(out, axis, is_inverse)
            return out

        def of_one(x: Any, axes: Any = None) -> Any:
            return _rolled(x.copy(), axes, is_inverse)

        def of_some(x: Any, axes: Any = None) -> Any:
            out = x.copy()
            for axis in axes:
                out = _rolled(out, axis, is_inverse)
            return out

        if is_none(axes):
            return of_all
        if is_integer(axes):
            return of_one
        return of_some if isinstance(axes, types.UniTuple) else None

    return of
