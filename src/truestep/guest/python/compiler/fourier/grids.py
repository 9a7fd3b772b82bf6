"""np.fft's transforms along several axes: one after the other, the last axis first."""

from typing import Any

import numpy as np
from numba.core import types

from truestep.guest.python.compiler.fourier.lines import (
    BACKWARD,
    FORWARD,
    along,
    has_numbers,
    norm_of,
    real_along,
    real_from_half,
    rounding,
    rounding_reals,
)
from truestep.guest.python.compiler.randomness.drawing import function_from
from truestep.guest.python.compiler.randomness.overloading import implement
from truestep.guest.python.compiler.sums import is_none

_PLANE = (-2, -1)
_START = "out_ = np.ascontiguousarray(a).astype(np.complex128)"
_SIZE = "sizes[i] if has_sizes else out_.shape[axes_[i]]"
_NAMES: dict[str, Any] = {
    "np": np,
    "along": along,
    "real_along": real_along,
    "real_from_half": real_from_half,
    "forward": FORWARD,
    "backward": BACKWARD,
}


def _complex_lines(direction: str) -> list[str]:
    """All axes, from the last to the first."""
    return [
        _START,
        "for i in range(len(axes_) - 1, -1, -1):",
        f"    out_ = along(out_, {_SIZE}, axes_[i], {direction}, place)",
        "return rounded(out_)",
    ]


_FROM_REALS = [
    "last = len(axes_) - 1",
    "size = sizes[last] if has_sizes else a.shape[axes_[last]]",
    "out_ = real_along(a, size, axes_[last], place)",
    "for i in range(last - 1, -1, -1):",
    f"    out_ = along(out_, {_SIZE}, axes_[i], forward, place)",
    "return rounded(out_)",
]
_TO_REALS = [
    _START,
    "last = len(axes_) - 1",
    "for i in range(last):",
    f"    out_ = along(out_, {_SIZE}, axes_[i], backward, place)",
    "size = sizes[last] if has_sizes else 2 * (out_.shape[axes_[last]] - 1)",
    "return rounded(real_from_half(out_, size, axes_[last], place))",
]


def _chooser(lines: list[str], rounding_of: Any, *, is_plane: bool, is_real: bool = False) -> Any:
    """The overload of one of the functions."""

    def chosen(a: Any, s: Any, axes: Any, norm: Any, out: Any) -> Any:
        if not has_numbers(a, s, norm, out) or (is_real and isinstance(a.dtype, types.Complex)):
            return None
        if not (is_none(s) or isinstance(s, types.UniTuple)):
            return None
        names = {**_NAMES, "place": norm_of(norm), "rounded": rounding_of(a), "has_sizes": not is_none(s)}
        axes_ = "axes"
        if is_none(axes) and not isinstance(getattr(axes, "value", None), tuple):
            count = a.ndim if is_none(s) else s.count
            axes_ = repr(tuple(range(-count, 0)))
        sizes = "s" if names["has_sizes"] else axes_
        body = [f"axes_ = {axes_}", f"sizes = {sizes}", *lines]
        default = "(-2, -1)" if is_plane else "None"
        head = f"def draw(a, s=None, axes={default}, norm=None, out=None):\n"
        return function_from(head + "".join(f"    {line}\n" for line in body), names)

    def of_plane(a: Any, s: Any = None, axes: Any = _PLANE, norm: Any = None, out: Any = None) -> Any:
        return chosen(a, s, axes, norm, out)

    def of_grid(a: Any, s: Any = None, axes: Any = None, norm: Any = None, out: Any = None) -> Any:
        return chosen(a, s, axes, norm, out)

    return of_plane if is_plane else of_grid


def install_grids() -> None:
    """Register the functions."""
    for is_plane, functions in (
        (False, (np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn)),
        (True, (np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2)),
    ):
        forward, backward, from_reals, to_reals = functions
        implement(forward, _chooser(_complex_lines("forward"), rounding, is_plane=is_plane))
        implement(backward, _chooser(_complex_lines("backward"), rounding, is_plane=is_plane))
        implement(from_reals, _chooser(_FROM_REALS, rounding, is_plane=is_plane, is_real=True))
        implement(to_reals, _chooser(_TO_REALS, rounding_reals, is_plane=is_plane))
