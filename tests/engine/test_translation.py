"""A program is translated once for all its runs, and only as far as they go."""

from __future__ import annotations

import ctypes
import random
from pathlib import Path

import pytest

from tests.engine.compare import compare_runs, undefined_in
from tests.engine.programs import CODE_START, assemble, program_of, random_call_program, random_program
from tests.machine.encode import encode
from truestep.engine.analysis.code_map import map_code
from truestep.engine.analysis.flow import region_flow
from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.translation import (
    AGAIN_PROCESSES,
    CompilePolicy,
    Translation,
    TranslationCache,
    module_ir,
    program_key,
)
from truestep.engine.jit import JitEngine
from truestep.engine.layout import PINNED, TABLE_ENTRIES
from truestep.machine.program import Program, Segment, Task
from truestep.ports.engine import Engine, Machine

EXIT = [encode("addi", rd=17, immediate=93), encode("ecall")]
COUNT_DOWN = [
    encode("addi", rd=5, immediate=1000),
    encode("addi", rd=5, rs1=5, immediate=-1),
    encode("bne", rs1=5, immediate=-4),
    *EXIT,
]


def test_the_engine_satisfies_the_port() -> None:
    engine: Engine = JitEngine()
    machine: Machine = engine.start(program_of(COUNT_DOWN), Task())
    machine.advance(10)
    assert (engine.name, machine.cycle) == ("jit", 10)


def test_equal_programs_share_a_translation() -> None:
    cache = TranslationCache(CompilePolicy())
    first = cache.get(program_of(COUNT_DOWN))
    assert cache.get(program_of(list(COUNT_DOWN))) is first
    assert cache.get(program_of(EXIT)) is not first


def test_the_least_recently_used_translation_goes_first() -> None:
    cache = TranslationCache(CompilePolicy(), limit=2)
    programs = [program_of([encode("addi", rd=1, immediate=i), *EXIT]) for i in range(3)]
    first, second = cache.get(programs[0]), cache.get(programs[1])
    assert cache.get(programs[0]) is first
    cache.get(programs[2])
    assert cache.get(programs[0]) is first
    assert cache.get(programs[1]) is not second


def test_large_programs_do_not_fill_the_cache() -> None:
    programs = [program_of([encode("addi", rd=1, immediate=i), *EXIT]) for i in range(3)]
    two = 2 * len(programs[0].segments[0].content)
    cache = TranslationCache(CompilePolicy(), limit_bytes=two)
    first, *_, last = [cache.get(program) for program in programs]
    assert cache.get(programs[2]) is last
    assert cache.get(programs[0]) is not first
    cache = TranslationCache(CompilePolicy(), limit_bytes=1)
    only = cache.get(programs[0])
    assert cache.get(programs[0]) is only


def test_everything_that_decides_the_code_is_in_the_key() -> None:
    code = assemble(COUNT_DOWN)

    def key(entry: int, address: int, content: bytes, *, is_executable: bool) -> bytes:
        segment = Segment(address=address, content=content, is_executable=is_executable)
        return program_key(Program(entry=entry, segments=(segment,)))

    keys = {
        key(CODE_START, CODE_START, code, is_executable=True),
        key(CODE_START + 4, CODE_START, code, is_executable=True),
        key(CODE_START, CODE_START - 4, code, is_executable=True),
        key(CODE_START, CODE_START, code + b"\0", is_executable=True),
        key(CODE_START, CODE_START, code, is_executable=False),
    }
    assert len(keys) == 5


def test_nothing_is_compiled_before_it_runs_or_twice() -> None:
    cache = TranslationCache(CompilePolicy())
    translation = cache.get(program_of(COUNT_DOWN))
    assert not translation.has_entry(CODE_START)
    assert translation.prepare(CODE_START)
    assert not translation.prepare(CODE_START)
    assert translation.has_entry(CODE_START)


def test_units_beyond_the_free_ones_are_compiled_when_hot() -> None:
    translation = Translation(program_of(COUNT_DOWN), CompilePolicy(free_cost=0, hot_steps_per_cost=10))
    translation.note_steps(CODE_START, 100)
    assert not translation.prepare(CODE_START)
    translation.note_steps(CODE_START, 1000)
    assert translation.prepare(CODE_START)


