"""The float instructions of the first tier (docs/machine.md M8): the usual ones in a few host instructions.

The others are calls of functions that LLVM has compiled once (`floats_module`). Each gets the bits of up to
three registers in float registers and returns the 64 bits of the result; it keeps all host registers but RAX
and R11. `run` sets the host's rounding to the machine's.
"""

from dataclasses import replace
from functools import cache

from truestep.engine.analysis.float_types import DOUBLE, SINGLE, TYPES, FloatType
from truestep.engine.codegen.floats import emit_float, float_declarations, float_of_bits
from truestep.engine.codegen.operations import Emitter
from truestep.engine.codegen.registers import bits_of_raw
from truestep.engine.codegen.walk_floats import float_instructions
from truestep.engine.layout import CONTROL, CONTROL_FLOATS, register_offset
from truestep.engine.templates.encoding import (
    EXTEND_32,
    MOVE,
    RAX,
    RDX,
    Registers,
    between,
    skipping,
    with_control,
    with_number,
    word,
)
from truestep.machine.decode import Instruction
from truestep.machine.float_formats import Rounding
from truestep.machine.float_words import operand_count
from truestep.machine.floats import rounding_of

FUNCTIONS_LIMIT = 128
"""More than there are functions, whose number takes time to find."""
_TO_FLOAT, _FROM_FLOAT, _ROOT, _COMPARE = b"\x0f\x6e", b"\x0f\x7e", b"\x0f\x51", b"\x0f\x2e"
_BETWEEN_FORMATS, _FROM_INTEGER, _TRUNCATED = b"\x0f\x5a", b"\x0f\x2a", b"\x0f\x2c"
_ARITHMETIC = {"fadd": b"\x0f\x58", "fmul": b"\x0f\x59", "fsub": b"\x0f\x5c", "fdiv": b"\x0f\x5e"}
_FUSED = {"fmadd": 0xA9, "fmsub": 0xAB, "fnmsub": 0xAD, "fnmadd": 0xAF}
"""The opcodes of vfmadd213, vfmsub213, vfnmadd213 (the product negated) and vfnmsub213 (both)."""
_SCALAR = {SINGLE: b"\xf3", DOUBLE: b"\xf2"}
_COMPARED = {SINGLE: b"", DOUBLE: b"\x66"}
"""Prefixes of arithmetic and of comparisons."""
_IF_NO_OVERFLOW, _IF_NO_PARITY = 0x71, 0x7B
_ABOVE, _ABOVE_OR_EQUAL, _EQUAL, _NO_PARITY = b"\x0f\x97", b"\x0f\x93", b"\x0f\x94", b"\x0f\x9b"
_BYTE_TO_32 = b"\x0f\xb6"
_CALLING = b"\x41\x53" + with_control(MOVE, RAX, CONTROL + 8 * CONTROL_FLOATS) + b"\xff\x90"
"""Push R11, and call a function whose place in the table follows."""
_FIRST, _SECOND, _THIRD = 0, 1, 2
"""Float registers."""


def _function_name(instruction: Instruction) -> str:
    """The name of the function that computes an instruction."""
    return f"{instruction.name}.{rounding_of(instruction).name}"


@cache
def _functions() -> dict[str, Instruction]:
    """The functions, and an instruction that each computes."""
    named = {_function_name(each): each for each in float_instructions()}
    return dict(sorted(named.items()))


def float_functions() -> tuple[str, ...]:
    """The names of the functions, in the order of the table that the control block refers to."""
    return tuple(_functions())


def is_called(code: bytes) -> bool:
    """Whether the code of a float instruction calls a function."""
    return _CALLING in code


