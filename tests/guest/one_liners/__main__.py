"""`python -m tests.guest.one_liners [PATTERN]`: the share of one-liners that are right, and the others."""

from __future__ import annotations

import argparse
import os
import sys

from tests.guest.one_liners.outcomes import Outcome
from tests.guest.one_liners.starting import with_fixed_hashes


def main() -> int:
    """Run the one-liners that match. Exit code 1 if one is wrong or crashes."""
    parser = argparse.ArgumentParser(prog="python -m tests.guest.one_liners")
    parser.add_argument("patterns", nargs="*", help="parts of one-liners or of their file's name")
    parser.add_argument("--line", action="append", default=[], help="a one-liner of your own")
    parser.add_argument("--all", action="store_true", help="show right ones, too")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth that matches")
    arguments = parser.parse_args()

    from tests.guest.one_liners.cases import make_case, read_cases
    from tests.guest.one_liners.pool import prepare_process, run_all, share

    cases = [make_case("line", line) for line in arguments.line]
    if arguments.patterns or not cases:
        known = read_cases()
        wanted = arguments.patterns or [""]
        matching = [case for case in known if any(part in f"{case.topic}: {case.text}" for part in wanted)]
        cases += matching[:: arguments.every]
    prepare_process()
    results = []
    for result in run_all(cases, arguments.processes):
        results.append(result)
        if arguments.all or result.outcome is not Outcome.RIGHT:
            print(f"{result.outcome:8} {result.case.topic}: {result.case.text}")
            if result.message:
                print("             " + result.message.replace("\n", "\n             "), flush=True)
    print(share(results))
    return int(any(result.outcome in {Outcome.WRONG, Outcome.CRASHED} for result in results))


if __name__ == "__main__":
    with_fixed_hashes("tests.guest.one_liners")
    sys.exit(main())
