"""The reference machine: one step at a time, each clause of docs/machine.md in its plainest form."""

from collections.abc import Callable

from truestep.base.ids import Bytes32
from truestep.base.integers import sign_extend, wrap32, wrap64
from truestep.machine.arithmetic import (
    ACCESS_SIZES_BYTES,
    CONDITIONS,
    IMMEDIATE_FORMS,
    OPERATIONS,
    SIGNED_LOADS,
)
from truestep.machine.decode import Instruction, Kind, decode
from truestep.machine.floats import operate
from truestep.machine.layout import may_fetch, may_store, readable_size
from truestep.machine.memory import AddressSpace
from truestep.machine.program import Program, Task, initial_memory
from truestep.machine.state import REGISTER_COUNT, MachineState, Status, TrapCause

A0, A1, A2, A7 = 10, 11, 12, 17
"""Registers of the calling convention that `ecall` reads (M4.4)."""
ECALL_WRITE = 64
ECALL_EXIT = 93
DEBUG_WRITE_LIMIT_BYTES = 1 << 16
"""A longer debug write is truncated: the guest chooses the length, but the host pays for it."""

DebugSink = Callable[[bytes], None]


class Trap(Exception):
    """Ends a step: the machine traps and enters its final state (M5.1)."""

    def __init__(self, cause: TrapCause) -> None:
        super().__init__(cause.name)
        self.cause = cause


