"""What the host's own floating-point hardware gives, through NumPy and the C library, as registers (M8)."""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tests.machine.float_operands import Operands

TYPES = {"s": np.float32, "d": np.float64}
INTEGER_TYPES = {"w": np.int32, "wu": np.uint32, "l": np.int64, "lu": np.uint64}
ARITHMETIC: dict[str, Callable[..., NDArray]] = {
    **{"fadd": np.add, "fsub": np.subtract, "fmul": np.multiply, "fdiv": np.divide},
    **{"fle": np.less_equal, "flt": np.less, "feq": np.equal},
}
FUSED = {"fmadd": (1, 1), "fmsub": (1, -1), "fnmsub": (-1, 1), "fnmadd": (-1, -1)}
"""Signs of the product and of what is added."""


def host_results(name: str, rows: Sequence[Operands]) -> list[int] | None:
    """Rounded to nearest, ties to even; None for what the host has no instruction for."""
    mnemonic, *types = name.split(".")
    registers = np.array(rows, np.uint64).T
    with np.errstate(all="ignore"):
        if mnemonic == "fcvt":
            return _converted(types[0], types[1], registers[0])
        a, b, c = (_floats(types[0], column) for column in registers)
        if mnemonic == "fsqrt":
            return _registers(np.sqrt(a))
        if mnemonic in ARITHMETIC:
            return _registers(ARITHMETIC[mnemonic](a, b))
        if mnemonic in FUSED:
            return _registers(_fused(mnemonic, types[0], a, b, c))
    return None


def _converted(target: str, source: str, register: NDArray) -> list[int] | None:
    if target in INTEGER_TYPES:
        return None  # saturation and NaN are not the host's
    values = _floats(source, register) if source in TYPES else _integers(source, register)
    return _registers(values.astype(TYPES[target]))


def _floats(letter: str, register: NDArray) -> NDArray:
    bits = np.uint32 if letter == "s" else np.uint64
    return register.astype(bits).view(TYPES[letter])


def _integers(kind: str, register: NDArray) -> NDArray:
    bits = np.uint32 if kind.startswith("w") else np.uint64
    return register.astype(bits).view(INTEGER_TYPES[kind])


def _registers(values: NDArray) -> list[int]:
    """NaNs canonical, singles sign-extended, truth values 0 and 1."""
    if values.dtype == np.bool_:
        return values.astype(np.uint64).tolist()
    signed = np.int32 if values.dtype == np.float32 else np.int64
    canonical = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
    return canonical.view(signed).astype(np.int64).view(np.uint64).tolist()


def _fused(mnemonic: str, letter: str, a: NDArray, b: NDArray, c: NDArray) -> NDArray:
    product_sign, addend_sign = FUSED[mnemonic]
    library = ctypes.CDLL(ctypes.util.find_library("m"))
    function, kind = (library.fmaf, ctypes.c_float) if letter == "s" else (library.fma, ctypes.c_double)
    function.restype, function.argtypes = kind, [kind] * 3
    columns = ((product_sign * a).tolist(), b.tolist(), (addend_sign * c).tolist())
    return np.array([function(*row) for row in zip(*columns, strict=True)], a.dtype)


def truncated_integers(name: str, rows: Sequence[Operands]) -> tuple[list[int], list[int]]:
    """(positions, results) of the conversions to integers, towards zero, that the host defines."""
    _, target, source = name.split(".")
    values = _floats(source, np.array(rows, np.uint64).T[0])
    limits = np.iinfo(INTEGER_TYPES[target])
    with np.errstate(all="ignore"):
        cut = np.trunc(values.astype(np.float64))
        fits = (cut >= float(limits.min)) & (cut <= np.nextafter(float(limits.max) + 1, 0))
        results = cut[fits].astype(INTEGER_TYPES[target])
    bits = np.int32 if target.startswith("w") else np.int64
    return np.flatnonzero(fits).tolist(), results.view(bits).astype(np.int64).view(np.uint64).tolist()
