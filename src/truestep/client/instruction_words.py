"""One instruction in words, for people who do not read assembly."""

from truestep.machine.arithmetic import ACCESS_SIZES_BYTES, IMMEDIATE_FORMS, SIGNED_LOADS
from truestep.machine.decode import Instruction, Kind, decode
from truestep.machine.float_formats import Rounding
from truestep.machine.float_words import operand_count
from truestep.machine.floats import rounding_of

REGISTER_NAMES = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"),
    *(f"a{number}" for number in range(8)),
    *(f"s{number}" for number in range(2, 12)),
    *("t3", "t4", "t5", "t6"),
)
"""The calling convention's names of x0..x31."""

_SIGNS = {
    **{"add": "+", "sub": "-", "and": "and", "or": "or", "xor": "xor"},
    **{"sll": "shifted left by", "srl": "shifted right by", "sra": "shifted right (keeping the sign) by"},
    **{"slt": "< (signed)", "sltu": "<", "mul": "times"},
    **{"div": "divided by (signed)", "divu": "divided by", "rem": "modulo (signed)", "remu": "modulo"},
}
_HIGH_HALVES = {"mulh": " (signed)", "mulhu": "", "mulhsu": " (the first signed)"}
_COMPARISONS = {"beq": "=", "bne": "≠", "blt": "< (signed)", "bge": "≥ (signed)", "bltu": "<", "bgeu": "≥"}


def assembly(word: int) -> str:
    """The instruction as an assembler would write it."""
    instruction = decode(word)
    if instruction is None:
        return f".word {word:#010x}"
    rd, rs1, rs2 = _registers(instruction)
    immediate = instruction.immediate
    match instruction.kind:
        case Kind.REGISTER:
            operands = f"{rd}, {rs1}, {rs2}"
        case Kind.IMMEDIATE:
            operands = f"{rd}, {rs1}, {immediate}"
        case Kind.UPPER:
            operands = f"{rd}, {immediate >> 12 & 0xFFFFF:#x}"
        case Kind.LOAD | Kind.JUMP_REGISTER:
            operands = f"{rd}, {immediate}({rs1})"
        case Kind.STORE:
            operands = f"{rs2}, {immediate}({rs1})"
        case Kind.BRANCH:
            operands = f"{rs1}, {rs2}, pc{immediate:+}"
        case Kind.JUMP:
            operands = f"{rd}, pc{immediate:+}"
        case Kind.FLOAT:
            operands = ", ".join((rd, *_float_operands(instruction)))
        case Kind.FENCE | Kind.SYSTEM:
            operands = ""
    return f"{instruction.name} {operands}".strip()


def in_words(word: int) -> str:
    """What the instruction does, in a short sentence without a full stop."""
    instruction = decode(word)
    if instruction is None:
        return "not an instruction of this machine: it traps"
    rd, rs1, rs2 = _registers(instruction)
    immediate = instruction.immediate
    match instruction.kind:
        case Kind.REGISTER:
            return f"{rd} becomes {_operation(instruction.name, rs1, rs2)}"
        case Kind.IMMEDIATE:
            return f"{rd} becomes {_immediate_operation(instruction.name, rs1, immediate)}"
        case Kind.UPPER:
            return f"{rd} becomes {'pc + ' if instruction.name == 'auipc' else ''}{immediate:#x}"
        case Kind.LOAD:
            return f"load {_bytes(instruction)}{_sign(instruction)} from address {rs1}{immediate:+} into {rd}"
        case Kind.STORE:
            return f"store {_bytes(instruction)} of {rs2} at address {rs1}{immediate:+}"
        case Kind.BRANCH:
            comparison = _COMPARISONS[instruction.name]
            return f"if {rs1} {comparison} {rs2}, jump {_distance(immediate)}"
        case Kind.JUMP:
            return f"jump {_distance(immediate)}{_link(instruction, rd)}"
        case Kind.JUMP_REGISTER:
            return f"jump to address {rs1}{immediate:+}{_link(instruction, rd)}"
        case Kind.FLOAT:
            return f"{rd} becomes {instruction.name} of {', '.join(_float_operands(instruction))}"
        case Kind.FENCE:
            return "do nothing: there is one hart to order"
        case Kind.SYSTEM:
            return "trap: a breakpoint" if instruction.name == "ebreak" else "exit, or show debug output"


def _registers(instruction: Instruction) -> tuple[str, str, str]:
    return (
        REGISTER_NAMES[instruction.rd],
        REGISTER_NAMES[instruction.rs1],
        REGISTER_NAMES[instruction.rs2],
    )


def _float_operands(instruction: Instruction) -> list[str]:
    """The registers that a float instruction reads, and how it rounds if not to the nearest."""
    registers = (instruction.rs1, instruction.rs2, instruction.rs3)[: operand_count(instruction.name)]
    names = [REGISTER_NAMES[register] for register in registers]
    rounding = rounding_of(instruction)
    return [*names, rounding.name.lower()] if rounding is not Rounding.RNE else names


def _operation(name: str, left: str, right: str) -> str:
    """`left op right` for a register operation; the W forms work on 32 bits."""
    if name in _HIGH_HALVES:
        return f"the high half of {left} times {right}{_HIGH_HALVES[name]}"
    if name in _SIGNS:
        return f"{left} {_SIGNS[name]} {right}"
    return f"{left} {_SIGNS[name.removesuffix('w')]} {right}, in 32 bits"


def _immediate_operation(name: str, left: str, immediate: int) -> str:
    base = IMMEDIATE_FORMS[name]
    return left if base == "add" and immediate == 0 else _operation(base, left, str(immediate))


def _sign(instruction: Instruction) -> str:
    """How a load fills the rest of the register; eight bytes fill all of it."""
    if ACCESS_SIZES_BYTES[instruction.name] == 8:
        return ""
    return " (signed)" if instruction.name in SIGNED_LOADS else " (unsigned)"


def _bytes(instruction: Instruction) -> str:
    size_bytes = ACCESS_SIZES_BYTES[instruction.name]
    return f"{size_bytes} byte{'s' if size_bytes > 1 else ''}"


def _distance(immediate: int) -> str:
    return f"{abs(immediate)} bytes {'back' if immediate < 0 else 'ahead'}"


def _link(instruction: Instruction, rd: str) -> str:
    return f" and keep the return address in {rd}" if instruction.rd else ""
