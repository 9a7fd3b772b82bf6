"""A guest that computes with doubles, and what it should give."""

from __future__ import annotations

import struct
from fractions import Fraction

from tests.e2e.network import A0, A1, INPUT, OUTPUT_AND_EXIT, T0, T1, T2, T3, elf_of
from tests.machine.encode import encode, encode_float

T4 = 29

# A weighted sum of the input, begun with the shard index: total = (9 · total + byte) / 7; 8 bytes of output.
FLOAT_GUEST = (
    encode("lui", rd=T0, immediate=0x8000_0000),
    encode("ld", rd=T1, rs1=T0, immediate=40),  # shard index
    encode("ld", rd=T2, rs1=T0, immediate=32),  # input size
    encode_float("fcvt.d.l", rd=T1, rs1=T1),
    encode("addi", rd=T3, immediate=9),
    encode_float("fcvt.d.w", rd=T3, rs1=T3),
    encode("addi", rd=T4, immediate=7),
    encode_float("fcvt.d.wu", rd=T4, rs1=T4),
    encode("lui", rd=A0, immediate=0xA000_0000),
    encode("lbu", rd=A1, rs1=A0),
    encode_float("fcvt.d.lu", rd=A1, rs1=A1),
    encode_float("fmadd.d", rd=T1, rs1=T1, rs2=T3, rs3=A1),
    encode_float("fdiv.d", rd=T1, rs1=T1, rs2=T4),
    encode("addi", rd=A0, rs1=A0, immediate=1),
    encode("addi", rd=T2, rs1=T2, immediate=-1),
    encode("bne", rs1=T2, immediate=-24),
    *OUTPUT_AND_EXIT,
)
FLOAT_ELF = elf_of(FLOAT_GUEST)
LOOP_START, LOOP_LENGTH = 9, 7
FLOAT_CYCLES = len(FLOAT_GUEST) + (len(INPUT) - 1) * LOOP_LENGTH
CONVERSION, MULTIPLICATION, DIVISION = 1, 2, 3
"""Where the float instructions stand in the loop."""


def state_before(instruction: int, byte_index: int) -> int:
    """The number of the state that executes an instruction of the loop for a byte of the input."""
    return LOOP_START + LOOP_LENGTH * byte_index + instruction


def expected_total(shard_index: int = 0, content: bytes = INPUT) -> bytes:
    """What the guest should have written, each step rounded once."""
    total = float(shard_index)
    for byte in content:
        total = float(Fraction(float(Fraction(total) * 9 + byte)) / 7)
    return struct.pack("<d", total)
