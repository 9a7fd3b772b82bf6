"""`python -m tests.guest.numba_suite [--every N] [MODULE …]`: the share of Numba's tests that guests pass."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.guest.one_liners.outcomes import Outcome
from tests.guest.one_liners.starting import with_fixed_hashes

if TYPE_CHECKING:
    from tests.guest.numba_suite.modules import ModuleReport
    from tests.guest.one_liners.running import Result

MODULES = tuple(f"test_{name}" for name in Path(__file__).with_name("modules.txt").read_text("utf-8").split())
"""Modules of tests that are about what users of Numba write."""
_PAGE = Path(__file__).parents[3] / "docs" / "numba-suite.md"
_HEAD = """# Numba's test suite

Numba compiles Python guests, and its tests say what users of it expect. `make numba-suite` runs those that
fit guests: it notes the calls of compiled functions that a test makes, compiles the calls as guests, and
compares the results with those of NumPy and CPython, dtypes included. So a test fails here if Numba itself
differs from NumPy, too. Tests of Numba's inner workings, of threads, files, caches and of types that a guest
cannot return do not fit. What is wrong is mostly on the [page of differences](numpy-differences.md):
the order of sets, narrow single numbers, lists of one type. This page is written by that command.
"""
_REASONS_SHOWN = 25
_IN_MESSAGE = re.compile(r"^\S+:\d+: |\n.*|`[^`]*`", re.DOTALL)
"""Places, remedies and users' code, without which messages with the same reason are equal."""


def main() -> int:
    """Run the tests of the modules named, or of all, or a sample. Writes the page if no module was named."""
    parser = argparse.ArgumentParser(prog="python -m tests.guest.numba_suite")
    parser.add_argument("modules", nargs="*", default=[], help="test_lists, test_array_methods, …")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="run every Nth test that fits")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    from tests.guest.numba_suite.modules import run_modules
    from tests.guest.one_liners.pool import prepare_process

    prepare_process()
    reports = []
    for report in run_modules(arguments.modules or list(MODULES), arguments.every, arguments.processes):
        reports.append(report)
        print(_row(report.name, report.fitting, report.results), report.trouble, flush=True)
        for result in report.results:
            if result.outcome is not Outcome.RIGHT:
                print(f"{result.outcome:8} {result.case.topic}: {result.case.text}")
                print("             " + result.message.replace("\n", "\n             "), flush=True)
    page = _page_of(sorted(reports, key=lambda report: report.name))
    print(page)
    if not arguments.modules:
        _PAGE.write_text(page, encoding="utf-8")
    return 0


def _page_of(reports: list[ModuleReport]) -> str:
    results = [result for report in reports for result in report.results]
    fitting = sum(report.fitting for report in reports)
    worst = _worst(results)
    passing = sum(outcome is Outcome.RIGHT for outcome in worst)
    share = (
        f"{passing} of {len(worst)} tests pass. {fitting} tests fit; "
        f"{len(worst)} of them were run, with {len(results)} calls."
    )
    table = [
        "| tests | fit | run | pass | refused | wrong | crashed |",
        "| --- " * 7 + "|",
        *(_row(report.name, report.fitting, report.results) for report in reports),
        _row("all", fitting, results),
    ]
    reasons = Counter(
        _IN_MESSAGE.sub("", result.message).replace("|", r"\|").replace("<", r"\<")
        for result in results
        if result.outcome is Outcome.REFUSED
    )
    refusals = [f"| {count} | {reason} |" for reason, count in reasons.most_common(_REASONS_SHOWN)]
    return "\n".join(
        [
            _HEAD,
            f"{share}\n",
            *table,
            "\nThe most frequent reasons for which calls are refused:\n",
            "| calls | reason |",
            "| --- | --- |",
            *refusals,
            "",
        ]
    )


def _worst(results: list[Result]) -> list[Outcome]:
    """The worst outcome of each test."""
    order = list(Outcome)
    outcomes: dict[str, list[Outcome]] = defaultdict(list)
    for result in results:
        outcomes[result.case.topic].append(result.outcome)
    return [max(found, key=order.index) for found in outcomes.values()]


def _row(name: str, fitting: int, results: list[Result]) -> str:
    """How many tests fit and were run, and how many have each worst outcome."""
    worst = _worst(results)
    counts = " | ".join(str(worst.count(outcome)) for outcome in Outcome)
    return f"| {name} | {fitting} | {len(worst)} | {counts} |"


if __name__ == "__main__":
    with_fixed_hashes("tests.guest.numba_suite")
    sys.exit(main())
