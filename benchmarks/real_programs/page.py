"""docs/program-benchmarks.md: real programs against native code."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from benchmarks.real_programs.measuring import REPOSITORY, Figures
from tests.c_programs.manifest import Program
from truestep.base.text import counted

PAGE = REPOSITORY / "docs" / "program-benchmarks.md"
NOTHING = "-"
COLUMNS = (
    "program",
    "native, s",
    "M instructions",
    "warm",
    "cold",
    "left running",
    "second run",
    "stepped",
    "walked",
    "compiling, s per 1,000",
    "memory, MB",
)
HEAD = """# Real programs against native code

Written by `python -m benchmarks.real_programs` (`make bench`), never by hand. Programs that nobody here
wrote, fetched from registries (versions and digests are in
`benchmarks/real_programs/manifest.toml` and
`tests/c_programs/manifest.toml`) and built unchanged, by gcc with
`-O2` and as guests. Computer and compilers are those of [the benchmark of kernels](benchmarks.md).

"""
METHOD = """
CPU time, user and system, of a process and of all that it starts, until it ends. Smaller is faster.

- **native**: seconds of the native process; the other times are ratios to it.
- **cold**: a process with an empty cache of compiled code, with everything: Python, its modules, the
  compiler.
- **left running**: CPU time after the end of the cold process, of a compiler that finishes what was asked
  for.
- **second run**: the process after the cold one, which finds on disk what the cold one has left there.
- **warm**: a process that finds on disk all that runs before it have compiled; the median of {pairs},
  native and warm in turn. Here and in the second run the import of Python's modules
  ({imported:.2f} s) is not counted.
- **stepped, walked**: instructions of a warm run that the reference machine and the native walk executed,
  because no compiled code was there.
- **compiling**: CPU seconds of all compiling, translation to LLVM's IR included, for 1,000 instructions
  that were compiled. **memory**: the most that a warm process has had (a megabyte is 10^6 bytes).

Each program writes the same bytes and ends with the same exit code as a guest as it does natively, or its
row says what is different. The work that each is given is in
`benchmarks/real_programs`, made there or generated, and takes about a second
natively.
"""


def page(figures: Sequence[Figures], programs: Sequence[Program], pairs: int, count: int) -> str:
    """The whole page; `count` is the number of all programs, of which some may have been chosen."""
    imports = [each.import_cpu_seconds for each in figures if each.import_cpu_seconds is not None]
    method = METHOD.format(pairs=counted(pairs, "pair"), imported=statistics.median(imports or [0.0]))
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    chosen = f"{len(figures)} of {count} programs. " if len(figures) < count else ""
    measured = (
        f"{chosen}Measured until {when} at {_commits(figures)}; load {os.getloadavg()[0]:.2f} at the end.\n"
    )
    works = "".join(f"| {each.name} | {each.about} | {_origin(each)} |\n" for each in programs)
    return (
        f"{HEAD}{table(figures)}\n{measured}{method}\n## What they do\n\n"
        f"| program | work | source |\n| --- | --- | --- |\n{works}"
    )


def _commits(figures: Sequence[Figures]) -> str:
    """The commit, or each of several and what was measured there."""
    names: dict[str, list[str]] = {}
    for each in figures:
        names.setdefault(each.commit, []).append(each.name)
    if len(names) == 1:
        return next(iter(names))
    return ", ".join(f"{at} ({', '.join(of)})" for at, of in names.items())


def table(figures: Sequence[Figures]) -> str:
    """The table with its means."""
    rows: list[Sequence[str]] = [COLUMNS, ["---", *("---:" for _ in COLUMNS[1:])], *map(_row, figures)]
    if len(figures) > 1:
        rows.append(_means(figures))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(figures: Figures) -> Sequence[str]:
    if not figures.is_equal:
        return (figures.name, f"**{figures.result}**", *("" for _ in COLUMNS[2:]))
    cost = figures.compile_seconds_per_1000
    return (
        figures.name,
        f"{figures.native_cpu_seconds:.3f}",
        f"{figures.cycles / 1e6:,.0f}",
        *(_ratio(pick(figures)) for pick in _RATIOS),
        f"{figures.warm_stepped:,}",
        f"{figures.warm_walked:,}",
        NOTHING if cost is None else f"{cost:.3f}",
        f"{figures.warm_peak_bytes / 1e6:,.0f}",
    )


_RATIOS: tuple[Callable[[Figures], float | None], ...] = (
    lambda figures: figures.warm_ratio,
    lambda figures: figures.cold_ratio,
    lambda figures: figures.cold_left_ratio,
    lambda figures: figures.second_ratio,
)


def _means(figures: Sequence[Figures]) -> Sequence[str]:
    columns = ([ratio for each in figures if (ratio := pick(each))] for pick in _RATIOS)
    means = (f"**{_ratio(statistics.geometric_mean(ratios) if ratios else None)}**" for ratios in columns)
    return ("**geometric mean**", "", "", *means, "", "", "", "")


def _ratio(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value < 20 else f"{value:,.0f}"


def _origin(program: Program) -> str:
    return f"{program.source.registry_name} {program.source.package} {program.source.version}"
