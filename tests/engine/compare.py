"""Runs the same program in both engines and says where they differ."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product

from tests.engine.assigned import undefined_uses
from tests.engine.programs import random_call_program, random_operands, random_program
from tests.engine.switch_programs import random_switch_program
from truestep.commitments.merkle import ZERO_NODES
from truestep.engine.analysis.code_map import map_code
from truestep.engine.analysis.flow import region_flow
from truestep.engine.compilation.translation import CompilePolicy, module_ir
from truestep.engine.jit import JitEngine, JitMachine
from truestep.machine.interpreter import ReferenceEngine, ReferenceMachine
from truestep.machine.layout import TREE_DEPTH
from truestep.machine.program import Program, Task
from truestep.machine.state import MachineState

RUNS_PER_PROGRAM = 4
CYCLES_LIMIT = 3_000
LONG_CYCLES = 150_000
"""Of one program: stepping so many takes longer than compiling it."""
LONG_RUNS_LIMIT = 16
CYCLES_IN_A_ROW = 150
END = 1 << 40
"""More cycles than any test runs."""

DEFAULT = JitEngine()
PIECES = JitEngine(CompilePolicy(piece_steps=1))
"""Pieces from every address that is missed once: translated code that begins in the middle of everything."""
LATE = JitEngine(CompilePolicy(free_cost=0, hot_steps_per_cost=2))
"""Units only when hot: runs go over from one engine to the other in the middle."""
NEVER = 1 << 40
WALKS = JitEngine(CompilePolicy(free_cost=0, hot_steps_per_cost=NEVER, piece_steps=NEVER, walk_after_steps=0))
"""Nothing is translated: the native walk goes all the way, and the reference steps what it leaves."""
MIXED = JitEngine(CompilePolicy(free_cost=2_000, walk_after_steps=0))
"""Translated code, and the walk before each stop."""
BASELINE = JitEngine(CompilePolicy(optimise_cycles_per_cost=NEVER, walk_after_steps=0))
"""Code of the first tier that stays so."""
TIERS = JitEngine(
    CompilePolicy(piece_steps=1, optimise_cycles_per_cost=8, sample_cycles=1, walk_after_steps=0)
)
"""Code of the first tier that is replaced by better code where a run often is."""
UNJOINED = JitEngine(
    CompilePolicy(
        piece_steps=1, optimise_cycles_per_cost=1 << 10, sample_cycles=1, walk_after_steps=0, joins=False
    )
)
"""The same without templates, as on processors that have none."""
ENGINES = (DEFAULT, PIECES, LATE, WALKS, MIXED, BASELINE, TIERS, UNJOINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far two runs were the same: cycles run, and the first difference if there is one."""

    cycles: int
    difference: str | None


def start_both(
    program: Program, task: Task | None = None, engine: JitEngine = DEFAULT
) -> tuple[ReferenceMachine, JitMachine]:
    """A run in each engine."""
    task = task or Task()
    return ReferenceEngine().start(program, task), engine.start(program, task)


def _without_memory(machine: ReferenceMachine) -> MachineState:
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
    expected = reference.state() if with_memory else _without_memory(reference)
    got = jit.state() if with_memory else jit.state_without_memory()
    return None if expected == got else f"expected {expected}, got {got}"


def compare_runs(
    engine: JitEngine, program: Program, task: Task, stops: Iterable[int], *, memory_every: int = 3
) -> Comparison:
    """Run both engines from stop to stop; memory is compared at every third stop and the last."""
    shown: list[bytes] = []
    expected_shown: list[bytes] = []
    reference = ReferenceEngine().start(program, task, debug_sink=expected_shown.append)
    jit = engine.start(program, task, debug_sink=shown.append)
    stops = list(stops)
    for number, stop in enumerate(stops, 1):
        reference.advance(stop)
        jit.advance(stop)
        with_memory = number % memory_every == 0 or number == len(stops)
        if found := difference_at(reference, jit, with_memory=with_memory):
            return Comparison(cycles=jit.cycle, difference=f"at stop {stop}: {found}")
    if shown != expected_shown:
        return Comparison(cycles=jit.cycle, difference=f"debug output {expected_shown} became {shown}")
    return Comparison(cycles=jit.cycle, difference=None)


