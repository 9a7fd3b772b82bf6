"""The native walk before an exact stop: it is used, and it leaves alone what only the reference decides."""

from __future__ import annotations

import ctypes
import random

import pytest

from tests.engine.compare import WALKS, compare_runs
from tests.engine.float_cases import variants
from tests.engine.programs import program_of, random_operands, random_program
from tests.machine.encode import ENCODINGS, encode
from truestep.engine.codegen import operations
from truestep.engine.codegen.walk import walk_module
from truestep.engine.compilation.compile import CompiledModule, walk_address, walk_to
from truestep.engine.compilation.translation import CompilePolicy
from truestep.engine.jit import JitEngine
from truestep.engine.runtime import machine
from truestep.machine.program import Task
from truestep.machine.state import REGISTER_COUNT

LEFT_ALONE = {"ecall", "ebreak", "fence", "fence.i"}


def test_every_integer_instruction_is_walked() -> None:
    """One instruction at a time, from registers that are all 0; jumps go to the next instruction."""
    for name, encoding in ENCODINGS.items():
        if name in LEFT_ALONE:
            continue
        operands = {"immediate": 4} if encoding.form in "BJ" else {}
        word = encode(name, **({"rd": 3, "rs1": 1, "rs2": 2} | operands))
        run = WALKS.start(program_of([word]), Task())
        run.memory.control[1] = 0x2000_0000 if encoding.opcode in (0x03, 0x23) else 8
        assert walk_to()(run.memory.address, 1, walk_address()) == 1, name


@pytest.mark.parametrize("word", [0, 0x73, 0x0010_0073, 0x0200_1053, encode("jal", immediate=2)])
def test_what_is_left_to_the_reference(word: int) -> None:
    run = WALKS.start(program_of([encode("addi", rd=1, immediate=1), word]), Task())
    before = run.position().pc
    assert walk_to()(run.memory.address, 5, walk_address()) == 1
    assert (run.position().pc, run.position().registers[1]) == (before + 4, 1)


def test_a_walk_counts_exactly(rng: random.Random) -> None:
    program, task = random_program(rng, 120), Task(input=random_operands(rng))
    assert compare_runs(WALKS, program, task, range(400), memory_every=40).difference is None


def test_a_wrong_walk_is_noticed(monkeypatch: pytest.MonkeyPatch, rng: random.Random) -> None:
    monkeypatch.setitem(operations.OPERATIONS, "add", operations.OPERATIONS["or"])
    wrong = CompiledModule(walk_module())
    monkeypatch.setattr(machine, "walk_address", lambda _objects: wrong.function("walk"))
    found = [
        compare_runs(WALKS, random_program(rng, 120), Task(input=random_operands(rng)), [300]).difference
        for _ in range(8)
    ]
    assert any(found)


def test_x0_stays_zero() -> None:
    run = WALKS.start(program_of([encode("addi", immediate=7), encode("lui", immediate=4096)]), Task())
    assert walk_to()(run.memory.address, 2, walk_address()) == 2
    assert run.position().registers == (0,) * REGISTER_COUNT


def test_a_walk_ends_where_translated_code_begins() -> None:
    words = [encode("jal", immediate=8), encode("ecall"), encode("addi", rd=1, immediate=1), encode("ecall")]
    translated = JitEngine(CompilePolicy(walk_after_steps=0))
    program = program_of(words)
    run, target = translated.start(program, Task()), program.entry + 8
    stops = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_bool)(walk_address())
    assert (stops(run.memory.address, 9, True), run.position().pc) == (2, program.entry + 12)
    run = translated.start(program, Task())
    assert run._translation.prepare(target)
    assert (stops(run.memory.address, 9, True), run.position().pc) == (1, target)
    run = translated.start(program, Task())
    assert (stops(run.memory.address, 9, False), run.position().pc) == (2, program.entry + 12)


def test_every_float_instruction_is_walked() -> None:
    for word in [*variants("s"), *variants("d")]:
        run = WALKS.start(program_of([word]), Task())
        assert walk_to()(run.memory.address, 1, walk_address()) == 1, hex(word)
