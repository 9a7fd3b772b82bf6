"""`python -m benchmarks.real_programs [PATTERN …]`: programs of others in the engine against native code.

Without a pattern it measures all and writes docs/program-benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.real_programs.measuring import Figures, measure
from benchmarks.real_programs.page import PAGE, page, table
from tests.c_programs.manifest import read_manifest
from truestep.guest.user_cache import user_cache

MANIFEST = Path(__file__).with_name("manifest.toml")
PAIRS = 5


def main() -> int:
    """Measure the programs. Exit code 1 if one is not equal."""
    programs = read_manifest(MANIFEST)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.real_programs",
        description="Programs of others in the engine against native code.",
    )
    parser.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help=", ".join(each.name for each in programs)
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"native and warm in turn; default: {PAIRS}")
    parser.add_argument(
        "--work", type=Path, help="where archives and builds are kept (default: the user's cache)"
    )
    parser.add_argument("--page", type=Path, help="write the page to this file")
    parser.add_argument(
        "--of",
        type=Path,
        nargs="+",
        metavar="JSON",
        default=[],
        help="measure nothing: of what earlier runs printed, the last that has a program",
    )
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    arguments = parser.parse_args()
    patterns: list[str] = arguments.patterns
    wanted = [each for each in programs if not patterns or any(part in each.name for part in patterns)]
    if not wanted:
        parser.error(f"no program's name contains {' or '.join(patterns)}")
    folder = (arguments.work or user_cache() / "c-programs").absolute()
    figures: list[Figures] = []
    earlier = {each.name: each for path in arguments.of for each in figures_of(path)}
    wanted = [each for each in wanted if not earlier or each.name in earlier]
    for program in wanted:
        figures.append(earlier.get(program.name) or measure(program, folder, arguments.pairs, tell))
        tell(table(figures[-1:]))
    path = arguments.page or (None if patterns else PAGE)
    if path:
        path.write_text(page(figures, wanted, arguments.pairs, len(programs)), encoding="utf-8")
        tell(f"wrote {path}")
    print(json.dumps([asdict(each) for each in figures], indent=2) if arguments.json else table(figures))
    return int(any(not each.is_equal for each in figures))


def figures_of(path: Path) -> list[Figures]:
    """What `--json` printed."""
    return [Figures(**each) for each in json.loads(path.read_text(encoding="utf-8"))]


def tell(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
