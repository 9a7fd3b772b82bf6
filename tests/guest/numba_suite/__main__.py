"""`python -m tests.guest.numba_suite [--every N] [MODULE …]`: the share of Numba's tests that guests pass."""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from pathlib import Path

from tests.guest.one_liners.outcomes import Outcome
from tests.guest.one_liners.starting import with_fixed_hashes

MODULES = tuple(f"test_{name}" for name in Path(__file__).with_name("modules.txt").read_text("utf-8").split())
"""Modules of tests that are about what users of Numba write."""
_PAGE = Path(__file__).parents[3] / "docs" / "numba-suite.md"
_HEAD = """# Numba's test suite

Numba compiles Python guests, and its tests say what users of it expect. `make numba-suite` runs those that
fit guests: it notes the calls of compiled functions that a test makes, compiles the calls as guests, and
compares the results with those of NumPy and CPython, dtypes included. So a test fails here if Numba itself
differs from NumPy, too. Tests of Numba's inner workings, of threads, files, caches and of types that a guest
cannot return do not fit. This page is written by that command.
"""


def main() -> int:
    """Run the tests of the modules named, or of all, or a sample. Writes the page if no module was named."""
    parser = argparse.ArgumentParser(prog="python -m tests.guest.numba_suite")
    parser.add_argument("modules", nargs="*", default=[], help="test_lists, test_array_methods, …")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="run every Nth test that fits")
    arguments = parser.parse_args()
    from tests.guest.numba_suite.recording import Recorder
    from tests.guest.one_liners.pool import prepare_process, run_all

    wanted = arguments.modules or MODULES
    prepare_process()
    recorder = Recorder()
    tests = {name: cases for module in wanted for name, cases in recorder.cases_of(module).items()}
    sample = sorted(tests)[:: arguments.every]
    cases = [case for name in sample for case in tests[name]]
    share = f"{len(tests)} tests fit; {len(sample)} of them were run, with {len(cases)} calls."
    print(share, flush=True)
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for result in run_all(cases, os.cpu_count() or 1):
        outcomes[result.case.topic].append(result.outcome)
        if result.outcome is not Outcome.RIGHT:
            print(f"{result.outcome:8} {result.case.topic}: {result.message}".partition("\n")[0], flush=True)
    rows = [
        _row(module, {n: o for n, o in outcomes.items() if n.startswith(f"{module}.")}) for module in wanted
    ]
    total = _row("all", dict(outcomes))
    table = "\n".join(
        ["| tests | fit | pass | refused | wrong | crashed |", "| --- " * 6 + "|", *rows, total]
    )
    print(table)
    if not arguments.modules:
        _PAGE.write_text(f"{_HEAD}\n{share}\n\n{table}\n", encoding="utf-8")
    return 0


def _row(name: str, outcomes: dict[str, list[Outcome]]) -> str:
    """How many tests there are, and how many have each worst outcome."""
    order = list(Outcome)
    worst = [max(found, key=order.index) for found in outcomes.values()]
    counts = " | ".join(str(worst.count(outcome)) for outcome in order)
    return f"| {name} | {len(worst)} | {counts} |"


if __name__ == "__main__":
    with_fixed_hashes("tests.guest.numba_suite")
    sys.exit(main())
