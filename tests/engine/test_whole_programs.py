"""Random whole programs are bit-equal in both engines at every stop."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.compare import (
    CYCLES_LIMIT,
    ENGINES,
    PIECES,
    compare_long,
    compare_program,
    compare_runs,
    start_both,
)
from tests.engine.programs import random_operands, random_program
from truestep.engine.codegen import operations
from truestep.machine.program import Task
from truestep.machine.witness import build_witness, verify_step


# `make fuzz` runs programs of both kinds by the thousand.
@settings(max_examples=settings().max_examples // 5)
@given(st.randoms(use_true_random=False), st.sampled_from((40, 80, 200)))
def test_random_programs(rng: random.Random, size: int) -> None:
    assert compare_program(rng, size).difference is None


def test_programs_that_run_long(rng: random.Random) -> None:
    cycles = 0
    for _ in range(16):
        comparison = compare_program(rng, 400)
        assert comparison.difference is None
        cycles += comparison.cycles
    assert cycles > 4 * CYCLES_LIMIT


def test_the_long_fuzz_runs_long_and_finds_faults(
    rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparisons = [compare_long(rng, 160) for _ in range(4)]
    assert not any(comparison.difference for comparison in comparisons)
    assert sum(comparison.cycles for comparison in comparisons) > 10 * CYCLES_LIMIT
    monkeypatch.setitem(operations.OPERATIONS, "add", operations.OPERATIONS["or"])
    assert any(compare_long(rng, 160).difference for _ in range(8))


def test_every_cycle_is_a_stop(rng: random.Random) -> None:
    program, task = random_program(rng, 120), Task(input=random_operands(rng))
    for engine in ENGINES:
        assert compare_runs(engine, program, task, range(200), memory_every=10).difference is None


def test_witnesses_from_the_engine_verify(rng: random.Random) -> None:
    """`build_witness` needs nodes at every level, inside pages too."""
    for _ in range(6):
        program, task = random_program(rng, 100), Task(input=random_operands(rng))
        reference, jit = start_both(program, task, PIECES)
        for stop in sorted(rng.randrange(300) for _ in range(4)):
            reference.advance(stop)
            jit.advance(stop)
            witness = build_witness(jit.state(), jit.node)
            assert witness == build_witness(reference.state(), reference.node)
            before = jit.state().hash()
            jit.advance(jit.cycle + 1)
            assert verify_step(witness) == (before, jit.state().hash())
            reference.advance(jit.cycle)
