"""Every bar of the engine beside what was measured. Writes docs/engine-bars.md.

It reads the pages of the other benchmarks, and measures what no page has: compiling in both tiers, and the
memory of a run of a small guest. Run it after them. `--check` writes nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from _kernels import KERNELS, REPOSITORY, Scale
from _machine import machine_description

from truestep.engine.analysis.code_map import CodeMap, map_code
from truestep.engine.analysis.flow import region_flow
from truestep.engine.compilation.object_code import object_code
from truestep.engine.compilation.translation import module_ir
from truestep.engine.host import has_feature, has_templates
from truestep.engine.templates.units import unit_code
from truestep.engine.templates.words import SharedTemplates
from truestep.guest import build_c
from truestep.machine.elf import load_elf

DOCS = REPOSITORY / "docs"
PAGE = DOCS / "engine-bars.md"
HELLO = REPOSITORY / "examples" / "hello" / "hello.c"
INTERPRETERS = ("lua", "quickjs", "duktape", "sqlite")
REAL = "`python -m benchmarks.real_programs`"
SMALL = "`python -m benchmarks.python_kernels`"
HERE = "`python benchmarks/bars.py`"
ENGINE = "`python benchmarks/engine.py`"
HEAD = f"""# The engine's bars

Written by {HERE} (`make bench`), never by hand: what the engine is to reach, what was measured,
and the command that measures it. CPU time, exact counting, dirty tracking and rights on. Ratios are to
native code; the pages say how each was measured, when, and on what: [kernels and splits](benchmarks.md),
[real programs](program-benchmarks.md), [Python guests](python-benchmarks.md).

"""

Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of the table. Smaller is better."""

    what: str
    limit: float
    measured: float | None
    """None if no page has it."""
    command: str
    note: str = ""
    show: Callable[[float], str] = "{:.2f}".format

    def row(self) -> str:
        """The line in Markdown."""
        if self.measured is None:
            return f"| {self.what} | ≤ {self.show(self.limit)} | not measured | | {self.command} |"
        note = f" ({self.note})" if self.note else ""
        state = "reached" if self.measured <= self.limit else "**missed**"
        return (
            f"| {self.what} | ≤ {self.show(self.limit)} | {self.show(self.measured)}{note} | {state}"
            f" | {self.command} |"
        )


def rows_of(page: str, first_column: str) -> list[Row]:
    """The rows of the first table whose first column has that name, by the names of the columns."""
    lines = page.splitlines()
    heads = [place for place, line in enumerate(lines) if line.startswith(f"| {first_column} |")]
    if not heads:
        return []
    names = _cells(lines[heads[0]])
    found: list[Row] = []
    for line in lines[heads[0] + 2 :]:
        if not line.startswith("|"):
            break
        found.append(dict(zip(names, _cells(line), strict=True)))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def number_in(text: str | None) -> float | None:
    """The first number of a cell: `1/27` is a fraction, and thousands have commas."""
    found = re.search(r"(\d+/)?[\d,]+(\.\d+)?", text or "")
    if found is None:
        return None
    numerator, bar, denominator = found[0].replace(",", "").rpartition("/")
    return float(numerator) / float(denominator) if bar else float(denominator)


def cell(rows: Sequence[Row], name: str, column: str) -> float | None:
    """The number in the row whose first cell begins with a name, bold or not."""
    for row in rows:
        if next(iter(row.values())).strip("*").startswith(name):
            return number_in(row.get(column))
    return None


def largest(rows: Sequence[Row], column: str) -> tuple[float | None, str]:
    """The largest number of a column and the name of its row, summaries left out."""
    values = [
        (value, next(iter(row.values())))
        for row in rows
        if (value := number_in(row.get(column))) is not None and "**" not in next(iter(row.values()))
    ]
    return max(values) if values else (None, "")


def mean_of(rows: Sequence[Row], names: Sequence[str], column: str) -> float | None:
    """The geometric mean of a column over rows by name; None unless all are there."""
    values = [cell(rows, name, column) for name in names]
    present = [value for value in values if value is not None]
    return statistics.geometric_mean(present) if len(present) == len(names) else None


