"""The two float formats: from bits to exact values and back, rounding once (docs/machine.md M8.2, M8.3)."""

from dataclasses import dataclass
from enum import IntEnum


class Rounding(IntEnum):
    """The field `rm` of an instruction; 7 (dynamic) means RNE (M8.2)."""

    RNE = 0
    """To nearest, ties to even."""
    RTZ = 1
    """Towards zero."""
    RDN = 2
    """Down."""
    RUP = 3
    """Up."""
    RMM = 4
    """To nearest, ties away from zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """An IEEE 754 binary interchange format; `significand_bits` counts the leading one that is not stored."""

    exponent_bits: int
    significand_bits: int

    @property
    def fraction_bits(self) -> int:
        """The bits of the significand that are stored."""
        return self.significand_bits - 1

    @property
    def width(self) -> int:
        """The number of bits."""
        return 1 + self.exponent_bits + self.fraction_bits

    @property
    def sign_bit(self) -> int:
        """The sign bit, as a mask."""
        return 1 << (self.width - 1)

    @property
    def infinity(self) -> int:
        """The bits of +∞: an exponent of all ones."""
        return ((1 << self.exponent_bits) - 1) << self.fraction_bits

    @property
    def quiet_bit(self) -> int:
        """The highest bit of the fraction; a NaN without it is signalling."""
        return 1 << (self.fraction_bits - 1)

    @property
    def canonical_nan(self) -> int:
        """The bits of the only NaN that an operation returns (M8.3)."""
        return self.infinity | self.quiet_bit

    @property
    def least_exponent(self) -> int:
        """The smallest positive number is 2 to this power."""
        bias = (1 << (self.exponent_bits - 1)) - 1
        return 1 - bias - self.fraction_bits

    def low_bits(self, register: int) -> int:
        """The float in a register (M8.1)."""
        return register % (1 << self.width)

    def magnitude(self, bits: int) -> int:
        """The bits without the sign. Their order is that of the magnitudes."""
        return bits & (self.sign_bit - 1)

    def sign(self, bits: int) -> int:
        """1 if the sign bit is set, else 0."""
        return bits >> (self.width - 1) & 1

    def is_nan(self, bits: int) -> bool:
        """Whether it is a NaN, quiet or signalling."""
        return self.magnitude(bits) > self.infinity

    def is_infinite(self, bits: int) -> bool:
        """Whether it is +∞ or -∞."""
        return self.magnitude(bits) == self.infinity

    def is_zero(self, bits: int) -> bool:
        """Whether it is +0 or -0."""
        return self.magnitude(bits) == 0


SINGLE = Format(exponent_bits=8, significand_bits=24)
DOUBLE = Format(exponent_bits=11, significand_bits=53)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact:
    """(-1)^sign · significand · 2^exponent, of any size; zero has a sign too."""

    sign: int
    significand: int
    exponent: int

    def scaled(self, exponent: int) -> int:
        """The value in units of 2^exponent; `exponent` is at most the value's own."""
        scaled = self.significand << (self.exponent - exponent)
        return -scaled if self.sign else scaled


def exact(form: Format, bits: int) -> Exact:
    """The value of a finite float."""
    field, fraction = divmod(form.magnitude(bits), 1 << form.fraction_bits)
    is_normal = field > 0
    return Exact(
        sign=form.sign(bits),
        significand=fraction + (is_normal << form.fraction_bits),
        exponent=form.least_exponent + max(field - 1, 0),
    )


def rounded(form: Format, value: Exact, rounding: Rounding = Rounding.RNE) -> int:
    """The bits of the float to which `value` rounds. Only RNE rounds above the largest float, to ∞ (M8.2)."""
    length = value.significand.bit_length()
    last = max(value.exponent + length - form.significand_bits, form.least_exponent)
    significand = shifted(value.significand, last - value.exponent, value.sign, rounding)
    # The leading one is added to the exponent field, and so is a carry out of the significand.
    field = last - form.least_exponent if significand else 0
    magnitude = (field << form.fraction_bits) + significand
    return value.sign * form.sign_bit + min(magnitude, form.infinity)


def shifted(magnitude: int, shift: int, sign: int, rounding: Rounding) -> int:
    """`magnitude` / 2^shift rounded to an integer, as a number with the given sign."""
    if shift <= 0:
        return magnitude << -shift
    whole, rest = divmod(magnitude, 1 << shift)
    half = 1 << (shift - 1)
    match rounding:
        case Rounding.RNE:
            goes_on = rest > half or (rest == half and whole % 2 == 1)
        case Rounding.RTZ:
            goes_on = False
        case Rounding.RDN:
            goes_on = rest > 0 and sign == 1
        case Rounding.RUP:
            goes_on = rest > 0 and sign == 0
        case Rounding.RMM:
            goes_on = rest >= half
    return whole + goes_on
