"""The long fuzz: random programs in both engines until something differs, with the seed that replays it.

`python -m tests.engine.fuzz --seed 1 --instructions 100000000 --processes 2`
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from multiprocessing import get_context

from tests.engine.compare import Comparison, compare_long

SIZES = (60, 160, 400)
REPORT_SECONDS = 30.0
BATCH_PROGRAMS = 4


def fuzz_program(seed: int) -> Comparison:
    """The program of a seed, on several inputs."""
    rng = random.Random(seed)
    return compare_long(rng, rng.choice(SIZES))


def fuzz_batch(first_seed: int, programs: int) -> list[tuple[int, Comparison]]:
    """The programs of some seeds, up to the first difference."""
    done: list[tuple[int, Comparison]] = []
    for seed in range(first_seed, first_seed + programs):
        done.append((seed, fuzz_program(seed)))
        if done[-1][1].difference:
            break
    return done


def comparisons(first_seed: int, processes: int) -> Iterator[tuple[int, Comparison]]:
    """Endless, in no order but each seed once. Fresh processes now and then keep their memory bounded."""
    context = get_context("spawn")
    seeds = count(first_seed, BATCH_PROGRAMS)
    with ProcessPoolExecutor(processes, mp_context=context, max_tasks_per_child=32) as pool:
        pending: set[Future[list[tuple[int, Comparison]]]] = set()
        try:
            while True:
                while len(pending) < processes:
                    pending.add(pool.submit(fuzz_batch, next(seeds), BATCH_PROGRAMS))
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield from future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def main() -> int:
    """Fuzz from a seed on; 1 if the engines differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first program; each next one adds 1")
    parser.add_argument("--instructions", type=int, default=10_000_000, help="stop after so many, or more")
    parser.add_argument("--programs", type=int, help="stop after so many")
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.programs and arguments.processes == 1:
        found = ((seed, fuzz_program(seed)) for seed in count(arguments.seed))
    else:
        found = comparisons(arguments.seed, arguments.processes)
    cycles, started, reported = 0, time.monotonic(), time.monotonic()
    for number, (seed, comparison) in enumerate(found, 1):
        cycles += comparison.cycles
        if comparison.difference:
            print(f"seed {seed} differs: {comparison.difference}")
            print(f"replay: python -m tests.engine.fuzz --seed {seed} --programs 1")
            return 1
        is_over = number >= arguments.programs if arguments.programs else cycles >= arguments.instructions
        now = time.monotonic()
        if is_over or now - reported > REPORT_SECONDS:
            reported = now
            programs = f"{number} programs from seed {arguments.seed} on"
            print(f"{programs}, {cycles:,} instructions: no difference, {now - started:.0f} s", flush=True)
        if is_over:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