def bars_of_pages(pages: Mapping[str, str]) -> list[Bar]:
    """The bars that other pages have figures of."""
    programs = rows_of(pages["program-benchmarks.md"], "program")
    kernels = rows_of(pages["benchmarks.md"], "kernel")
    targets = rows_of(pages["benchmarks.md"], "what")
    guests = rows_of(pages["python-benchmarks.md"], "guest")
    small = rows_of(pages["benchmarks.md"].partition("## Small Python guests")[2], "kernel")
    column = "truestep engine"
    integers = [row for row in kernels if "doubles" not in next(iter(row.values()))]
    slowest_program, program = largest(programs, "warm")
    slowest_kernel, kernel = largest(integers, column)
    stepped, stepping = largest(programs, "stepped")
    count = sum(number_in(row["warm"]) is not None for row in programs) - 1
    return [
        Bar(what="real programs, warm: geometric mean", limit=1.6, command=REAL,
            measured=cell(programs, "geometric mean", "warm"), note=f"{count} programs"),
        Bar(what="the slowest of them", limit=3.0, measured=slowest_program, note=program, command=REAL),
        Bar(what="real programs, cold", limit=4.0, command=REAL,
            measured=cell(programs, "geometric mean", "cold")),
        Bar(what="interpreters, warm: geometric mean", limit=2.0, command=REAL, note=", ".join(INTERPRETERS),
            measured=mean_of(programs, INTERPRETERS, "warm")),
        Bar(what="stepped instructions of a warm run, the most", limit=10_000, measured=stepped,
            note=stepping, command=REAL, show="{:,.0f}".format),
        Bar(what="kernels of integers: geometric mean", limit=1.3, command=ENGINE,
            measured=cell(kernels, "geometric mean, integers", column)),
        Bar(what="the slowest of them", limit=1.7, measured=slowest_kernel, note=kernel, command=ENGINE),
        Bar(what="kernel of floats", limit=1.3, measured=cell(kernels, "n-body", column), command=ENGINE),
        Bar(what="split of sha256 into 64, of the plain run", limit=1.2, command=ENGINE,
            measured=cell(targets, "split of sha256", "measured")),
        Bar(what="later split of one part of it, of the plain run", limit=1 / 25, command=ENGINE,
            measured=cell(targets, "later split, of one part of sha256", "measured"), show=_as_fraction),
        Bar(what="Python guests against native Numba, three examples", limit=1.8,
            measured=cell(guests, "geometric mean", "guest / native"),
            command="`python benchmarks/python_guests.py`"),
        Bar(what="small Python guests against native Numba", limit=2.5, command=SMALL,
            measured=cell(small, "geometric mean", "ratio"), note=f"{max(len(small) - 1, 0)} guests"),
    ]  # fmt: skip


def _as_fraction(value: float) -> str:
    return f"1/{1 / value:.0f}"


def bars_measured_here() -> list[Bar]:
    """Compiling, and the memory of a small guest."""
    with tempfile.TemporaryDirectory(prefix="truestep-bench-") as name:
        folder = Path(name)
        programs = [_built(kernel.source, kernel.defines(Scale.FULL), folder) for kernel in KERNELS]
        first, best = compile_seconds([map_code(load_elf(path.read_bytes())) for path in programs])
        cold, warm = memory_of_runs(_built(HELLO, {}, folder), folder)
    per_1000 = "compiling, CPU seconds for 1,000 instructions, {} tier"
    memory = "memory of a run of a small guest, {}, MB"
    show = "{:.3f}".format
    return [
        Bar(what=per_1000.format("first"), limit=0.02, measured=first, command=HERE, show=show),
        Bar(what=per_1000.format("best"), limit=0.3, measured=best, command=HERE, show=show),
        Bar(what=memory.format("the first"), limit=100, measured=cold, command=HERE, show="{:.0f}".format),
        Bar(what=memory.format("a later one"), limit=100, measured=warm, command=HERE, show="{:.0f}".format),
    ]


def _built(source: Path, defines: Mapping[str, str], folder: Path) -> Path:
    elf = folder / f"{source.stem}.elf"
    build_c([source], elf, defines=dict(defines))
    return elf


def compile_seconds(codes: Sequence[CodeMap]) -> tuple[float | None, float]:
    """CPU seconds for 1,000 instructions of programs: from templates, and by LLVM with its IR."""
    instructions = sum(len(code.addresses) for code in codes)
    first: float | None = None
    if has_templates():
        templates = SharedTemplates(has_fused=has_feature("fma"))
        first = _seconds(lambda: [_join(code, templates) for code in codes]) / instructions * 1000
    object_code("")  # loads LLVM
    return first, _seconds(lambda: [_optimise(code) for code in codes]) / instructions * 1000


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _join(code: CodeMap, templates: SharedTemplates) -> None:
    for unit in dict.fromkeys(code.units.tolist()):
        unit_code(code, code.regions_of_unit(unit), templates)


def _optimise(code: CodeMap) -> None:
    for unit in dict.fromkeys(code.units.tolist()):
        object_code(module_ir(code, [region_flow(code, each) for each in code.regions_of_unit(unit)]))


def memory_of_runs(guest: Path, folder: Path) -> tuple[float, float]:
    """The most memory of `truestep run` in MB, with an empty cache and with the one that this has filled."""
    given = folder / "input"
    given.write_text("hello\n", encoding="utf-8")
    code = "from truestep.cli.start import main; main()"
    command = [sys.executable, "-c", code, "run", str(guest), "--input", str(given)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    cold = _peak_bytes(command, environment)
    return cold / 1e6, _peak_bytes(command, environment) / 1e6


def _peak_bytes(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """The most that a process has had. A fork begins with the memory of this one, and so does its peak."""
    spawned = "import os, subprocess, sys; p = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)"
    spawned += "; print(os.wait4(p.pid, 0)[2].ru_maxrss)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", spawned, *command], env=environment, stdout=subprocess.PIPE, check=True
    )
    return int(done.stdout) * 1024


def page(bars: Sequence[Bar]) -> str:
    """docs/engine-bars.md."""
    machine = machine_description()
    lines = [
        "| what | bar | measured | | command |",
        "| --- | --- | --- | --- | --- |",
        *(bar.row() for bar in bars),
        "",
        f"Compiling and memory were measured on {machine['date']} at {machine['engine']}; load"
        f" {os.getloadavg()[0]:.2f} at the end.",
    ]
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    names = ("program-benchmarks.md", "benchmarks.md", "python-benchmarks.md")
    pages = {name: (DOCS / name).read_text(encoding="utf-8") for name in names}
    text = page([*bars_of_pages(pages), *bars_measured_here()])
    print(text)
    if not arguments.check:
        PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
