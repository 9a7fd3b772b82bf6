"""Both engines run random programs and are compared at random stops.

As a program: `python -m tests.engine.fuzz --seed 1 --programs 1000` runs until something differs, and prints
the seed that replays it.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass, replace

from tests.engine.programs import random_operands, random_program
from truestep.commitments.merkle import ZERO_NODES
from truestep.engine.jit import JitEngine, JitMachine
from truestep.engine.translation import CompilePolicy
from truestep.machine.interpreter import ReferenceEngine, ReferenceMachine
from truestep.machine.layout import TREE_DEPTH
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState

RUNS_PER_PROGRAM = 4
CYCLES_LIMIT = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far two runs were the same: cycles run, and the first difference if there is one."""

    cycles: int
    difference: str | None


def _reference_tail(machine: ReferenceMachine) -> MachineState:
    return MachineState(
        pc=machine.pc,
        registers=tuple(machine.registers),
        cycle=machine.cycle,
        status=machine.status,
        code=machine.code,
        memory_root=ZERO_NODES[TREE_DEPTH],
    )


def difference_at(reference: ReferenceMachine, jit: JitMachine, *, with_memory: bool) -> str | None:
    """What differs between two machines at the same stop, in words."""
    expected = reference.state() if with_memory else _reference_tail(reference)
    got = jit.state() if with_memory else jit.state_without_memory()
    if expected == got:
        return None
    if not with_memory:
        expected = replace(expected, memory_root=got.memory_root)
    return f"expected {expected}, got {got}"


def compare_runs(
    engine: JitEngine, program: Program, task: Task, stops: list[int], *, memory_every: int = 3
) -> Comparison:
    """Run both engines from stop to stop."""
    shown: list[bytes] = []
    expected_shown: list[bytes] = []
    reference = ReferenceEngine().start(program, task, debug_sink=expected_shown.append)
    jit = engine.start(program, task, debug_sink=shown.append)
    for number, stop in enumerate(stops, 1):
        reference.advance(stop)
        jit.advance(stop)
        with_memory = number % memory_every == 0 or number == len(stops)
        if found := difference_at(reference, jit, with_memory=with_memory):
            return Comparison(cycles=jit.cycle, difference=f"at stop {stop}: {found}")
    if shown != expected_shown:
        return Comparison(cycles=jit.cycle, difference=f"debug output {expected_shown} became {shown}")
    return Comparison(cycles=jit.cycle, difference=None)


ENGINES = (
    JitEngine(),
    # Pieces from every address that is missed once: translated code that begins in the middle of everything.
    JitEngine(CompilePolicy(piece_steps=1)),
    # Units only when hot: runs go over from one to the other in the middle.
    JitEngine(CompilePolicy(free_cost=0, hot_steps_per_cost=2)),
)


def random_stops(rng: random.Random) -> list[int]:
    """Ascending cycles to stop at, some next to each other."""
    limit = rng.choice((40, 300, CYCLES_LIMIT))
    return [*sorted(rng.randrange(limit) for _ in range(rng.randrange(1, 6))), limit]


def compare_program(rng: random.Random, size: int = 160) -> Comparison:
    """Make a program and run it on several inputs; the first difference, if any."""
    program = random_program(rng, size)
    engine = rng.choice(ENGINES)
    cycles = 0
    for _ in range(RUNS_PER_PROGRAM):
        comparison = compare_runs(engine, program, Task(input=random_operands(rng)), random_stops(rng))
        cycles += comparison.cycles
        if comparison.difference:
            return replace(comparison, cycles=cycles)
    return Comparison(cycles=cycles, difference=None)


def main() -> int:
    """Fuzz from a seed on; 1 if the engines differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--programs", type=int, default=1000)
    arguments = parser.parse_args()
    cycles, started = 0, time.monotonic()
    for seed in range(arguments.seed, arguments.seed + arguments.programs):
        rng = random.Random(seed)
        comparison = compare_program(rng, rng.choice((60, 160, 400)))
        cycles += comparison.cycles
        if comparison.difference:
            print(f"seed {seed} differs: {comparison.difference}")
            print(f"replay: python -m tests.engine.fuzz --seed {seed} --programs 1")
            return 1
        if seed % 50 == 0:
            print(
                f"seed {seed}: {cycles} cycles, no difference, {time.monotonic() - started:.0f} s", flush=True
            )
    print(f"{arguments.programs} programs, {cycles} cycles: no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
