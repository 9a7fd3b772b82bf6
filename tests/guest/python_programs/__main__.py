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

_PIECES = Path(__file__).with_name("pieces.txt")
_PAGE = Path(__file__).parents[3] / "docs" / "python-programs.md"
_HEAD = """# Public Python as guests

Pieces of public packages, imported as they are, with `@truestep.guest` above the function that calls them.
`make python-programs` fetches the packages, builds each piece, runs it, and compares the result with what
NumPy and CPython give: values, dtypes and shapes, where only libm and BLAS may change last bits. The list
is `tests/guest/python_programs/pieces.txt`; this page is written by that command.
"""


def main() -> int:
    """Run the pieces that match. Writes the page if all were run. Exit code 1 if one is wrong or crashes."""
    parser = argparse.ArgumentParser(prog="python -m tests.guest.python_programs")
    parser.add_argument("patterns", nargs="*", default=[""], help="parts of imports or calls")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    sys.path.append(str(fetched()))

    from tests.guest.one_liners.cases import read_pieces
    from tests.guest.one_liners.pool import prepare_process, run_all

    pieces = read_pieces(_PIECES)
    wanted = arguments.patterns or [""]
    chosen = [case for case in pieces if any(part in f"{case.setup} {case.text}" for part in wanted)]
    prepare_process()
    _import_all(case.setup for case in chosen)
    results = []
    for result in run_all(chosen, arguments.processes, group=1):
        results.append(result)
        print(f"{result.outcome:8} {result.case.setup}: {result.case.text}")
        if result.message:
            print("             " + result.message.replace("\n", "\n             "), flush=True)
    right = sum(result.outcome is Outcome.RIGHT for result in results)
    share = f"{right} of {len(results)} pieces build and give NumPy's and CPython's values."
    print(share)
    if len(chosen) == len(pieces):
        results.sort(key=lambda result: (result.case.setup, result.case.text))
        rows = [
            f"| `{result.case.setup}` | {result.outcome} | {_cell(result.message)} |" for result in results
        ]
        table = "\n".join(["| piece | result | message |", "| --- | --- | --- |", *rows])
        _PAGE.write_text(f"{_HEAD}\n{share}\n\n{table}\n", encoding="utf-8")
    return int(any(result.outcome in {Outcome.WRONG, Outcome.CRASHED} for result in results))


def _import_all(setups: Iterable[str]) -> None:
    """Load the packages once, for all pieces; a piece whose import fails says so itself."""
    for setup in setups:
        with contextlib.suppress(Exception):
            exec(setup, {})


def _cell(message: str) -> str:
    """The first line of a message, as a cell of a table, in which nothing is a link."""
    return message.partition("\n")[0].replace("|", "\\|").replace("](", "] (")


if __name__ == "__main__":
    with_fixed_hashes("tests.guest.python_programs")
    sys.exit(main())
