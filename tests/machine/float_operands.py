"""Operands that find mistakes in floats: every class of them with its neighbours, and random ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import product

from tests.machine.encode import FLOAT_ENCODINGS, FORMATS

ROUNDINGS = (0, 1, 2, 3, 4, 7)
Operands = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A format's fields, in bits."""

    exponent_bits: int
    fraction_bits: int

    @property
    def width(self) -> int:
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def bias(self) -> int:
        return (1 << (self.exponent_bits - 1)) - 1

    @property
    def infinity(self) -> int:
        return ((1 << self.exponent_bits) - 1) << self.fraction_bits

    def power(self, exponent: int) -> int:
        """The bits of 2^exponent, a normal number."""
        return (self.bias + exponent) << self.fraction_bits


LAYOUTS = {"s": Layout(exponent_bits=8, fraction_bits=23), "d": Layout(exponent_bits=11, fraction_bits=52)}


def source_format(name: str) -> str | None:
    """The letter of the format of an instruction's operands; None if it is an integer."""
    mnemonic, *types = name.split(".")
    source = types[-1] if mnemonic == "fcvt" else types[0]
    return source if source in FORMATS else None


def operand_count(name: str) -> int:
    """How many registers an instruction reads."""
    return int(FLOAT_ENCODINGS[name].form[1])


def roundings(name: str) -> tuple[int, ...]:
    """The legal values of an instruction's field `rm`; just 0 where there is no such field."""
    form = FLOAT_ENCODINGS[name].form
    return ROUNDINGS if form.endswith("i") else (0, 7) if form.endswith("r") else (0,)


def short_float_classes(letter: str) -> list[int]:
    """Zeros, ends of subnormals and normals, around one, infinities, NaNs: with both signs."""
    form = LAYOUTS[letter]
    least, one, infinity = 1 << form.fraction_bits, form.power(0), form.infinity
    magnitudes = [0, 1, least // 2 + 1, least - 1, least, one - 1, one, one + 1, infinity - 1, infinity]
    magnitudes += [infinity + 1, infinity | least >> 1]
    return [sign | magnitude for magnitude in magnitudes for sign in (0, 1 << (form.width - 1))]


def float_classes(letter: str) -> list[int]:
    """More of them: halfway cases of every kind, powers of two, and the limits of the integers."""
    form = LAYOUTS[letter]
    fraction = form.fraction_bits
    least, one, infinity = 1 << fraction, form.power(0), form.infinity
    magnitudes = [2, 3, least // 2, least + 1, 2 * least - 1, infinity - least, infinity | least - 1]
    magnitudes += [
        form.power(n) for n in (-2, -1, 1, 2, fraction, fraction + 1, fraction + 2, -fraction, -60)
    ]
    # 0.5 - ulp, 1.5, 2.5, 3.5 and their neighbours; a significand of all ones.
    ties = [one | least >> 1, form.power(1) | least >> 2, form.power(1) | least >> 1 | least >> 2]
    magnitudes += [tie + step for tie in ties for step in (-1, 0, 1)] + [form.power(-1) - 1, 2 * one - 1]
    for power in (31, 32, 63, 64):
        limit = form.power(power)
        magnitudes += [limit - 1, limit, limit + 1]
        if fraction > power:
            unit = 1 << (fraction - power)
            # Ahead of a limit, where a step is half as long: the last integers and the halves between them.
            magnitudes += [limit - k * unit // 2 + step for k in (1, 2, 3, 4) for step in (-1, 0, 1)]
    sign = 1 << (form.width - 1)
    return short_float_classes(letter) + [s | magnitude for magnitude in magnitudes for s in (0, sign)]


def integer_classes() -> list[int]:
    """Registers around zero and powers of two, and halfway between two floats."""
    values = {0}
    for power in range(65):
        values |= {(1 << power) + step for step in (-2, -1, 0, 1, 2)}
    for bits in (24, 53):
        for top in range(bits + 1, 64):
            half = 1 << (top - bits - 1)
            values |= {(1 << top - 1) + k * half + step for k in (1, 2, 3) for step in (-1, 0, 1)}
            values |= {(1 << top) - half + step for step in (-1, 0, 1)}
    return sorted({value % 2**64 for value in values} | {-value % 2**64 for value in values})


def class_operands(name: str) -> list[Operands]:
    """All combinations of classes; triples of the short list only."""
    letter, count = source_format(name), operand_count(name)
    if letter is None:
        return [(value, 0, 0) for value in integer_classes()]
    classes = short_float_classes(letter) if count == 3 else float_classes(letter)
    return [(a, b, c) for a, b, c in product(*(classes if n < count else [0] for n in range(3)))]


def random_operands(name: str, count: int, rng: random.Random) -> list[Operands]:
    """Registers; in what an instruction does not read, and above a single, stands anything."""
    letter = source_format(name)
    if letter is None:
        return [(_random_integer(rng), rng.getrandbits(64), rng.getrandbits(64)) for _ in range(count)]
    return [_random_floats(letter, rng) for _ in range(count)]


def _random_integer(rng: random.Random) -> int:
    value = rng.getrandbits(rng.randrange(1, 65))
    if rng.random() < 0.4:
        # Few bits: halfway cases
        value = value & ~0xFFFF_FFFF_FFFF >> rng.randrange(48) | rng.choice((0, 1)) << rng.randrange(12)
    return (value if rng.random() < 0.5 else -value) % 2**64


def _random_floats(letter: str, rng: random.Random) -> Operands:
    """Three whose exponents are often near each other's, or near where results over- and underflow."""
    form = LAYOUTS[letter]
    middle = form.bias + rng.choice((0, 0, form.bias // 2, -form.bias // 2))
    values: list[int] = []
    for _ in range(3):
        near = middle + rng.randrange(-form.fraction_bits - 3, form.fraction_bits + 4)
        exponent = rng.choice((near, near, rng.getrandbits(form.exponent_bits), 0, 1))
        exponent = max(0, min(exponent, (1 << form.exponent_bits) - 1))
        fraction = _random_fraction(form.fraction_bits, rng)
        values.append(rng.getrandbits(1) << form.width - 1 | exponent << form.fraction_bits | fraction)
    if rng.random() < 0.2:
        # Almost the same: cancellation
        values[1] = (values[0] ^ rng.getrandbits(1) << form.width - 1) + rng.randrange(-2, 3)
    above = rng.getrandbits(64) << form.width
    a, b, c = ((value % (1 << form.width) | above) % 2**64 for value in values)
    return a, b, c


def _random_fraction(bits: int, rng: random.Random) -> int:
    mask = (1 << bits) - 1
    uniform = rng.getrandbits(bits)
    few = 1 << rng.randrange(bits) | 1 << rng.randrange(bits)
    short = uniform & ~(mask >> rng.randrange(bits))
    return rng.choice((uniform, uniform, few, mask ^ few, short, short | 1, rng.randrange(4))) & mask