def assert_same_end(program: Program, task: Task | None = None, engine: JitEngine = DEFAULT) -> MachineState:
    """Run both to the end, at once and with stops just before it; the final state they agree on."""
    reference, _ = start_both(program, task, engine)
    reference.advance(END)
    # A run that is stopped soon is stepped by the reference machine: let translated code go all the way once.
    for stops in ((END, 2 * END), (max(reference.cycle - 1, 0), reference.cycle, END)):
        assert compare_runs(engine, program, task or Task(), stops).difference is None
    return reference.state()


def random_stops(rng: random.Random) -> list[int]:
    """Ascending cycles to stop at, some next to each other."""
    limit = rng.choice((40, 300, CYCLES_LIMIT))
    return [*sorted(rng.randrange(limit) for _ in range(rng.randrange(1, 6))), limit]


def random_long_stops(rng: random.Random) -> list[int]:
    """Ascending cycles far apart, in a run that is long or very long."""
    limit = rng.choice((1_000, 10_000, 30_000, 60_000))
    return [*sorted(rng.randrange(limit) for _ in range(rng.randrange(1, 4))), limit]


def undefined_in(program: Program) -> Iterator[str]:
    """What the translation of the whole program would take from nowhere."""
    code = map_code(program)
    for unit, is_baseline in product(sorted({*code.units.tolist()}), (True, False)):
        flows = [region_flow(code, region, is_baseline=is_baseline) for region in code.regions_of_unit(unit)]
        yield from undefined_uses(module_ir(code, flows))


def compare_every_cycle(engine: JitEngine, program: Program, task: Task, first: int) -> Comparison:
    """Run from the start to each of some cycles in a row, translated as far as a run goes."""
    reference = ReferenceEngine().start(program, task)
    engine.start(program, task).advance(first + CYCLES_IN_A_ROW)
    for stop in range(first, first + CYCLES_IN_A_ROW):
        reference.advance(stop)
        jit = engine.start(program, task)
        jit.advance(stop)
        if found := difference_at(reference, jit, with_memory=stop % 16 == 0):
            return Comparison(cycles=stop, difference=f"from the start to {stop}: {found}")
    return Comparison(cycles=CYCLES_IN_A_ROW * first, difference=None)


def compare_long(rng: random.Random, size: int) -> Comparison:
    """Make a program and run it on inputs until most of the time goes into running it, not compiling it."""
    program, engine = _make(rng, size), rng.choices(ENGINES, (6, 1, 3, 1, 3, 3, 4, 1))[0]
    if undefined := [*undefined_in(program)]:
        return Comparison(cycles=0, difference=f"undefined: {undefined[0]}")
    cycles = 0
    if rng.randrange(8) == 0:
        task = Task(input=random_operands(rng))
        comparison = compare_every_cycle(engine, program, task, rng.randrange(128, 2_000))
        if comparison.difference:
            return comparison
        cycles += comparison.cycles
    for _ in range(LONG_RUNS_LIMIT):
        stops = random_long_stops(rng)
        comparison = compare_runs(engine, program, Task(input=random_operands(rng)), stops)
        cycles += comparison.cycles
        if comparison.difference or cycles >= LONG_CYCLES:
            return replace(comparison, cycles=cycles)
    return Comparison(cycles=cycles, difference=None)


def _make(rng: random.Random, size: int) -> Program:
    kind = rng.randrange(4)
    if kind == 0:
        return random_switch_program(rng, max(size // 64, 1))
    return random_call_program(rng, size // 16) if kind == 1 else random_program(rng, size)


def compare_program(rng: random.Random, size: int = 160) -> Comparison:
    """Make a program and run it on several inputs; the first difference, if any."""
    program, engine = _make(rng, size), rng.choice(ENGINES)
    cycles = 0
    for _ in range(RUNS_PER_PROGRAM):
        comparison = compare_runs(engine, program, Task(input=random_operands(rng)), random_stops(rng))
        cycles += comparison.cycles
        if comparison.difference:
            return replace(comparison, cycles=cycles)
    return Comparison(cycles=cycles, difference=None)
