"""The first tier on x86-64: every template with registers in every place, against the reference machine."""

from __future__ import annotations

import ctypes
import random

import pytest

from tests.engine import float_cases
from tests.engine.compare import BASELINE, END, compare_every_cycle, compare_runs, random_stops
from tests.engine.float_cases import FORMATS, differences, random_triple, variants
from tests.engine.programs import CODE_START, EDGE_VALUES, program_of, random_operands, random_program
from tests.engine.switch_programs import random_switch_program
from tests.machine.encode import IMMEDIATE_FORMS, LOADS, REGISTER_FORMS, SHIFTS, STORES, encode, encode_float
from truestep.engine.analysis.code_map import INTERPRETER_TARGETS, map_code
from truestep.engine.compilation import translation
from truestep.engine.compilation.translation import CompilePolicy, Translation
from truestep.engine.host import has_templates
from truestep.engine.jit import JitEngine
from truestep.engine.layout import TABLE_ENTRIES
from truestep.engine.templates import units
from truestep.engine.templates.encoding import KEPT
from truestep.engine.templates.units import MachineCode, Templates, unit_code
from truestep.machine.layout import INPUT_START
from truestep.machine.program import Program, Segment, Task

pytestmark = pytest.mark.skipif(not has_templates(), reason="this processor has no templates")

INPUT, ROUNDS, MADE = 31, 30, 29
"""Registers with an address, the number of rounds left, and where results are stored."""
PLACES = (0, 1, 8, 10, 11, 13, KEPT, 5, 6)
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
    for words in ([encode("addi", rd=5, immediate=1), *EXIT], [calls, *EXIT]):
        code = map_code(program_of(words))
        made = unit_code(code, range(len(code.regions)), Templates(has_fused=True))
        kept = MachineCode.unpacked(made.packed())
        assert kept.content == made.content
        assert kept.pcs.tolist() == made.pcs.tolist() == code.leaders.tolist()
        assert kept.places.tolist() == made.places.tolist()
        assert kept.calls_floats == made.calls_floats == (calls in words)


def test_templates_are_remembered_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "MEMO_LIMIT_WORDS", 100)
    templates = Templates(has_fused=False)
    for word in range(101):
        templates.of(word << 12 | 0x37)
    assert len(templates.known) == 1


def interpreter(cases: int) -> Program:
    """A function that jumps by a table of words to one of its cases, each of which goes back to the jump."""
    dispatch = [encode("lw", rd=6, rs1=5), encode("jalr", rs1=6)]
    words = list(dispatch)
    starts: list[int] = []
    for _ in range(cases):
        starts.append(CODE_START + 4 * len(words))
        words += [encode("addi", rd=7, rs1=7, immediate=1)] * 6
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
