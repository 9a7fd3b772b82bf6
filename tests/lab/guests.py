"""Guests made from instruction words, and what their runs truly come to: no compiler is needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tests.e2e.network import A0, A1, A7, GUEST, OUTPUT_AND_EXIT, T0, T1, T2, T3, elf_of
from tests.machine.encode import encode
from truestep.base.ids import Bytes32
from truestep.composition.engines import EngineName, open_engine
from truestep.engine.hashing import hash_many_pairs
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import DATA_START
from truestep.machine.program import Program, Task
from truestep.ports.engine import Engine, Machine
from truestep.protocol.claims import ClaimedState, claim_state
from truestep.protocol.records import JobRecord
from truestep.simulation.faulty_engine import Fault, FaultyEngine


@dataclass(frozen=True)
class Guest:
    """A program as a requester registers it."""

    name: str
    elf: bytes
    max_cycles: int
    is_long: bool = False
    """Whether a run needs the JIT engine."""

    @cached_property
    def program(self) -> Program:
        """What the machine loads."""
        return load_elf(self.elf)

    @cached_property
    def root(self) -> Bytes32:
        """The program root; a large one is hashed by the engine."""
        return self.program.root(hash_many_pairs)

    @property
    def engine(self) -> Engine:
        """An engine that runs it in a reasonable time."""
        return open_engine(EngineName.JIT) if self.is_long else ReferenceEngine()


POLYNOMIAL = Guest("polynomial", elf_of(GUEST), max_cycles=4_096)
"""Six steps a byte of input: a hash of the input, begun with the shard index."""
SMALL_INPUT = bytes(value * 7 % 251 for value in range(640))
"""Makes it run for 3,853 steps."""


def spinning(iterations: int, max_cycles: int) -> Guest:
    """A guest that multiplies in a loop of four steps and then writes eight bytes."""
    high, low = (iterations + 0x800) & 0xFFFFF000, (iterations + 0x800) % 0x1000 - 0x800
    words = (
        encode("lui", rd=T2, immediate=high),
        encode("addi", rd=T2, rs1=T2, immediate=low),
        encode("lui", rd=T0, immediate=0x8000_0000),
        encode("ld", rd=T1, rs1=T0, immediate=40),  # shard index
        encode("addi", rd=T3, immediate=31),
        encode("mul", rd=T1, rs1=T1, rs2=T3),
        encode("addi", rd=T1, rs1=T1, immediate=7),
        encode("addi", rd=T2, rs1=T2, immediate=-1),
        encode("bne", rs1=T2, immediate=-12),
        *OUTPUT_AND_EXIT,
    )
    return Guest(f"spinning {iterations}", elf_of(words), max_cycles, is_long=iterations > 10_000)


def writing(size_bytes: int, max_cycles: int) -> Guest:
    """A guest with an output of so many bytes, a multiple of 4096; one page in two is not zero."""
    pages = size_bytes // 4096
    words = (
        encode("lui", rd=T0, immediate=0xE000_0000),
        encode("lui", rd=A1, immediate=0x1000),
        encode("lui", rd=T2, immediate=(pages << 12) & 0xFFFFF000),
        encode("srli", rd=T2, rs1=T2, immediate=12),
        encode("sd", rs1=T0, rs2=T2),
        encode("add", rd=T0, rs1=T0, rs2=A1),
        encode("addi", rd=T2, rs1=T2, immediate=-1),
        encode("bne", rs1=T2, immediate=-12),
        encode("lui", rd=T0, immediate=0xC000_0000),
        encode("lui", rd=T2, immediate=size_bytes),
        encode("sd", rs1=T0, rs2=T2),
        encode("addi", rd=A0),
        encode("addi", rd=A7, immediate=93),
        encode("ecall"),
    )
    return Guest(f"writing {size_bytes}", elf_of(words), max_cycles, is_long=True)


def filling(number: int, size_bytes: int) -> Guest:
    """A guest that writes a word, by its number, into each page of so many bytes of data."""
    pages = size_bytes // 4096
    words = (
        encode("lui", rd=T0, immediate=DATA_START),
        encode("lui", rd=T3, immediate=0x1000),
        encode("lui", rd=T2, immediate=(pages << 12) & 0xFFFFF000),
        encode("srli", rd=T2, rs1=T2, immediate=12),
        encode("addi", rd=T1, immediate=number + 1),
        encode("sd", rs1=T0, rs2=T1),
        encode("add", rd=T0, rs1=T0, rs2=T3),
        encode("addi", rd=T2, rs1=T2, immediate=-1),
        encode("bne", rs1=T2, immediate=-12),
        encode("addi", rd=A0),
        encode("addi", rd=A7, immediate=93),
        encode("ecall"),
    )
    return Guest(f"filling {number}", elf_of(words), 8 * pages + 100, is_long=True)


def task_of_job(job: JobRecord, shard_index: int, content: bytes) -> Task:
    """One shard as the machine sees it."""
    return Task(seed=job.seed, shard_index=shard_index, shard_count=job.shard_count, input=content)


def claim_by(engine: Engine, guest: Guest, task: Task, max_cycles: int | None = None) -> ClaimedState:
    """What an operator with this engine would claim."""
    machine = engine.start(guest.program, task)
    machine.advance(max_cycles or guest.max_cycles)
    return claim_state(machine.state(), machine.node, machine.read_memory)


def true_claim(guest: Guest, task: Task, max_cycles: int | None = None) -> ClaimedState:
    """What is true."""
    return claim_by(guest.engine, guest, task, max_cycles)


def false_claim(guest: Guest, task: Task, fault_cycle: int) -> ClaimedState:
    """A lie that is consistent from one cycle on."""
    return claim_by(FaultyEngine(guest.engine, Fault(cycle=fault_cycle)), guest, task)


def false_hashes(guest: Guest, task: Task, fault_cycle: int, cycles: list[int]) -> list[Bytes32]:
    """The state hashes that a liar stands by."""
    return _hashes(FaultyEngine(guest.engine, Fault(cycle=fault_cycle)).start(guest.program, task), cycles)


def _hashes(machine: Machine, cycles: list[int]) -> list[Bytes32]:
    hashes: list[Bytes32] = []
    for cycle in cycles:
        machine.advance(cycle)
        hashes.append(machine.state().hash())
    return hashes
