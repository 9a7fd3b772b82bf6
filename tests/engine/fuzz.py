"""The long fuzz: random programs in both engines until something differs, with the seed that replays it.

`python -m tests.engine.fuzz --seed 1 --programs 1000`
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from tests.engine.compare import compare_program

SIZES = (60, 160, 400)
REPORT_EVERY = 50


def main() -> int:
    """Fuzz from a seed on; 1 if the engines differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the first program; each next one adds 1")
    parser.add_argument("--programs", type=int, default=1000)
    arguments = parser.parse_args()
    cycles, started = 0, time.monotonic()
    for number in range(1, arguments.programs + 1):
        seed = arguments.seed + number - 1
        rng = random.Random(seed)
        comparison = compare_program(rng, rng.choice(SIZES))
        cycles += comparison.cycles
        if comparison.difference:
            print(f"seed {seed} differs: {comparison.difference}")
            print(f"replay: python -m tests.engine.fuzz --seed {seed} --programs 1")
            return 1
        if number % REPORT_EVERY == 0:
            seconds = time.monotonic() - started
            print(f"{number} programs, {cycles} cycles, no difference, {seconds:.0f} s", flush=True)
    print(f"{arguments.programs} programs, {cycles} cycles: no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
