"""Micro-runs of float instructions (machine M9), worked out here from the law and from the ROM that ships."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

from tests.machine.encode import FLOAT_ENCODINGS
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.decode import Kind, decode
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.state import MachineState, Status, final_state
from truestep.machine.witness import build_witness

ROM_IMAGE = resources.files("truestep.machine") / "rom.bin"
STACK = 0x2000_1000
STEPS_LIMIT = 2_000
_INTEGERS = ("w", "wu", "l", "lu")
_KINDS = (
    *("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fsgnj", "fsgnjn", "fsgnjx", "fmin", "fmax"),
    *("fcvt", "fle", "flt", "feq", "fclass"),
    *(f"fcvt.{integer}" for integer in _INTEGERS),
    *(f"fcvt from {integer}" for integer in _INTEGERS),
    *("fmadd", "fmsub", "fnmsub", "fnmadd"),
)


def operation_number(name: str) -> int:
    """The number of an instruction by its name (M9.2)."""
    kind, *formats = name.split(".")
    if kind == "fcvt" and formats[0] in _INTEGERS:
        kind, formats = f"fcvt.{formats[0]}", formats[1:]
    elif kind == "fcvt" and formats[1] in _INTEGERS:
        kind = f"fcvt from {formats[1]}"
    return 2 * _KINDS.index(kind) + ("s", "d").index(formats[0])


def first_registers(word: int, registers: tuple[int, ...]) -> dict[int, int]:
    """The registers that are not 0 when the micro-run of `word` begins (M9.3)."""
    instruction = decode(word)
    if instruction is None or instruction.kind is not Kind.FLOAT:
        raise ValueError(f"expected a float instruction, got {word:#010x}")
    form = FLOAT_ENCODINGS[instruction.name].form
    own = {2: STACK, 10: registers[word >> 15 & 31]}
    if form.endswith("i"):
        rounding = word >> 12 & 7
        return own | {11: 0 if rounding == 7 else rounding}
    if "1" in form:
        return own
    own[11] = registers[word >> 20 & 31]
    return own | {12: registers[word >> 27]} if "3" in form else own


def first_state(word: int, registers: tuple[int, ...], rom_root: bytes) -> MachineState:
    """State number 0 of the micro-run of `word` (M9.3)."""
    name = decode(word).name  # type: ignore[union-attr]  # `first_registers` has refused what is none
    own = first_registers(word, registers)
    return MachineState(
        pc=8 + 4 * operation_number(name),
        registers=tuple(own.get(number, 0) for number in range(32)),
        cycle=0,
        status=Status.RUNNING,
        code=0,
        memory_root=Bytes32(rom_root),
    )


def template_of(after: MachineState, rd: int) -> Bytes32:
    """What a witness says of the state after, and what a revealed one is compared with (M9.5)."""
    blank = replace(after, registers=(*after.registers[:rd], 0, *after.registers[rd + 1 :]))
    return keccak256(blank.pack() + bytes([rd]))


def after_of(before: MachineState, rd: int, result: int) -> MachineState:
    """The state after an instruction that neither jumps nor stores."""
    registers = [*before.registers]
    registers[rd] = result
    return replace(before, pc=before.pc + 4, cycle=before.cycle + 1, registers=tuple(registers))


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroRun:
    """A whole micro-run: `hashes[i]` and `witnesses[i]` belong to its state number i."""

    hashes: tuple[bytes, ...]
    witnesses: tuple[bytes, ...]
    memory_root: Bytes32
    """At the end."""
    result: int

    @property
    def cycles(self) -> int:
        """Its steps."""
        return len(self.hashes) - 1

    def hash_at(self, index: int) -> bytes:
        """State number `index`; after the end the final state stays."""
        return self.hashes[min(index, self.cycles)]

    def witness_at(self, index: int) -> bytes:
        """The witness of the step from state number `index`."""
        return self.witnesses[min(index, self.cycles)]


@cache
def micro_run(word: int, registers: tuple[int, ...]) -> MicroRun:
    """The honest micro-run of the instruction `word` that finds these registers."""
    memory = Memory()
    memory.write(0, ROM_IMAGE.read_bytes())
    first = first_state(word, registers, memory.root())
    machine = ReferenceMachine(memory, first.pc)
    machine.registers = [*first.registers]
    states, witnesses = [machine.state()], [build_witness(machine.state(), machine.node)]
    while machine.status is Status.RUNNING and machine.cycle < STEPS_LIMIT:
        machine.step()
        states.append(machine.state())
        witnesses.append(build_witness(states[-1], machine.node))
    if machine.status is not Status.EXITED:
        raise ValueError(f"expected {word:#010x} to exit, got {machine.status!r} after {machine.cycle} steps")
    return MicroRun(
        hashes=tuple(state.hash() for state in states),
        witnesses=tuple(witnesses),
        memory_root=states[-1].memory_root,
        result=machine.code,
    )


def end_hash(memory_root: Bytes32, cycles: int, result: int) -> bytes:
    """The hash of the final state that a reveal names (protocol S11.10)."""
    return final_state(memory_root=memory_root, cycle=cycles, status=Status.EXITED, code=result).hash()
