"""Micro-runs: runs of the ROM's integer code that define the float instructions (docs/machine.md M9)."""

from dataclasses import replace
from functools import cache
from importlib.resources import files

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32
from truestep.base.integers import wrap32, wrap64
from truestep.commitments.keccak import keccak256
from truestep.machine.decode import Instruction, Kind
from truestep.machine.float_words import operand_count
from truestep.machine.floats import INTEGER_BITS, rounding_of
from truestep.machine.interpreter import A0, A1, A2, ReferenceMachine
from truestep.machine.memory import Memory
from truestep.machine.state import REGISTER_COUNT, MachineState, Status

ROM_LIMIT_BYTES = 1 << 16
ROM_FILE = "rom.bin"
MICRO_CYCLES_LIMIT = 2_000
"""Every micro-run exits within this many cycles (M9.4)."""
STACK_TOP = 0x2000_1000
ENTRIES_START, ENTRY_SIZE_BYTES = 8, 4
"""Where the ROM's entries begin (M9.3)."""

_SP = 2
_KINDS = (
    *("fadd", "fsub", "fmul", "fdiv", "fsqrt", "fsgnj", "fsgnjn", "fsgnjx", "fmin", "fmax"),
    *("between formats", "fle", "flt", "feq", "fclass"),
    *("to w", "to wu", "to l", "to lu", "from w", "from wu", "from l", "from lu"),
    *("fmadd", "fmsub", "fnmsub", "fnmadd"),
)
"""In the order of M9.2."""
_FORMAT_NUMBERS = {"s": 0, "d": 1}


def is_played_out(instruction: Instruction | None) -> bool:
    """Whether a micro-run decides the instruction: it is a float instruction with a result (M9.5)."""
    return instruction is not None and instruction.kind is Kind.FLOAT and instruction.rd != 0


def operation_number(instruction: Instruction) -> int:
    """The number of a float instruction's operation, 0..53 (M9.2)."""
    kind, letter = _kind_and_format(instruction)
    return 2 * _KINDS.index(kind) + _FORMAT_NUMBERS[letter]


def rom() -> bytes:
    """The ROM's image, from address 0 (M9.1)."""
    return _rom_memory_and_image()[1]


def rom_root() -> Bytes32:
    """The memory root that every micro-run begins with (M9.1)."""
    return _rom_memory_and_image()[0].root()


def micro_start(state: MachineState, instruction: Instruction) -> MachineState:
    """The first state of the micro-run of the float instruction that `state` is about to execute (M9.3)."""
    registers = [0] * REGISTER_COUNT
    registers[_SP] = STACK_TOP
    count = operand_count(instruction.name)
    sources = (instruction.rs1, instruction.rs2, instruction.rs3)[:count]
    for argument, source in zip((A0, A1, A2), sources, strict=False):
        registers[argument] = state.registers[source]
    if _converts_integer(instruction):
        registers[A1] = int(rounding_of(instruction))
    return MachineState(
        pc=ENTRIES_START + ENTRY_SIZE_BYTES * operation_number(instruction),
        registers=tuple(registers),
        cycle=0,
        status=Status.RUNNING,
        code=0,
        memory_root=rom_root(),
    )


def micro_machine(start: MachineState) -> ReferenceMachine:
    """A machine with the ROM, in the first state of a micro-run."""
    machine = ReferenceMachine(_rom_memory_and_image()[0].copy(), start.pc)
    machine.registers = list(start.registers)
    return machine


def micro_end(start: MachineState) -> MachineState:
    """The final state of a micro-run: its code is the instruction's result, its cycle the number of steps."""
    machine = micro_machine(start)
    machine.advance(MICRO_CYCLES_LIMIT)
    if machine.status is not Status.EXITED:
        raise Bug(
            f"the micro-run from {start.pc:#x} with {start.registers[A0 : A2 + 1]} has not exited after"
            f" {machine.cycle} steps (M9.4)"
        )
    return machine.state()


def state_after(state: MachineState, rd: int, result: int) -> MachineState:
    """The state after a float instruction that has this result."""
    registers = list(state.registers)
    registers[rd] = result
    registers[0] = 0
    return replace(
        state,
        pc=wrap32(state.pc + 4),
        cycle=wrap64(state.cycle + 1),
        code=0,
        registers=tuple(registers),
    )


def template(after: MachineState, rd: int) -> Bytes32:
    """A hash of what a witness decides about the state after a float instruction: all but rd (M9.5)."""
    registers = list(after.registers)
    registers[rd] = 0
    return keccak256(replace(after, registers=tuple(registers)).pack() + rd.to_bytes(1, "big"))


def _kind_and_format(instruction: Instruction) -> tuple[str, str]:
    mnemonic, first, *rest = instruction.name.split(".")
    if mnemonic != "fcvt":
        return mnemonic, first
    target, source = first, rest[0]
    if target in INTEGER_BITS:
        return f"to {target}", source
    return (f"from {source}" if source in INTEGER_BITS else "between formats"), target


def _converts_integer(instruction: Instruction) -> bool:
    return _kind_and_format(instruction)[0].startswith(("to ", "from "))


@cache
def _rom_memory_and_image() -> tuple[Memory, bytes]:
    image_file = files("truestep.machine").joinpath(ROM_FILE)
    if not image_file.is_file():
        raise Bug(f"expected the ROM at truestep/machine/{ROM_FILE}, got none; in a checkout run `make rom`")
    image = image_file.read_bytes()
    if not 0 < len(image) <= ROM_LIMIT_BYTES:
        raise Bug(f"expected a ROM of 1 to {ROM_LIMIT_BYTES} bytes, got {len(image)}")
    memory = Memory()
    memory.write(0, image)
    return memory, image