class ReferenceMachine:
    """A run in the reference interpreter. Satisfies `truestep.ports.engine.Machine`."""

    def __init__(self, memory: AddressSpace, entry: int, *, debug_sink: DebugSink | None = None) -> None:
        self.memory = memory
        self.registers = [0] * REGISTER_COUNT
        self.pc = entry
        self.cycle = 0
        self.status = Status.RUNNING
        self.code = 0
        self._debug_sink = debug_sink

    def advance(self, until_cycle: int) -> None:
        """Step until `cycle` reaches `until_cycle` or the machine is final."""
        while self.cycle < until_cycle and self.status is Status.RUNNING:
            self.step()

    def step(self) -> None:
        """One step (M4.1); a final state stays as it is (M2.4)."""
        if self.status is not Status.RUNNING:
            return
        self.cycle = wrap64(self.cycle + 1)
        try:
            _EXECUTORS_BY_KIND[(instruction := self._fetch()).kind](self, instruction)
        except Trap as trap:
            self._finish(Status.TRAPPED, trap.cause)

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """`size_bytes` of memory at `address`."""
        return self.memory.read(address, size_bytes)

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory tree (M3.2)."""
        return self.memory.node(level, index)

    def state(self) -> MachineState:
        """The whole state. Computes the memory root."""
        return self.state_with_root(self.memory.root())

    def state_with_root(self, memory_root: Bytes32) -> MachineState:
        """The whole state, for a caller that already knows the memory root, which is expensive to compute."""
        return MachineState(
            pc=self.pc,
            registers=tuple(self.registers),
            cycle=self.cycle,
            status=self.status,
            code=self.code,
            memory_root=memory_root,
        )

    def _fetch(self) -> Instruction:
        if not may_fetch(self.pc):
            raise Trap(TrapCause.FETCH_ACCESS)
        instruction = decode(int.from_bytes(self.memory.read(self.pc, 4), "little"))
        if instruction is None:
            raise Trap(TrapCause.ILLEGAL_INSTRUCTION)
        return instruction

    def _finish(self, status: Status, code: int) -> None:
        """Enter a final state (M2.3)."""
        self.registers = [0] * REGISTER_COUNT
        self.pc, self.status, self.code = 0, status, int(code)

    def _write_back(self, rd: int, value: int) -> None:
        if rd:
            self.registers[rd] = value

    def _next(self) -> None:
        self.pc = wrap32(self.pc + 4)

    def _jump(self, target: int) -> None:
        if target % 4:
            raise Trap(TrapCause.JUMP_MISALIGNED)
        self.pc = wrap32(target)

    def register_operation(self, instruction: Instruction) -> None:
        """`rd = rs1 op rs2`."""
        operation = OPERATIONS[instruction.name]
        result = operation(self.registers[instruction.rs1], self.registers[instruction.rs2])
        self._write_back(instruction.rd, result)
        self._next()

    def immediate_operation(self, instruction: Instruction) -> None:
        """`rd = rs1 op immediate`."""
        operation = OPERATIONS[IMMEDIATE_FORMS[instruction.name]]
        result = operation(self.registers[instruction.rs1], wrap64(instruction.immediate))
        self._write_back(instruction.rd, result)
        self._next()

    def upper(self, instruction: Instruction) -> None:
        """`lui`, and `auipc` on the 32-bit pc (M4.3)."""
        base = self.pc if instruction.name == "auipc" else 0
        self._write_back(instruction.rd, wrap64(base + instruction.immediate))
        self._next()

    def load(self, instruction: Instruction) -> None:
        """Load 1, 2, 4 or 8 bytes, extended to 64 bits."""
        address = wrap32(self.registers[instruction.rs1] + instruction.immediate)
        size_bytes = ACCESS_SIZES_BYTES[instruction.name]
        value = int.from_bytes(self.memory.read(address, readable_size(address, size_bytes)), "little")
        is_signed = instruction.name in SIGNED_LOADS
        self._write_back(instruction.rd, sign_extend(value, 8 * size_bytes) if is_signed else value)
        self._next()

    def store(self, instruction: Instruction) -> None:
        """Store the low 1, 2, 4 or 8 bytes of rs2."""
        address = wrap32(self.registers[instruction.rs1] + instruction.immediate)
        size_bytes = ACCESS_SIZES_BYTES[instruction.name]
        if not may_store(address, size_bytes):
            raise Trap(TrapCause.STORE_ACCESS)
        value = self.registers[instruction.rs2] % (1 << 8 * size_bytes)
        self.memory.write(address, value.to_bytes(size_bytes, "little"))
        self._next()

    def branch(self, instruction: Instruction) -> None:
        """Go to pc + immediate if the condition on rs1 and rs2 holds."""
        condition = CONDITIONS[instruction.name]
        if condition(self.registers[instruction.rs1], self.registers[instruction.rs2]):
            self._jump(self.pc + instruction.immediate)
        else:
            self._next()

    def jump(self, instruction: Instruction) -> None:
        """`jal`: link, then go to pc + immediate."""
        link = self.pc + 4
        self._jump(self.pc + instruction.immediate)
        self._write_back(instruction.rd, link)

    def jump_register(self, instruction: Instruction) -> None:
        """`jalr`: link, then go to rs1 + immediate with bit 0 cleared."""
        link = self.pc + 4
        self._jump(self.registers[instruction.rs1] + instruction.immediate & ~1)
        self._write_back(instruction.rd, link)

    def fence(self, _: Instruction) -> None:
        """Nothing to order on one hart (M1.3)."""
        self._next()

    def float_operation(self, instruction: Instruction) -> None:
        """A float instruction on integer registers (M8)."""
        operands = (instruction.rs1, instruction.rs2, instruction.rs3)
        result = operate(instruction, *(self.registers[number] for number in operands))
        self._write_back(instruction.rd, result)
        self._next()

    def system(self, instruction: Instruction) -> None:
        """`ecall` and `ebreak` (M4.4)."""
        if instruction.name == "ebreak":
            raise Trap(TrapCause.BREAKPOINT)
        number = self.registers[A7]
        if number == ECALL_EXIT:
            self._finish(Status.EXITED, self.registers[A0])
        elif number == ECALL_WRITE:
            self._show_debug_write()
            self.registers[A0] = self.registers[A2]
            self._next()
        else:
            raise Trap(TrapCause.UNKNOWN_ECALL)

    def _show_debug_write(self) -> None:
        if self._debug_sink is None:
            return
        address = wrap32(self.registers[A1])
        size_bytes = min(self.registers[A2], DEBUG_WRITE_LIMIT_BYTES, 2**32 - address)
        self._debug_sink(self.memory.read(address, size_bytes))


_EXECUTORS_BY_KIND: dict[Kind, Callable[[ReferenceMachine, Instruction], None]] = {
    Kind.REGISTER: ReferenceMachine.register_operation,
    Kind.IMMEDIATE: ReferenceMachine.immediate_operation,
    Kind.UPPER: ReferenceMachine.upper,
    Kind.LOAD: ReferenceMachine.load,
    Kind.STORE: ReferenceMachine.store,
    Kind.BRANCH: ReferenceMachine.branch,
    Kind.JUMP: ReferenceMachine.jump,
    Kind.JUMP_REGISTER: ReferenceMachine.jump_register,
    Kind.FENCE: ReferenceMachine.fence,
    Kind.SYSTEM: ReferenceMachine.system,
    Kind.FLOAT: ReferenceMachine.float_operation,
}


class ReferenceEngine:
    """Starts runs in the reference interpreter. Satisfies `truestep.ports.engine.Engine`."""

    name = "reference"

    def start(self, program: Program, task: Task, *, debug_sink: DebugSink | None = None) -> ReferenceMachine:
        """A machine in state number 0 of the run."""
        return ReferenceMachine(initial_memory(program, task), program.entry, debug_sink=debug_sink)
