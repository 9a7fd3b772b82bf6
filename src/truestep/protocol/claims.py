"""Claims: what an operator states about a task's final state (docs/protocol.md S5)."""

from collections.abc import Callable
from dataclasses import astuple
from functools import lru_cache

from truestep.base.ids import Bytes32
from truestep.base.records import record
from truestep.commitments.merkle import ZERO_NODES, climb, parent
from truestep.machine.layout import (
    INNER_NODE,
    LEFT_NODE,
    OUTPUT_LIMIT_BYTES,
    OUTPUT_NODE,
    OUTPUT_SIZE_START,
    RANGE_LEVEL,
)
from truestep.machine.state import MachineState, Status, final_state

ZERO_HASH = Bytes32(bytes(32))
SIZE_ROOTS_KEPT = 2**10
"""Programs write a few sizes of output, and each costs a hash for every level of its range."""


@record
class ClaimedState:
    """A claim's fields, in the order of the contracts' struct (S5.1)."""

    status: Status
    code: int
    cycle: int
    output_size: int
    output_root: Bytes32
    left_root: Bytes32
    inner_root: Bytes32
    running_state: Bytes32

    def memory_root(self) -> Bytes32:
        """The final memory root that follows from the fields (S5.2)."""
        size_root = output_size_root(self.output_size)
        return parent(self.left_root, parent(self.inner_root, parent(size_root, self.output_root)))

    def state_hash(self) -> Bytes32:
        """The hash of the claimed state (S5.2, S5.3)."""
        if self.status is Status.RUNNING:
            return self.running_state
        state = final_state(
            memory_root=self.memory_root(), cycle=self.cycle, status=self.status, code=self.code
        )
        return state.hash()

    @property
    def is_accepted(self) -> bool:
        """Whether the run succeeded, so that its output counts (S5.5)."""
        return self.status is Status.EXITED and self.code == 0 and self.output_size <= OUTPUT_LIMIT_BYTES

    def as_struct(self) -> tuple[int | bytes, ...]:
        """The fields as the contracts take them."""
        return astuple(self)


@lru_cache(maxsize=SIZE_ROOTS_KEPT)
def output_size_root(size_bytes: int) -> Bytes32:
    """The root of the range that has nothing but the size of the output (S5.2)."""
    return climb(size_bytes.to_bytes(8, "little") + bytes(24), 0, ZERO_NODES[:RANGE_LEVEL])


def claim_state(
    state: MachineState, node: Callable[[int, int], Bytes32], read_memory: Callable[[int, int], bytes]
) -> ClaimedState:
    """The claim for a run that ended in `state`: final, or running at the maximum cycles."""
    if state.status is Status.RUNNING:
        return ClaimedState(
            status=Status.RUNNING,
            code=0,
            cycle=state.cycle,
            output_size=0,
            output_root=ZERO_HASH,
            left_root=ZERO_HASH,
            inner_root=ZERO_HASH,
            running_state=state.hash(),
        )
    return ClaimedState(
        status=state.status,
        code=state.code,
        cycle=state.cycle,
        output_size=int.from_bytes(read_memory(OUTPUT_SIZE_START, 8), "little"),
        output_root=node(*OUTPUT_NODE),
        left_root=node(*LEFT_NODE),
        inner_root=node(*INNER_NODE),
        running_state=ZERO_HASH,
    )
