"""Programs that mean harm: deep recursion, code where none should be, what compilers choke on, threads."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.engine.compare import (
    BASELINE,
    DEFAULT,
    END,
    PIECES,
    TIERS,
    assert_same_end,
    compare_runs,
    start_both,
)
from tests.engine.programs import CODE_START, assemble, program_of, random_operands, random_program
from tests.machine.encode import encode
from truestep.engine.analysis import code_map
from truestep.engine.analysis.code_map import map_code
from truestep.engine.compilation.translation import CompilePolicy
from truestep.engine.jit import JitEngine
from truestep.engine.layout import CONTROL_PAGES
from truestep.engine.runtime.memory import MemoryLimitReached
from truestep.machine.layout import PAGE_SIZE_BYTES
from truestep.machine.program import Program, Segment, Task
from truestep.machine.state import Status, TrapCause

RA, SP, A0, A7, T0 = 1, 2, 10, 17, 5
EXIT = [encode("addi", rd=A7, immediate=93), encode("ecall")]


def recursion(depth: int | None, stack_size_bytes: int) -> Program:
    """Calls itself `depth` times, or forever; the stack begins so far above the code range."""
    stop = [encode("beq", rs1=A0, immediate=8)] if depth else [encode("fence")]
    set_depth = [encode("addi", rd=A0), encode("lui", rd=A0, immediate=((depth or 0) + 0x800) & ~0xFFF)]
    low = ((depth or 0) & 0xFFF) - ((depth or 0) + 0x800 & 0x1000 and 0x1000)
    function = [
        encode("addi", rd=SP, rs1=SP, immediate=-16),
        encode("sd", rs1=SP, rs2=RA),
        encode("addi", rd=A0, rs1=A0, immediate=-1),
        *stop,
        encode("jal", rd=RA, immediate=-16),
        encode("ld", rd=RA, rs1=SP),
        encode("addi", rd=SP, rs1=SP, immediate=16),
        encode("jalr", rs1=RA),
    ]
    start = [
        encode("lui", rd=SP, immediate=0x2000_0000 + stack_size_bytes),
        *set_depth,
        encode("addiw", rd=A0, rs1=A0, immediate=low),
        encode("jal", rd=RA, immediate=12),
    ]
    return program_of([*start, *EXIT, *function])


@pytest.mark.parametrize("depth", [2, 500, 1007])
def test_recursion(depth: int) -> None:
    program = recursion(depth, 1 << 16)
    assert assert_same_end(program).status is Status.EXITED
    stops = sorted(random.Random(depth).sample(range(8 * depth), 12))
    assert compare_runs(DEFAULT, program, Task(), stops).difference is None


def test_endless_recursion_ends_at_the_code_range() -> None:
    state = assert_same_end(recursion(None, 1 << 14))
    assert (state.status, state.code) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


def test_very_deep_recursion() -> None:
    """16 MiB of guest stack, a million frames: none of it may be on the host's."""
    jit = DEFAULT.start(recursion(None, 1 << 24), Task())
    jit.advance(END)
    assert (jit.status, jit.code) == (Status.TRAPPED, TrapCause.STORE_ACCESS)
    assert jit.cycle == 5 + 5 * (1 << 20) + 2


def test_an_endless_loop_stops_where_it_is_told() -> None:
    jit = DEFAULT.start(program_of([encode("jal")]), Task())
    for stop in (1, 2, 10**6 + 1, 10**9 + 7):
        jit.advance(stop)
        assert (jit.cycle, jit.status, jit.state().pc) == (stop, Status.RUNNING, CODE_START)


def test_a_final_machine_stays_as_it_is() -> None:
    reference, jit = start_both(program_of([*EXIT]))
    for stop in (END, 2 * END):
        reference.advance(stop)
        jit.advance(stop)
        assert jit.state() == reference.state()


