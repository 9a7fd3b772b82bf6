"""The committed vectors: regenerated without a change, and true of the reference machine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.engine.programs import program_of
from tests.machine.encode import ENCODINGS, FLOAT_ENCODINGS, encode
from tests.vectors.cases import (
    FLOATS_FILE,
    RUNS_FILE,
    STEPS_FILE,
    RunCase,
    StepCase,
    dump,
    read_floats,
    read_runs,
    read_steps,
)
from tests.vectors.floats import float_cases
from tests.vectors.runs import run_cases
from tests.vectors.settlement import SETTLEMENT_FILE, dump_settlement, settlement_cases
from tests.vectors.steps import step_cases
from truestep.engine.jit import JitEngine
from truestep.machine.decode import decode
from truestep.machine.interpreter import A7, ECALL_EXIT, ReferenceEngine
from truestep.machine.layout import DATA_START, INPUT_START
from truestep.machine.micro import STACK_TOP, micro_end, rom_root, template
from truestep.machine.program import Task
from truestep.machine.state import Status, TrapCause, initial_state
from truestep.machine.witness import build_witness, open_float, verify_step

FROM, TO = 20, 21
"""Pointers, in registers that no case uses."""
SIZE_LIMIT_BYTES = 1_500_000
"""Of all files: a repository is read by people on slow lines too."""


def test_they_are_what_the_generator_writes() -> None:
    hint = "run `make vectors` and look at what changed"
    assert STEPS_FILE.read_text(encoding="utf-8") == dump(step_cases()), hint
    assert FLOATS_FILE.read_text(encoding="utf-8") == dump(float_cases()), hint
    assert RUNS_FILE.read_text(encoding="utf-8") == dump(run_cases()), hint
    assert SETTLEMENT_FILE.read_text(encoding="utf-8") == dump_settlement(settlement_cases()), hint
    files = (STEPS_FILE, FLOATS_FILE, RUNS_FILE, SETTLEMENT_FILE)
    assert sum(file.stat().st_size for file in files) < SIZE_LIMIT_BYTES


def word_of(case: StepCase) -> int:
    return int.from_bytes(case.machine().read_memory(case.pc & ~3, 4), "little")


def word_name(case: StepCase) -> str | None:
    instruction = decode(word_of(case))
    return instruction and instruction.name


def test_every_instruction_and_every_trap_is_there() -> None:
    cases = [case for case in read_steps() if case.status == 0]
    names = {instruction.name for case in cases if case.pc < 2**29 and (instruction := decode(word_of(case)))}
    assert names | {"fence.i"} == {*ENCODINGS, *FLOAT_ENCODINGS}
    assert {word_name(case.step) for case in read_floats()} == set(FLOAT_ENCODINGS)
    codes: set[int] = set()
    for case in cases:
        machine = case.machine()
        machine.step()
        codes |= {machine.code} if machine.status == 2 else set()
    assert codes == set(TrapCause)


def test_every_step_is_true_of_the_reference_machine() -> None:
    for case in read_steps():
        machine = case.machine()
        before = machine.state()
        assert before.hash().hex() == case.hash_before, case.name
        assert build_witness(before, machine.node).hex() == case.witness, case.name
        machine.step()
        assert machine.state().hash().hex() == case.hash_after, case.name


def test_every_witness_shows_its_step() -> None:
    for case in read_steps():
        shown = verify_step(bytes.fromhex(case.witness))
        assert tuple(root.hex() for root in shown) == (case.hash_before, case.hash_after), case.name


def test_every_float_is_true_of_the_reference_machine() -> None:
    for case in read_floats():
        machine = case.step.machine()
        before = machine.state()
        assert build_witness(before, machine.node).hex() == case.step.witness, case.step.name
        machine.step()
        after = machine.state()
        assert (before.hash().hex(), after.hash().hex()) == (case.step.hash_before, case.step.hash_after)
        assert after.registers[case.rd] == int(case.result, 16), case.step.name
        assert template(after, case.rd).hex() == case.template, case.step.name


def test_every_float_is_true_of_the_engine() -> None:
    """One program that does them all: operands from its input, results into memory."""
    cases = read_floats()
    words = [
        encode("lui", rd=FROM, immediate=INPUT_START),
        encode("lui", rd=TO, immediate=DATA_START),
    ]
    operands: list[int] = []
    for case in cases:
        for register, value in case.step.registers.items():
            words.append(encode("ld", rd=int(register), rs1=FROM))
            words.append(encode("addi", rd=FROM, rs1=FROM, immediate=8))
            operands.append(value)
        words += [word_of(case.step), encode("sd", rs1=TO, rs2=case.rd)]
        words.append(encode("addi", rd=TO, rs1=TO, immediate=8))
        words += [encode("addi", rd=int(register)) for register in case.step.registers]
    end = [encode("addi", rd=A7, immediate=ECALL_EXIT), encode("ecall")]
    content = b"".join(value.to_bytes(8, "little") for value in operands)
    machine = JitEngine().start(program_of([*words, *end]), Task(input=content))
    machine.advance(2**64 - 1)
    assert machine.status is Status.EXITED
    for number, case in enumerate(cases):
        result = int.from_bytes(machine.read_memory(DATA_START + 8 * number, 8), "little")
        assert result == int(case.result, 16), case.step.name


def test_every_float_is_played_out() -> None:
    """What a witness shows of its step, and the ROM's result."""
    for case in read_floats():
        shown = open_float(bytes.fromhex(case.step.witness))
        arguments = [int(value, 16) for value in case.micro_arguments]
        registers = (0, 0, STACK_TOP, *[0] * 7, *arguments, *[0] * 19)
        start = replace(initial_state(memory_root=rom_root(), entry=case.micro_pc), registers=registers)
        expected = (case.step.hash_before, start.hash().hex(), case.template, case.rd)
        assert (shown.before.hex(), shown.micro_start.hex(), shown.template.hex(), shown.rd) == expected
        assert micro_end(start).code == int(case.result, 16), case.step.name


@pytest.mark.parametrize("case", read_runs(), ids=lambda case: case.name)
def test_every_run_is_true_of_the_reference_machine(case: RunCase) -> None:
    machine = ReferenceEngine().start(case.program(), case.task())
    for cycle, expected in enumerate(case.state_hashes):
        machine.advance(cycle)
        assert (machine.cycle, machine.state().hash().hex()) == (cycle, expected)
    machine.advance(2**64 - 1)
    assert (machine.cycle, machine.status, machine.code) == (
        len(case.state_hashes) - 1,
        case.status,
        case.exit_code,
    )
