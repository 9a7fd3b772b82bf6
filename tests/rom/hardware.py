"""What the host's hardware says, through NumPy and the C library, as the machine writes it (M8)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.rom.host import HostRom, U64Array
from tests.rom.operands import LAYOUTS
from tests.rom.operations import Operation

RNE, RTZ, RDN, RUP, RMM = range(5)
FLOATS = {32: np.float32, 64: np.float64}
BITS = {32: np.uint32, 64: np.uint64}

ARITHMETIC: dict[str, Callable[..., NDArray]] = {
    "fadd": np.add,
    "fsub": np.subtract,
    "fmul": np.multiply,
    "fdiv": np.divide,
    "fsqrt": np.sqrt,
}
COMPARISONS: dict[str, Callable[..., NDArray]] = {"fle": np.less_equal, "flt": np.less, "feq": np.equal}
FUSED_SIGNS = {"fmadd": (1, 1), "fmsub": (1, -1), "fnmsub": (-1, 1), "fnmadd": (-1, -1)}


def expected(host: HostRom, operation: Operation, a: U64Array, b: U64Array, c: U64Array) -> U64Array:
    """The result for each a0, a1, a2."""
    with np.errstate(all="ignore"):
        if operation.is_from_integer:
            return _from_integer(operation, a, b)
        x, y, z = (floats(register, operation.operand_bits) for register in (a, b, c))
        if operation.integer:
            return _to_integer(operation, x, b)
        if operation.kind in ARITHMETIC:
            operands = (x, y)[: operation.operand_count]
            return registers(ARITHMETIC[operation.kind](*operands))
        if operation.kind in FUSED_SIGNS:
            return registers(_fused(host, operation, x, y, z))
        if operation.kind in COMPARISONS:
            return COMPARISONS[operation.kind](x, y).astype(np.uint64)
        if operation.kind == "fcvt":
            return registers(x.astype(FLOATS[operation.size_bits]))
        if operation.kind == "fclass":
            return _classify(x)
        if operation.kind in ("fmin", "fmax"):
            return registers(_extreme(operation.kind, x, y))
        return _sign_injected(operation, x, y)


def floats(register: U64Array, size_bits: int) -> NDArray:
    """The floats in registers: a single is the low half."""
    return np.ascontiguousarray(register.astype(BITS[size_bits])).view(FLOATS[size_bits])


def registers(values: NDArray) -> U64Array:
    """Registers that hold `values`: NaNs canonical, singles sign-extended."""
    canonical = np.where(np.isnan(values), values.dtype.type("nan"), values)
    return _extended(canonical)


def _extended(values: NDArray) -> U64Array:
    if values.dtype == np.float64:
        return np.ascontiguousarray(values).view(np.uint64)
    return np.ascontiguousarray(values).view(np.int32).astype(np.int64).view(np.uint64)


def _fused(host: HostRom, operation: Operation, x: NDArray, y: NDArray, z: NDArray) -> NDArray:
    product_sign, addend_sign = FUSED_SIGNS[operation.kind]
    call = host.fused_single if operation.size_bits == 32 else host.fused_double
    return call(x if product_sign > 0 else -x, y, z if addend_sign > 0 else -z)


def _extreme(kind: str, x: NDArray, y: NDArray) -> NDArray:
    """minimumNumber and maximumNumber, -0 below +0."""
    is_first = x < y if kind == "fmin" else x > y
    are_zeros = (x == 0) & (y == 0)
    is_first |= are_zeros & (np.signbit(x) if kind == "fmin" else ~np.signbit(x))
    return np.where(np.isnan(x), y, np.where(np.isnan(y) | is_first, x, y))


def _sign_injected(operation: Operation, x: NDArray, y: NDArray) -> U64Array:
    signs = {
        "fsgnj": np.signbit(y),
        "fsgnjn": ~np.signbit(y),
        "fsgnjx": np.signbit(x) ^ np.signbit(y),
    }[operation.kind]
    return _extended(np.copysign(x, np.where(signs, x.dtype.type(-1), x.dtype.type(1))))


def _classify(x: NDArray) -> U64Array:
    is_negative = np.signbit(x)
    size_bits = 8 * x.dtype.itemsize
    quiet = np.uint64(1 << (LAYOUTS[size_bits].fraction_bits - 1))
    is_quiet = (_extended(x) & quiet) != 0
    is_subnormal = (x != 0) & (np.abs(x) < np.finfo(x.dtype).smallest_normal)
    tests = [np.isnan(x) & is_quiet, np.isnan(x), np.isinf(x), x == 0, is_subnormal]
    negative = np.select(tests, [9, 8, 0, 3, 2], default=1)
    positive = np.select(tests, [9, 8, 7, 4, 5], default=6)
    return np.uint64(1) << np.where(is_negative, negative, positive).astype(np.uint64)


# --- conversions --------------------------------------------------------------------------------------------


def _integer_range(kind: str) -> tuple[int, int]:
    bits = 32 if kind.startswith("w") else 64
    return (0, (1 << bits) - 1) if kind.endswith("u") else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def _to_integer(operation: Operation, x: NDArray, modes: U64Array) -> U64Array:
    """Round to an integral float, which is exact, then convert what fits."""
    wide = x.astype(np.float64)
    away = np.trunc(wide) + np.where(np.abs(wide - np.trunc(wide)) >= 0.5, np.copysign(1.0, wide), 0.0)
    rounded = np.choose(
        modes.astype(np.int64), [np.rint(wide), np.trunc(wide), np.floor(wide), np.ceil(wide), away]
    )
    least, largest = _integer_range(operation.integer or "")
    too_large = np.isnan(rounded) | (
        rounded >= float(largest + 1) if largest >= 1 << 53 else rounded > largest
    )
    too_small = rounded < least
    fitting = np.where(too_large | too_small, 0.0, rounded)
    if operation.integer == "lu":
        results = fitting.astype(np.uint64)
    else:
        results = fitting.astype(np.int64).view(np.uint64)
    results = np.where(too_large, np.uint64(largest), results)
    results = np.where(too_small & ~np.isnan(rounded), np.uint64(least % (1 << 64)), results)
    return (
        results.astype(np.uint32).view(np.int32).astype(np.int64).view(np.uint64)
        if largest < 1 << 32
        else results
    )


def _from_integer(operation: Operation, register: U64Array, modes: U64Array) -> U64Array:
    """Rounded to nearest by the hardware, moved by one ulp where the mode wants; long doubles hold both."""
    integers = register.view(np.int64)
    if operation.integer == "w":
        integers = register.astype(np.uint32).view(np.int32)
    elif operation.integer == "wu":
        integers = register.astype(np.uint32)
    elif operation.integer == "lu":
        integers = register
    form = FLOATS[operation.size_bits]
    nearest = integers.astype(form)
    exact, found = integers.astype(np.longdouble), nearest.astype(np.longdouble)
    above, below = np.nextafter(nearest, form(np.inf)), np.nextafter(nearest, form(-np.inf))
    down = np.where(found > exact, below, nearest)
    up = np.where(found < exact, above, nearest)
    towards_zero = np.where(exact > 0, down, up)
    outer = np.where(exact > 0, up, down)
    is_tie = np.abs(outer.astype(np.longdouble) - exact) == np.abs(exact - towards_zero.astype(np.longdouble))
    away = np.where(is_tie, outer, nearest)
    return registers(np.choose(modes.astype(np.int64), [nearest, towards_zero, down, up, away]).astype(form))
