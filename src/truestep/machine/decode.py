"""Decodes instructions (docs/machine.md M1, M8; RISC-V unprivileged specification, chapters 2, 4 and 12)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from truestep.base.integers import signed
from truestep.machine.float_words import (
    FLOAT_OPCODE,
    FUSED_OPCODES,
    float_name,
    fused_name,
    is_rounded,
    operand_count,
)


class Kind(Enum):
    """The shape of an instruction: where its operands come from and where its result goes."""

    REGISTER = "register"
    IMMEDIATE = "immediate"
    UPPER = "upper"
    LOAD = "load"
    STORE = "store"
    BRANCH = "branch"
    JUMP = "jump"
    JUMP_REGISTER = "jump register"
    FENCE = "fence"
    SYSTEM = "system"
    FLOAT = "float"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One decoded instruction. `immediate` is signed; fields that its kind does not have are 0."""

    name: str
    kind: Kind
    rd: int = 0
    rs1: int = 0
    rs2: int = 0
    rs3: int = 0
    immediate: int = 0
    rounding: int = 0
    """The field `rm` of a float instruction that rounds (M8.2)."""


ECALL_WORD = 0x0000_0073
EBREAK_WORD = 0x0010_0073

_BRANCHES = {0: "beq", 1: "bne", 4: "blt", 5: "bge", 6: "bltu", 7: "bgeu"}
_LOADS = {0: "lb", 1: "lh", 2: "lw", 3: "ld", 4: "lbu", 5: "lhu", 6: "lwu"}
_STORES = {0: "sb", 1: "sh", 2: "sw", 3: "sd"}
_IMMEDIATES = {0: "addi", 2: "slti", 3: "sltiu", 4: "xori", 6: "ori", 7: "andi"}
_SHIFTS = {(1, 0x00): "slli", (5, 0x00): "srli", (5, 0x10): "srai"}
"""(funct3, funct6) of the 64-bit shifts by an immediate."""
_SHIFTS_32 = {(1, 0x00): "slliw", (5, 0x00): "srliw", (5, 0x20): "sraiw"}
_REGISTERS = {
    **{(f3, 0x00): n for f3, n in enumerate(("add", "sll", "slt", "sltu", "xor", "srl", "or", "and"))},
    **{(0, 0x20): "sub", (5, 0x20): "sra"},
    **{
        (f3, 0x01): n for f3, n in enumerate(("mul", "mulh", "mulhsu", "mulhu", "div", "divu", "rem", "remu"))
    },
}
_REGISTERS_32 = {
    **{
        (0, 0x00): "addw",
        (1, 0x00): "sllw",
        (5, 0x00): "srlw",
        (0, 0x20): "subw",
        (5, 0x20): "sraw",
    },
    **{
        (0, 0x01): "mulw",
        (4, 0x01): "divw",
        (5, 0x01): "divuw",
        (6, 0x01): "remw",
        (7, 0x01): "remuw",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fields:
    word: int
    rd: int
    funct3: int
    rs1: int
    rs2: int
    funct7: int

    @property
    def immediate_i(self) -> int:
        return signed(self.word >> 20, 12)

    @property
    def immediate_s(self) -> int:
        return signed(self.funct7 << 5 | self.rd, 12)

    @property
    def immediate_b(self) -> int:
        word = self.word
        upper = (word >> 31 & 1) << 12 | (word >> 7 & 1) << 11
        return signed(upper | (word >> 25 & 0x3F) << 5 | (word >> 8 & 0xF) << 1, 13)

    @property
    def immediate_u(self) -> int:
        return signed(self.word & 0xFFFF_F000, 32)

    @property
    def immediate_j(self) -> int:
        word = self.word
        upper = (word >> 31 & 1) << 20 | (word >> 12 & 0xFF) << 12
        return signed(upper | (word >> 20 & 1) << 11 | (word >> 21 & 0x3FF) << 1, 21)


@lru_cache(maxsize=1 << 16)
def decode(word: int) -> Instruction | None:
    """The instruction that a 32-bit word encodes, or None if it is illegal (M1.4)."""
    if word in (ECALL_WORD, EBREAK_WORD):
        return Instruction(name="ecall" if word == ECALL_WORD else "ebreak", kind=Kind.SYSTEM)
    fields = _Fields(
        word=word,
        rd=word >> 7 & 31,
        funct3=word >> 12 & 7,
        rs1=word >> 15 & 31,
        rs2=word >> 20 & 31,
        funct7=word >> 25,
    )
    decoder = _DECODERS.get(word & 0x7F)
    return decoder(fields) if decoder else None


def _decode_upper(name: str, fields: _Fields) -> Instruction:
    return Instruction(name=name, kind=Kind.UPPER, rd=fields.rd, immediate=fields.immediate_u)


def _decode_jump(fields: _Fields) -> Instruction:
    return Instruction(name="jal", kind=Kind.JUMP, rd=fields.rd, immediate=fields.immediate_j)


def _decode_jump_register(fields: _Fields) -> Instruction | None:
    if fields.funct3 != 0:
        return None
    return _with_immediate("jalr", Kind.JUMP_REGISTER, fields, fields.immediate_i)


def _decode_branch(fields: _Fields) -> Instruction | None:
    name = _BRANCHES.get(fields.funct3)
    if name is None:
        return None
    return Instruction(
        name=name,
        kind=Kind.BRANCH,
        rs1=fields.rs1,
        rs2=fields.rs2,
        immediate=fields.immediate_b,
    )


def _decode_load(fields: _Fields) -> Instruction | None:
    name = _LOADS.get(fields.funct3)
    return _with_immediate(name, Kind.LOAD, fields, fields.immediate_i) if name else None


def _decode_store(fields: _Fields) -> Instruction | None:
    name = _STORES.get(fields.funct3)
    if name is None:
        return None
    return Instruction(
        name=name,
        kind=Kind.STORE,
        rs1=fields.rs1,
        rs2=fields.rs2,
        immediate=fields.immediate_s,
    )


def _decode_immediate(fields: _Fields) -> Instruction | None:
    name = _IMMEDIATES.get(fields.funct3)
    if name:
        return _with_immediate(name, Kind.IMMEDIATE, fields, fields.immediate_i)
    name = _SHIFTS.get((fields.funct3, fields.funct7 >> 1))
    return _with_immediate(name, Kind.IMMEDIATE, fields, fields.word >> 20 & 63) if name else None


def _decode_immediate_32(fields: _Fields) -> Instruction | None:
    if fields.funct3 == 0:
        return _with_immediate("addiw", Kind.IMMEDIATE, fields, fields.immediate_i)
    name = _SHIFTS_32.get((fields.funct3, fields.funct7))
    return _with_immediate(name, Kind.IMMEDIATE, fields, fields.rs2) if name else None


def _decode_register(names: dict[tuple[int, int], str], fields: _Fields) -> Instruction | None:
    name = names.get((fields.funct3, fields.funct7))
    if name is None:
        return None
    return Instruction(name=name, kind=Kind.REGISTER, rd=fields.rd, rs1=fields.rs1, rs2=fields.rs2)


def _decode_fence(fields: _Fields) -> Instruction | None:
    return Instruction(name="fence", kind=Kind.FENCE) if fields.funct3 in (0, 1) else None


def _decode_fused(fields: _Fields) -> Instruction | None:
    return _float(fused_name(fields.word & 0x7F, fields.funct3, fields.funct7), fields)


def _decode_float(fields: _Fields) -> Instruction | None:
    return _float(float_name(fields.funct3, fields.rs2, fields.funct7), fields)


def _float(name: str | None, fields: _Fields) -> Instruction | None:
    if name is None:
        return None
    count = operand_count(name)
    return Instruction(
        name=name,
        kind=Kind.FLOAT,
        rd=fields.rd,
        rs1=fields.rs1,
        rs2=fields.rs2 if count > 1 else 0,
        rs3=fields.funct7 >> 2 if count > 2 else 0,
        rounding=fields.funct3 if is_rounded(name) else 0,
    )


def _with_immediate(name: str, kind: Kind, fields: _Fields, immediate: int) -> Instruction:
    return Instruction(name=name, kind=kind, rd=fields.rd, rs1=fields.rs1, immediate=immediate)


_DECODERS: dict[int, Callable[[_Fields], Instruction | None]] = {
    0x03: _decode_load,
    0x0F: _decode_fence,
    0x13: _decode_immediate,
    0x17: lambda fields: _decode_upper("auipc", fields),
    0x1B: _decode_immediate_32,
    0x23: _decode_store,
    0x33: lambda fields: _decode_register(_REGISTERS, fields),
    0x37: lambda fields: _decode_upper("lui", fields),
    0x3B: lambda fields: _decode_register(_REGISTERS_32, fields),
    **dict.fromkeys(FUSED_OPCODES, _decode_fused),
    FLOAT_OPCODE: _decode_float,
    0x63: _decode_branch,
    0x67: _decode_jump_register,
    0x6F: _decode_jump,
}
