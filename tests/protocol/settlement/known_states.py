"""States and leaves that random games are about."""

from __future__ import annotations

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.state import MachineState, Status
from truestep.protocol.settlement.records import Leaf, Work


def _state(number: int, status: Status) -> bytes:
    state = MachineState(
        pc=4 * number,
        registers=(0, *range(number, number + 31)),
        cycle=number,
        status=status,
        code=0,
        memory_root=Bytes32(number.to_bytes(32, "big")),
    )
    return state.pack()


KNOWN_STATES = [_state(number, Status(number % 2)) for number in range(1, 7)]
"""Packed; every other one has halted."""
_BY_HASH = {keccak256(state): state for state in KNOWN_STATES}


def packed_state_of(state_hash: Bytes32) -> bytes:
    """The state with this hash; empty if nobody knows it."""
    return _BY_HASH.get(state_hash, b"")


def canonical_leaf(work: Work) -> Leaf:
    """What those that know the truth claim of each task of a job."""
    cycle = min(work.max_cycles, 60)
    return Leaf(head=1 << 192 | cycle << 64 | 32, output_root=work.seed, left_root=work.image_root)
