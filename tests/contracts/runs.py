"""Real runs of a few dozen cycles, with every state's hash and witness; and the same runs falsified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from tests.machine.encode import encode
from truestep.base.ids import Bytes32
from truestep.machine.interpreter import ReferenceEngine, ReferenceMachine
from truestep.machine.program import Program, Segment, Task
from truestep.machine.state import Status
from truestep.machine.witness import build_witness
from truestep.protocol.claims import ClaimedState, claim_state

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

    def hash_at(self, index: int) -> Bytes32:
        """State number `index`; after the end the final state stays (machine M2.4)."""
        return self.hashes[min(index, len(self.hashes) - 1)]

    def witness_at(self, index: int) -> bytes:
        """The witness of the step from state number `index`."""
        return self.witnesses[min(index, len(self.witnesses) - 1)]


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


def _run(
    words: tuple[int, ...], shard_index: int, at_cycle: int, change: Callable[[ReferenceMachine], None]
) -> Run:
    task = Task(seed=SEED, shard_index=shard_index, shard_count=SHARD_COUNT, input=INPUT)
    machine = ReferenceEngine().start(program_of(words), task)
    hashes: list[Bytes32] = []
    witnesses: list[bytes] = []
    while True:
        if machine.cycle == at_cycle:
            change(machine)
        state = machine.state()
        hashes.append(state.hash())
        witnesses.append(build_witness(state, machine.node))
        if state.status is not Status.RUNNING or state.cycle == MAX_CYCLES:
            break
        machine.step()
    claimed = claim_state(state, machine.node, machine.read_memory)
    return Run(
        claimed=claimed,
        running_state=state.pack() if state.status is Status.RUNNING else b"",
        output=machine.read_memory(0xE000_0000, min(claimed.output_size, 4096)),
        hashes=tuple(hashes),
        witnesses=tuple(witnesses),
    )
