"""Methods of Python's numbers that Numba lacks, such as `n.bit_length()`, and `int.from_bytes`."""

# pyright: basic, reportArgumentType=false, reportCallIssue=false
# What Numba compiles has no types of Python.

import math
from typing import Any

import numpy as np
from numba.core import errors, types
from numba.core.extending import overload, overload_attribute, overload_method
from numba.core.typing import builtins

from truestep.guest.python.compiler.byte_arrays import ByteList

_NUMBERS: Any = builtins.NumberAttribute
_WORD_BYTES = 8
_WORD_BITS = 64


def install_number_methods() -> None:
    """Add them to Numba's."""
    for name, method in (
        ("bit_length", _bit_length),
        ("bit_count", _bit_count),
        ("to_bytes", _to_bytes),
        ("as_integer_ratio", _integer_ratio),
        ("is_integer", _is_always_integer),
        ("conjugate", _itself),
    ):
        overload_method(types.Integer, name, strict=False)(method)
    # Numba gives parts of the constant 3 the type of the constant 3.
    _NUMBERS.resolve_real = _NUMBERS.resolve_imag = _part
    overload_attribute(types.Integer, "numerator", strict=False)(_itself)
    overload_attribute(types.Integer, "denominator", strict=False)(_one)
    overload_method(types.Float, "is_integer", strict=False)(_is_integer)
    overload_method(types.Float, "as_integer_ratio", strict=False)(_ratio)
    overload_method(types.Float, "hex", strict=False)(_hex)
    overload_method(types.Float, "conjugate", strict=False)(_itself)


def _part(template: Any, kind: Any) -> Any:
    del template
    return types.unliteral(getattr(kind, "underlying_float", kind))


def _itself(number: Any) -> Any:
    return lambda number: number


def _one(number: Any) -> Any:
    return lambda number: 1


def _bit_length(number: Any) -> Any:
    def bit_length(number: Any) -> int:
        rest = np.uint64(abs(number))
        length = 0
        while rest:
            rest >>= np.uint64(1)
            length += 1
        return length

    return bit_length


def _bit_count(number: Any) -> Any:
    def bit_count(number: Any) -> int:
        rest = np.uint64(abs(number))
        count = 0
        while rest:
            rest &= rest - np.uint64(1)
            count += 1
        return count

    return bit_count


def _integer_ratio(number: Any) -> Any:
    return lambda number: (number, 1)


def _is_always_integer(number: Any) -> Any:
    return lambda number: True


def is_little(byteorder: str) -> bool:
    """Whether the lowest byte comes first. Compiled only."""
    raise NotImplementedError


@overload(is_little)
def _is_little(byteorder: Any) -> Any:
    def asked(byteorder: Any) -> bool:
        if byteorder != "little" and byteorder != "big":  # noqa: PLR1714 - as Numba compiles it best
            raise ValueError("byteorder must be either 'little' or 'big'")
        return byteorder == "little"

    return asked


def _to_bytes(number: Any, length: Any = 1, byteorder: Any = "big", signed: Any = False) -> Any:
    def to_bytes(number: Any, length: Any = 1, byteorder: Any = "big", signed: Any = False) -> Any:
        if length < 0:
            raise ValueError("length argument must be non-negative")
        if number < 0 and not signed:
            raise OverflowError("can't convert negative int to unsigned")
        bits = 8 * length - (1 if signed else 0)
        if bits < _WORD_BITS - 1:
            least = -(1 << bits) if signed and length else 0
            if number < least or number >= (1 << max(bits, 0)) or (length == 0 and number != 0):
                raise OverflowError("int too big to convert")
        content = np.zeros(length, np.uint8)
        comes_first = is_little(byteorder)
        for place in range(length):
            value = (number >> (8 * min(place, _WORD_BYTES - 1))) & 0xFF
            if place >= _WORD_BYTES:
                value = 0xFF if number < 0 else 0
            content[place if comes_first else length - 1 - place] = value
        return content.tobytes()

    return to_bytes


def integer_from_bytes(content: Any, byteorder: Any = "big", *, signed: Any = False) -> int:
    """`int.from_bytes(…)`. Compiled only."""
    raise NotImplementedError


@overload(integer_from_bytes, strict=False)
def _integer_from_bytes(content: Any, byteorder: Any = "big", signed: Any = False) -> Any:
    if not isinstance(content, types.Bytes | ByteList | types.List | types.Array):
        raise errors.TypingError("a guest's int.from_bytes takes bytes, or an array or list of bytes")

    def from_bytes(content: Any, byteorder: Any = "big", signed: Any = False) -> int:
        comes_first = is_little(byteorder)
        size = len(content)
        number = 0
        for place in range(size):
            value = int(content[size - 1 - place if comes_first else place])
            if place >= size - _WORD_BYTES or value == 0:
                number = (number << 8) | value
            else:
                raise OverflowError("an integer of a guest has 64 bits, and these bytes have more")
        if signed and size < _WORD_BYTES and size and number >> (8 * size - 1):
            number -= 1 << (8 * size)
        if not signed and number < 0:
            raise OverflowError("an integer of a guest has 64 bits, and these bytes have more")
        return number

    return from_bytes


def _is_integer(number: Any) -> Any:
    return lambda number: bool(np.isfinite(number) and number == math.floor(number))


def _ratio(number: Any) -> Any:
    def ratio(number: Any) -> tuple[int, int]:
        if not np.isfinite(number):
            raise ValueError("cannot convert this number to an integer ratio")
        mantissa, exponent = math.frexp(number)
        places = 0
        while mantissa != math.floor(mantissa):
            mantissa *= 2.0
            places += 1
        power = exponent - places
        if abs(mantissa) * 2.0 ** max(power, 0) >= 2.0**63 or power < -62:
            raise OverflowError("an integer of a guest has 64 bits, and this ratio needs more")
        return int(mantissa) << max(power, 0), 1 << max(-power, 0)

    return ratio


def _hex(number: Any) -> Any:
    def text(number: Any) -> str:
        if number != number:  # noqa: PLR0124
            return "nan"
        sign = "-" if math.copysign(1.0, number) < 0 else ""
        size = abs(number)
        if size == math.inf:
            return sign + "inf"
        if size == 0.0:
            return sign + "0x0.0p+0"
        mantissa, exponent = math.frexp(size)
        exponent = max(exponent - 1, -1022)
        mantissa = size / 2.0**exponent if exponent > -1022 else size * 2.0**1000 * 2.0**22
        whole = int(mantissa)
        digits = ""
        rest = mantissa - whole
        for _ in range(13):
            rest *= 16.0
            digit = int(rest)
            digits += "0123456789abcdef"[digit]
            rest -= digit
        plus = "+" if exponent >= 0 else "-"
        return sign + "0x" + str(whole) + "." + digits + "p" + plus + str(abs(exponent))

    return text
