"""The report as docs/benchmarks.md and as its picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from _bars import bars
from _comparison import KernelFigures
from _kernels import Scale
from _plot import Series, bar_chart
from _report import Report
from _runners import RunnerName
from _sections import KeccakFigures, SplitFigures, StartFigures

LABELS = {
    RunnerName.ENGINE: "truestep engine",
    RunnerName.WASMTIME: "wasmtime",
    RunnerName.QEMU: "qemu-riscv64",
    RunnerName.REFERENCE: "reference interpreter",
}
COLOURS = {RunnerName.ENGINE: "#4f46e5", RunnerName.WASMTIME: "#94a3b8", RunnerName.QEMU: "#ea580c"}
PICTURE_TITLE = "CPU time against native code: less is better"
PICTURE = "pictures/benchmarks.svg"
NOTHING = "-"
ENGINE_COLUMNS = ("M instructions", "engine, M a second", "compiling, s")

HEAD = """# Benchmarks

Written by `make bench` (`benchmarks/engine.py`), never by hand. Real programs are in
[program-benchmarks.md](program-benchmarks.md), the cost of transactions in [gas.md](gas.md), and all that the
engine is to reach in [engine-bars.md](engine-bars.md).
"""
NOT_TO_BE_QUOTED = """
**Small sizes: they show that everything runs and must not be quoted.**
"""
METHOD = """## How it is measured

