"""The committed vectors: regenerated without a change, and true of the reference machine."""

from __future__ import annotations

import pytest

from tests.machine.encode import ENCODINGS
from tests.vectors.cases import RUNS_FILE, STEPS_FILE, RunCase, StepCase, dump, read_runs, read_steps
from tests.vectors.runs import run_cases
from tests.vectors.steps import step_cases
from truestep.machine.decode import decode
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.state import TrapCause
from truestep.machine.witness import build_witness, verify_step

SIZE_LIMIT_BYTES = 1_500_000
"""Of both files: a repository is read by people on slow lines too."""


def test_they_are_what_the_generator_writes() -> None:
    hint = "run `make vectors` and look at what changed"
    assert STEPS_FILE.read_text(encoding="utf-8") == dump(step_cases()), hint
    assert RUNS_FILE.read_text(encoding="utf-8") == dump(run_cases()), hint
    assert STEPS_FILE.stat().st_size + RUNS_FILE.stat().st_size < SIZE_LIMIT_BYTES


def word_of(case: StepCase) -> int:
    return int.from_bytes(case.machine().read_memory(case.pc & ~3, 4), "little")


def test_every_instruction_and_every_trap_is_there() -> None:
    cases = [case for case in read_steps() if case.status == 0]
    names = {instruction.name for case in cases if case.pc < 2**29 and (instruction := decode(word_of(case)))}
    assert names | {"fence.i"} == set(ENCODINGS)
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
