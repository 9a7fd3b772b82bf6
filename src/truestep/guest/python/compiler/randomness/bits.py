"""Generators of random bits in compiled code: PCG64 (O'Neill, 2014), its DXSM variant, SFC64 and MT19937.

A value of type `Bits` is the address of a generator's state. Who holds it also holds the generator.

    PCG64, PCG64DXSM   state low, state high, increment low, increment high, spare half, half is there
    SFC64              a, b, c, counter, spare half, half is there
    MT19937            as in guest/c/python/random.c

A word of 64 bits gives two halves: `next_uint32` returns the lower one and keeps the upper.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.datamodel import models
from numba.core.extending import intrinsic, register_model
from numba.cpython import randomimpl
from numba.np.random import generator_core

from truestep.guest.python.compiler.randomness.overloading import implement

_core: Any = generator_core
next_double: Any = _core.next_double
next_float: Any = _core.next_float
next_uint32: Any = _core.next_uint32
next_uint64: Any = _core.next_uint64

STATE_WORDS = {"PCG64": 6, "PCG64DXSM": 6, "SFC64": 6, "MT19937": 315}
"""Words of 64 bits in each state. PCG64's and SFC64's spare half is at 4 and 5."""

_WORD = ir.IntType(64)
_WIDE = ir.IntType(128)
_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
"""PCG's multiplier for 128 bits."""
_CHEAP_MULTIPLIER = 0xDA942042E4DD58B5
"""DXSM's."""
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)


_Type: Any = types.Type


class Bits(_Type):
    """The address of a state. A legacy one belongs to a RandomState, which has distributions of its own."""

    def __init__(self, kind: str, *, is_legacy: bool = False) -> None:
        self.kind = kind
        self.is_legacy = is_legacy
        _Type.__init__(self, name=f"Bits({kind}, {is_legacy})")


@register_model(Bits)
class _BitsModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _WORD)


def _place(builder: Any, bits: Any, index: Any) -> Any:
    return builder.gep(builder.inttoptr(bits, _WORD.as_pointer()), [index])


@intrinsic
def word_at(typing_context: Any, bits: Any, index: Any) -> Any:
    """A word of the state."""
    del typing_context, index

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        return builder.load(_place(builder, *arguments))

    return types.uint64(bits, types.int64), generate


@intrinsic
def set_word(typing_context: Any, bits: Any, index: Any, value: Any) -> Any:
    """Write a word of the state."""
    del typing_context, index, value

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        bits, index, value = arguments
        builder.store(value, _place(builder, bits, index))
        return context.get_dummy_value()

    return types.none(bits, types.int64, types.uint64), generate


@intrinsic
def _global_bits(typing_context: Any) -> Any:
    """np.random's own generator."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature, arguments
        return builder.ptrtoint(randomimpl.get_state_ptr(context, builder, "np"), _WORD)

    return Bits("MT19937", is_legacy=True)(), generate


global_bits: Any = _global_bits


@intrinsic
def _next_twister(typing_context: Any, bits: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        state = builder.inttoptr(arguments[0], randomimpl.rnd_state_ptr_t)
        return randomimpl.get_next_int32(context, builder, state)

    return types.uint32(bits), generate


def take_normal(bits: Any) -> float:
    """A RandomState's spare normal number, which is then gone; NaN if there is none."""
    return bits.take_normal()


def keep_normal(bits: Any, number: float) -> None:
    """Keep a spare normal number."""
    bits.keep_normal(number)


def _spare_normal(builder: Any, bits: Any) -> tuple[Any, Any]:
    """(address of its flag, its address)"""
    state = builder.inttoptr(bits, randomimpl.rnd_state_ptr_t)
    return randomimpl.get_has_gauss_ptr(builder, state), randomimpl.get_gauss_ptr(builder, state)


@intrinsic
def _take_normal(typing_context: Any, bits: Any) -> Any:
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        flag, number = _spare_normal(builder, arguments[0])
        has_one = builder.icmp_signed("!=", builder.load(flag), ir.IntType(32)(0))
        builder.store(ir.IntType(32)(0), flag)
        return builder.select(has_one, builder.load(number), ir.DoubleType()(math.nan))

    return types.float64(bits), generate


@intrinsic
def _keep_normal(typing_context: Any, bits: Any, number: Any) -> Any:
    del typing_context, number

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del signature
        flag, place = _spare_normal(builder, arguments[0])
        builder.store(ir.IntType(32)(1), flag)
        builder.store(arguments[1], place)
        return context.get_dummy_value()

    return types.none(bits, types.float64), generate


@implement(take_normal)
def _take_normal_of(bits: Any) -> Any:
    def take(bits: Any) -> Any:
        return _take_normal(bits)

    return take if isinstance(bits, Bits) else None


@implement(keep_normal)
def _keep_normal_of(bits: Any, number: Any) -> Any:
    del number

    def keep(bits: Any, number: Any) -> None:
        _keep_normal(bits, number)

    return keep if isinstance(bits, Bits) else None


