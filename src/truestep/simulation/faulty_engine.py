"""An engine that lies: from a given cycle on, its machines report a memory with one wrong bit."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from truestep.base.ids import Bytes32
from truestep.commitments.merkle import LEAF_SIZE_BYTES, parent
from truestep.machine.layout import OUTPUT_START, TREE_DEPTH
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState, Status
from truestep.ports.engine import Engine, Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """From state number `cycle` on, the bits of `mask` are flipped in the byte at `address`."""

    cycle: int
    address: int = OUTPUT_START
    mask: int = 1


class FaultyEngine:
    """Satisfies `truestep.ports.engine.Engine` over an honest engine.

    The lie is consistent: states before the fault are true, all later ones and the output have the wrong bit.
    A dispute over it ends at the step from state number `fault.cycle - 1`.
    """

    def __init__(self, engine: Engine, fault: Fault) -> None:
        self._engine = engine
        self._fault = fault

    @property
    def name(self) -> str:
        """Its name in reports."""
        return f"faulty {self._engine.name}"

    def start(
        self, program: Program, task: Task, *, debug_sink: Callable[[bytes], None] | None = None
    ) -> "FaultyMachine":
        """A machine in state number 0 of the run."""
        return FaultyMachine(self._engine.start(program, task, debug_sink=debug_sink), self._fault)


class LyingSometimes:
    """Satisfies `truestep.ports.engine.Engine`: faulty in some tasks, honest in all others of a batch."""

    def __init__(self, engine: Engine, fault: Fault, lies_about: Callable[[Task], bool]) -> None:
        self._honest = engine
        self._faulty = FaultyEngine(engine, fault)
        self._lies_about = lies_about

    @property
    def name(self) -> str:
        """Its name in reports."""
        return f"{self._honest.name}, faulty in some tasks"

    def start(
        self, program: Program, task: Task, *, debug_sink: Callable[[bytes], None] | None = None
    ) -> Machine:
        """A machine in state number 0 of the run."""
        engine = self._faulty if self._lies_about(task) else self._honest
        return engine.start(program, task, debug_sink=debug_sink)


class FaultyMachine:
    """Satisfies `truestep.ports.engine.Machine`; everything it reports is true except for one bit."""

    def __init__(self, machine: Machine, fault: Fault) -> None:
        self._machine = machine
        self._fault = fault

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
        """Run on."""
        self._machine.advance(until_cycle)

    def state(self) -> MachineState:
        """The state, with the root of the falsified memory."""
        return replace(self._machine.state(), memory_root=self.node(TREE_DEPTH, 0))

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the falsified memory's tree."""
        leaf = self._fault.address // LEAF_SIZE_BYTES
        if not self._is_faulty() or leaf >> level != index:
            return self._machine.node(level, index)
        node = self._falsified(self._machine.node(0, leaf), leaf * LEAF_SIZE_BYTES)
        for height in range(level):
            position = leaf >> height
            sibling = self._machine.node(height, position ^ 1)
            node = parent(sibling, node) if position & 1 else parent(node, sibling)
        return Bytes32(node)

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """Bytes of the falsified memory."""
        content = self._machine.read_memory(address, size_bytes)
        return self._falsified(content, address) if self._is_faulty() else content

    def _is_faulty(self) -> bool:
        return self._machine.cycle >= self._fault.cycle

    def _falsified(self, content: bytes, start: int) -> bytes:
        offset = self._fault.address - start
        if not 0 <= offset < len(content):
            return content
        wrong = bytes([content[offset] ^ self._fault.mask])
        return content[:offset] + wrong + content[offset + 1 :]
