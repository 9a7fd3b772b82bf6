"""States: the byte layout of M2.2, drawn by hand."""

from __future__ import annotations

from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.state import (
    STATE_SIZE_BYTES,
    STATE_TAIL_SIZE_BYTES,
    MachineState,
    Status,
    final_state,
    initial_state,
)

ROOT = Bytes32(bytes(range(32)))


def test_every_field_is_at_its_place() -> None:
    state = MachineState(
        pc=0x1122_3344,
        registers=(0, *(0xA0B0_C0D0_E0F0_0000 + number for number in range(1, 32))),
        cycle=2**63 + 5,
        status=Status.TRAPPED,
        code=7,
        memory_root=ROOT,
    )
    registers = "".join(f"a0b0c0d0e0f0{number:04x}" for number in range(1, 32))
    expected = ROOT.hex() + "0000000011223344" + "8000000000000005" + "02" + "0000000000000007" + registers
    assert state.pack().hex() == expected
    assert len(state.pack()) == STATE_SIZE_BYTES == 305
    assert state.tail() == state.pack()[32:]
    assert len(state.tail()) == STATE_TAIL_SIZE_BYTES == 273
    assert state.hash() == keccak256(bytes.fromhex(expected))


def test_a_final_state_follows_from_four_facts() -> None:
    """M2.3"""
    state = final_state(memory_root=ROOT, cycle=9, status=Status.EXITED, code=3)
    assert state.pack() == ROOT + bytes(8) + (9).to_bytes(8, "big") + b"\x01" + (3).to_bytes(
        8, "big"
    ) + bytes(248)


def test_a_run_starts_with_nothing_but_its_entry() -> None:
    """M2.5"""
    state = initial_state(memory_root=ROOT, entry=0x1_0000)
    assert state.pack() == ROOT + (0x1_0000).to_bytes(8, "big") + bytes(8 + 1 + 8 + 248)
