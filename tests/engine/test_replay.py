"""Rewinding runs: whatever was asked before, the answers are those of a straightforward run."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.compare import DEFAULT, END
from tests.engine.programs import program_of, random_call_program, random_operands, random_program
from tests.engine.test_memory import Store, script, script_program
from truestep.base.ids import Bytes32
from truestep.engine.runtime.replay import SnapshotReplay
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import PAGE_SIZE_BYTES
from truestep.machine.program import Program, Segment, Task
from truestep.machine.witness import build_witness
from truestep.ports.engine import Machine

PAGE = PAGE_SIZE_BYTES + 40
"""What a page takes in a snapshot."""
IMAGE = Segment(address=0x2000_0F00, content=bytes(range(1, 256)) * 20, is_executable=False)
PROGRAM = program_of(script_program(), IMAGE)
SPREAD = [(8, 0x2000_0000 + 0x1000 * (index % 5) + 8 * index, index + 1) for index in range(60)]
"""Stores that come back to the same five pages, each time elsewhere."""
SPREAD_CYCLES = 12 * len(SPREAD)
STORES = st.tuples(
    st.sampled_from((1, 2, 4, 8)),
    st.builds(
        lambda page, offset: page + offset,
        st.sampled_from((0x2000_0000, 0x2000_1000, 0x2000_2000, 0x3456_7000, 0x7FFF_E000, 0xE000_0000)),
        st.sampled_from((0, 8, 2048, 4088, 4095)),
    ),
    st.sampled_from((0, 1, 2, 2**64 - 1)),
)
"""None of them traps: every run is as long as its script."""
LIMITS = st.sampled_from((0, 2 * PAGE, 5 * PAGE, 9 * PAGE, 1 << 30))
QUESTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("hashes"), st.lists(st.integers(0, 400), min_size=1, max_size=8).map(sorted)),
        st.tuples(
            st.sampled_from(("state", "witness")), st.lists(st.integers(0, 400), min_size=1, max_size=1)
        ),
    ),
    min_size=1,
    max_size=6,
)


def hashes_of(program: Program, task: Task, cycles: Sequence[int]) -> dict[int, Bytes32]:
    """State hashes from one forward run of the reference machine."""
    machine, found = ReferenceEngine().start(program, task), dict[int, Bytes32]()
    for cycle in sorted(set(cycles)):
        machine.advance(cycle)
        found[cycle] = machine.state().hash()
    return found


def ask(replay: SnapshotReplay, kind: str, cycles: list[int]) -> list[Bytes32]:
    """The answer, as hashes of states."""
    if kind == "hashes":
        return replay.hashes(cycles)
    if kind == "state":
        return [replay.state(cycles[0]).hash()]
    replay.witness(cycles[0])
    return replay.hashes(cycles)


@settings(max_examples=60)
@given(st.lists(STORES, min_size=15, max_size=40), QUESTIONS, LIMITS, st.sampled_from((None, None, 7, 100)))
def test_any_questions_in_any_order(
    stores: list[Store], questions: list[tuple[str, list[int]]], limit_bytes: int, stride: int | None
) -> None:
    task = script(stores)
    expected = hashes_of(PROGRAM, task, [cycle for _, cycles in questions for cycle in cycles])
    replay = DEFAULT.replay(PROGRAM, task, snapshots_limit_bytes=limit_bytes, stride_cycles=stride)
    assert replay.initial_hash == hashes_of(PROGRAM, task, [0])[0]
    for kind, cycles in questions:
        assert ask(replay, kind, cycles) == [expected[cycle] for cycle in cycles], (kind, cycles)
        assert replay.snapshots_size_bytes <= limit_bytes


def test_random_programs_rewound(rng: random.Random) -> None:
    for _ in range(12):
        program = rng.choice((random_program(rng, 160), random_call_program(rng, 8)))
        task = Task(input=random_operands(rng))
        cycles = [sorted(rng.randrange(3_000) for _ in range(5)) for _ in range(4)]
        expected = hashes_of(program, task, [cycle for each in cycles for cycle in each])
        replay = DEFAULT.replay(program, task, snapshots_limit_bytes=rng.choice((3 * PAGE, 1 << 30)))
        for each in cycles:
            assert replay.hashes(each) == [expected[cycle] for cycle in each]


def test_a_bisection_begins_near_its_interval() -> None:
    """Each later split runs no more than its own interval."""
    task, ran = script(SPREAD), list[int]()

    def drive(machine: Machine, until_cycle: int) -> None:
        before = machine.cycle
        machine.advance(until_cycle)
        ran.append(machine.cycle - before)

    replay = DEFAULT.replay(PROGRAM, task)
    first = [SPREAD_CYCLES * part // 8 for part in range(1, 9)]
    replay.hashes(first, drive)
    whole = sum(ran)
    ran.clear()
    later = [first[2] + (first[3] - first[2]) * part // 8 for part in range(1, 8)]
    assert replay.hashes(later, drive) == list(hashes_of(PROGRAM, task, later).values())
    assert 0 < sum(ran) <= whole / 8
    ran.clear()
    machine = ReferenceEngine().start(PROGRAM, task)
    machine.advance(later[3] + 3)
    assert replay.witness(later[3] + 3, drive) == build_witness(machine.state(), machine.node)
    assert sum(ran) == 3


def test_snapshots_are_thinned_where_they_are_of_least_use() -> None:
    task = script(SPREAD)
    replay = DEFAULT.replay(PROGRAM, task, snapshots_limit_bytes=20 * PAGE)
    replay.hashes(range(12, SPREAD_CYCLES, 12))
    even = replay.snapshot_cycles
    assert replay.snapshots_size_bytes <= 20 * PAGE
    assert len(even) > 4
    gaps = [after - before for before, after in pairwise(even)]
    assert max(gaps) <= SPREAD_CYCLES / 2
    fine = range(300, 330, 3)
    replay.hashes(fine)
    assert sum(cycle in fine for cycle in replay.snapshot_cycles) >= 4
    assert replay.snapshot_cycles[0] == 0


def test_checkpoints_at_a_stride() -> None:
    replay = DEFAULT.replay(PROGRAM, script(SPREAD), stride_cycles=100)
    replay.state(350)
    assert replay.snapshot_cycles == [0, 100, 200, 300]
    assert replay.state(END) == replay.state(2 * END)


def test_no_snapshot_is_kept_without_memory_for_it() -> None:
    replay = DEFAULT.replay(PROGRAM, script(SPREAD), snapshots_limit_bytes=0)
    cycles = [100, 200, END]
    assert replay.hashes(cycles) == list(hashes_of(PROGRAM, script(SPREAD), cycles).values())
    assert replay.snapshot_cycles == [0]


def test_giving_up_half_way_loses_nothing() -> None:
    class GaveUp(Exception):
        pass

    def drive(machine: Machine, until_cycle: int) -> None:
        machine.advance(min(until_cycle, 250))
        if until_cycle > 250:
            raise GaveUp

    replay, cycles = DEFAULT.replay(PROGRAM, script(SPREAD)), [100, 200, 300]
    with pytest.raises(GaveUp):
        replay.hashes(cycles, drive)
    assert replay.snapshot_cycles == [0, 100, 200]
    plain = ReferenceEngine().start(PROGRAM, script(SPREAD))
    plain.advance(200)
    # What was written after the last snapshot is in no hash yet.
    assert replay.read_memory(200, 0x2000_0000, 1 << 15) == plain.read_memory(0x2000_0000, 1 << 15)
    assert replay.hashes([*cycles, 400]) == list(hashes_of(PROGRAM, script(SPREAD), [*cycles, 400]).values())


def test_falling_cycles_are_refused() -> None:
    replay = DEFAULT.replay(PROGRAM, Task())
    with pytest.raises(ValueError, match="expected rising cycles"):
        replay.hashes([5, 4])
    assert replay.hashes([]) == []


def test_several_runs_at_a_time() -> None:
    tasks = [script([(8, 0x2000_0000 + 8 * number, number + 1), *SPREAD]) for number in range(6)]
    cycles = [77, 200, 501, END]
    expected = [list(hashes_of(PROGRAM, task, cycles).values()) for task in tasks]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda task: DEFAULT.replay(PROGRAM, task).hashes(cycles), tasks))
    assert answers == expected