def test_jumps_into_the_middle_of_blocks() -> None:
    """A computed jump that lands one word further each round: every word becomes an entry."""
    body = [encode("addi", rd=A0, rs1=A0, immediate=i) for i in range(40)]
    head = [
        encode("auipc", rd=T0),
        encode("andi", rd=7, rs1=6, immediate=31),
        encode("slli", rd=7, rs1=7, immediate=2),
        encode("add", rd=T0, rs1=T0, rs2=7),
        encode("addi", rd=6, rs1=6, immediate=1),
        encode("jalr", rs1=T0, immediate=24),
    ]
    program = program_of([*head, *body, encode("jal", immediate=-4 * (len(head) + len(body)))])
    stops = [*range(0, 20_000, 1999), 20_001]
    for engine in (PIECES, JitEngine(CompilePolicy(piece_steps=100)), TIERS):
        assert compare_runs(engine, program, Task(), stops).difference is None


def test_code_among_constants() -> None:
    """What is no executable segment is fetched all the same, and called, and returned from."""
    function = [encode("addi", rd=A0, rs1=A0, immediate=3), encode("jalr", rs1=RA)]
    words = [
        encode("lui", rd=T0, immediate=0x8_0000),
        encode("jalr", rd=RA, rs1=T0),
        encode("jal", rd=RA, immediate=0x8_0000 - CODE_START - 8),
        encode("jal", immediate=-8),
    ]
    constants = Segment(address=0x8_0000, content=assemble(function), is_executable=False)
    program = program_of(words, constants)
    for engine in (DEFAULT, PIECES, TIERS):
        assert compare_runs(engine, program, Task(), (999, 1000, 5000, 5003)).difference is None


CALLED = [encode("addi", rd=A0, rs1=A0, immediate=3), encode("jalr", rs1=RA)]


