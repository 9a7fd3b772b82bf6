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
    rs2: int = 0


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

FORMATS = {"s": 0b00, "d": 0b01}
INTEGERS = {"w": 0b00000, "wu": 0b00001, "l": 0b00010, "lu": 0b00011}


def _float_family(form: str, opcode: int, letter: str, *rows: tuple[str, int, int]) -> dict[str, Encoding]:
    """Rows are name, funct3 and funct5."""
    return {
        f"{name}.{letter}": Encoding(form, opcode, funct3, funct5 << 2 | FORMATS[letter])
        for name, funct3, funct5 in rows
    }


def _conversion(form: str, funct5: int, target: str, source: str) -> dict[str, Encoding]:
    selector = INTEGERS[source if target in FORMATS else target] if form == "F1ri" else FORMATS[source]
    float_letter = target if target in FORMATS else source
    encoding = Encoding(form, 0b1010011, 0, funct5 << 2 | FORMATS[float_letter], selector)
    return {f"fcvt.{target}.{source}": encoding}


def _floats(letter: str) -> dict[str, Encoding]:
    """All of one format (chapters 20, 21, 23)."""
    other = "d" if letter == "s" else "s"
    encodings = {
        **_float_family("F2r", 0b1010011, letter, ("fadd", 0, 0b00000), ("fsub", 0, 0b00001)),
        **_float_family("F2r", 0b1010011, letter, ("fmul", 0, 0b00010), ("fdiv", 0, 0b00011)),
        **_float_family("F2", 0b1010011, letter, ("fsgnj", 0, 0b00100), ("fsgnjn", 1, 0b00100)),
        **_float_family("F2", 0b1010011, letter, ("fsgnjx", 2, 0b00100)),
        **_float_family("F2", 0b1010011, letter, ("fmin", 0, 0b00101), ("fmax", 1, 0b00101)),
        **_float_family("F2", 0b1010011, letter, ("fle", 0, 0b10100), ("flt", 1, 0b10100)),
        **_float_family("F2", 0b1010011, letter, ("feq", 2, 0b10100)),
        **_float_family("F1", 0b1010011, letter, ("fclass", 1, 0b11100)),
        **_float_family("F1r", 0b1010011, letter, ("fsqrt", 0, 0b01011)),
        **_conversion("F1r", 0b01000, letter, other),
    }
    for opcode, name in ((0x43, "fmadd"), (0x47, "fmsub"), (0x4B, "fnmsub"), (0x4F, "fnmadd")):
        encodings |= _float_family("F3r", opcode, letter, (name, 0, 0))
    for integer in INTEGERS:
        encodings |= _conversion("F1ri", 0b11000, integer, letter)
        encodings |= _conversion("F1ri", 0b11010, letter, integer)
    return encodings


FLOAT_ENCODINGS: dict[str, Encoding] = {**_floats("s"), **_floats("d")}
"""Every float instruction (M8). In `form` stands how many registers it reads, r if it rounds, i if between
an integer and a float, with five roundings."""

REGISTER_FORMS = [name for name, encoding in ENCODINGS.items() if encoding.form == "R"]
IMMEDIATE_FORMS = [name for name, e in ENCODINGS.items() if e.form == "I" and e.opcode in (0x13, 0x1B)]
SHIFTS = [name for name, encoding in ENCODINGS.items() if encoding.form.startswith("shift")]
BRANCHES = [name for name, encoding in ENCODINGS.items() if encoding.form == "B"]
LOADS = [name for name, encoding in ENCODINGS.items() if encoding.opcode == 0b0000011]
STORES = [name for name, encoding in ENCODINGS.items() if encoding.form == "S"]
ACCESS_SIZES_BYTES = {name: 1 << (ENCODINGS[name].funct3 & 3) for name in (*LOADS, *STORES)}


def encode_float(
    name: str, *, rd: int = 0, rs1: int = 0, rs2: int = 0, rs3: int = 0, rounding: int = 0
) -> int:
    """The word of a float instruction. Fields that the form lacks are ignored."""
    encoding = FLOAT_ENCODINGS[name]
    funct3 = rounding if "r" in encoding.form else encoding.funct3
    selector = encoding.rs2 if "1" in encoding.form else rs2
    funct7 = encoding.funct7 | (rs3 << 2 if "3" in encoding.form else 0)
    return encoding.opcode | rd << 7 | funct3 << 12 | rs1 << 15 | selector << 20 | funct7 << 25


def encode(name: str, *, rd: int = 0, rs1: int = 0, rs2: int = 0, immediate: int = 0) -> int:
    """The word of an integer instruction; `immediate` may be negative. Fields the form lacks are ignored."""
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
