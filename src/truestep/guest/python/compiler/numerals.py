"""`int(text)` and `float(text)` of strings (guest/c/python/parse.c)."""

import ctypes
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, errors, types
from numba.core.extending import intrinsic, overload

from truestep.guest.python.compiler.texts import call_for_word, units_of

_WORD_BITS = 64
_WORD = ir.IntType(_WORD_BITS)

_TOO_LARGE = 2
"""What the runtime answers when a number has more than 64 bits; 1 if there is none."""


C_INTEGERS: tuple[Any, ...] = (
    *(ctypes.c_int8, ctypes.c_int16, ctypes.c_int32, ctypes.c_int64),
    *(ctypes.c_uint8, ctypes.c_uint16, ctypes.c_uint32),
)
"""The kinds of C integers whose values are integers of a guest."""


def install_numerals() -> None:
    """Add the implementations to Numba's, which take numbers."""
    overload(int)(_int)
    overload(float)(_float)
    overload(in_bits)(_in_bits)


def in_bits(number: Any, bits: int, is_signed: bool) -> Any:
    """The integer that agrees with `number` in its lowest bits. Compiled only."""
    raise NotImplementedError


def _in_bits(number: Any, bits: Any, is_signed: Any) -> Any:
    del bits, is_signed
    if not isinstance(number, types.Integer | types.Boolean):
        raise errors.TypingError("an integer of ctypes is made of an int")

    def held(number: Any, bits: Any, is_signed: Any) -> Any:
        whole = np.int64(number)
        if bits == _WORD_BITS:
            return whole
        lowest = whole & ((1 << bits) - 1)
        is_negative = is_signed and lowest >> (bits - 1) == 1
        return lowest - (1 << bits) if is_negative else lowest

    return held


@intrinsic
def _parse_integer(typing_context: Any, text: Any, base: Any) -> Any:
    """(status, number)."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = cgutils.alloca_once_value(builder, _WORD(0))
        units = units_of(context, builder, signature.args[0], arguments[0])
        status = call_for_word(builder, "truestep_parse_integer", *units, arguments[1], number)
        return context.make_tuple(builder, signature.return_type, [status, builder.load(number)])

    return types.UniTuple(types.int64, 2)(text, types.int64), generate


@intrinsic
def _parse_float(typing_context: Any, text: Any) -> Any:
    """(status, number)."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = cgutils.alloca_once_value(builder, ir.DoubleType()(0))
        units = units_of(context, builder, signature.args[0], arguments[0])
        status = call_for_word(builder, "truestep_parse_double", *units, number)
        return context.make_tuple(builder, signature.return_type, [status, builder.load(number)])

    return types.Tuple((types.int64, types.float64))(text), generate


def _int(x: Any, base: Any = 10) -> Any:
    if not isinstance(x, types.UnicodeType):
        return None

    def parse(x: Any, base: Any = 10) -> Any:
        if base != 0 and (base < 2 or base > 36):
            raise ValueError("int() base must be >= 2 and <= 36, or 0")
        status, number = _parse_integer(x, base)
        if status == _TOO_LARGE:
            raise OverflowError("an integer of a guest has 64 bits; int() was given " + repr(x))
        if status:
            raise ValueError("invalid literal for int() with base " + str(base) + ": " + repr(x))
        return number

    return parse


def _float(x: Any) -> Any:
    if not isinstance(x, types.UnicodeType):
        return None

    def parse(x: Any) -> Any:
        status, number = _parse_float(x)
        if status:
            raise ValueError("could not convert string to float: " + repr(x))
        return number

    return parse
