"""Real runs of a few dozen cycles, with every state's hash and witness; and the same runs falsified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from tests.contracts.micro_runs import MicroRun, end_hash, micro_run
from tests.machine.encode import encode, encode_float
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.interpreter import ReferenceEngine, ReferenceMachine
from truestep.machine.program import Program, Segment, Task
from truestep.machine.state import MachineState, Status
from truestep.machine.witness import build_witness
from truestep.protocol.claims import ClaimedState, claim_state
from truestep.protocol.state_numbers import is_micro, micro_index_of, run_number_of

ENTRY = 0x1000
MAX_CYCLES = 64
SEED = bytes(range(1, 33))
INPUT = b"input of a test run"
SHARD_COUNT = 4

T0, T1, T2, A0, A7 = 5, 6, 7, 10, 17

# Writes to the output: the seed's first word, hashed with the shard index six times.
SUM = (
    encode("lui", rd=T0, immediate=0x8000_0000),
    encode("ld", rd=T1, rs1=T0),
    encode("ld", rd=T2, rs1=T0, immediate=40),
    encode("addi", rd=A0, immediate=6),
    encode("mul", rd=T1, rs1=T1, rs2=T1),
    encode("add", rd=T1, rs1=T1, rs2=T2),
    encode("addi", rd=A0, rs1=A0, immediate=-1),
    encode("bne", rs1=A0, immediate=-12),
    encode("lui", rd=T0, immediate=0xE000_0000),
    encode("sd", rs1=T0, rs2=T1),
    encode("lui", rd=T0, immediate=0xC000_0000),
    encode("addi", rd=T2, immediate=8),
    encode("sd", rs1=T0, rs2=T2),
    encode("addi", rd=A7, immediate=93),
    encode("ecall"),
)
FAIL = (encode("addi", rd=A0, immediate=3), *SUM[-2:])
TRAP = (encode("addi", rd=T0, immediate=1), encode("ebreak"))
ENDLESS = (encode("addi", rd=T0, rs1=T0, immediate=1), encode("jal", immediate=-4))
ONE_STEP = (encode("ebreak"),)

# Writes to the output: a double made of seed and shard index.
FLOATS = (
    encode("lui", rd=T0, immediate=0x8000_0000),
    encode("ld", rd=T1, rs1=T0),
    encode("ld", rd=T2, rs1=T0, immediate=40),
    encode("addi", rd=T2, rs1=T2, immediate=3),
    encode_float("fcvt.d.l", rd=T1, rs1=T1),
    encode_float("fcvt.d.w", rd=T2, rs1=T2),
    encode_float("fdiv.d", rd=A0, rs1=T1, rs2=T2),
    encode_float("fadd.d", rd=0, rs1=T1, rs2=T2),
    encode_float("fmadd.d", rd=T1, rs1=A0, rs2=T2, rs3=T1),
    encode("lui", rd=T0, immediate=0xE000_0000),
    encode("sd", rs1=T0, rs2=T1),
    encode("lui", rd=T0, immediate=0xC000_0000),
    encode("addi", rd=T2, immediate=8),
    encode("sd", rs1=T0, rs2=T2),
    encode("addi", rd=A7, immediate=93),
    encode("ecall"),
)
FLOAT_STEPS = {4: T1, 5: T2, 6: A0, 8: T1}
"""The state numbers of `FLOATS` that execute a float instruction with a result, and its rd."""


def program_of(words: Sequence[int]) -> Program:
    """A program of these instructions."""
    content = b"".join(word.to_bytes(4, "little") for word in words)
    return Program(entry=ENTRY, segments=(Segment(address=ENTRY, content=content, is_executable=True),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A whole run: `hashes[i]` and `witnesses[i]` belong to state number i."""

    claimed: ClaimedState
    running_state: bytes
    """The packed state if the run does not halt, else empty: what `claim` takes."""
    output: bytes
    hashes: tuple[Bytes32, ...]
    witnesses: tuple[bytes, ...]
    states: tuple[MachineState, ...]
    words: tuple[int, ...]
    """The instruction at each state's pc."""
    micro_lie_at: int | None = None
    """From which state on its micro-runs are invented, but for their last states."""

    def hash_at(self, number: int) -> bytes:
        """The state of this number (machine M9.6); after the end the final state stays (machine M2.4)."""
        if is_micro(number):
            return self.micro_run_at(run_number_of(number)).hash_at(micro_index_of(number))
        return self.hashes[min(number, len(self.hashes) - 1)]

    def witness_at(self, number: int) -> bytes:
        """The witness of the step from the state of this number."""
        if is_micro(number):
            return self.micro_run_at(run_number_of(number)).witness_at(micro_index_of(number))
        return self.witnesses[min(number, len(self.witnesses) - 1)]

    def micro_run_at(self, index: int) -> MicroRun:
        """The micro-run of the step from state `index`, as whoever believes in this run must show it."""
        word, before, after = self.words[index], self.states[index], self.states[index + 1]
        honest = micro_run(word, before.registers)
        result = after.registers[word >> 7 & 31]
        hashes = [*honest.hashes]
        if self.micro_lie_at is not None:
            for step in range(self.micro_lie_at, honest.cycles):
                hashes[step] = keccak256(hashes[step])
        hashes[-1] = end_hash(honest.memory_root, honest.cycles, result)
        return replace(honest, hashes=tuple(hashes), result=result)


def _no_change(_: ReferenceMachine) -> None:
    """An honest run."""


@cache
def run(words: tuple[int, ...], shard_index: int = 0) -> Run:
    """The honest run of a shard."""
    return _run(words, shard_index, -1, _no_change)


@cache
def falsified_run(words: tuple[int, ...], shard_index: int = 0, *, at_cycle: int = 9) -> Run:
    """The run of an operator that changes the output at `at_cycle` and then goes on honestly."""

    def change(machine: ReferenceMachine) -> None:
        machine.registers[T1] ^= 1
        machine.memory.write(0xE000_0100, b"lie")

    return _run(words, shard_index, at_cycle, change)


@cache
def falsified_float_run(index: int, shard_index: int = 0) -> Run:
    """The run of `FLOATS` by an operator that falsifies the result of the step from state `index`."""

    def change(machine: ReferenceMachine) -> None:
        machine.registers[FLOAT_STEPS[index]] ^= 1

    return _run(FLOATS, shard_index, index + 1, change)


def _run(
    words: tuple[int, ...], shard_index: int, at_cycle: int, change: Callable[[ReferenceMachine], None]
) -> Run:
    task = Task(seed=SEED, shard_index=shard_index, shard_count=SHARD_COUNT, input=INPUT)
    machine = ReferenceEngine().start(program_of(words), task)
    states: list[MachineState] = []
    witnesses: list[bytes] = []
    read_words: list[int] = []
    while True:
        if machine.cycle == at_cycle:
            change(machine)
        state = machine.state()
        states.append(state)
        read_words.append(int.from_bytes(machine.read_memory(state.pc, 4), "little"))
        witnesses.append(build_witness(state, machine.node))
        if state.status is not Status.RUNNING or state.cycle == MAX_CYCLES:
            break
        machine.step()
    claimed = claim_state(state, machine.node, machine.read_memory)
    return Run(
        claimed=claimed,
        running_state=state.pack() if state.status is Status.RUNNING else b"",
        output=machine.read_memory(0xE000_0000, min(claimed.output_size, 4096)),
        hashes=tuple(state.hash() for state in states),
        witnesses=tuple(witnesses),
        states=tuple(states),
        words=tuple(read_words),
    )
