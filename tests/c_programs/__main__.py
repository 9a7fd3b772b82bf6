"""`python -m tests.c_programs [NAME …]`: public C and C++ programs as guests, compared with native ones."""

import argparse
import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.c_programs.manifest import read_manifest
from tests.c_programs.page import PAGE, page
from tests.c_programs.trial import Result, Trial, Workshop
from truestep.guest.user_cache import user_cache


def main() -> int:
    """Try the programs. Exit code 1 if one is not equal."""
    programs = read_manifest()
    parser = argparse.ArgumentParser(prog="python -m tests.c_programs")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(each.name for each in programs))
    parser.add_argument(
        "--work", type=Path, help="where archives and builds are kept (default: the user's cache)"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="programs at a time")
    parser.add_argument("--write", action="store_true", help="write docs/c-programs.md")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {each.name for each in programs}
    if unknown:
        parser.error(f"no program is called {', '.join(sorted(unknown))}")
    folder = (arguments.work or user_cache() / "c-programs").absolute()
    workshop = Workshop(folder=folder)
    wanted = [each for each in programs if not arguments.names or each.name in arguments.names]
    trials: list[Trial] = []
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        for done in as_completed([pool.submit(workshop.try_program, each) for each in wanted]):
            trials.append(done.result())
            _say(trials[-1])
    equal = sum(trial.result is Result.EQUAL for trial in trials)
    print(f"{equal} of {len(trials)} programs are equal to native")
    if arguments.write:
        trials.sort(key=lambda trial: wanted.index(trial.program))
        PAGE.write_text(page(trials), encoding="utf-8")
    return int(equal < len(trials))


def _say(trial: Trial) -> None:
    size = f"{trial.instructions / 1e6:,.1f} M instructions, {trial.output_bytes:,} bytes of output"
    print(f"{trial.program.name:10} {trial.result}{f': {size}' if trial.instructions else ''}", flush=True)
    if trial.message:
        print("    " + trial.message.strip().replace("\n", "\n    "), flush=True)


if __name__ == "__main__":
    sys.exit(main())
