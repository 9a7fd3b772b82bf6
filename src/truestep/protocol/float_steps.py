"""Which steps the chain cannot execute: float instructions with a result (machine M9.5, protocol P4.9)."""

from truestep.machine.decode import Instruction, Kind, decode
from truestep.machine.layout import LEAF_SIZE_BYTES, may_fetch
from truestep.machine.state import STATE_TAIL_SIZE_BYTES, MachineState, Status
from truestep.machine.witness import MASK_SIZE_BYTES

_PC = slice(0, 8)
_STATUS = 16
_LEAF_START = STATE_TAIL_SIZE_BYTES + MASK_SIZE_BYTES
"""Where a witness holds its instruction's leaf (machine M6.2)."""


def float_instruction(word: int) -> Instruction | None:
    """The float instruction with a result that `word` is; None for every other word."""
    instruction = decode(word)
    is_float = instruction is not None and instruction.kind is Kind.FLOAT and instruction.rd != 0
    return instruction if is_float else None


def float_step(state: MachineState, instruction_leaf: bytes) -> Instruction | None:
    """The float instruction with a result that `state` is about to execute; None if it is another step."""
    if state.status is not Status.RUNNING:
        return None
    return _instruction_at(state.pc, instruction_leaf)


def float_step_of_witness(witness: bytes) -> Instruction | None:
    """The float instruction with a result that a step's witness is of; None if the chain can execute it."""
    if len(witness) < _LEAF_START + LEAF_SIZE_BYTES:
        return None
    if witness[_STATUS] != Status.RUNNING:
        return None
    leaf = witness[_LEAF_START : _LEAF_START + LEAF_SIZE_BYTES]
    return _instruction_at(int.from_bytes(witness[_PC], "big"), leaf)


def _instruction_at(pc: int, leaf: bytes) -> Instruction | None:
    offset = pc % LEAF_SIZE_BYTES
    return float_instruction(int.from_bytes(leaf[offset : offset + 4], "little")) if may_fetch(pc) else None
