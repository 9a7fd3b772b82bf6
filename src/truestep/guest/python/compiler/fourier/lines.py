"""np.fft: transforms of any length (guest/c/python/fourier.c), their frequencies and shifts.

Transforms are computed in double precision; those of float32 and complex64 are rounded to complex64 at the
end. They differ from NumPy's in the last bits.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.extending import intrinsic, register_jitable

from truestep.guest.python.compiler.randomness.drawing import is_integer
from truestep.guest.python.compiler.randomness.overloading import implement
from truestep.guest.python.compiler.sums import is_none

_ROWS = types.Array(types.complex128, 2, "C")
_SINGLES = (types.float32, types.complex64)
_NORMS = ("backward", "ortho", "forward")
FORWARD = -1.0
BACKWARD = 1.0
_ADDRESS = ir.IntType(64)


@intrinsic
def _transform_rows(typing_context: Any, rows: Any, sign: Any, scale: Any) -> Any:
    """Transform the rows of a matrix in place."""
    del typing_context, rows, sign, scale

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        array = context.make_array(_ROWS)(context, builder, value=arguments[0])
        count, size = cgutils.unpack_tuple(builder, array.shape, 2)
        operands = [builder.ptrtoint(array.data, _ADDRESS), count, size, *arguments[1:]]
        kind = ir.FunctionType(ir.VoidType(), [operand.type for operand in operands])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, "truestep_fourier"), operands)
        return context.get_dummy_value()

    return types.none(_ROWS, types.float64, types.float64), generate


@register_jitable
def _scale(n: int, sign: float, norm: int) -> float:
    """The factor of a norm, by its place in _NORMS."""
    if norm == 1:
        return 1.0 / math.sqrt(n)
    return 1.0 / n if (norm == 0) == (sign > 0.0) else 1.0


@register_jitable
def _rows_of(a: Any, n: int, axis: int) -> Any:
    """(rows along an axis, cut or filled with zeros to length n; the lengths of the other axes)"""
    if n < 1:
        raise ValueError("Invalid number of FFT data points specified.")
    moved = np.ascontiguousarray(np.moveaxis(a, axis, -1)).astype(np.complex128)
    length = moved.shape[-1]
    count = 1
    for dimension in range(moved.ndim - 1):
        count *= moved.shape[dimension]
    rows = np.zeros((count, n), np.complex128)
    taken = min(n, length)
    rows[:, :taken] = moved.reshape((count, length))[:, :taken]
    return rows, moved.shape[:-1]


@register_jitable
def _back(rows: Any, shape: Any, axis: int) -> Any:
    whole = rows.reshape((*shape, rows.shape[1]))
    return np.ascontiguousarray(np.moveaxis(whole, -1, axis))


@register_jitable
def along(a: Any, n: int, axis: int, sign: float, norm: int) -> Any:
    """The transform along an axis, complex128."""
    rows, shape = _rows_of(a, n, axis)
    _transform_rows(rows, sign, _scale(n, sign, norm))
    return _back(rows, shape, axis)


@register_jitable
def real_along(a: Any, n: int, axis: int, norm: int) -> Any:
    """The half of the transform of real numbers that determines the other half."""
    rows, shape = _rows_of(a, n, axis)
    _transform_rows(rows, FORWARD, _scale(n, FORWARD, norm))
    return _back(rows[:, : n // 2 + 1].copy(), shape, axis)


@register_jitable
def real_from_half(a: Any, n: int, axis: int, norm: int) -> Any:
    """Real numbers from half of their transform."""
    half, shape = _rows_of(a, n // 2 + 1 if n > 0 else 0, axis)
    rows = np.zeros((len(half), n), np.complex128)
    for row in range(len(half)):
        rows[row, 0] = half[row, 0].real
        for column in range(1, n // 2 + 1):
            rows[row, column] = half[row, column]
            rows[row, n - column] = half[row, column].conjugate()
        if n % 2 == 0:
            rows[row, n // 2] = half[row, n // 2].real
    _transform_rows(rows, BACKWARD, _scale(n, BACKWARD, norm))
    return _back(rows.real.copy(), shape, axis)


def norm_of(norm: Any) -> int | None:
    """The place in _NORMS; None if it is not known when compiling."""
    if is_none(norm):
        return 0
    name = getattr(norm, "literal_value", None)
    return _NORMS.index(name) if name in _NORMS else None


def has_numbers(a: Any, size: Any, norm: Any, out: Any) -> bool:
    """Whether there is a transform for these arguments."""
    numbers = types.Number | types.Boolean
    is_numeric = isinstance(a, types.Array) and a.ndim > 0 and isinstance(a.dtype, numbers)
    is_sized = is_none(size) or is_integer(size) or isinstance(size, types.UniTuple)
    return is_numeric and is_sized and is_none(out) and norm_of(norm) is not None


def rounding(a: Any) -> Any:
    """A compiled function that rounds a result to the precision of the input."""
    is_single = a.dtype in _SINGLES

    def keep(x: Any) -> Any:
        return x

    def to_complex(x: Any) -> Any:
        return x.astype(np.complex64)

    return register_jitable(to_complex if is_single else keep)


def rounding_reals(a: Any) -> Any:
    """Likewise for a real result."""
    is_single = a.dtype in _SINGLES

    def keep(x: Any) -> Any:
        return x

    def to_float(x: Any) -> Any:
        return x.astype(np.float32)

    return register_jitable(to_float if is_single else keep)


def install_lines() -> None:
    """Register the functions."""
    implement(np.fft.fft, _line(FORWARD))
    implement(np.fft.ifft, _line(BACKWARD))
    implement(np.fft.rfft, _rfft)
    implement(np.fft.irfft, _irfft)
    implement(np.fft.hfft, _hfft)
    implement(np.fft.ihfft, _ihfft)


def _line(sign: float) -> Any:
    """Fft and ifft."""

    def of(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        if not has_numbers(a, n, norm, out):
            return None
        place, rounded = norm_of(norm), rounding(a)
        is_whole = is_none(n)

        def line(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
            return rounded(along(a, a.shape[axis] if is_whole else n, axis, sign, place))

        return line

    return of


def _rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    if not has_numbers(a, n, norm, out) or isinstance(a.dtype, types.Complex):
        return None
    place, rounded = norm_of(norm), rounding(a)
    is_whole = is_none(n)

    def rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        return rounded(real_along(a, a.shape[axis] if is_whole else n, axis, place))

    return rfft


def _irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    if not has_numbers(a, n, norm, out):
        return None
    place, rounded = norm_of(norm), rounding_reals(a)
    is_whole = is_none(n)

    def irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        return rounded(real_from_half(a, 2 * (a.shape[axis] - 1) if is_whole else n, axis, place))

    return irfft


def _opposite(norm: Any) -> int:
    """The norm whose factor has the other direction."""
    return (2, 1, 0)[norm_of(norm) or 0]


def _hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    if not has_numbers(a, n, norm, out):
        return None
    place, rounded = _opposite(norm), rounding_reals(a)
    is_whole = is_none(n)

    def hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        size = 2 * (a.shape[axis] - 1) if is_whole else n
        return rounded(real_from_half(np.conjugate(a), size, axis, place))

    return hfft


def _ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    if not has_numbers(a, n, norm, out) or isinstance(a.dtype, types.Complex):
        return None
    place, rounded = _opposite(norm), rounding(a)
    is_whole = is_none(n)

    def ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        return rounded(np.conjugate(real_along(a, a.shape[axis] if is_whole else n, axis, place)))

    return ihfft
