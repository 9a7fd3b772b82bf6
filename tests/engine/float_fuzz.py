"""Long fuzz of floats: operands for every instruction, then programs, until something differs; from a seed.

`python -m tests.engine.float_fuzz --seed 1 --pairs 1000000 --programs 1000`
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence

from tests.engine.float_cases import FORMATS, differences, random_triple, variants
from tests.engine.float_programs import compare_float_program

BATCH_PAIRS = 5_000
BATCH_PROGRAMS = 100


def fuzz_operands(letter: str, seed: int, pairs: int, *, say: bool = True) -> str | None:
    """So many random operands of one format for each of its instructions; the first difference."""
    started, words = time.monotonic(), variants(letter)
    for first in range(0, pairs, BATCH_PAIRS):
        rng = random.Random(f"{seed} {letter} {first}")
        triples = [random_triple(rng, FORMATS[letter]) for _ in range(min(BATCH_PAIRS, pairs - first))]
        found = next(differences(words, triples), None)
        if found:
            return f"seed {seed}, .{letter}, batch from {first}: {found}"
        if say and (first // BATCH_PAIRS + 1) % 20 == 0:
            seconds = time.monotonic() - started
            print(f".{letter}: {first + len(triples):,} pairs, no difference, {seconds:.0f} s", flush=True)
    return None


def fuzz_programs(seed: int, count: int, *, say: bool = True) -> str | None:
    """So many random programs; the first difference."""
    cycles = 0
    for number in range(count):
        comparison = compare_float_program(random.Random(seed + number))
        cycles += comparison.cycles
        if comparison.difference:
            return (
                f"program of seed {seed + number} (--seed {seed + number} --pairs 0): {comparison.difference}"
            )
        if say and (number + 1) % BATCH_PROGRAMS == 0:
            print(f"{number + 1} programs, {cycles:,} instructions, no difference", flush=True)
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz from a seed on; 1 if the engines differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="operands for each format")
    parser.add_argument("--programs", type=int, default=1_000)
    options = parser.parse_args(arguments)
    found = next(
        filter(None, (fuzz_operands(letter, options.seed, options.pairs) for letter in FORMATS)), None
    )
    found = found or fuzz_programs(options.seed, options.programs)
    print(found or f"seed {options.seed}: no difference")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
