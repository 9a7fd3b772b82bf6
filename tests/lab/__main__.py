"""`python -m tests.lab`: run scenarios, print a table for people, and JSON for programs (docs/lab.md)."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from rich.console import Console
from rich.table import Table

import tests.lab.scenarios  # noqa: F401 - puts them on the list
from tests.lab.scenario import Result, Scenario, run, scenarios

STANDARD = "twin,flood,droplog,429,stale,reorg,noncehole,nullreceipts,junk,trickle,manygames,kill"
"""What runs if nothing is named."""
WIDTH_WITHOUT_TERMINAL = 160
"""A log is read in an editor."""


def main() -> int:
    """Run; 1 if a scenario failed."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))  # so that nothing is left running
    options = _options()
    known = scenarios()
    console = Console(stderr=options.json, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    if options.list:
        for name, kind in sorted(known.items()):
            console.print(f"[bold]{name:<14}[/] {kind.summary}")
        return 0
    names = [name for name in options.scenarios.split(",") if name]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"expected scenarios out of {', '.join(sorted(known))}; got {', '.join(unknown)}")
    folder = Path(options.folder or tempfile.mkdtemp(prefix="truestep-lab-")).absolute()
    console.print(f"seed {options.seed}; logs in {folder}")
    results = [_run_one(console, known[name], folder, options.seed) for name in names]
    console.print(_table(results))
    console.print(f"seed {options.seed}; logs in {folder}")
    if options.json:
        sys.stdout.write(json.dumps([result.as_json() for result in results]) + "\n")
    return 0 if all(result.is_passed for result in results) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("--scenarios", default=STANDARD, help="names with commas between them")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="replays a run")
    parser.add_argument("--json", action="store_true", help="a JSON list as the last line of stdout")
    parser.add_argument("--list", action="store_true", help="what there is")
    parser.add_argument("--folder", default=os.environ.get("LAB_DIR"), help="where logs go (LAB_DIR)")
    return parser.parse_args()


def _run_one(console: Console, kind: type[Scenario], folder: Path, seed: int) -> Result:
    console.print(f"[bold]{kind.name}[/]: {kind.summary}")
    place = folder / f"{kind.name}-{seed}"
    try:
        result = run(kind, place, seed)
    except Exception as error:  # the lab's own failure must not hide the other scenarios' results
        trace = traceback.format_exc()
        (place / "lab-error.txt").write_text(trace) if place.is_dir() else None
        console.print(trace, markup=False)
        result = Result(
            name=kind.name,
            lies_final=0,
            honest_bonds_lost=0,
            lost_wei=0,
            seconds=0.0,
            seed=seed,
            is_passed=False,
            sentence=f"the lab itself failed: {error!r}",
            told="",
            folder=str(place),
        )
    if place.is_dir():
        (place / "result.json").write_text(json.dumps(result.as_json(), indent=1))
    console.print(
        f"  {'passed' if result.is_passed else 'FAILED'} in {result.seconds:.0f} s: {result.sentence}"
    )
    return result


def _table(results: list[Result]) -> Table:
    table = Table(title="The lab", show_lines=True)
    for title in (
        "scenario",
        "",
        "lies final",
        "bonds lost",
        "lost ETH",
        "seconds",
        "what happened",
        "told by",
    ):
        table.add_column(title, overflow="fold")
    for result in results:
        table.add_row(
            result.name,
            "[green]passed[/]" if result.is_passed else "[red]FAILED[/]",
            str(result.lies_final),
            str(result.honest_bonds_lost),
            f"{result.lost_wei / 10**18:g}",
            f"{result.seconds:.0f}",
            result.sentence[:300].replace("[", "\\["),
            result.told[:160].replace("[", "\\["),
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
