"""Operands that find mistakes: every class of them, and random ones that meet where rounding is hard."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tests.rom.operations import MODES, Operation

U64Array = NDArray[np.uint64]
Operands = tuple[U64Array, U64Array, U64Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where a format's fields are."""

    fraction_bits: int
    exponent_bits: int

    @property
    def limit(self) -> int:
        """The exponent field of infinity."""
        return (1 << self.exponent_bits) - 1

    @property
    def bias(self) -> int:
        """The exponent field of 1."""
        return self.limit >> 1

    @property
    def sign(self) -> int:
        """The sign's bit."""
        return 1 << (self.exponent_bits + self.fraction_bits)


LAYOUTS = {32: Layout(fraction_bits=23, exponent_bits=8), 64: Layout(fraction_bits=52, exponent_bits=11)}


# --- classes ------------------------------------------------------------------------------------------------


def float_classes(size_bits: int, *, is_short: bool = False) -> list[int]:
    """The bits of one float or more of each class and on both sides of each boundary, with both signs."""
    form = LAYOUTS[size_bits]
    fraction, one = form.fraction_bits, form.bias << form.fraction_bits
    least_normal, infinity = 1 << fraction, form.limit << fraction
    magnitudes = [0, 1, least_normal // 2 + 1, least_normal - 1, least_normal]
    magnitudes += [one - 1, one, one + 1, infinity - 1, infinity, infinity + 1, infinity | least_normal >> 1]
    if not is_short:
        half, quiet = least_normal >> 1, infinity | least_normal >> 1
        magnitudes += [2, 3, half - 1, half, least_normal + 1, 2 * least_normal - 1, 2 * least_normal]
        magnitudes += [
            infinity - 2,
            infinity - least_normal,
            infinity - least_normal - 1,
            quiet - 1,
            quiet + 1,
        ]
        magnitudes += [2 * infinity - quiet + half, infinity | (least_normal - 1), 0x5 << (fraction - 2)]
        steps = (-2, -1, 1, 2, fraction - 1, fraction, fraction + 1, fraction + 2)
        magnitudes += [one + (step << fraction) for step in steps]
        # 1 1/2, 2 1/2, 3 1/2, 1 + 3/4, 1 - 2 ulp, halfway patterns.
        magnitudes += [one | half, (one + least_normal) | half >> 1, (one + least_normal) | half | half >> 1]
        magnitudes += [one | half | half >> 1, one - 2, one | 0xFFF, one + 3, one | half - 1]
        magnitudes += [one - (fraction * least_normal), one - (fraction + 1) * least_normal + 1]
        magnitudes += [
            (form.bias // 2) << fraction,
            ((form.bias // 2) << fraction) + 1,
            (3 * form.bias // 2) << fraction,
        ]
        for power in (31, 32, 63, 64):
            boundary = (form.bias + power) << fraction
            magnitudes += [boundary - 1, boundary, boundary + 1]
            if fraction > power:
                # The last integers below and at 2^power and the halves between them.
                unit = 1 << (fraction - power)
                magnitudes += [boundary - unit, boundary - unit // 2, boundary - 2 * unit, boundary + unit]
                magnitudes += [boundary + unit // 2, boundary - unit - 1, boundary - unit // 2 - 1]
    return [sign | magnitude for magnitude in magnitudes for sign in (0, form.sign)]


def integer_classes() -> list[int]:
    """Integers in registers: small ones, powers of two and their neighbours, halfway cases, both signs."""
    values = {0, 1, 2, 3, 5, 7, 10, (1 << 64) - 1}
    for power in range(2, 65):
        values |= {(1 << power) + step for step in (-2, -1, 0, 1, 2)}
    for top in (24, 25, 26, 31, 32, 40, 53, 54, 55, 56, 62, 63, 64):
        for kept in (24, 53):
            if top > kept:
                half, unit = 1 << (top - kept - 1), 1 << (top - kept)
                base = 1 << (top - 1)
                values |= {base + k * unit + half + step for k in (0, 1, 2, 3) for step in (-1, 0, 1)}
                values |= {2 * base - unit + step for step in (0, half - 1, half, half + 1)}
    return sorted({sign * value % (1 << 64) for value in values for sign in (1, -1)})


def class_operands(operation: Operation, *, is_short: bool = False) -> Operands:
    """All combinations of classes for an operation, as registers; triples only of the short list."""
    if operation.is_from_integer:
        rows = product(integer_classes(), MODES, (0,))
    elif operation.is_rounded_by_mode:
        rows = product(float_classes(operation.operand_bits), MODES, (0,))
    else:
        classes = float_classes(operation.operand_bits, is_short=is_short or operation.operand_count == 3)
        others = [classes if index < operation.operand_count else [0] for index in (1, 2)]
        rows = product(classes, *others)
    a, b, c = (np.ascontiguousarray(column) for column in np.array(list(rows), dtype=np.uint64).T)
    return a, b, c


# --- random -------------------------------------------------------------------------------------------------


def random_operands(operation: Operation, count: int, generator: np.random.Generator) -> Operands:
    """`count` registers each for a0, a1 and a2; the upper half of a single's register holds anything."""
    zeros = np.zeros(count, dtype=np.uint64)
    if operation.is_rounded_by_mode:
        modes = generator.integers(0, len(MODES), count, dtype=np.uint64)
        if operation.is_from_integer:
            return _integers(count, generator), modes, zeros
        floats = _to_be_rounded(operation.size_bits, count, generator)
        return _registers(operation, floats, generator), modes, zeros
    columns = [*_hard_operands(operation, count, generator), zeros, zeros]
    a, b, c = (
        _registers(operation, column, generator) if index < operation.operand_count else zeros
        for index, column in enumerate(columns[:3])
    )
    return a, b, c


def _hard_operands(operation: Operation, count: int, generator: np.random.Generator) -> list[U64Array]:
    """Bits of floats where the operation has something to get wrong."""
    size_bits = operation.operand_bits
    a = _floats(size_bits, count, generator)
    if operation.kind == "fsqrt":
        return [_near_squares(size_bits, a, generator)]
    if operation.kind == "fcvt":
        return [_near_singles(a, generator) if size_bits == 64 else a]
    b = _partners(size_bits, a, generator)
    if operation.kind == "fdiv":
        b = _mixed(b, _near_edges(size_bits, a, b, -1, generator), generator)
        a = _mixed(a, _multiples(size_bits, a, b, generator), generator)
    if operation.kind == "fmul" or operation.operand_count == 3:
        a, b = _hard_factors(size_bits, a, b, generator)
        b = _mixed(b, _near_edges(size_bits, a, b, 1, generator), generator)
    if operation.operand_count == 3:
        return [a, b, _addends(size_bits, a, b, generator)]
    return [a, b]


def _registers(operation: Operation, values: U64Array, generator: np.random.Generator) -> U64Array:
    """Singles with something in the upper half, in three of four cases."""
    if operation.operand_bits == 64:
        return np.ascontiguousarray(values)
    count = values.size
    upper = generator.integers(0, 1 << 32, count, dtype=np.uint64) << np.uint64(32)
    upper[generator.integers(0, 4, count) == 0] = 0
    ones = generator.integers(0, 4, count) == 0
    upper[ones] = np.uint64(0xFFFFFFFF << 32)
    return values & np.uint64(0xFFFFFFFF) | upper


def _mixed(first: U64Array, second: U64Array, generator: np.random.Generator) -> U64Array:
    """One or the other, half of the time each."""
    return np.where(generator.integers(0, 2, first.size) == 0, first, second)


def _choice(options: list[NDArray], generator: np.random.Generator) -> NDArray:
    chosen = generator.integers(0, len(options), options[0].size)
    return np.choose(chosen, options)


def _fractions(bits: int, count: int, generator: np.random.Generator) -> U64Array:
    """Uniform; few bits set; few bits clear; a run of ones; a few ulps above or below a power of two."""
    mask = np.uint64((1 << bits) - 1)
    uniform = generator.integers(0, 1 << bits, count, dtype=np.uint64)
    positions = generator.integers(0, bits, (3, count), dtype=np.uint64)
    sparse = np.bitwise_or.reduce(np.uint64(1) << positions, axis=0)
    runs = (np.uint64(1) << np.maximum(positions[0], positions[1])) - (
        np.uint64(1) << np.minimum(positions[0], positions[1])
    )
    small = generator.integers(0, 8, count, dtype=np.uint64)
    short = uniform & ~((np.uint64(1) << positions[2]) - np.uint64(1))
    return (
        _choice([uniform, uniform, sparse, mask ^ sparse, runs, small, mask - small, short], generator) & mask
    )


def _compose(
    form: Layout, exponents: NDArray, fractions: U64Array, generator: np.random.Generator
) -> U64Array:
    """Exponent fields (clipped to the finite range, one in 100 anything) and fractions; random signs."""
    clipped = np.clip(exponents, 0, form.limit - 1)
    anything = generator.integers(0, form.limit + 1, exponents.size)
    rare = generator.integers(0, 100, exponents.size) == 0
    fields = np.where(rare, anything, clipped).astype(np.uint64)
    signs = generator.integers(0, 2, exponents.size, dtype=np.uint64) * np.uint64(form.sign)
    return signs | fields << np.uint64(form.fraction_bits) | fractions


def _exponents(form: Layout, count: int, generator: np.random.Generator) -> NDArray:
    """Anywhere; subnormal; at the lower, the middle and the upper end."""
    anywhere = generator.integers(0, form.limit + 1, count)
    lowest = generator.integers(0, form.fraction_bits + 6, count)
    middle = form.bias + generator.integers(-form.fraction_bits - 4, form.fraction_bits + 5, count)
    highest = form.limit - 1 - generator.integers(0, 6, count)
    return _choice(
        [anywhere, anywhere, np.zeros(count, dtype=np.int64), lowest, middle, middle, highest], generator
    )


def _floats(size_bits: int, count: int, generator: np.random.Generator) -> U64Array:
    form = LAYOUTS[size_bits]
    fractions = _fractions(form.fraction_bits, count, generator)
    subnormal_size = generator.integers(0, form.fraction_bits + 1, count, dtype=np.uint64)
    exponents = _exponents(form, count, generator)
    fractions = np.where(exponents == 0, fractions >> subnormal_size, fractions)
    return _compose(form, exponents, fractions, generator)


def _fields(form: Layout, values: U64Array) -> tuple[NDArray, U64Array]:
    exponents = values >> np.uint64(form.fraction_bits) & np.uint64(form.limit)
    return exponents.astype(np.int64), values & np.uint64((1 << form.fraction_bits) - 1)


def _partners(size_bits: int, a: U64Array, generator: np.random.Generator) -> U64Array:
    """A second operand: independent; of about the same size; almost the same; the same negated."""
    form = LAYOUTS[size_bits]
    count = a.size
    independent = _floats(size_bits, count, generator)
    exponents, fractions = _fields(form, a)
    near_exponents = exponents + generator.integers(-form.fraction_bits - 4, form.fraction_bits + 5, count)
    near = _compose(form, near_exponents, _fractions(form.fraction_bits, count, generator), generator)
    close = _compose(form, exponents + generator.integers(-1, 2, count), fractions, generator)
    steps = generator.integers(-4, 5, count).astype(np.uint64)
    negated = (a ^ np.uint64(form.sign)) + steps
    mask = np.uint64(2 * form.sign - 1)
    return _choice([independent, independent, near, near, close, negated], generator) & mask


def _near_edges(
    size_bits: int, a: U64Array, b: U64Array, direction: int, generator: np.random.Generator
) -> U64Array:
    """b with another exponent: a · b (direction 1) or a / b (-1) over- or underflows, or almost."""
    form = LAYOUTS[size_bits]
    exponents, _ = _fields(form, a)
    low = generator.integers(-form.fraction_bits - 3, 4, a.size)
    above = generator.integers(0, 2 * form.fraction_bits + 10, a.size)
    high = form.limit - 1 - generator.integers(-3, 4, a.size)
    targets = _choice([low, low, above, high], generator)
    wanted = direction * (targets - form.bias - (exponents - form.bias)) + form.bias
    return _compose(form, wanted, _fields(form, b)[1], generator)


def _hard_factors(
    size_bits: int, a: U64Array, b: U64Array, generator: np.random.Generator
) -> tuple[U64Array, U64Array]:
    """Half of the pairs with other fractions, so that the product is a tie, short, or almost 2^n."""
    form = LAYOUTS[size_bits]
    bits, size = form.fraction_bits, a.size
    # A tie: odd numbers of k and of bits + 2 - k bits give one of bits + 1 or bits + 2.
    first_bits = generator.integers(1, bits + 1, size, dtype=np.uint64)
    second_bits = np.uint64(bits + 1) - first_bits
    tie = [
        (generator.integers(0, 1 << bits, size, dtype=np.uint64) | np.uint64(1)) << (np.uint64(bits) - length)
        for length in (first_bits, second_bits)
    ]
    short = [np.uint64(1) << generator.integers(0, bits, size, dtype=np.uint64) for _ in range(2)]
    # (2^bits + x) (2^(bits + 1) - 2 x + m) = 2^(2 bits + 1) + m 2^bits - x (2 x - m): x cancels the rest.
    m = generator.integers(1, 65, size).astype(np.float64)
    root = (m + np.sqrt(m * m + 8 * m * 2.0**bits)) / 4
    x = np.floor(root).astype(np.int64) + generator.integers(-1, 3, size)
    almost = [x.astype(np.uint64), ((1 << bits) - 2 * x + m.astype(np.int64)).astype(np.uint64)]
    mask = np.uint64((1 << bits) - 1)
    kind = generator.integers(0, 6, size)
    changed = [
        values & ~mask | np.choose(kind, [tie[i], short[i], almost[i], values, values, values]) & mask
        for i, values in enumerate((a, b))
    ]
    return changed[0], changed[1]


def _as_floats(size_bits: int, values: U64Array) -> NDArray:
    if size_bits == 64:
        return np.ascontiguousarray(values).view(np.float64)
    return np.ascontiguousarray(values.astype(np.uint32)).view(np.float32)


def _as_bits(values: NDArray) -> U64Array:
    if values.dtype == np.float64:
        return np.ascontiguousarray(values).view(np.uint64)
    return np.ascontiguousarray(values, dtype=np.float32).view(np.uint32).astype(np.uint64)


def _stepped(size_bits: int, values: NDArray, generator: np.random.Generator) -> U64Array:
    """Bits of `values`, a few ulps away."""
    bits = _as_bits(values) + generator.integers(-2, 3, values.size).astype(np.uint64)
    return bits & np.uint64((1 << size_bits) - 1)


def _multiples(size_bits: int, a: U64Array, b: U64Array, generator: np.random.Generator) -> U64Array:
    """About b · q with q of few bits: quotients that are exact, or almost."""
    quotients = _as_floats(size_bits, _compose_short(size_bits, a, generator))
    with np.errstate(all="ignore"):
        return _stepped(size_bits, _as_floats(size_bits, b) * quotients, generator)


def _compose_short(size_bits: int, a: U64Array, generator: np.random.Generator) -> U64Array:
    form = LAYOUTS[size_bits]
    exponents = form.bias + generator.integers(-30, 30, a.size)
    return _compose(form, exponents, _fractions(form.fraction_bits, a.size, generator), generator)


def _near_squares(size_bits: int, a: U64Array, generator: np.random.Generator) -> U64Array:
    """Half of them positive, half about the square of a number of few bits."""
    form = LAYOUTS[size_bits]
    roots = _as_floats(size_bits, _compose_short(size_bits, a, generator))
    with np.errstate(all="ignore"):
        squares = _stepped(size_bits, roots * roots, generator)
    positive = a & np.uint64(form.sign - 1)
    return _choice([a, positive, positive, squares], generator)


def _near_singles(a: U64Array, generator: np.random.Generator) -> U64Array:
    """Doubles in the range of singles, many of them halfway between two, or next to that."""
    form = LAYOUTS[64]
    low, high = form.bias - 127 - 30, form.bias + 130
    exponents = _choice(
        [generator.integers(low, high, a.size), generator.integers(low, low + 40, a.size)], generator
    )
    fractions = _fractions(52, a.size, generator)
    places = generator.integers(28, 53, a.size, dtype=np.uint64)
    unit = np.uint64(1) << places
    halfway = (fractions & ~(unit - np.uint64(1)) | unit >> np.uint64(1)) + generator.integers(
        -1, 2, a.size
    ).astype(np.uint64)
    mask = np.uint64((1 << 52) - 1)
    return _mixed(
        a, _compose(form, exponents, _mixed(fractions, halfway & mask, generator), generator), generator
    )


def _addends(size_bits: int, a: U64Array, b: U64Array, generator: np.random.Generator) -> U64Array:
    """Third operands: independent; near the product (cancellation); about half an ulp of it."""
    form = LAYOUTS[size_bits]
    with np.errstate(all="ignore"):
        products = _as_floats(size_bits, a) * _as_floats(size_bits, b)
    near = _stepped(size_bits, products, generator)
    exponents, _ = _fields(form, _as_bits(products))
    distance = generator.integers(-2 * form.fraction_bits - 6, 2 * form.fraction_bits + 7, a.size)
    placed = _compose(
        form, exponents + distance, _fractions(form.fraction_bits, a.size, generator), generator
    )
    ties = _compose(
        form,
        exponents + form.fraction_bits + generator.integers(-1, 3, a.size),
        _fields(form, placed)[1],
        generator,
    )
    chosen = _choice([_floats(size_bits, a.size, generator), near, near, placed, ties], generator)
    return chosen ^ generator.integers(0, 2, a.size, dtype=np.uint64) * np.uint64(form.sign)


def _integers(count: int, generator: np.random.Generator) -> U64Array:
    """Of every length, few bits set or clear, halfway cases, both signs."""
    fractions = _fractions(63, count, generator) << np.uint64(1) | generator.integers(
        0, 2, count, dtype=np.uint64
    )
    lengths = generator.integers(0, 64, count, dtype=np.uint64)
    values = fractions >> lengths
    negative = generator.integers(0, 2, count) == 0
    return np.where(negative, np.uint64(0) - values, values)


def _to_be_rounded(size_bits: int, count: int, generator: np.random.Generator) -> U64Array:
    """Floats between 1/8 and 2^66, many of them halfway between two integers; and any floats."""
    form = LAYOUTS[size_bits]
    powers = generator.integers(-3, 67, count)
    fractions = _fractions(form.fraction_bits, count, generator)
    places = np.clip(form.fraction_bits - powers, 0, form.fraction_bits).astype(np.uint64)
    unit = np.uint64(1) << places
    halfway = fractions & ~(unit - np.uint64(1)) | unit >> np.uint64(1)
    stepped = halfway + generator.integers(-1, 2, count).astype(np.uint64)
    mask = np.uint64((1 << form.fraction_bits) - 1)
    chosen = _choice([fractions, halfway & mask, stepped & mask], generator)
    placed = _compose(form, form.bias + powers, chosen, generator)
    return _choice([placed, placed, _floats(size_bits, count, generator)], generator)
