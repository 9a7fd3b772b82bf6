"""Floats on unicorn (QEMU's RISC-V): each instruction's twin with float registers, many operands at a time.

Unicorn has F and D, not Zfinx. Operands go from memory through integer registers into float registers,
singles boxed by `fmv.w.x`, and results come back the same way, singles sign-extended by `fmv.x.w`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from unicorn import riscv_const
from unicorn.unicorn_const import UC_ARCH_RISCV, UC_MODE_RISCV64
from unicorn.unicorn_py3.unicorn import Uc

from tests.machine.encode import FORMATS, encode, encode_float
from tests.machine.float_operands import LAYOUTS, Operands, operand_count, source_format

CODE_START, MEMORY_START = 0x1_0000, 0x2000_0000
FLOATS_ON = 0x6000
"""mstatus.FS."""
AT, END = 10, 11
"""Integer registers: the row, and where rows end."""
ROW_SIZE_BYTES = 32
"""Three operands and the result."""
SCRATCH, RESULT = 12, 13
FIRST = 1
"""Operands are in f1, f2, f3, or an integer in x1."""


class FloatEmulator:
    """One emulator for any number of instructions."""

    def __init__(self, rows_limit: int) -> None:
        self._emulator = Uc(UC_ARCH_RISCV, UC_MODE_RISCV64)
        self._emulator.mem_map(CODE_START, 0x1000)
        self._emulator.mem_map(MEMORY_START, (rows_limit * ROW_SIZE_BYTES + 0xFFF) // 0x1000 * 0x1000)
        self._emulator.reg_write(riscv_const.UC_RISCV_REG_MSTATUS, FLOATS_ON)

    def results(self, name: str, rounding: int, rows: Sequence[Operands]) -> list[int]:
        """What the instruction gives for each row of operands, as 64-bit registers."""
        words = _loop(name, rounding)
        code = b"".join(word.to_bytes(4, "little") for word in words)
        end = MEMORY_START + ROW_SIZE_BYTES * len(rows)
        emulator = self._emulator
        emulator.ctl_remove_cache(CODE_START, CODE_START + 0x1000)
        emulator.mem_write(CODE_START, code)
        emulator.mem_write(MEMORY_START, b"".join(struct.pack("<4Q", *row, 0xDEAD) for row in rows))
        emulator.reg_write(riscv_const.UC_RISCV_REG_X0 + AT, MEMORY_START)
        emulator.reg_write(riscv_const.UC_RISCV_REG_X0 + END, end)
        emulator.emu_start(CODE_START, CODE_START + len(code))
        content = bytes(emulator.mem_read(MEMORY_START, end - MEMORY_START))
        return [row[3] for row in struct.iter_unpack("<4Q", content)]


def _loop(name: str, rounding: int) -> list[int]:
    words: list[int] = []
    letter = source_format(name)
    for number in range(operand_count(name)):
        target = SCRATCH if letter else FIRST
        words.append(encode("ld", rd=target, rs1=AT, immediate=8 * number))
        if letter:
            words.append(_move_to_float(letter, FIRST + number, SCRATCH))
    words.append(encode_float(name, rd=RESULT, rs1=FIRST, rs2=2, rs3=3, rounding=rounding))
    result_letter = _result_format(name)
    if result_letter:
        words.append(_move_from_float(result_letter, RESULT, RESULT))
    words.append(encode("sd", rs1=AT, rs2=RESULT, immediate=24))
    words.append(encode("addi", rd=AT, rs1=AT, immediate=ROW_SIZE_BYTES))
    return [*words, encode("bne", rs1=AT, rs2=END, immediate=-4 * len(words))]


def _result_format(name: str) -> str | None:
    """The letter of the format of the result; None if it is an integer."""
    mnemonic, *types = name.split(".")
    if mnemonic in ("fle", "flt", "feq", "fclass"):
        return None
    return types[0] if types[0] in FORMATS else None


def _move_to_float(letter: str, rd: int, rs1: int) -> int:
    return 0x53 | rd << 7 | rs1 << 15 | (0b11110 << 2 | FORMATS[letter]) << 25


def _move_from_float(letter: str, rd: int, rs1: int) -> int:
    return 0x53 | rd << 7 | rs1 << 15 | (0b11100 << 2 | FORMATS[letter]) << 25


def has_signalling_minimum(name: str, row: Operands) -> bool:
    """Unicorn has an older law for `fmin` and `fmax` of a signalling NaN: it is the result, made quiet."""
    mnemonic, letter = name.split(".")[:2]
    return mnemonic in ("fmin", "fmax") and any(is_signalling(letter, value) for value in row[:2])


def is_signalling(letter: str, value: int) -> bool:
    form = LAYOUTS[letter]
    magnitude = value % (1 << (form.width - 1))
    return magnitude > form.infinity and not magnitude >> (form.fraction_bits - 1) & 1