def _load_wide(builder: Any, bits: Any, index: int) -> Any:
    low, high = (builder.load(_place(builder, bits, _WORD(index + i))) for i in range(2))
    return builder.or_(builder.shl(builder.zext(high, _WIDE), _WIDE(64)), builder.zext(low, _WIDE))


def _step(builder: Any, bits: Any, multiplier: int) -> tuple[Any, Any]:
    """(state before, state after) a step of the linear congruential generator."""
    before = _load_wide(builder, bits, 0)
    after = builder.add(builder.mul(before, _WIDE(multiplier)), _load_wide(builder, bits, 2))
    builder.store(builder.trunc(after, _WORD), _place(builder, bits, _WORD(0)))
    high = builder.trunc(builder.lshr(after, _WIDE(64)), _WORD)
    builder.store(high, _place(builder, bits, _WORD(1)))
    return before, after


@intrinsic
def _next_pcg64(typing_context: Any, bits: Any) -> Any:
    """XSL-RR: both halves of the state are combined and rotated by its highest six bits."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        after = _step(builder, arguments[0], _MULTIPLIER)[1]
        high = builder.trunc(builder.lshr(after, _WIDE(64)), _WORD)
        mixed = builder.xor(high, builder.trunc(after, _WORD))
        rotation = builder.lshr(high, _WORD(58))
        back = builder.and_(builder.neg(rotation), _WORD(63))
        return builder.or_(builder.lshr(mixed, rotation), builder.shl(mixed, back))

    return types.uint64(bits), generate


@intrinsic
def _next_dxsm(typing_context: Any, bits: Any) -> Any:
    """DXSM: double xorshift and multiply, of the state before the step."""
    del typing_context

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        del context, signature
        before = _step(builder, arguments[0], _CHEAP_MULTIPLIER)[0]
        high = builder.trunc(builder.lshr(before, _WIDE(64)), _WORD)
        low = builder.or_(builder.trunc(before, _WORD), _WORD(1))
        high = builder.xor(high, builder.lshr(high, _WORD(32)))
        high = builder.mul(high, _WORD(_CHEAP_MULTIPLIER))
        high = builder.xor(high, builder.lshr(high, _WORD(48)))
        return builder.mul(high, low)

    return types.uint64(bits), generate


def _next_sfc64(bitgen: Any) -> Any:
    """Small fast counting generator, version 4 (Doty-Humphrey, PractRand)."""
    a = word_at(bitgen, 0)
    b = word_at(bitgen, 1)
    c = word_at(bitgen, 2)
    counter = word_at(bitgen, 3)
    out = a + b + counter
    set_word(bitgen, 3, counter + np.uint64(1))
    set_word(bitgen, 0, b ^ (b >> np.uint64(11)))
    set_word(bitgen, 1, c + (c << np.uint64(3)))
    set_word(bitgen, 2, ((c << np.uint64(24)) | (c >> np.uint64(40))) + out)
    return out


def _next_two_halves(bitgen: Any) -> Any:
    high = np.uint64(next_uint32(bitgen))
    return (high << _HALF) | np.uint64(next_uint32(bitgen))


def _next_half(bitgen: Any) -> Any:
    if word_at(bitgen, 5) != np.uint64(0):
        set_word(bitgen, 5, np.uint64(0))
        return np.uint32(word_at(bitgen, 4))
    word = next_uint64(bitgen)
    set_word(bitgen, 5, np.uint64(1))
    set_word(bitgen, 4, word >> _HALF)
    return np.uint32(word & _LOW_HALF)


@implement(next_uint64)
def _next_uint64_of(bitgen: Any) -> Any:
    def of_pcg64(bitgen: Any) -> Any:
        return _next_pcg64(bitgen)

    def of_dxsm(bitgen: Any) -> Any:
        return _next_dxsm(bitgen)

    if not isinstance(bitgen, Bits):
        return None
    sources = {"PCG64": of_pcg64, "PCG64DXSM": of_dxsm, "SFC64": _next_sfc64, "MT19937": _next_two_halves}
    return sources[bitgen.kind]


@implement(next_uint32)
def _next_uint32_of(bitgen: Any) -> Any:
    def of_twister(bitgen: Any) -> Any:
        return _next_twister(bitgen)

    if not isinstance(bitgen, Bits):
        return None
    return of_twister if bitgen.kind == "MT19937" else _next_half


@implement(next_double)
def _next_double_of(bitgen: Any) -> Any:
    if not isinstance(bitgen, Bits):
        return None
    if bitgen.kind == "MT19937":

        def two_halves(bitgen: Any) -> Any:
            high = np.int64(next_uint32(bitgen)) >> 5
            low = np.int64(next_uint32(bitgen)) >> 6
            return (high * 67108864.0 + low) / 9007199254740992.0

        return two_halves

    def one_word(bitgen: Any) -> Any:
        return np.float64(np.int64(next_uint64(bitgen) >> np.uint64(11))) / 9007199254740992.0

    return one_word
