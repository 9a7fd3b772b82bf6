"""Runs a real guest in translated code and by the native walk alone, and says where they differ.

`python -m tests.engine.real_programs FILE INPUT [--region 512] [--dispatched 0] [--pinned 18,19,…] [--tiers]`

Real programs have what random ones lack: deep calls, large jump tables, functions cut into many regions.
Other limits of the analysis, and other pinned registers, make other machine code of the same program.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tests.engine.compare import WALKS, undefined_in
from truestep.engine.analysis import code_map, flow
from truestep.engine.codegen import support
from truestep.engine.compilation.translation import CompilePolicy
from truestep.engine.jit import JitEngine
from truestep.engine.layout import PINNED
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task

CYCLES_LIMIT = 200_000_000
"""The walk takes some seconds for so many."""
STOPS = 5
SHOWN_LIMIT = 10
EVERYTHING = CompilePolicy(free_cost=0, hot_steps_per_cost=20, piece_steps=50_000, walk_after_steps=0)
"""All code that runs more than a few times is translated."""
TIERS = replace(EVERYTHING, optimise_cycles_per_cost=1_000, sample_cycles=1)
"""The same by way of baseline code, which stays where a run seldom is."""


def pin(registers: Sequence[int]) -> None:
    """Keep other registers in host registers, as many as before; before this process translates anything."""
    pinned = tuple(registers)
    if len(pinned) != len(PINNED):
        raise ValueError(f"expected {len(PINNED)} registers, got {len(pinned)}")
    parameters = support.arguments("%budget", "%number", [f"%p{register}" for register in pinned])
    values = {
        "PINNED": pinned,
        "PINNED_MASK": sum(1 << register for register in pinned),
        "PARAMETERS": parameters,
    }
    for name, module in [*sys.modules.items()]:
        if name.startswith("truestep.engine."):
            for known in values.keys() & vars(module).keys():
                setattr(module, known, values[known])


def differences(
    program: Program, task: Task, rng: random.Random, limit: int, policy: CompilePolicy = EVERYTHING
) -> Iterator[str]:
    """Where translated code and the walk differ: at the end or the limit, and at random stops before."""
    engine = JitEngine(policy)
    whole = engine.start(program, task)
    whole.advance(limit)
    end = whole.cycle
    again, walked = engine.start(program, task), WALKS.start(program, task)
    for stop in (*sorted(rng.randrange(end) for _ in range(STOPS)), limit):
        again.advance(stop)
        walked.advance(stop)
        if again.state() != walked.state():
            yield f"at stop {stop}: the walk has {walked.state()}, translated code {again.state()}"
    if whole.state() != walked.state():
        yield f"at the end: the walk has {walked.state()}, translated code {whole.state()}"
    effort = again.effort
    print(
        f"{end:,} cycles, {effort.walked:,} walked, {effort.stepped:,} stepped, {whole.status.name}",
        flush=True,
    )


def main() -> int:
    """Compare; 1 if something differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("input", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cycles", type=int, default=CYCLES_LIMIT)
    parser.add_argument("--region", type=int, default=code_map.REGION_LIMIT_COST)
    parser.add_argument("--dispatched", type=int, default=flow.DISPATCHED_LIMIT)
    parser.add_argument("--pinned", type=lambda text: [*map(int, text.split(","))], default=PINNED)
    parser.add_argument("--tiers", action="store_true", help="go by way of baseline code")
    parser.add_argument(
        "--undefined", action="store_true", help="only look for undefined values, run nothing"
    )
    options = parser.parse_args()
    code_map.REGION_LIMIT_COST, flow.DISPATCHED_LIMIT = options.region, options.dispatched
    pin(options.pinned)
    program, started = load_elf(options.file.read_bytes()), time.process_time()
    found = [*undefined_in(program)] if options.undefined else []
    if not options.undefined:
        task = Task(input=options.input.read_bytes())
        policy = TIERS if options.tiers else EVERYTHING
        found += differences(program, task, random.Random(options.seed), options.cycles, policy)
    for each in found[:SHOWN_LIMIT]:
        print(each)
    print(
        f"{options.file.name}: {len(found)} differences, {time.process_time() - started:.0f} CPU s",
        flush=True,
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
