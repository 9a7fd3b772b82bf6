"""The first tier on x86-64: every template with registers in every place, against the reference machine."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Sequence

import pytest

from tests.engine import float_cases
from tests.engine.compare import BASELINE, END, TIERS, compare_every_cycle, compare_runs, random_stops
from tests.engine.float_cases import FORMATS, differences, random_triple, variants
from tests.engine.programs import (
    CODE_START,
    EDGE_VALUES,
    program_of,
    random_call_program,
    random_operands,
    random_program,
)
from tests.engine.switch_programs import random_switch_program
from tests.machine.encode import IMMEDIATE_FORMS, LOADS, REGISTER_FORMS, SHIFTS, STORES, encode, encode_float
from truestep.engine.analysis.code_map import INTERPRETER_TARGETS, map_code
from truestep.engine.compilation import translation
from truestep.engine.compilation.translation import CompilePolicy, Translation
from truestep.engine.host import has_templates
from truestep.engine.jit import JitEngine
from truestep.engine.layout import PINNED, TABLE_ENTRIES
from truestep.engine.templates import units
from truestep.engine.templates import words as memo
from truestep.engine.templates.kept import USUAL, kept_registers
from truestep.engine.templates.units import MachineCode, unit_code
from truestep.engine.templates.words import SharedTemplates
from truestep.machine.layout import INPUT_START
from truestep.machine.program import Program, Segment, Task

pytestmark = pytest.mark.skipif(not has_templates(), reason="this processor has no templates")

INPUT, ROUNDS, MADE = 31, 30, 29
"""Registers with an address, the number of rounds left, and where results are stored."""
PLACES = (0, 1, 8, 10, 11, 13, *USUAL, 5, 6)
"""Zero, registers of the host with short and long numbers, those that have a special use, and memory."""
ROUNDS_COUNT = 16
"""The first thousand instructions are walked."""
DATA, VALUES = 0x2000_0000, 64
EXIT = [encode("addi", rd=17, immediate=93), encode("ecall")]


def repeated(body: list[int], after: list[int]) -> Program:
    """A program that does the same again and again; a final state shows only what is in memory then."""
    back = encode("bne", rs1=ROUNDS, immediate=-4 * (len(body) + 1))
    rounds = encode("addi", rd=ROUNDS, immediate=ROUNDS_COUNT)
    return program_of([rounds, *body, encode("addi", rd=ROUNDS, rs1=ROUNDS, immediate=-1), back, *after])


def straight_code(rng: random.Random, count: int) -> list[int]:
    """Instructions on registers in all places, after these are loaded from the input; results are stored."""
    words = [encode("lui", rd=INPUT, immediate=INPUT_START), encode("lui", rd=MADE, immediate=DATA)]
    words += [encode("ld", rd=each, rs1=INPUT, immediate=8 * i) for i, each in enumerate(PLACES) if each]
    for number in range(count):
        name = rng.choice((*REGISTER_FORMS, *IMMEDIATE_FORMS, *SHIFTS, *LOADS))
        a, b, rd = (rng.choice(PLACES) for _ in range(3))
        if name in REGISTER_FORMS:
            words.append(encode(name, rd=rd, rs1=a, rs2=b))
        elif name in LOADS:
            words.append(encode(name, rd=rd, rs1=INPUT, immediate=rng.randrange(8 * VALUES)))
        else:
            immediate = rng.choice((1, 5, 31) if name in SHIFTS else (0, 1, -1, 2047, -2048))
            words.append(encode(name, rd=rd, rs1=a, immediate=immediate))
        words.append(encode("sd", rs1=MADE, rs2=rd, immediate=8 * number))
        # Fresh values, lest everything becomes 0.
        at = 8 * rng.randrange(VALUES)
        words.append(encode("ld", rd=rng.choice(PLACES), rs1=INPUT, immediate=at))
    return words


@pytest.mark.parametrize("seed", range(8))
def test_integer_instructions_with_registers_in_every_place(seed: int) -> None:
    rng = random.Random(seed)
    values = [rng.choice((rng.choice(EDGE_VALUES), rng.getrandbits(64))) for _ in range(VALUES)]
    content = b"".join(value.to_bytes(8, "little") for value in values)
    program = repeated(straight_code(rng, 250), EXIT)
    assert compare_runs(BASELINE, program, Task(input=content), [END]).difference is None, f"seed {seed}"


@pytest.mark.parametrize("letter", FORMATS)
@pytest.mark.parametrize("places", [(5, 6, 7, 28), (1, 10, 13, 15), (13, 5, 8, 1), (15, 9, 6, 13)])
def test_float_instructions_with_registers_in_every_place(
    letter: str, places: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, register in zip(("A", "B", "C", "RESULT"), places, strict=True):
        monkeypatch.setattr(float_cases, name, register)
    monkeypatch.setattr(float_cases, "INPUT", 18)
    monkeypatch.setattr(float_cases, "OUTPUT", 19)
    monkeypatch.setattr(float_cases, "COUNT", 20)
    rng = random.Random(f"{letter} {places}")
    triples = [random_triple(rng, FORMATS[letter]) for _ in range(40)]
    assert next(differences(variants(letter), triples, BASELINE), None) is None


@pytest.mark.parametrize("name", STORES)
def test_stores_with_registers_in_every_place(name: str) -> None:
    """To pages that are closed, then open, until one may not be written."""
    words: list[int] = []
    for address in (each for each in PLACES if each):
        for stored in PLACES:
            words += [encode("lui", rd=stored, immediate=-0x0123_4000)] if stored else []
            words.append(encode("lui", rd=address, immediate=DATA + 0x1000 * (len(words) + 1)))
            words += [encode(name, rs1=address, rs2=stored, immediate=at) for at in (0, 2047, -2048)]
    refused = [encode("lui", rd=1, immediate=0x7FFF_E000), encode(name, rs1=1, rs2=1, immediate=16)]
    program = repeated(words, refused)
    assert compare_runs(BASELINE, program, Task(), [6_000, END]).difference is None


BASES = (2, 10, 18, 19)
"""Of accesses: two in registers of the host, two in memory."""
VALUES_AT = (1, 5, 11, 15, 20)
"""What is stored and loaded."""
SUM = 13
"""Of what was loaded, which becomes the exit code."""


def set_register(register: int, value: int) -> list[int]:
    """Set a register to 32 bits, sign-extended."""
    upper = value + 0x800 & 0xFFFF_F000
    low = encode("addi", rd=register, rs1=register, immediate=(value - upper + 0x800) % 0x1000 - 0x800)
    return [encode("lui", rd=register, immediate=upper - (upper >> 31 << 32)), low]


def near_accesses(rng: random.Random, count: int) -> list[int]:
    """Loads and, mostly, stores around some registers, and others that keep or break what they share."""
    words: list[int] = []
    stores = rng.choice((0, 0.45, 0.45))
    for _ in range(count):
        base, value = rng.choice(BASES[: rng.choice((1, 2, 4))]), rng.choice(VALUES_AT)
        at = rng.choice((rng.randrange(-2048, 2047), 8 * rng.randrange(16), 8 * rng.randrange(-16, 16)))
        kind = rng.random()
        if kind < stores:
            words.append(encode(rng.choice([*STORES]), rs1=base, rs2=value, immediate=at))
        elif kind < 0.75:
            words.append(encode(rng.choice([*LOADS]), rd=value, rs1=base, immediate=at))
            words.append(encode("add", rd=SUM, rs1=SUM, rs2=value))
        elif kind < 0.85:
            back = encode("add", rd=base, rs1=next(each for each in BASES if each != base))
            chain = encode("lbu", rd=base, rs1=base, immediate=at)
            words += [chain, encode("ld", rd=value, rs1=base, immediate=at + 1), back]
            words.append(encode("xor", rd=SUM, rs1=SUM, rs2=value))
        elif kind < 0.95:
            name = rng.choice(("add", "sub", "sub", "sll", "slt", "addw"))
            words.append(encode(name, rd=value, rs1=7, rs2=rng.choice((value, rng.choice(VALUES_AT)))))
        else:
            words.append(encode("addi", rd=base, rs1=base, immediate=8 * rng.randrange(-4, 4)))
    return words


@pytest.mark.parametrize("base", [DATA + 0x5000, 0x7FFF_A000, 0xE000_3000, 0xFFFF_C000, 0, 0xBFFF_E000])
@pytest.mark.parametrize("is_lowest_page_empty", [True, False])
def test_accesses_that_share_an_address_or_a_look_at_their_pages(
    base: int, is_lowest_page_empty: bool
) -> None:
    """Where pages open one after another, where there are no more, and where programs may not write."""
    for seed in range(8):
        rng = random.Random(f"{base} {seed}")
        words = [*set_register(7, 0x1E37_79B9 + seed), *set_register(ROUNDS, 100)]
        for register in BASES:
            words += set_register(register, base + rng.choice((0, 8, 2040, 2048, 4088, 4095, 3 * 4096 - 24)))
        body = near_accesses(rng, rng.choice((10, 40, 90)))
        step = rng.choice((8, -8, 257, 1032))
        body += [encode("addi", rd=register, rs1=register, immediate=step) for register in BASES]
        body += [encode("add", rd=register, rs1=register, rs2=7) for register in VALUES_AT]
        body.append(encode("addi", rd=ROUNDS, rs1=ROUNDS, immediate=-1))
        words += [*body, encode("bne", rs1=ROUNDS, immediate=-4 * len(body))]
        words += [encode("addi", rd=10, rs1=SUM), *EXIT]
        low = Segment(address=0, content=bytes(range(1, 251)) * 12, is_executable=False)
        program = program_of(words, *([] if is_lowest_page_empty else [low]))
        found = compare_runs(BASELINE, program, Task(), [END])
        assert found.difference is None, f"seed {base} {seed}: {found.difference}"


@pytest.mark.parametrize("name", ["div", "rem", "divw", "remw"])
def test_the_least_integer_is_divided_by_minus_one(name: str) -> None:
    shift = encode("slli", rd=5, rs1=5, immediate=31 if name.endswith("w") else 63)
    words = [encode("lui", rd=MADE, immediate=DATA), encode("addi", rd=5, immediate=1), shift]
    words += [encode("addi", rd=6, immediate=-1), encode(name, rd=10, rs1=5, rs2=6)]
    words.append(encode("sd", rs1=MADE, rs2=10))
    program = repeated(words * 16, EXIT)
    assert compare_runs(BASELINE, program, Task(), [END]).difference is None


def test_runs_stop_at_every_cycle() -> None:
    rng = random.Random(4)
    program, task = random_program(rng, 160), Task(input=random_operands(rng))
    assert compare_every_cycle(BASELINE, program, task, 600).difference is None


@pytest.mark.parametrize("seed", range(4))
def test_jumps_through_tables(seed: int) -> None:
    """To odd and misaligned addresses too, out of the region, and to where no code is."""
    rng = random.Random(seed)
    program, task = random_switch_program(rng, 3), Task(input=random_operands(rng))
    assert compare_runs(BASELINE, program, task, random_stops(rng)).difference is None


def test_large_programs_are_not_joined_without_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit, and without templates, LLVM makes the first tier."""
    monkeypatch.setattr(translation, "JOINED_LIMIT_BYTES", 0)
    rng = random.Random(5)
    program, task = random_program(rng, 60), Task(input=random_operands(rng))
    engine = JitEngine(CompilePolicy(optimise_cycles_per_cost=1 << 40, walk_after_steps=0))
    assert compare_runs(engine, program, task, [1_000]).difference is None


