"""What runs programs: the reference interpreter and its fast twins."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from truestep.base.ids import Bytes32
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState, Status


class Machine(Protocol):
    """A run in progress, always at an exact cycle, bit-equal in every implementation."""

    @property
    def cycle(self) -> int:
        """Steps taken so far."""
        ...

    @property
    def status(self) -> Status:
        """Whether it still runs."""
        ...

    @property
    def code(self) -> int:
        """Exit code or trap cause, 0 while running."""
        ...

    def advance(self, until_cycle: int) -> None:
        """Run until `cycle` is `until_cycle` exactly, or the machine is final before that."""
        ...

    def state(self) -> MachineState:
        """The whole state with its memory root; costs one hash for each leaf changed since the last call."""
        ...

    def node(self, level: int, index: int) -> Bytes32:
        """A node of the memory tree (docs/machine.md M3.2)."""
        ...

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """`size_bytes` of memory at `address`."""
        ...


class Engine(Protocol):
    """Starts runs."""

    @property
    def name(self) -> str:
        """Its name in reports: `reference`, `jit`."""
        ...

    def start(
        self,
        program: Program,
        task: Task,
        *,
        debug_sink: Callable[[bytes], None] | None = None,
    ) -> Machine:
        """A machine in state number 0 of the run; debug output goes to `debug_sink`, or nowhere."""
        ...


Drive = Callable[[Machine, int], None]
"""Advances a machine to a cycle, perhaps in slices; may give up by raising."""


class Replay(Protocol):
    """One run that can be looked at again anywhere, at a cost in proportion to what was not seen yet."""

    @property
    def initial_hash(self) -> Bytes32:
        """The hash of state number 0."""
        ...

    @property
    def size_bytes(self) -> int:
        """The memory that it holds: the machine's own, and snapshots."""
        ...

    def hashes(self, cycles: Sequence[int], drive: Drive, /) -> list[Bytes32]:
        """State hashes at rising cycles; beyond the end the final state's (docs/machine.md M2.4)."""
        ...

    def state(self, cycle: int, drive: Drive, /) -> MachineState:
        """The whole state number `cycle`; beyond the end the final state."""
        ...

    def witness(self, cycle: int, drive: Drive, /) -> bytes:
        """The witness of the step from state number `cycle`."""
        ...


@runtime_checkable
class ReplayingEngine(Protocol):
    """An engine that keeps snapshots of runs."""

    def replay(self, program: Program, task: Task) -> Replay:
        """The run, to be looked at."""
        ...
