"""Where the budget is checked: in every loop, and not at jumps back that are none."""

from __future__ import annotations

import random

from tests.engine.compare import compare_runs, random_stops
from tests.engine.programs import CODE_START, random_operands
from tests.engine.switch_programs import random_switch_program
from tests.engine.test_translation import program_of
from tests.machine.encode import encode
from truestep.engine.analysis.checks import PATH_LIMIT_INSTRUCTIONS, least_budgets, loop_heads
from truestep.engine.analysis.code_map import map_code
from truestep.engine.analysis.flow import region_flow
from truestep.engine.jit import JitEngine
from truestep.machine.program import Task

START, SHARED, LEFT, RIGHT, END = range(0x100, 0x114, 4)


def test_a_jump_back_to_shared_code_needs_no_check() -> None:
    successors = {START: [LEFT, RIGHT], SHARED: [END], LEFT: [SHARED], RIGHT: [SHARED], END: []}
    heads, order = loop_heads(successors, {START})
    assert not heads
    assert set(order) == set(successors)
    assert all(order.index(to) < order.index(pc) for pc, targets in successors.items() for to in targets)


def test_a_loop_is_checked_where_it_is_entered() -> None:
    """Not at its lowest block, to which its jump back leads."""
    successors = {START: [RIGHT], SHARED: [LEFT], LEFT: [RIGHT], RIGHT: [SHARED, END], END: []}
    assert loop_heads(successors, {START})[0] == {RIGHT}


def test_a_loop_with_an_entry_inside_is_checked_there() -> None:
    successors = {START: [SHARED], SHARED: [LEFT], LEFT: [RIGHT], RIGHT: [SHARED, END], END: []}
    assert not loop_heads(successors, {START, LEFT})[0]


def test_every_cycle_of_a_random_graph_is_cut(rng: random.Random) -> None:
    for _ in range(50):
        count = rng.randrange(3, 40)
        successors = {pc: rng.sample(range(count), rng.randrange(3)) for pc in range(count)}
        entries = {0, *rng.sample(range(count), rng.randrange(3))}
        heads, order = loop_heads(successors, entries)
        assert sorted(order) == sorted(successors)
        cut, seen = heads | entries, set[int]()
        for pc in order:
            seen.add(pc)
            assert all(to in seen for to in successors[pc] if to not in cut)


def test_a_long_path_is_checked_on_its_way() -> None:
    successors = {START: [SHARED], SHARED: [LEFT], LEFT: [RIGHT], RIGHT: []}
    half = PATH_LIMIT_INSTRUCTIONS // 2
    _, order = loop_heads(successors, {START})
    needs = least_budgets(dict.fromkeys(successors, half), successors, order, {START}, {})
    assert needs == {SHARED: 3 * half, START: half}


def test_a_function_is_entered_at_its_loop_only() -> None:
    words = [
        encode("beq", rs1=5, immediate=12),
        encode("addi", rd=6, rs1=6, immediate=1),
        encode("jalr", rs1=1),
        encode("addi", rd=7, rs1=7, immediate=1),
        encode("bne", rs1=7, rs2=8, immediate=-4),
        encode("jal", immediate=-16),
    ]
    flow = region_flow(map_code(program_of(words)), 0)
    assert list(flow.needs) == [CODE_START, CODE_START + 12]


def test_programs_of_switches_run_the_same(rng: random.Random) -> None:
    """Small and large tables, odd and misaligned targets, jumps that leave the function."""
    for _ in range(4):
        program = random_switch_program(rng, 3)
        found = compare_runs(JitEngine(), program, Task(input=random_operands(rng)), random_stops(rng))
        assert found.difference is None
