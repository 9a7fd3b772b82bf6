"""Registers that stay in the control block."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from tests.engine.compare import compare_runs, random_stops
from tests.engine.float_programs import random_float_program
from tests.engine.programs import random_call_program, random_operands
from tests.engine.switch_programs import random_switch_program
from truestep.engine.analysis import homes
from truestep.engine.analysis.code_map import LARGE_INSTRUCTIONS
from truestep.engine.analysis.homes import Uses, homed_registers
from truestep.engine.jit import JitEngine
from truestep.machine.program import Program, Task

S2, S3 = 1 << 18, 1 << 19

MAKERS = {
    "calls": lambda rng: random_call_program(rng, 10),
    "switches": lambda rng: random_switch_program(rng, 2),
    "floats": random_float_program,
}


def uses(**changes: object) -> Uses:
    """A block that uses a register twice, in a loop, behind one that is entered from outside."""
    known = {
        "instructions": 8,
        "successors": {0: [4], 4: [4, 8], 8: []},
        "touched": {0: (0, 0), 4: (S2, S2), 8: (0, 0)},
        "loaded": {0: S2 | S3},
        "stored": {8: S2},
    }
    return Uses(**{**known, **changes})


def test_what_a_loop_uses_is_in_a_host_register() -> None:
    assert homed_registers(uses()) == S3


def test_what_is_loaded_more_often_than_used_stays() -> None:
    assert homed_registers(uses(loaded={0: S2, 4: S2})) == S2


def test_loops_around_both_uses_and_ways_in_change_nothing() -> None:
    around = {0: [4], 4: [8], 8: [12], 12: [0]}
    touched = {0: (0, 0), 4: (0, 0), 8: (S2, 0), 12: (0, 0)}
    assert homed_registers(uses(successors=around, touched=touched, loaded={4: S2}, stored={})) == S2


def calls_around(inner: dict[int, list[int]]) -> Uses:
    """Calls in loops before a loop at 12 that uses a register."""
    successors = {0: [4], 4: [8], 8: [4, 12], **inner}
    touched = {start: (S2, S2) if start == 12 else (0, 0) for start in successors}
    return uses(successors=successors, touched=touched, loaded={8: S2 | S3}, stored={8: S2 | S3})


def test_what_a_tight_loop_uses_is_in_a_host_register_whatever_else_there_is() -> None:
    assert homed_registers(calls_around({12: [16], 16: []})) == S2 | S3
    assert homed_registers(calls_around({12: [12, 16], 16: []})) == S3


def test_a_round_that_ends_beyond_the_first_jump_back_may_call() -> None:
    """Compilers place a call that is seldom made there."""
    known = calls_around({12: [16, 20], 16: [12, 24], 20: [12, 24], 24: []})
    call = {**known.loaded, 20: S2 | S3}
    assert homed_registers(replace(known, loaded=call, stored=call)) == S3
    inside = {**known.loaded, 16: S2 | S3}
    assert homed_registers(replace(known, loaded=inside, stored=inside)) == S2 | S3


def test_all_stay_in_a_large_function() -> None:
    assert homed_registers(uses(instructions=LARGE_INSTRUCTIONS + 1)) & (S2 | S3) == S2 | S3


@pytest.mark.parametrize("kind", MAKERS)
def test_programs_run_the_same_with_all_registers_at_home(
    kind: str, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(homes, "LARGE_INSTRUCTIONS", 0)
    program: Program = MAKERS[kind](rng)
    for _ in range(2):
        stops = random_stops(rng)
        assert compare_runs(JitEngine(), program, Task(input=random_operands(rng)), stops).difference is None
