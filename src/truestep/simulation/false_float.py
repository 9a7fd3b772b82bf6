"""An engine that falsifies one float result and computes honestly from there on."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from truestep.base.ids import Bytes32
from truestep.engine.runtime.machine import JitMachine
from truestep.machine.decode import Instruction, decode
from truestep.machine.interpreter import ReferenceMachine
from truestep.machine.layout import may_fetch
from truestep.machine.micro import is_played_out
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState, Status
from truestep.ports.engine import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseResult:
    """In the first float result at or after state number `cycle`, the bits of `mask` are flipped."""

    cycle: int
    mask: int = 1 << 40
    """The default is a bit in the middle of a double's fraction."""


class FalseFloatEngine:
    """Satisfies `truestep.ports.engine.Engine` over the reference machine or the JIT engine.

    The wrong value is in a register, and every later state follows from it. A dispute over it ends in the
    micro-run of that one float instruction.
    """

    def __init__(self, engine: Engine, fault: FalseResult) -> None:
        self._engine = engine
        self._fault = fault

    @property
    def name(self) -> str:
        """Its name in reports."""
        return f"falsified {self._engine.name}"

    def start(
        self, program: Program, task: Task, *, debug_sink: Callable[[bytes], None] | None = None
    ) -> "FalseFloatMachine":
        """A machine in state number 0 of the run."""
        machine = self._engine.start(program, task, debug_sink=debug_sink)
        if not isinstance(machine, ReferenceMachine | JitMachine):
            raise TypeError(f"expected a machine whose registers can be set, got one of {self._engine.name}")
        return FalseFloatMachine(machine, self._fault)


class FalseFloatMachine:
    """Satisfies `truestep.ports.engine.Machine`: an honest machine, but one register is altered once."""

    def __init__(self, machine: ReferenceMachine | JitMachine, fault: FalseResult) -> None:
        self._machine = machine
        self._fault = fault
        self._is_done = False

    @property
    def cycle(self) -> int:
        """Steps taken so far."""
        return self._machine.cycle

    @property
    def status(self) -> Status:
        """Whether it still runs."""
        return self._machine.status

    @property
    def code(self) -> int:
        """Exit code or trap cause."""
        return self._machine.code

    def advance(self, until_cycle: int) -> None:
        """Run on, and falsify the first float result at or after the fault's cycle."""
        if not self._is_done and until_cycle > self._fault.cycle:
            self._machine.advance(self._fault.cycle)
            self._step_to_the_lie(until_cycle)
        self._machine.advance(until_cycle)

    def state(self) -> MachineState:
        """The state."""
        return self._machine.state()

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory's tree."""
        return self._machine.node(level, index)

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """Bytes of the memory."""
        return self._machine.read_memory(address, size_bytes)

    def _step_to_the_lie(self, until_cycle: int) -> None:
        machine = self._machine
        while machine.cycle < until_cycle and machine.status is Status.RUNNING:
            instruction = _float_at(machine)
            machine.advance(machine.cycle + 1)
            if instruction is not None:
                _flip(machine, instruction.rd, self._fault.mask)
                self._is_done = True
                return


def _float_at(machine: ReferenceMachine | JitMachine) -> Instruction | None:
    """The next instruction, if it is a float instruction with a result; otherwise None."""
    pc = machine.pc if isinstance(machine, ReferenceMachine) else machine.position().pc
    if not may_fetch(pc):
        return None
    instruction = decode(int.from_bytes(machine.read_memory(pc, 4), "little"))
    return instruction if is_played_out(instruction) else None


def _flip(machine: ReferenceMachine | JitMachine, register: int, mask: int) -> None:
    if isinstance(machine, ReferenceMachine):
        machine.registers[register] ^= mask
        return
    position = machine.position()
    registers = list(position.registers)
    registers[register] ^= mask
    machine.move_to(replace(position, registers=tuple(registers)))
