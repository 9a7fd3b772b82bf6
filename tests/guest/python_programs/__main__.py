"""`python -m tests.guest.python_programs [PATTERN]`: which pieces of public Python guests compute rightly."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.guest.one_liners.outcomes import Outcome
from tests.guest.one_liners.starting import with_fixed_hashes
from tests.guest.python_programs.fetching import fetched
from tests.guest.python_programs.page import is_right, read_rows, write_page

_PIECES = Path(__file__).with_name("pieces.txt")
_PAGE = Path(__file__).parents[3] / "docs" / "python-programs.md"


def main() -> int:
    """Run the pieces that match. Exit code 1 if one is wrong or crashes.

    A run of all pieces writes the page anew; with `--merge`, the results of some are put into it.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.guest.python_programs")
    parser.add_argument("patterns", nargs="*", default=[""], help="parts of imports or calls")
    parser.add_argument(
        "--merge", action="store_true", help="put the results into the page beside the others"
    )
    parser.add_argument("--not-right", action="store_true", help="only those that are not right on the page")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    sys.path.append(str(fetched()))

    from tests.guest.one_liners.cases import read_pieces
    from tests.guest.one_liners.pool import prepare_process, run_all

    pieces = read_pieces(_PIECES)
    wanted = arguments.patterns or [""]
    chosen = [case for case in pieces if any(part in f"{case.setup} {case.text}" for part in wanted)]
    rows = read_rows(_PAGE)
    if arguments.not_right:
        chosen = [case for case in chosen if not is_right(rows.get(case.setup, ""))]
    prepare_process()
    _import_all(case.setup for case in chosen)
    results = []
    for result in run_all(chosen, arguments.processes, group=1):
        results.append(result)
        print(f"{result.outcome:8} {result.case.setup}: {result.case.text}")
        if result.message:
            print("             " + result.message.replace("\n", "\n             "), flush=True)
    right = sum(result.outcome is Outcome.RIGHT for result in results)
    print(f"{right} of {len(results)} pieces that were run are right.")
    if len(chosen) == len(pieces) or arguments.merge:
        kept = {case.setup: rows[case.setup] for case in pieces if case not in chosen and case.setup in rows}
        write_page(_PAGE, kept, results)
    return int(any(result.outcome in {Outcome.WRONG, Outcome.CRASHED} for result in results))


def _import_all(setups: Iterable[str]) -> None:
    """Load the packages once, for all pieces; a piece whose import fails says so itself."""
    for setup in setups:
        with contextlib.suppress(Exception):
            exec(setup, {})


if __name__ == "__main__":
    with_fixed_hashes("tests.guest.python_programs")
    sys.exit(main())
