"""The ROM's image on this project's machines: in the reference one by one, in the JIT for whole arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.rom.host import U64Array
from tests.rom.operations import Operation
from truestep.engine.jit import JitEngine
from truestep.guest.toolchain import find_toolchain
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import A0, ReferenceMachine
from truestep.machine.layout import OUTPUT_SIZE_START, OUTPUT_START
from truestep.machine.memory import Memory
from truestep.machine.program import Program, Segment, Task
from truestep.machine.state import Status

ENTRIES, STACK_POINTER, STACK_TOP = 8, 2, 0x2000_1000
"""M9.3."""
CYCLES_LIMIT = 2_000
"""M9.4."""
_FLAGS = (
    "-target",
    "riscv64-freestanding-none",
    "-mcpu=generic_rv64+m",
    "-O2",
    "-g0",
    "-nostdlib",
    "-static",
)
_HARNESS, _SCRIPT = (Path(__file__).with_name(f"machine.{suffix}") for suffix in ("c", "ld"))


def entry_of(operation: Operation) -> int:
    """Where the operation's micro-runs begin (M9.3)."""
    return ENTRIES + 4 * operation.number


class RomOnJit:
    """The image at address 0 and a guest that calls it, in translated code."""

    def __init__(self, image: bytes, directory: Path) -> None:
        """Build the guest in `directory`."""
        linked = directory / "harness.elf"
        find_toolchain().run(
            *("cc", *_FLAGS, "-fno-sanitize=all", "-s", "-T", str(_SCRIPT), str(_HARNESS), "-o", str(linked))
        )
        harness = load_elf(linked.read_bytes())
        rom = Segment(address=0, content=image, is_executable=True)
        self._program = Program(entry=harness.entry, segments=(rom, *harness.segments))
        self._engine = JitEngine()

    def apply(self, operation: Operation, a: U64Array, b: U64Array, c: U64Array) -> U64Array:
        """What the image gives for each a0, a1, a2."""
        request = np.concatenate([np.array([entry_of(operation), a.size], dtype=np.uint64), a, b, c])
        machine = self._engine.start(self._program, Task(input=request.tobytes()))
        machine.advance(CYCLES_LIMIT * (a.size + 10))
        if machine.status is not Status.EXITED or machine.code != 0:
            raise RuntimeError(
                f"{operation.name}: expected a run that exits, got {machine.status!r} {machine.code}"
            )
        size_bytes = int.from_bytes(machine.read_memory(OUTPUT_SIZE_START, 8), "little")
        return np.frombuffer(machine.read_memory(OUTPUT_START, size_bytes), dtype=np.uint64)


class RomOnReference:
    """Micro-runs, step by step (M9.3, M9.4)."""

    def __init__(self, image: bytes) -> None:
        self._memory = Memory()
        self._memory.write(0, image)

    def run(self, operation: Operation, a: int, b: int, c: int) -> tuple[int, int]:
        """One micro-run: its result and its length in cycles."""
        machine = ReferenceMachine(self._memory, entry_of(operation))
        machine.registers[STACK_POINTER] = STACK_TOP
        machine.registers[A0 : A0 + 3] = [a, b, c]
        machine.advance(CYCLES_LIMIT)
        if machine.status is not Status.EXITED:
            raise RuntimeError(f"{operation.name} {a:#x} {b:#x} {c:#x}: no exit after {machine.cycle} cycles")
        return machine.code, machine.cycle

    def apply(self, operation: Operation, a: U64Array, b: U64Array, c: U64Array) -> tuple[U64Array, U64Array]:
        """Results and lengths for each a0, a1, a2."""
        rows = zip(a.tolist(), b.tolist(), c.tolist(), strict=True)
        runs = np.array([self.run(operation, *row) for row in rows], dtype=np.uint64)
        return np.ascontiguousarray(runs[:, 0]), np.ascontiguousarray(runs[:, 1])
