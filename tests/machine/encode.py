"""An assembler of single instructions, written from the specification's tables and not from the decoder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Encoding:
    """Format letter and fixed fields of one instruction (RISC-V unprivileged specification, chapter 35)."""

    form: str
    opcode: int
    funct3: int = 0
    funct7: int = 0


def _family(form: str, opcode: int, *rows: tuple[str, int, int]) -> dict[str, Encoding]:
    return {name: Encoding(form, opcode, funct3, funct7) for name, funct3, funct7 in rows}


ENCODINGS: dict[str, Encoding] = {
    **_family("U", 0b0110111, ("lui", 0, 0)),
    **_family("U", 0b0010111, ("auipc", 0, 0)),
    **_family("J", 0b1101111, ("jal", 0, 0)),
    **_family("I", 0b1100111, ("jalr", 0, 0)),
    **_family("B", 0b1100011, ("beq", 0, 0), ("bne", 1, 0), ("blt", 4, 0), ("bge", 5, 0)),
    **_family("B", 0b1100011, ("bltu", 6, 0), ("bgeu", 7, 0)),
    **_family("I", 0b0000011, ("lb", 0, 0), ("lh", 1, 0), ("lw", 2, 0), ("ld", 3, 0)),
    **_family("I", 0b0000011, ("lbu", 4, 0), ("lhu", 5, 0), ("lwu", 6, 0)),
    **_family("S", 0b0100011, ("sb", 0, 0), ("sh", 1, 0), ("sw", 2, 0), ("sd", 3, 0)),
    **_family("I", 0b0010011, ("addi", 0, 0), ("slti", 2, 0), ("sltiu", 3, 0)),
    **_family("I", 0b0010011, ("xori", 4, 0), ("ori", 6, 0), ("andi", 7, 0)),
    **_family("shift", 0b0010011, ("slli", 1, 0), ("srli", 5, 0), ("srai", 5, 0b0100000)),
    **_family("R", 0b0110011, ("add", 0, 0), ("sub", 0, 0b0100000), ("sll", 1, 0), ("slt", 2, 0)),
    **_family("R", 0b0110011, ("sltu", 3, 0), ("xor", 4, 0), ("srl", 5, 0), ("sra", 5, 0b0100000)),
    **_family("R", 0b0110011, ("or", 6, 0), ("and", 7, 0)),
    **_family("I", 0b0011011, ("addiw", 0, 0)),
    **_family("shift32", 0b0011011, ("slliw", 1, 0), ("srliw", 5, 0), ("sraiw", 5, 0b0100000)),
    **_family("R", 0b0111011, ("addw", 0, 0), ("subw", 0, 0b0100000), ("sllw", 1, 0)),
    **_family("R", 0b0111011, ("srlw", 5, 0), ("sraw", 5, 0b0100000)),
    **_family("R", 0b0110011, ("mul", 0, 1), ("mulh", 1, 1), ("mulhsu", 2, 1), ("mulhu", 3, 1)),
    **_family("R", 0b0110011, ("div", 4, 1), ("divu", 5, 1), ("rem", 6, 1), ("remu", 7, 1)),
    **_family("R", 0b0111011, ("mulw", 0, 1), ("divw", 4, 1), ("divuw", 5, 1)),
    **_family("R", 0b0111011, ("remw", 6, 1), ("remuw", 7, 1)),
    **_family("fence", 0b0001111, ("fence", 0, 0), ("fence.i", 1, 0)),
    "ecall": Encoding("fixed", 0x0000_0073),
    "ebreak": Encoding("fixed", 0x0010_0073),
}
"""Every instruction of the machine (docs/machine.md M1), by the assembler's name."""

REGISTER_FORMS = [name for name, encoding in ENCODINGS.items() if encoding.form == "R"]
IMMEDIATE_FORMS = [name for name, e in ENCODINGS.items() if e.form == "I" and e.opcode in (0x13, 0x1B)]
SHIFTS = [name for name, encoding in ENCODINGS.items() if encoding.form.startswith("shift")]
BRANCHES = [name for name, encoding in ENCODINGS.items() if encoding.form == "B"]
LOADS = [name for name, encoding in ENCODINGS.items() if encoding.opcode == 0b0000011]
STORES = [name for name, encoding in ENCODINGS.items() if encoding.form == "S"]
ACCESS_SIZES_BYTES = {name: 1 << (ENCODINGS[name].funct3 & 3) for name in (*LOADS, *STORES)}


def encode(name: str, *, rd: int = 0, rs1: int = 0, rs2: int = 0, immediate: int = 0) -> int:
    """The word of an instruction; `immediate` may be negative. Fields that the form lacks are ignored."""
    encoding = ENCODINGS[name]
    base = encoding.opcode | encoding.funct3 << 12
    match encoding.form:
        case "R":
            return base | rd << 7 | rs1 << 15 | rs2 << 20 | encoding.funct7 << 25
        case "I" | "fence":
            return base | rd << 7 | rs1 << 15 | (immediate & 0xFFF) << 20
        case "shift":
            return base | rd << 7 | rs1 << 15 | (immediate & 63) << 20 | encoding.funct7 << 25
        case "shift32":
            return base | rd << 7 | rs1 << 15 | (immediate & 31) << 20 | encoding.funct7 << 25
        case "S":
            return base | (immediate & 31) << 7 | rs1 << 15 | rs2 << 20 | (immediate >> 5 & 127) << 25
        case "B":
            low = (immediate >> 11 & 1) << 7 | (immediate >> 1 & 15) << 8
            return (
                base
                | low
                | rs1 << 15
                | rs2 << 20
                | _bits(immediate, 10, 5) << 25
                | _bits(immediate, 12, 12) << 31
            )
        case "U":
            return base | rd << 7 | (immediate & 0xFFFF_F000)
        case "J":
            low = _bits(immediate, 19, 12) << 12 | _bits(immediate, 11, 11) << 20
            return base | rd << 7 | low | _bits(immediate, 10, 1) << 21 | _bits(immediate, 20, 20) << 31
        case _:
            return base


def _bits(value: int, high: int, low: int) -> int:
    return value >> low & (1 << (high - low + 1)) - 1
