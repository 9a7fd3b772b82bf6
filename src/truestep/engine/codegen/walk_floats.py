"""The float instructions of the native walk (engine.walk)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from itertools import product

from truestep.engine.analysis.float_types import FloatType
from truestep.engine.codegen.floats import emit_float, float_of_bits
from truestep.engine.codegen.operations import Emitter
from truestep.engine.codegen.registers import bits_of_raw
from truestep.machine.decode import Instruction, decode
from truestep.machine.float_words import FLOAT_OPCODE, FUSED_OPCODES

Case = Callable[[], None]
Switch = Callable[[str, Mapping[int, Case]], None]
"""Writes a block for each value; everything else is left to the reference machine."""
WriteBack = Callable[[str], None]

_SELECTED_BY_RS2 = 4
"""The most instructions that differ in the field rs2 alone."""
_FORMATS, _FUNCT3, _REGISTERS = (0, 1), range(8), range(32)
_OPERANDS = {1: "%a", 2: "%b", 3: "%c"}


class _Operands:
    """The operands of the instruction that is being walked, by their place in it."""

    def __init__(self, emit: Emitter) -> None:
        self._emit = emit

    def bits(self, register: int) -> str:
        return _OPERANDS[register]

    def raw(self, register: int, kind: FloatType) -> str:
        return float_of_bits(self._emit, kind, _OPERANDS[register])


class FloatWalk:
    """Writes float instructions: the operands are in %a, %b and, of `rs3`, in %c."""

    def __init__(self, emit: Emitter, switch: Switch, write_back: WriteBack, funct3: int) -> None:
        self._emit = emit
        self._switch = switch
        self._write_back = write_back
        self._funct3 = funct3

    def floats(self) -> None:
        """Write the instructions with opcode 0x53."""
        upper = self._emit.value("lshr i32 %word, 25")
        self._switch(upper, {funct7: partial(self._with, funct7) for funct7 in _float_words()})

    def _with(self, funct7: int) -> None:
        by_rs2 = _float_words()[funct7]
        if len(by_rs2) == len(_REGISTERS):
            self._rounded(by_rs2[0])
        else:
            rs2 = self._emit.value("trunc i64 %rs2 to i32")
            self._switch(rs2, {number: partial(self._rounded, by_rs2[number]) for number in by_rs2})

    def _rounded(self, by_funct3: dict[int, Instruction]) -> None:
        if self._funct3 in by_funct3:
            self._write(by_funct3[self._funct3])
        else:
            self._emit.line("br label %leave")

    def fused(self, opcode: int) -> None:
        """Write the multiply-adds with this opcode."""
        upper = self._emit.value("lshr i32 %word, 25")
        form = self._emit.value(f"and i32 {upper}, 3")
        cases: dict[int, Case] = {}
        for number in _FORMATS:
            found = {f3: decode(number << 25 | f3 << 12 | opcode) for f3 in _FUNCT3}
            cases[number] = partial(self._rounded, {f3: each for f3, each in found.items() if each})
        self._switch(form, cases)

    def _write(self, instruction: Instruction) -> None:
        placed = replace(instruction, rs1=1, rs2=2, rs3=3)
        result = emit_float(self._emit, placed, _Operands(self._emit))
        self._write_back(bits_of_raw(self._emit, result.type, result.value) if result.type else result.value)


@cache
def _float_words() -> dict[int, dict[int, dict[int, Instruction]]]:
    """The legal words with opcode 0x53 by funct7, rs2 and funct3."""
    words: dict[int, dict[int, dict[int, Instruction]]] = {}
    for funct7 in (funct5 << 2 | form for funct5 in _REGISTERS for form in _FORMATS):
        for rs2 in _REGISTERS:
            base = funct7 << 25 | rs2 << 20 | FLOAT_OPCODE
            found = {f3: each for f3 in _FUNCT3 if (each := decode(base | f3 << 12))}
            if found:
                words.setdefault(funct7, {})[rs2] = found
    return words


def float_instructions() -> Iterator[Instruction]:
    """An instruction of each kind there is."""
    uppers = [funct5 << 2 | form for funct5 in _REGISTERS for form in _FORMATS]
    words = [
        upper << 25 | rs2 << 20 | funct3 << 12 | FLOAT_OPCODE
        for upper, rs2, funct3 in product(uppers, range(_SELECTED_BY_RS2), _FUNCT3)
    ]
    words += [form << 25 | opcode for form, opcode in product(_FORMATS, FUSED_OPCODES)]
    yield from (each for word in words if (each := decode(word)))
