"""The text of the section about small Python guests."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime

from benchmarks.python_kernels.measuring import Figures
from benchmarks.python_kernels.page import HEADING

_COLUMNS = "| kernel | native, s | guest, s | ratio | M instructions | build, CPU s | what it does |\n"
_RULE = "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n"

_METHOD = """
Written by `python -m benchmarks.python_kernels`: the functions in
`benchmarks/python_kernels/kernels` as guests in the engine, and
compiled by Numba for this computer (one thread, no fast-math, no index checks). CPU time of a warm process,
in turn: native, guest, native, guest; medians of {rounds} rounds, and of the ratio in the same round. A guest
is warm after four seconds of runs, when what runs long is optimised.

A guest computes one number at a time and checks every index, while Numba for this computer uses SIMD: up to
four doubles at a time in loops without branches and sums, such as stencils, array expressions and products.

"""


def section(figures: Sequence[Figures], guests_only: Sequence[str], rounds: int) -> str:
    """The heading, how it was measured, and the table."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    measured = f"Measured on {when}; load {os.getloadavg()[0]:.2f} at the end."
    without = f" Numba for this computer does not compile {' and '.join(guests_only)}." if guests_only else ""
    return f"{HEADING}\n{_METHOD.format(rounds=rounds)}{measured}{without}\n\n{table(figures)}"


def table(figures: Sequence[Figures]) -> str:
    """One row for each kernel, and the mean."""
    mean = statistics.geometric_mean(each.ratio for each in figures)
    rows = (
        f"| {each.name} | {each.native_seconds:.4f} | {each.guest_seconds:.4f} | {each.ratio:.2f}"
        f"{'' if each.is_alike else ' **other numbers**'} | {each.cycles / 1e6:,.0f}"
        f" | {each.build_cpu_seconds:.1f} | {each.about} |\n"
        for each in figures
    )
    return f"{_COLUMNS}{_RULE}{''.join(rows)}| **geometric mean** | | | **{mean:.2f}** | | | |\n"
