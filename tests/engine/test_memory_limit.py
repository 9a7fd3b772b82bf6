"""A run that writes more pages than the host lets it ends with an error, never with a wrong state."""

from __future__ import annotations

import random

import pytest

from tests.engine.compare import DEFAULT, END
from tests.engine.programs import CODE_START, program_of
from tests.engine.test_memory import Store, script, script_program
from tests.machine.encode import encode
from truestep.engine.compilation.translation import CompilePolicy, Translation
from truestep.engine.jit import JitEngine
from truestep.engine.runtime.machine import JitMachine
from truestep.engine.runtime.memory import MappedMemory, MemoryLimitReached
from truestep.machine.layout import HEADER_START, PAGE_SIZE_BYTES
from truestep.machine.program import Task
from truestep.machine.state import Status, TrapCause

PROGRAM = program_of(script_program())
STEPPED = CompilePolicy(free_cost=0, hot_steps_per_cost=1 << 40, piece_steps=1 << 40)
"""Nothing is ever compiled."""
POLICIES = (CompilePolicy(), STEPPED)


def stores_to(pages: int) -> list[Store]:
    """Twice to each of so many pages, the header of the output among them."""
    places = [0xC000_0000, *(0x2000_0000 + PAGE_SIZE_BYTES * page for page in range(pages - 1))]
    return [(8, place, number + 1) for number, place in enumerate([*places, *places])]


@pytest.mark.parametrize("policy", POLICIES, ids=["translated", "stepped"])
def test_the_limit_is_exact(policy: CompilePolicy) -> None:
    task = script(stores_to(6))
    expected = DEFAULT.start(PROGRAM, task)
    expected.advance(END)
    enough = JitEngine(policy, memory_limit_bytes=6 * PAGE_SIZE_BYTES).start(PROGRAM, task)
    enough.state()
    enough.advance(END)
    assert enough.state() == expected.state()
    short = JitEngine(policy, memory_limit_bytes=6 * PAGE_SIZE_BYTES - 1).start(PROGRAM, task)
    for _ in range(2):
        with pytest.raises(MemoryLimitReached, match="at most 20480 bytes"):
            short.advance(END)
        with pytest.raises(MemoryLimitReached):
            short.state()


@pytest.mark.parametrize("policy", POLICIES, ids=["translated", "stepped"])
def test_a_store_that_is_not_allowed_is_still_a_trap(policy: CompilePolicy) -> None:
    task = script([*stores_to(3), (8, 0x8000_0000, 1)])
    machine = JitEngine(policy, memory_limit_bytes=3 * PAGE_SIZE_BYTES).start(PROGRAM, task)
    machine.advance(END)
    assert (machine.status, machine.code) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


def test_a_store_that_a_trap_prevents_needs_no_page() -> None:
    words = [
        encode("lui", rd=3, immediate=0x2000_0000),
        encode("jal", immediate=4),
        encode("sd", rs1=3, rs2=3, immediate=0),
        encode("sd", rs1=0, rs2=3, immediate=64),
        encode("addi", rd=3, rs1=3, immediate=2040),
        encode("addi", rd=3, rs1=3, immediate=2040),
        encode("sd", rs1=3, rs2=3, immediate=16),
    ]
    program = program_of(words)
    translation = Translation(program, CompilePolicy())
    assert translation.prepare(CODE_START)
    memory = MappedMemory(pages_limit=1)
    memory.load(CODE_START, program.segments[0].content)
    memory.load(HEADER_START, Task().header())
    machine = JitMachine(memory, CODE_START, translation, None)
    machine.advance(END)
    assert (machine.status, machine.code, machine.cycle) == (Status.TRAPPED, TrapCause.STORE_ACCESS, 4)
    expected = DEFAULT.start(program, Task())
    expected.advance(END)
    assert machine.state() == expected.state()


@pytest.mark.parametrize("policy", POLICIES, ids=["translated", "stepped"])
def test_an_engine_hands_its_limits_to_replays(policy: CompilePolicy) -> None:
    task = script(stores_to(9))
    few = JitEngine(policy, snapshots_limit_bytes=0, stride_cycles=7).replay(PROGRAM, task)
    many = JitEngine(policy, stride_cycles=7).replay(PROGRAM, task)
    assert few.hashes([50]) == many.hashes([50])
    assert few.snapshot_cycles == [0]
    assert many.snapshot_cycles == [0, *range(7, 50, 7), 50]


@pytest.mark.parametrize("policy", POLICIES, ids=["translated", "stepped"])
def test_a_replay_still_knows_what_came_before(policy: CompilePolicy, rng: random.Random) -> None:
    task = script(stores_to(9))
    replay = JitEngine(policy, memory_limit_bytes=5 * PAGE_SIZE_BYTES).replay(PROGRAM, task)
    for _ in range(4):
        with pytest.raises(MemoryLimitReached):
            replay.hashes([20, rng.randrange(20, 40), END])
        with pytest.raises(MemoryLimitReached):
            replay.state(END)
        whole = DEFAULT.start(PROGRAM, task)
        cycle = rng.randrange(45)
        whole.advance(cycle)
        assert replay.state(cycle) == whole.state()