def float_code(at: Registers, instruction: Instruction, *, has_fused: bool) -> bytes:
    """The code of a float instruction that has a result."""
    mnemonic, *types = instruction.name.split(".")
    kind = TYPES[types[-1]] if types[-1] in TYPES else TYPES[types[0]]
    if mnemonic in _ARITHMETIC:
        made = _taken(at, _FIRST, instruction.rs1, kind) + _with(
            at, _ARITHMETIC[mnemonic], instruction.rs2, kind
        )
        return made + _settled(at, instruction.rd, kind)
    if mnemonic in _FUSED and has_fused:
        return _fused(at, mnemonic, instruction, kind)
    if mnemonic == "fsqrt":
        return _with(at, _ROOT, instruction.rs1, kind) + _settled(at, instruction.rd, kind)
    if mnemonic in ("feq", "flt", "fle"):
        return _comparison(at, mnemonic, instruction, kind)
    if mnemonic.startswith("fsgnj") and instruction.rs1 == instruction.rs2:
        return _sign(at, mnemonic, instruction, kind)
    if mnemonic == "fcvt":
        return _conversion(at, types[0], types[1], instruction)
    return _call(at, instruction) + at.save(instruction.rd, RAX)


def _taken(at: Registers, number: int, guest: int, kind: FloatType) -> bytes:
    """Copy a guest register to a float register."""
    return at.with_guest(_TO_FLOAT, number, guest, is_wide=kind is DOUBLE, prefix=b"\x66")


def _with(at: Registers, opcode: bytes, guest: int, kind: FloatType, prefix: bytes | None = None) -> bytes:
    """An instruction on the first float register and a guest register."""
    prefix = _SCALAR[kind] if prefix is None else prefix
    if guest in at.hosts:
        taken = _taken(at, _SECOND, guest, kind)
        return taken + between(opcode, _FIRST, _SECOND, is_wide=False, prefix=prefix)
    return prefix + with_control(opcode, _FIRST, register_offset(guest), is_wide=False)


def _settled(at: Registers, rd: int, kind: FloatType) -> bytes:
    """Copy the first float register to a guest register, any NaN as the canonical one (M8.3)."""
    target = at.work(rd)
    moved = between(_FROM_FLOAT, _FIRST, target, is_wide=kind is DOUBLE, prefix=b"\x66")
    if kind is SINGLE:
        moved += between(EXTEND_32, target, target)
    tested = between(_COMPARE, _FIRST, _FIRST, is_wide=False, prefix=_COMPARED[kind])
    number = kind.canonical_nan.to_bytes(8, "little")
    changed = bytes((0x48 | target >> 3, 0xB8 | target & 7)) + number
    return moved + tested + skipping(_IF_NO_PARITY, changed) + at.save(rd, target)


def _fused(at: Registers, mnemonic: str, instruction: Instruction, kind: FloatType) -> bytes:
    registers = (instruction.rs1, instruction.rs2, instruction.rs3)
    taken = b"".join(_taken(at, number, register, kind) for number, register in enumerate(registers))
    wide = (kind is DOUBLE) << 7
    operation = bytes((0xC4, 0xE2, wide | 0x71, _FUSED[mnemonic], 0xC0 | _FIRST << 3 | _THIRD))
    return taken + operation + _settled(at, instruction.rd, kind)


def _comparison(at: Registers, mnemonic: str, instruction: Instruction, kind: FloatType) -> bytes:
    """False for NaNs, with which the host's flags say below, equal and parity."""
    a, b = instruction.rs1, instruction.rs2
    if mnemonic == "feq":
        compared = _taken(at, _FIRST, a, kind) + _with(at, _COMPARE, b, kind, _COMPARED[kind])
        result = between(_EQUAL, 0, RAX) + between(_NO_PARITY, 0, RDX) + between(b"\x22", RAX, RDX)
    else:
        compared = _taken(at, _FIRST, b, kind) + _with(at, _COMPARE, a, kind, _COMPARED[kind])
        result = between(_ABOVE if mnemonic == "flt" else _ABOVE_OR_EQUAL, 0, RAX)
    return compared + result + between(_BYTE_TO_32, RAX, RAX, is_wide=False) + at.save(instruction.rd, RAX)