def test_code_is_kept_in_one_piece() -> None:
    calls = encode_float("fclass.d", rd=5, rs1=6)
    plain = program_of([encode("addi", rd=5, immediate=1), *EXIT])
    for program in (plain, program_of([calls, *EXIT]), interpreter(20)):
        code = map_code(program)
        made = unit_code(code, range(len(code.regions)), SharedTemplates(has_fused=True))
        kept = MachineCode.unpacked(made.packed())
        assert kept.content == made.content
        assert kept.pcs.tolist() == made.pcs.tolist() == code.leaders.tolist()
        assert kept.places.tolist() == made.places.tolist()
        assert kept.tables.tolist() == made.tables.tolist()
        assert len(kept.tables) == bool(len(code.indirect))
        assert kept.calls_floats == made.calls_floats == (calls in code.words)


def test_templates_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memo, "MEMO_LIMIT_WORDS", 100)
    templates = SharedTemplates(has_fused=False).keeping(USUAL)
    for word in range(101):
        templates.of(word << 12 | 0x37)
    assert len(templates.known) == 1


@pytest.mark.parametrize("seed", range(4))
def test_units_keep_any_registers(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each unit others, so that they are brought home wherever one goes on in another."""
    rng = random.Random(seed)
    others = [register for register in range(1, 32) if register not in PINNED]
    monkeypatch.setattr(units, "kept_registers", lambda *_: tuple(rng.sample(others, rng.randrange(3))))
    size = rng.choice((40, 160))
    program = random_switch_program(rng, size // 40) if seed % 2 else random_call_program(rng, size // 8)
    for engine in (BASELINE, TIERS):
        stops = [12_000, 30_000]
        found = compare_runs(engine, program, Task(input=random_operands(rng)), stops)
        assert found.difference is None, f"seed {seed}: {found.difference}"


def test_the_loop_of_an_interpreter_keeps_what_it_uses_most() -> None:
    used = [encode("add", rd=register, rs1=register, rs2=2) for register in (7, 7, 7, 21, 21, 5, 10, 10, 10)]
    program = interpreter(INTERPRETER_TARGETS + 1, used)
    code = map_code(program)
    assert kept_registers(code, range(len(code.regions))) == (7, 21)
    code = map_code(interpreter(INTERPRETER_TARGETS, used))
    assert kept_registers(code, range(len(code.regions))) == USUAL


def interpreter(cases: int, body: Sequence[int] = (encode("addi", rd=7, rs1=7, immediate=1),) * 6) -> Program:
    """A function that jumps by a table of words to one of its cases, each of which goes back to the jump."""
    dispatch = [encode("lw", rd=6, rs1=5), encode("jalr", rs1=6)]
    words = list(dispatch)
    starts: list[int] = []
    for _ in range(cases):
        starts.append(CODE_START + 4 * len(words))
        words += body
        words.append(encode("jal", immediate=-4 * len(words)))
    table = b"".join(start.to_bytes(4, "little") for start in starts)
    return program_of(words, Segment(address=0x8_0000, content=table, is_executable=False))


@pytest.mark.parametrize("is_scattered", [True, False])
def test_an_interpreter_that_was_cut_stays_in_the_first_tier(
    is_scattered: bool,
) -> None:
    """As functions, its parts would be left at each jump by the table."""
    program = interpreter(300 if is_scattered else 16)
    made = Translation(program, CompilePolicy(optimise_cycles_per_cost=1))
    assert made.code.is_scattered(0) is is_scattered
    assert made.prepare(CODE_START)
    table = (ctypes.c_uint64 * TABLE_ENTRIES).from_address(made.table_address)
    before = table[CODE_START >> 2]
    assert not made.note_sample(CODE_START, 1 << 40)
    assert (table[CODE_START >> 2] == before) is is_scattered


@pytest.mark.parametrize(("targets", "factor"), [(INTERPRETER_TARGETS, 1), (INTERPRETER_TARGETS + 1, 64)])
def test_the_loop_of_an_interpreter_stays_in_the_first_tier_for_long(targets: int, factor: int) -> None:
    made = Translation(interpreter(targets), CompilePolicy(optimise_cycles_per_cost=1 << 20))
    assert made.prepare(CODE_START)
    wanted = (made.code.cost_of(0) << 20) * factor
    assert made.note_sample(CODE_START, wanted - 1)
    assert not made.note_sample(CODE_START, 1)
