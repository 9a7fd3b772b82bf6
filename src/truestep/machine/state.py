"""A state of the machine and its hash (docs/machine.md M2)."""

from dataclasses import dataclass
from enum import IntEnum

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256

MACHINE_VERSION = 1
"""Another one computes other results for some programs."""
REGISTER_COUNT = 32
STATE_SIZE_BYTES = 305
STATE_TAIL_SIZE_BYTES = STATE_SIZE_BYTES - 32


class Status(IntEnum):
    """Whether the machine runs (M2.1)."""

    RUNNING = 0
    EXITED = 1
    TRAPPED = 2


class TrapCause(IntEnum):
    """Why the machine trapped: the privileged specification's exception codes (M5.1)."""

    JUMP_MISALIGNED = 0
    FETCH_ACCESS = 1
    ILLEGAL_INSTRUCTION = 2
    BREAKPOINT = 3
    STORE_ACCESS = 7
    UNKNOWN_ECALL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """One state: 32 registers (the first is 0), counters and the root of the memory tree."""

    pc: int
    registers: tuple[int, ...]
    cycle: int
    status: Status
    code: int
    memory_root: Bytes32

    def tail(self) -> bytes:
        """The packed state without its memory root, 273 bytes (M2.2)."""
        return b"".join(
            (
                self.pc.to_bytes(8, "big"),
                self.cycle.to_bytes(8, "big"),
                self.status.to_bytes(1, "big"),
                self.code.to_bytes(8, "big"),
                *(register.to_bytes(8, "big") for register in self.registers[1:]),
            )
        )

    def pack(self) -> bytes:
        """The packed state, 305 bytes (M2.2)."""
        return self.memory_root + self.tail()

    def hash(self) -> Bytes32:
        """The state hash (M2.2)."""
        return keccak256(self.pack())


def final_state(*, memory_root: Bytes32, cycle: int, status: Status, code: int) -> MachineState:
    """The final state with these four values, which determine it (M2.3)."""
    return MachineState(
        pc=0,
        registers=(0,) * REGISTER_COUNT,
        cycle=cycle,
        status=status,
        code=code,
        memory_root=memory_root,
    )


def initial_state(*, memory_root: Bytes32, entry: int) -> MachineState:
    """State number 0 of a run (M2.5)."""
    return MachineState(
        pc=entry,
        registers=(0,) * REGISTER_COUNT,
        cycle=0,
        status=Status.RUNNING,
        code=0,
        memory_root=memory_root,
    )