def _sign(at: Registers, mnemonic: str, instruction: Instruction, kind: FloatType) -> bytes:
    """A move, a negation or a magnitude."""
    rd, target = instruction.rd, at.work(instruction.rd)
    digit = {"fsgnj": None, "fsgnjn": 7, "fsgnjx": 6}[mnemonic]
    if kind is DOUBLE:
        changed = between(b"\x0f\xba", digit, target) + bytes((63,)) if digit else b""
        return at.load(target, instruction.rs1) + changed + at.save(rd, target)
    changed = between(b"\x0f\xba", digit, RAX, is_wide=False) + bytes((31,)) if digit else b""
    narrow = at.load(RAX, instruction.rs1, is_wide=False) + changed
    return narrow + between(EXTEND_32, target, RAX) + at.save(rd, target)


# --- conversions --------------------------------------------------------------------------------------------


def _conversion(at: Registers, target: str, source: str, instruction: Instruction) -> bytes:
    rounding, rd = rounding_of(instruction), instruction.rd
    if target in TYPES and source in TYPES:
        return _with(at, _BETWEEN_FORMATS, instruction.rs1, TYPES[source]) + _settled(at, rd, TYPES[target])
    is_wide = target == "l" or source == "l"
    if source in ("w", "l") and (rounding is Rounding.RNE or (source, target) == ("w", "d")):
        kind = TYPES[target]
        cleared = between(b"\x0f\x57", _FIRST, _FIRST, is_wide=False)
        made = at.with_guest(_FROM_INTEGER, _FIRST, instruction.rs1, is_wide=is_wide, prefix=_SCALAR[kind])
        return cleared + made + _settled(at, rd, kind)
    called = _call(at, instruction)
    if target in ("w", "l") and rounding is Rounding.RTZ:
        kind = TYPES[source]
        truncated = between(_TRUNCATED, RAX, _FIRST, is_wide=is_wide, prefix=_SCALAR[kind])
        # What does not fit becomes the least integer, the only one that overflows when 1 is subtracted.
        tested = with_number(7, RAX, 1, is_wide=is_wide)
        extended = b"" if is_wide else between(EXTEND_32, RAX, RAX)
        usual = _taken(at, _FIRST, instruction.rs1, kind) + truncated + tested + extended
        called = usual + skipping(_IF_NO_OVERFLOW, called)
    return called + at.save(rd, RAX)


# --- calls --------------------------------------------------------------------------------------------------


def _call(at: Registers, instruction: Instruction) -> bytes:
    """The result in RAX, from a function."""
    registers = (instruction.rs1, instruction.rs2, instruction.rs3)[: operand_count(instruction.name)]
    passed = b"".join(_taken(at, number, register, DOUBLE) for number, register in enumerate(registers))
    number = float_functions().index(_function_name(instruction))
    # One word on the stack keeps R11 and aligns it for the call.
    return passed + _CALLING + word(8 * number) + b"\x41\x5b"


class _Operands:
    """The operands of a function, by their place in the instruction."""

    def __init__(self, emit: Emitter) -> None:
        self._emit = emit

    def bits(self, register: int) -> str:
        return f"%bits{register}"

    def raw(self, register: int, kind: FloatType) -> str:
        return float_of_bits(self._emit, kind, self.bits(register))


def floats_module() -> str:
    """The IR of the functions."""
    return float_declarations() + "".join(_function(name, each) for name, each in _functions().items())


def _function(name: str, instruction: Instruction) -> str:
    emit = Emitter()
    placed = replace(instruction, rs1=1, rs2=2, rs3=3)
    result = emit_float(emit, placed, _Operands(emit))
    bits = bits_of_raw(emit, result.type, result.value) if result.type else result.value
    body = "\n".join(emit.lines)
    return f"""
define preserve_mostcc i64 @"{name}"(double %1, double %2, double %3) nounwind {{
  %bits1 = bitcast double %1 to i64
  %bits2 = bitcast double %2 to i64
  %bits3 = bitcast double %3 to i64
{body}
  ret i64 {bits}
}}
"""
