"""Runs a program in the step contract, step by step (docs/conformance.md)."""

from collections.abc import Callable
from typing import Protocol

from truestep.machine.decode import Instruction
from truestep.machine.interpreter import ReferenceEngine, ReferenceMachine
from truestep.machine.micro import micro_machine, micro_start, template
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState, Status
from truestep.machine.witness import build_witness
from truestep.protocol.float_steps import float_step

Place = Callable[[int], int]
"""Turns an address of the machine into the one to show in a report."""


class StepContract(Protocol):
    """The on-chain verifier."""

    def __call__(self, witness: bytes) -> tuple[bytes, bytes]:
        """(hash before, hash after) of the step that a witness shows."""
        ...

    def open_float(self, witness: bytes) -> tuple[bytes, bytes, bytes, int]:
        """(hash before, micro-run's first hash, template of the state after, rd) of a float step (M9.5)."""
        ...


def run_on_chain(program: Program, contract: StepContract, place: Place) -> str | None:
    """Take every step on the reference machine and in the contract. Says how they differ, or None.

    A float instruction with a result is opened; of each name, the first one is played through its micro-run.
    """
    machine = ReferenceEngine().start(program, Task())
    played: set[str] = set()
    state = machine.state()
    while state.status is Status.RUNNING:
        witness = build_witness(state, machine.node)
        machine.step()
        following = machine.state()
        instruction = float_step(witness)
        if instruction is None:
            reason = _differing(contract(witness), (state.hash(), following.hash()))
        else:
            reason = _opened(contract, instruction, state, following, witness)
            if reason is None and instruction.name not in played:
                played.add(instruction.name)
                reason = _played_out(contract, instruction, state, following)
        if reason is not None:
            return f"on-chain step {state.cycle} at {place(state.pc):#x} differs: {reason}"
        state = following
    return None


def _opened(
    contract: StepContract,
    instruction: Instruction,
    state: MachineState,
    following: MachineState,
    witness: bytes,
) -> str | None:
    *got, rd = contract.open_float(witness)
    if rd != instruction.rd:
        return f"expected a result in x{instruction.rd}, got x{rd}"
    start = micro_start(state, instruction).hash()
    return _differing(got, (state.hash(), start, template(following, instruction.rd)))


def _played_out(
    contract: StepContract, instruction: Instruction, state: MachineState, following: MachineState
) -> str | None:
    """Run the micro-run in the contract; it must give the machine's result."""
    machine: ReferenceMachine = micro_machine(micro_start(state, instruction))
    while machine.status is Status.RUNNING:
        before = machine.state()
        witness = build_witness(before, machine.node)
        machine.step()
        reason = _differing(contract(witness), (before.hash(), machine.state().hash()))
        if reason is not None:
            return f"step {before.cycle} of its micro-run: {reason}"
    expected = following.registers[instruction.rd]
    if (machine.status, machine.code) != (Status.EXITED, expected):
        return f"expected {expected:#x} of its micro-run, got {machine.status.name.lower()} {machine.code:#x}"
    return None


def _differing(got: list[bytes] | tuple[bytes, ...], expected: tuple[bytes, ...]) -> str | None:
    if tuple(got) == expected:
        return None
    return f"expected {_words(expected)}, got {_words(tuple(got))}"


def _words(hashes: tuple[bytes, ...]) -> str:
    return " to ".join(state_hash.hex() for state_hash in hashes)
