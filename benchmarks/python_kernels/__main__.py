"""`python -m benchmarks.python_kernels [PATTERN …]`: small Python guests against native Numba.

Without a pattern it measures all and writes the section of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.python_kernels.measuring import KERNELS, Figures, NotNative, measure
from benchmarks.python_kernels.page import with_section
from benchmarks.python_kernels.section import section, table

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
ROUNDS = 9


def main() -> int:
    """Measure the kernels. Exit code 1 if numbers are not alike."""
    kernels = sorted(KERNELS.glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.python_kernels", description="Python guests against native Numba."
    )
    parser.add_argument(
        "patterns", nargs="*", metavar="PATTERN", help=", ".join(each.stem for each in kernels)
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help=f"native and guest in turn; default: {ROUNDS}"
    )
    parser.add_argument("--keep", type=Path, help="keep the guests in this folder")
    arguments = parser.parse_args()
    patterns: list[str] = arguments.patterns
    wanted = [each for each in kernels if not patterns or any(part in each.stem for part in patterns)]
    if not wanted:
        parser.error(f"no kernel's name contains {' or '.join(patterns)}")
    figures: list[Figures] = []
    guests_only: list[str] = []
    with tempfile.TemporaryDirectory(prefix="truestep-bench-") as name:
        folder = Path(arguments.keep or name)
        folder.mkdir(parents=True, exist_ok=True)
        for kernel in wanted:
            try:
                figures.append(measure(kernel, folder, arguments.rounds))
                print(table(figures[-1:]), file=sys.stderr, flush=True)
            except NotNative as error:
                guests_only.append(str(error))
    if not figures:
        parser.error(f"Numba for this computer runs none of {', '.join(guests_only)}")
    text = section(figures, guests_only, arguments.rounds)
    if not patterns:
        PAGE.write_text(with_section(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    print(text)
    return int(any(not each.is_alike for each in figures))


if __name__ == "__main__":
    sys.exit(main())