def test_baseline_code_is_optimised_where_runs_are_found(tmp_path: Path) -> None:
    policy = CompilePolicy(optimise_cycles_per_cost=10, objects=ObjectCache(tmp_path / "objects"))
    translation = Translation(program_of(COUNT_DOWN), policy)
    assert translation.prepare(CODE_START)
    loop = CODE_START + 4
    entry = _entry_of(translation, loop)
    wanted = 10 * translation.code.cost_of(0)
    assert translation.note_sample(loop, wanted - 1)
    translation.note_sample(0x1F00_0000, 1 << 40)
    assert _entry_of(translation, loop) == entry
    translation.note_sample(loop, 1)
    assert _entry_of(translation, loop) != entry
    assert not translation.note_sample(loop, 1 << 40)


def test_the_cycles_of_all_processes_together_make_a_part_hot(tmp_path: Path) -> None:
    policy = CompilePolicy(optimise_cycles_per_cost=1 << 28, objects=ObjectCache(tmp_path / "objects"))
    program = program_of(COUNT_DOWN)
    wanted = Translation(program, policy).code.cost_of(0) << 28
    # 1/16 each, of what is enough for the first process: 1, 1/2, 1/4.
    for _ in range(3):
        translation = Translation(program, policy)
        assert translation.prepare(CODE_START)
        assert translation.note_sample(CODE_START, wanted // 16)
        assert translation.note_sample(CODE_START, 0)
    last = Translation(program, policy)
    assert last.prepare(CODE_START)
    assert not last.note_sample(CODE_START, 0)


@pytest.mark.parametrize("processes", [1, AGAIN_PROCESSES, AGAIN_PROCESSES + 1])
def test_each_process_before_halves_what_makes_a_part_hot(tmp_path: Path, processes: int) -> None:
    policy = CompilePolicy(optimise_cycles_per_cost=1 << 40, objects=ObjectCache(tmp_path / "objects"))
    program = program_of(COUNT_DOWN)
    kept = 1 << 26
    for _ in range(processes):
        before = Translation(program, policy)
        assert before.prepare(CODE_START)
        assert before.note_sample(CODE_START, kept)
    last = Translation(program, policy)
    assert last.prepare(CODE_START)
    wanted = last.code.cost_of(0) << 40 - min(processes, AGAIN_PROCESSES)
    assert last.note_sample(CODE_START, wanted - processes * kept - 1)
    assert not last.note_sample(CODE_START, 1)


def test_what_was_hot_is_optimised_at_first_touch_by_the_next_process(tmp_path: Path) -> None:
    policy = CompilePolicy(optimise_cycles_per_cost=1 << 28, objects=ObjectCache(tmp_path / "objects"))
    program = program_of(COUNT_DOWN)
    first = Translation(program, policy)
    wanted = first.code.cost_of(0) << 28
    assert first.prepare(CODE_START)
    assert first.note_sample(CODE_START, wanted // 2)
    second = Translation(program, policy)
    assert second.prepare(CODE_START)
    assert not second.note_sample(CODE_START, 0)


def test_what_was_hot_before_is_translated_at_first_touch(tmp_path: Path) -> None:
    policy = CompilePolicy(
        free_cost=0, optimise_cycles_per_cost=1 << 40, objects=ObjectCache(tmp_path / "objects")
    )
    program = program_of(COUNT_DOWN)
    first = Translation(program, policy)
    assert not first.prepare(CODE_START)
    first.note_steps(CODE_START, 1 << 40)
    assert first.prepare(CODE_START)
    first.note_sample(CODE_START, 1 << 30)
    assert Translation(program, policy).prepare(CODE_START)


def test_kept_code_is_the_best_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = CompilePolicy(optimise_cycles_per_cost=0, objects=ObjectCache(tmp_path / "objects"))
    program = program_of(COUNT_DOWN)
    first = Translation(program, policy)
    assert first.prepare(CODE_START)
    first.note_sample(CODE_START, 1)
    monkeypatch.delattr("truestep.engine.compilation.translation.object_code")
    second = Translation(program, policy)
    assert second.prepare(CODE_START)
    assert not second.note_sample(CODE_START, 1 << 40)


def test_pieces_are_optimised_too() -> None:
    policy = CompilePolicy(piece_steps=1, optimise_cycles_per_cost=1)
    translation = Translation(program_of([*COUNT_DOWN, *EXIT]), policy)
    middle = CODE_START + 12
    assert translation.prepare(CODE_START)
    translation.note_sample(CODE_START, 1 << 40)
    translation.note_steps(middle, 1)
    assert translation.prepare(middle)
    entry = _entry_of(translation, middle)
    translation.note_sample(middle, 1 << 40)
    assert _entry_of(translation, middle) != entry


def test_runs_go_over_to_better_code_in_the_middle_of_a_loop() -> None:
    """A loop that nothing leaves is left for a look, and goes on in the better code."""
    engine = JitEngine(CompilePolicy(optimise_cycles_per_cost=1_000, sample_cycles=1, walk_after_steps=0))
    program = program_of([encode("addi", rd=5, rs1=5, immediate=1), encode("jal", immediate=-4)])
    stops = [20_000, 20_001, 60_003, 100_000]
    assert compare_runs(engine, program, Task(), stops).difference is None
    machine = engine.start(program, Task())
    machine.advance(10**9 + 1)
    assert machine.state().registers[5] == 5 * 10**8 + 1


def _entry_of(translation: Translation, pc: int) -> int:
    table = (ctypes.c_uint64 * TABLE_ENTRIES).from_address(translation.table_address)
    return int(table[pc >> 2])


def test_addresses_that_are_no_code_are_not_compiled() -> None:
    translation = Translation(program_of(COUNT_DOWN), CompilePolicy(piece_steps=1))
    for _ in range(2):
        translation.note_steps(0x1F00_0000, 100)
        assert not translation.prepare(0x1F00_0000)


def test_jump_tables_and_kept_function_addresses_are_found() -> None:
    """Absolute addresses in constants, distances from a table's own start, and addresses made in code."""
    table = 0x8_0000
    words = [
        encode("auipc", rd=5, immediate=table - CODE_START),
        encode("addi", rd=5, rs1=5),
        encode("lui", rd=6, immediate=CODE_START),
        encode("addi", rd=6, rs1=6, immediate=40),
        *[encode("addi", rd=7, rs1=7, immediate=1)] * 20,
    ]
    distances = [CODE_START + 4 * word - table for word in (5, 9)]
    constants = b"".join(distance.to_bytes(4, "little", signed=True) for distance in distances)
    constants += (CODE_START + 4 * 15).to_bytes(8, "little")
    program = program_of(words, Segment(address=table, content=constants, is_executable=False))
    code = Translation(program, CompilePolicy()).code
    assert code.indirect.tolist() == [CODE_START + 4 * word for word in (5, 9, 10, 15)]


def test_labels_that_are_kept_begin_no_function() -> None:
    """A branch of one leads past the next, as to what handlers of an interpreter share."""
    table = 0x8_0000
    words = [
        encode("jal", rd=1, immediate=8),
        encode("ebreak"),
        encode("jalr", rs1=5),
        encode("addi", rd=6, rs1=6, immediate=1),
        encode("beq", rs1=6, immediate=16),
        encode("jalr", rs1=5),
        encode("addi", rd=7, rs1=7, immediate=1),
        encode("jalr", rs1=5),
        encode("jalr", rs1=1),
        encode("addi", rd=8, rs1=8, immediate=1),
        encode("jal", immediate=-4 * 8),
    ]
    kept = b"".join((CODE_START + 4 * word).to_bytes(8, "little") for word in (3, 6, 9))
    program = program_of(words, Segment(address=table, content=kept, is_executable=False))
    code = Translation(program, CompilePolicy()).code
    assert code.indirect.tolist() == [CODE_START + 4 * word for word in (3, 6, 9)]
    # The last one jumps to the start of a function, which is a call at its end.
    assert code.regions.tolist() == [CODE_START + 4 * word for word in (0, 2, 3, 9)]


def interpreter(handlers: int, length: int) -> Program:
    """Handlers that each branch past the next one, and jump where a register says."""
    handler = [
        encode("beq", rs1=6, immediate=4 * length + 8),
        *[encode("addi", rd=7, rs1=7, immediate=1)] * (length - 2),
        encode("jalr", rs1=28),
    ]
    kept = b"".join((CODE_START + 4 * length * number).to_bytes(8, "little") for number in range(handlers))
    words = [*handler * handlers, *[encode("ebreak")] * (length + 2)]
    return program_of(words, Segment(address=0x8_0000, content=kept, is_executable=False))


def test_the_loop_of_an_interpreter_is_one_function() -> None:
    """Unless it has few targets, or so many that each is but a few instructions."""
    shapes = ((90, 100), (8, 1100), (400, 25))
    assert [len(map_code(interpreter(*shape)).regions) == 1 for shape in shapes] == [True, False, False]
    flow = region_flow(map_code(interpreter(90, 100)), 0)
    assert len(flow.dispatched) == 90
    assert flow.goes_by_table


def test_a_function_of_plain_instructions_is_cut_late() -> None:
    """One of loops is cut soon, and a large one: LLVM takes long for them."""
    plain = [encode("add", rd=1, rs1=2)] * 2_500
    loops = [*plain[:2_000], *[encode("bne", rs1=1, rs2=3, immediate=-8)] * 500]
    counts = [len(map_code(program_of([*words, *EXIT])).regions) for words in (plain, loops, plain * 4)]
    assert counts[0] == 1
    assert min(counts[1:]) > 1


def test_what_an_entry_takes_from_the_control_block() -> None:
    """What is read before it is written on some way, and what is stored though it may be as before."""
    words = [
        encode("addi", rd=20, rs1=21),
        encode("beq", rs1=22, rs2=0, immediate=8),
        encode("addi", rd=23, rs1=20),
        encode("addi", rd=20, rs1=24),
        encode("jal", rd=1, immediate=8),
        encode("add", rd=25, rs1=20, rs2=26),
        encode("jalr", rs1=1),
    ]
    flow = region_flow(Translation(program_of(words), CompilePolicy()).code, 0)
    start = CODE_START
    back = CODE_START + 4 * 5
    assert {register for register in range(32) if flow.changed[back] >> register & 1} == set(PINNED)
    wanted = {register for register in range(32) if flow.wanted[start] >> register & 1}
    assert wanted - set(PINNED) == {21, 22, 23, 24}


def test_no_argument_is_undefined(rng: random.Random) -> None:
    """LLVM 22 merged a jump with one whose argument was poison, and lost the argument of both."""
    code = Translation(random_program(rng, 400), CompilePolicy()).code
    flows = [region_flow(code, region) for region in range(len(code.regions))]
    calls = [line for line in module_ir(code, flows).splitlines() if "musttail" in line]
    assert calls
    assert not [line for line in calls if "poison" in line or "undef" in line]


def jumps_that_share_a_way_out() -> Program:
    """A function whose first jump through a table leaves it, and whose cases all write x20 first."""
    table = 0x8_0000
    start = [
        encode("lui", rd=6, immediate=table),
        *[encode("addi", rd=register, immediate=register) for register in (20, 22)],
        encode("lw", rd=7, rs1=6, immediate=8),
        encode("andi", rd=30, rs1=31, immediate=8),
        encode("add", rd=30, rs1=30, rs2=6),
        encode("lw", rd=28, rs1=30),
        encode("addi", rd=31, rs1=31, immediate=1),
        encode("jal", rd=1, immediate=8),
        encode("ebreak"),
    ]
    function = [encode("addi", rd=29, rs1=29, immediate=3), encode("jalr", rs1=28)]
    case = [encode("addi", rd=register, rs1=29, immediate=77) for register in (20, 22)]
    case += [encode("jalr", rs1=7)]
    after = [encode("add", rd=25, rs1=25, rs2=20), encode("add", rd=26, rs1=26, rs2=22)]
    words = [*start, *function, *case, *case, encode("ebreak")]
    outside = len(words)
    words += [*after, encode("jal", immediate=4 - 4 * (outside + len(after)))]
    words += [encode("jal", rd=1, immediate=-4 * len([*after, 0]))]
    cases = [len(start) + len(function) + len(case) * case_number for case_number in (0, 1)]
    targets = [CODE_START + 4 * word for word in (*cases, outside, outside)]
    return program_of(words, Segment(address=table, content=assemble(targets), is_executable=False))


def test_jumps_of_a_function_share_a_way_out() -> None:
    """The way out stores what any of them has changed, which each must have loaded."""
    program = jumps_that_share_a_way_out()
    code = Translation(program, CompilePolicy()).code
    flows = [region_flow(code, region) for region in range(len(code.regions))]
    assert len(flows[1].dispatched) == len(flows) - 1 == 2
    engine = JitEngine(CompilePolicy(walk_after_steps=0))
    assert compare_runs(engine, program, Task(), (4_000, 8_001)).difference is None


def test_nothing_that_leaves_a_function_is_undefined(rng: random.Random) -> None:
    for number in range(6):
        program = random_call_program(rng) if number % 2 else random_program(rng, 200)
        assert not [*undefined_in(program)]


def test_registers_that_are_unseen_are_not_passed_on_undefined() -> None:
    """Baseline code once passed on a register that followed from one that was unseen before."""
    rng = random.Random(5023)
    assert not [*undefined_in(random_program(rng, rng.choice((60, 160, 400))))]


def test_every_entry_of_a_random_program_leads_somewhere(rng: random.Random) -> None:
    program = random_program(rng, 200)
    translation = Translation(program, CompilePolicy())
    translation.prepare(program.entry)
    code = translation.code
    assert translation.has_entry(program.entry)
    assert all(translation.has_entry(int(pc)) for pc in code.regions)
    assert not any(translation.has_entry(int(pc) + 4 * len(code.words)) for pc in code.addresses)
