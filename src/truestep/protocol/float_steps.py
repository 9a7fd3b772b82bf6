"""Finds the steps that the chain cannot execute: float instructions with a result (machine M9.5, S11.9)."""

from truestep.commitments.merkle import ZERO_NODES
from truestep.machine.decode import Instruction, decode
from truestep.machine.layout import LEAF_SIZE_BYTES, TREE_DEPTH, may_fetch
from truestep.machine.micro import is_played_out, micro_start
from truestep.machine.state import STATE_TAIL_SIZE_BYTES, MachineState, Status
from truestep.machine.witness import MASK_SIZE_BYTES

_PC = slice(0, 8)
_STATUS = 16
_REGISTERS_START = 25
_LEAF_START = STATE_TAIL_SIZE_BYTES + MASK_SIZE_BYTES
"""Offsets of these in a witness (machine M2.2, M6.2)."""


def float_step(witness: bytes) -> Instruction | None:
    """The float instruction with a result that a witness proves; None if the chain can execute the step."""
    if len(witness) < _LEAF_START + LEAF_SIZE_BYTES or witness[_STATUS] != Status.RUNNING:
        return None
    pc = int.from_bytes(witness[_PC], "big")
    if not may_fetch(pc):
        return None
    position = _LEAF_START + pc % LEAF_SIZE_BYTES
    instruction = decode(int.from_bytes(witness[position : position + 4], "little"))
    return instruction if is_played_out(instruction) else None


def micro_start_of(witness: bytes) -> MachineState | None:
    """The first state of the micro-run of the instruction that a witness proves; None if it has none."""
    instruction = float_step(witness)
    if instruction is None:
        return None
    tail = witness[:STATE_TAIL_SIZE_BYTES]
    words = [
        int.from_bytes(tail[start : start + 8], "big") for start in range(_REGISTERS_START, len(tail), 8)
    ]
    before = MachineState(
        pc=int.from_bytes(tail[_PC], "big"),
        registers=(0, *words),
        cycle=0,
        status=Status.RUNNING,
        code=0,
        memory_root=ZERO_NODES[TREE_DEPTH],  # operands are registers
    )
    return micro_start(before, instruction)
