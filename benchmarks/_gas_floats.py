"""A lie about a float instruction that is dear to dispute: a full memory, the longest micro-run."""

from __future__ import annotations

from dataclasses import dataclass

from _synthetic import Liar, full_state

from truestep.base.errors import Bug
from truestep.base.ids import Bytes32
from truestep.machine.decode import decode
from truestep.machine.micro import MICRO_CYCLES_LIMIT, micro_machine, micro_start, state_after
from truestep.machine.state import MachineState, Status
from truestep.machine.witness import build_witness
from truestep.protocol.state_numbers import micro_number

FMADD = 0x9294_0543
"""fmadd.d a0, s0, s1, s2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatLie:
    """What an operator says that lies about a result, and about how the micro-run comes to it."""

    witness: bytes
    """Of the instruction."""
    before: MachineState
    after: MachineState
    """With the false result."""
    micro_witness: bytes
    """Of the step of the micro-run in which it begins to lie."""
    micro_index: int
    micro_before: Bytes32
    """The hash of the state before that step."""
    micro_cycles: int = MICRO_CYCLES_LIMIT

    def liar(self, number: int) -> Liar:
        """Its hashes if the instruction is executed from this state number."""
        return Liar(at=number, before=self.before.hash(), after=self.after.hash())

    def micro_liar(self, number: int) -> Liar:
        """Its hashes in the micro-run of the instruction executed from this state number."""
        return Liar(at=micro_number(number, self.micro_index), before=self.micro_before)


def float_lie() -> FloatLie:
    """A lie about the dearest step of the micro-run of a fused operation, which it says to be the longest."""
    before, memory = full_state(FMADD)
    instruction = decode(FMADD)
    if instruction is None:
        raise Bug(f"expected {FMADD:#010x} to be an instruction")
    machine = micro_machine(micro_start(before, instruction))
    steps: list[tuple[bytes, MachineState]] = []
    while machine.status is Status.RUNNING:
        state = machine.state()
        steps.append((build_witness(state, machine.node), state))
        machine.step()
    micro_witness, dearest = max(steps, key=lambda step: len(step[0]))
    return FloatLie(
        witness=build_witness(before, memory.node),
        before=before,
        after=state_after(before, instruction.rd, machine.code ^ 1),
        micro_witness=micro_witness,
        micro_index=dearest.cycle,
        micro_before=dearest.hash(),
    )