@pytest.mark.parametrize("distance", [32, 4 << 10])
def test_a_stray_jump_is_never_led_to_code_behind_the_last(
    distance: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies right behind the code, and code farther on than what is mapped of a program."""
    monkeypatch.setattr(code_map, "CODE_LIMIT_WORDS", 1 << 10)
    words = [
        encode("auipc", rd=T0, immediate=distance & ~0xFFF),
        encode("addi", rd=T0, rs1=T0, immediate=distance & 0xFFF),
        encode("lui", rd=7, immediate=0x2000),
        encode("addi", rd=6, rs1=6, immediate=1),
        encode("jalr", rd=RA, rs1=T0),
        encode("bne", rs1=6, rs2=7, immediate=-8),
        encode("lui", rd=8, immediate=0x8000),
        encode("jalr", rd=RA, rs1=8),
    ]
    behind = Segment(
        address=CODE_START + distance, content=assemble(CALLED), is_executable=distance > 4 * len(words)
    )
    for engine in (JitEngine(CompilePolicy(piece_steps=100)), TIERS):
        assert compare_runs(engine, program_of(words, behind), Task(), (200_000,)).difference is None


def test_code_beyond_what_is_mapped(monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> None:
    monkeypatch.setattr(code_map, "CODE_LIMIT_WORDS", 50)
    program = random_program(rng, 200)
    for policy in (CompilePolicy(), CompilePolicy(piece_steps=1)):
        engine, task = JitEngine(policy), Task(input=random_operands(rng))
        assert compare_runs(engine, program, task, (10, 100, 500, 501)).difference is None


def test_a_program_without_a_whole_word() -> None:
    segment = Segment(address=CODE_START, content=b"\x13\x00", is_executable=True)
    assert_same_end(Program(entry=CODE_START, segments=(segment,)))


def test_a_word_that_two_segments_share() -> None:
    code = assemble([encode("addi", rd=1, immediate=1), *EXIT])
    halves = (
        Segment(address=CODE_START, content=code[:6], is_executable=True),
        Segment(address=CODE_START + 6, content=code[6:], is_executable=True),
    )
    assert assert_same_end(Program(entry=CODE_START, segments=halves)).status is Status.EXITED


SHAPES = {
    "chained mulh": lambda i, _: encode("mulh", rd=1 + i % 31, rs1=1 + i * 7 % 31, rs2=1 + i * 11 % 31),
    "divisions": lambda i, _: encode("div", rd=1 + i % 31, rs1=1 + i * 7 % 31, rs2=1 + i * 11 % 31),
    "calls to the next word": lambda i, _: encode("jal", rd=1, immediate=4),
    "branches to everywhere": lambda i, rng: encode(
        "bne" if i % 2 else "bltu",
        rs1=rng.randrange(32),
        rs2=rng.randrange(32),
        immediate=4 * (rng.randrange(700) - i),
    ),
    "indirect calls": lambda i, rng: encode(
        *(("jalr",) if i % 3 else ("auipc",)), rd=1 + i % 9, rs1=1 + i % 9
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_that_compilers_choke_on(shape: str, rng: random.Random) -> None:
    """Compiled in pieces small enough; without limits the first of these takes LLVM hours."""
    words = [SHAPES[shape](i, rng) for i in range(700)]
    program = program_of([*words, encode("jal", immediate=-4 * len(words))])
    assert compare_runs(DEFAULT, program, Task(), (50, 2000, 2001)).difference is None


TABLE = 0x8_0000


def nested_loops(count: int) -> Program:
    """Loop within loop: so many jumps back, each past all those before it."""
    heads = [encode("addi", rd=5 + i % 20, rs1=5 + i % 20, immediate=1) for i in range(count)]
    tails = [
        word
        for i in range(count)
        for word in (
            encode("beq", rs1=5 + i % 20, immediate=8),
            encode("jal", immediate=-4 * (2 + 3 * i)),
        )
    ]
    return program_of([*heads, *tails])


def giant_switch(cases: int) -> Program:
    """A jump through a table, with a case for each entry."""
    head = [
        encode("lui", rd=T0, immediate=TABLE),
        encode("andi", rd=6, rs1=A0, immediate=1023),
        encode("slli", rd=6, rs1=6, immediate=2),
        encode("add", rd=T0, rs1=T0, rs2=6),
        encode("lw", rd=T0, rs1=T0),
        encode("jalr", rs1=T0),
    ]
    words, targets = [*head], list[int]()
    for i in range(cases):
        targets.append(CODE_START + 4 * len(words))
        words += [
            encode("addi", rd=A0, rs1=A0, immediate=i % 7 + 1),
            encode("jal", immediate=-4 * len(words) - 4),
        ]
    table = assemble((targets * 1024)[:1024])
    return program_of(words, Segment(address=TABLE, content=table, is_executable=False))


def every_word_a_target(count: int) -> Program:
    """The program keeps the address of each of its words."""
    words = [encode("add", rd=1 + i % 30, rs1=1 + i * 7 % 30, rs2=1 + i * 11 % 30) for i in range(count)]
    table = assemble([CODE_START + 4 * i for i in range(count)])
    jump = encode("jal", immediate=-4 * count)
    return program_of([*words, jump], Segment(address=TABLE, content=table, is_executable=False))


def straight(count: int) -> Program:
    """One block of so many instructions, again and again."""
    words = [encode("addi", rd=1 + i % 31, rs1=1 + i * 7 % 31, immediate=i % 2048) for i in range(count)]
    return program_of([*words, encode("jal", immediate=-4 * count)])


FLOWS = {
    "a nest of 1000 loops": lambda: nested_loops(1000),
    "a switch of 1000 cases": lambda: giant_switch(1000),
    "every word a target": lambda: every_word_a_target(1000),
    "a block of 100,000": lambda: straight(100_000),
}


@pytest.mark.parametrize("flow", FLOWS)
def test_flow_that_compilers_choke_on(flow: str) -> None:
    """Bounded by what a unit may cost LLVM; without the bounds the third takes it minutes."""
    engine = JitEngine(CompilePolicy(free_cost=2 * code_map.UNIT_LIMIT_COST))
    program = FLOWS[flow]()
    assert compare_runs(engine, program, Task(), (100, 5_000, 120_000)).difference is None
    code = map_code(program)
    units = {int(unit) for unit in code.units}
    assert (
        max(code.cost_of(unit) for unit in units) < code_map.REGION_LIMIT_COST + 3 * code_map.UNIT_LIMIT_COST
    )


def test_crowded_entries_are_cut_into_small_units() -> None:
    code = map_code(every_word_a_target(2000))
    assert len(code.indirect) == 2000
    assert len(set(code.units.tolist())) > 15
    assert len(set(map_code(straight(2000)).units.tolist())) == 1


NOWHERE = {
    "zeros": (0x1F00_0000, TrapCause.ILLEGAL_INSTRUCTION),
    "the end of the code range": (0x2000_0000, TrapCause.FETCH_ACCESS),
    "data": (0x2000_1000, TrapCause.FETCH_ACCESS),
    "input": (0xA000_0000, TrapCause.FETCH_ACCESS),
    "the last word of memory": (0xFFFF_FFFC, TrapCause.FETCH_ACCESS),
    "between two words": (CODE_START + 2, TrapCause.JUMP_MISALIGNED),
}


@pytest.mark.parametrize("place", NOWHERE)
@pytest.mark.parametrize("link", [0, RA])
def test_jumps_into_nothing(place: str, link: int) -> None:
    target, cause = NOWHERE[place]
    load = [encode("lui", rd=T0, immediate=0xA000_0000), encode("ld", rd=T0, rs1=T0)]
    program = program_of([*load, encode("jalr", rd=link, rs1=T0)])
    for engine in (DEFAULT, BASELINE):
        state = assert_same_end(program, Task(input=target.to_bytes(8, "little")), engine)
        assert (state.status, state.code) == (Status.TRAPPED, cause)


@pytest.mark.parametrize("distance", [-CODE_START, -4, 8, 10, 1 << 19, -CODE_START - 4])
@pytest.mark.parametrize("link", [0, RA])
def test_direct_jumps_out_of_the_code(distance: int, link: int) -> None:
    program = program_of([encode("addi", rd=A0, immediate=7), encode("jal", rd=link, immediate=distance - 4)])
    for engine in (DEFAULT, BASELINE):
        assert assert_same_end(program, engine=engine).status is Status.TRAPPED


@pytest.mark.parametrize("address", [CODE_START, CODE_START + 8, 0x1FFF_FFFC, 0, 0x8_0000])
def test_code_cannot_change_itself(address: int) -> None:
    """Neither code that runs, nor what may be fetched, nor by a store that begins or ends there."""
    load = [encode("lui", rd=T0, immediate=0xA000_0000), encode("ld", rd=T0, rs1=T0)]
    program = program_of([*load, encode("sd", rs1=T0, rs2=RA), *EXIT])
    state = assert_same_end(program, Task(input=address.to_bytes(8, "little")))
    assert (state.status, state.code) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


def test_a_guest_that_writes_everything_is_stopped_at_its_limit() -> None:
    """It would write 1.5 GiB of data, a word a page; it gets 16 MiB."""
    words = [
        encode("lui", rd=T0, immediate=0x2000_0000),
        encode("lui", rd=6, immediate=0x1000),
        encode("sd", rs1=T0, rs2=T0),
        encode("add", rd=T0, rs1=T0, rs2=6),
        encode("jal", immediate=-8),
    ]
    machine = JitEngine(memory_limit_bytes=16 << 20).start(program_of(words), Task())
    with pytest.raises(MemoryLimitReached, match="at most 16777216 bytes"):
        machine.advance(END)
    assert int(machine.memory.control[CONTROL_PAGES]) == (16 << 20) // PAGE_SIZE_BYTES


TIERED = CompilePolicy(piece_steps=1, optimise_cycles_per_cost=8, sample_cycles=1, walk_after_steps=0)


@pytest.mark.parametrize("policy", [CompilePolicy(), TIERED], ids=["optimised", "tiers"])
def test_runs_in_threads_do_not_disturb_each_other(policy: CompilePolicy, rng: random.Random) -> None:
    """The same new program at once in several threads, on different inputs."""
    program = random_program(rng, 300)
    inputs = [random_operands(rng) for _ in range(8)]
    engine, barrier = JitEngine(policy), Barrier(4)

    def run(number: int) -> bool:
        if number < barrier.parties:
            barrier.wait()
        reference, jit = start_both(program, Task(input=inputs[number]), engine)
        for stop in (*range(0, 2000, 123), 9_000, 20_000):
            reference.advance(stop)
            jit.advance(stop)
        return reference.state() == jit.state()

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, range(len(inputs))))