- One C source for each kernel (`benchmarks/kernels/`, and the demo's guest), at one size, {rounds} rounds in
  turn: native, engine, qemu, wasmtime, native, engine and so on. This page is written only if all outputs are
  equal.
- CPU time, user and system, of all threads. A cell is the median over the rounds of the ratio to native in
  the same round, so that anything that slows down a whole round cancels out. Smaller is faster.
- Native and qemu: the whole process, including qemu's translation. Engine and wasmtime: a process that has
  run the kernel once before, without compiling and without hashing the final memory. The last column is the
  cost of compiling: all CPU time of a first run with almost no work and an empty cache. The engine counts
  every instruction exactly, checks every access and marks written pages, as in a worker.
- The reference interpreter ran some 100,000 instructions of each kernel; its ratio follows from its time
  for one instruction.
- Everything is compiled with -ffp-contract=off (the same bits everywhere) and -fno-math-errno. Without the
  latter gcc's n-body takes twice the time.
- qemu runs a static Linux program for the guest's instruction set, but with float registers, compiled by
  the guest's compiler with the guest's flags. WebAssembly has no product of 64 by 64 to 128 bits, which the
  demo's guest uses.
"""
SPLIT_WORDS = """\
All inner state hashes of a split in one forward pass, with a snapshot at each, compared with the plain run to
the same step. While one core runs, another hashes what was changed before.
Nodes: those above words that changed within a part; no engine can hash fewer. Nodes/s: per second of the CPU
time that the split adds to the plain run. Checkpoint: that CPU time for one stop, including hashing.
Later split: one part of the first split, split again from the snapshots of the first.
What walks to exact stops is compiled before, as for a worker, which keeps it on disk.
Each figure is the median of three processes.
"""


def as_picture(report: Report) -> str:
    """The kernels and their mean as an SVG document."""
    series = [
        Series(
            label=LABELS[name],
            colour=COLOURS[name],
            values=[
                *(each.runners[name].ratio if name in each.runners else None for each in report.kernels),
                report.mean_ratio(name),
            ],
        )
        for name in report.measured(COLOURS)
    ]
    machine, is_full = report.machine, report.scale is Scale.FULL
    return bar_chart(
        title=PICTURE_TITLE if is_full else f"{PICTURE_TITLE} (small sizes, do not quote)",
        note=f"1 = the same C by {machine['native']}; {machine['processor']}; {machine['date']}",
        groups=[*(each.kernel.label(report.scale) for each in report.kernels), "geometric mean, integers"],
        series=series,
    )


def as_markdown(report: Report) -> str:
    """docs/benchmarks.md."""
    parts = [HEAD]
    if report.scale is not Scale.FULL:
        parts.append(NOT_TO_BE_QUOTED)
    parts.append(_table(("", ""), report.machine.items()))
    if report.kernels:
        parts.append(_kernel_section(report))
    if report.starts:
        parts.append(_start_section(report.starts))
    if report.keccak:
        parts.append(_keccak_section(report.keccak))
    if report.splits:
        parts.append(_split_section(report.splits))
    # So small that starting a process is all there is to measure.
    if report.scale is not Scale.CHECK:
        parts.append(_bar_section(report))
    parts.append(METHOD.format(rounds=report.rounds))
    if report.missing:
        parts.append("## Not measured here\n\n" + "".join(f"- {each}\n" for each in report.missing))
    return "\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers_from: int = 99) -> str:
    """A Markdown table; columns from `numbers_from` on are aligned right."""
    rule = ["---" if column < numbers_from else "---:" for column in range(len(head))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def _kernel_section(report: Report) -> str:
    names = report.measured(LABELS)
    head = ("kernel", "native, s", *(LABELS[name] for name in names), *ENGINE_COLUMNS)
    means = (f"**{_ratio(mean)}**" if (mean := report.mean_ratio(name)) else NOTHING for name in names)
    rows = [
        *(_kernel_row(each, report.scale, names) for each in report.kernels),
        ("**geometric mean, integers**", "", *means, *("" for _ in ENGINE_COLUMNS)),
    ]
    return (
        "## CPU time against native code\n\n"
        f"![CPU time of the engine, wasmtime and qemu against native code]({PICTURE})\n\n"
        f"{_table(head, rows, numbers_from=1)}{_spread(report)}"
    )


def _kernel_row(figures: KernelFigures, scale: Scale, names: Sequence[RunnerName]) -> list[str]:
    ratios = (_ratio(figures.runners[name].ratio) if name in figures.runners else NOTHING for name in names)
    return [
        figures.kernel.label(scale),
        f"{figures.runners[RunnerName.NATIVE].cpu_seconds:.3f}",
        *ratios,
        _millions(figures.cycles),
        _millions(figures.instructions_per_second(RunnerName.ENGINE)),
        NOTHING if figures.compile_cpu_seconds is None else f"{figures.compile_cpu_seconds:.2f}",
    ]


def _spread(report: Report) -> str:
    runners = (each.runners.get(RunnerName.ENGINE) for each in report.kernels)
    spans = [each.greatest_ratio / each.least_ratio for each in runners if each]
    if not spans:
        return ""
    return f"\nBetween the rounds of one kernel, the engine's ratio differed by up to {max(spans) - 1:.0%}.\n"


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 20 else f"{value:,.0f}"


def _millions(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value / 1e6:,.0f}" if value >= 1e7 else f"{value / 1e6:.2f}"


def _start_section(starts: StartFigures) -> str:
    rows = (
        ("first instruction, cold", starts.cold_first_seconds, starts.cold_first_cpu_seconds),
        ("first instruction, warm", starts.warm_first_seconds, starts.warm_first_cpu_seconds),
        ("whole run, cold", starts.cold_end_seconds, starts.cold_end_cpu_seconds),
        ("whole run, warm", starts.warm_end_seconds, starts.warm_end_cpu_seconds),
    )
    cells = ((name, f"{seconds:.3f}", f"{cpu_seconds:.3f}") for name, seconds, cpu_seconds in rows)
    return (
        f"## Start\n\nA program of {starts.program_words:,} instructions that takes"
        f" {starts.run_cycles:,} steps, in a new process.\nWarm: an earlier process has filled the cache"
        f" on disk. Importing the Python modules, {starts.import_seconds:.2f} s, is not counted.\n\n"
        f"{_table(('', 'seconds', 'CPU seconds'), cells, numbers_from=1)}"
    )


def _keccak_section(keccak: KeccakFigures) -> str:
    return (
        f"## State roots\n\nKeccak-256 of 64-byte nodes, {keccak.nodes:,} at a time, per CPU second:"
        f" **{keccak.nodes_per_second / 1e6:.2f} million**\n(one by one through the plain library:"
        f" {keccak.plain_nodes_per_second / 1e6:.2f} million).\n"
    )


def _split_section(splits: Sequence[SplitFigures]) -> str:
    head = (
        "kernel",
        "M steps",
        "parts",
        "plain, s",
        "CPU s",
        "split, s",
        "CPU s",
        "CPU ratio",
        "M nodes",
        "M nodes/s",
        "checkpoint, CPU ms",
        "snapshots, MiB",
        "later split, s",
        "CPU s",
        "witness, s",
    )
    return (
        f"## A split of a dispute\n\n{SPLIT_WORDS}\n{_table(head, map(_split_row, splits), numbers_from=1)}"
    )


def _split_row(split: SplitFigures) -> Sequence[str]:
    times = (split.plain_seconds, split.plain_cpu_seconds, split.split_seconds, split.split_cpu_seconds)
    return (
        split.kernel,
        _millions(split.cycles),
        str(split.parts),
        *(f"{seconds:.2f}" for seconds in times),
        f"{split.split_cpu_seconds / split.plain_cpu_seconds:.2f}",
        f"{split.nodes / 1e6:.2f}",
        f"{split.nodes_per_second / 1e6:.2f}",
        f"{1000 * split.checkpoint_seconds:.2f}",
        f"{split.snapshots_bytes / (1 << 20):,.0f}",
        f"{split.later_seconds:.3f}",
        f"{split.later_cpu_seconds:.3f}",
        f"{split.witness_seconds:.3f}",
    )


def _bar_section(report: Report) -> str:
    rows = (
        (bar.what, bar.limit, bar.measured, "reached" if bar.is_reached else "**missed**")
        for bar in bars(report)
    )
    return f"## Targets\n\n{_table(('what', 'target', 'measured', ''), rows)}"
