"""The measured figures as docs/benchmarks.md, as its picture, and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from _comparison import KernelFigures, geometric_mean
from _kernels import Scale
from _plot import Series, bar_chart
from _runners import RunnerName
from _sections import KeccakFigures, SplitFigures, StartFigures

LABELS = {
    RunnerName.ENGINE: "truestep engine",
    RunnerName.WASMTIME: "wasmtime",
    RunnerName.QEMU: "qemu-riscv64",
    RunnerName.REFERENCE: "reference interpreter",
}
COLOURS = {RunnerName.ENGINE: "#4f46e5", RunnerName.WASMTIME: "#94a3b8", RunnerName.QEMU: "#ea580c"}
PICTURE = "pictures/benchmarks.svg"

MEAN_BAR, WORST_BAR = 1.35, 2.0
COLD_BAR_SECONDS, WARM_BAR_SECONDS = 2.0, 0.3
KECCAK_BAR = 5e6
SPLIT_BARS = {
    "sha256": "CPU time at most 1.3 times the plain run's",
    "quicksort": "at least 80 % of the Keccak rate",
}
SMALL_SPLIT_BAR, LARGE_SPLIT_BAR = 1.3, 0.8


@dataclass(slots=True, kw_only=True)
class Report:
    """All that one call measured; a section that could not be measured says why in `missing`."""

    scale: Scale
    rounds: int
    machine: dict[str, str]
    kernels: list[KernelFigures] = field(default_factory=list[KernelFigures])
    starts: StartFigures | None = None
    keccak: KeccakFigures | None = None
    splits: list[SplitFigures] = field(default_factory=list[SplitFigures])
    missing: list[str] = field(default_factory=list[str])

    def mean_ratio(self, name: RunnerName) -> float | None:
        """The geometric mean over the kernels; None unless all were measured."""
        ratios = [each.runners[name].ratio for each in self.kernels if name in each.runners]
        return geometric_mean(ratios) if ratios and len(ratios) == len(self.kernels) else None

    def measured(self) -> list[RunnerName]:
        """The runners beside native that have figures."""
        return [name for name in LABELS if any(name in each.runners for each in self.kernels)]


def as_json(report: Report) -> dict[str, Any]:
    """Everything, for machines."""
    kernels = {
        each.kernel.name: {
            **{key: value for key, value in asdict(each).items() if key not in {"kernel", "runners"}},
            "runners": {
                str(name): {
                    **asdict(figures),
                    "instructions_per_second": each.instructions_per_second(name),
                }
                for name, figures in each.runners.items()
            },
        }
        for each in report.kernels
    }
    return {
        "scale": report.scale,
        "rounds": report.rounds,
        "machine": report.machine,
        "kernels": kernels,
        "geometric_means": {str(name): report.mean_ratio(name) for name in report.measured()},
        "starts": asdict(report.starts) if report.starts else None,
        "keccak": asdict(report.keccak) if report.keccak else None,
        "splits": [{**asdict(each), "nodes_per_second": each.nodes_per_second} for each in report.splits],
        "missing": report.missing,
    }


def as_picture(report: Report) -> str:
    """The kernels and their mean as an SVG document."""
    names = [name for name in COLOURS if name in report.measured()]
    series = [
        Series(
            label=LABELS[name],
            colour=COLOURS[name],
            values=[
                *(each.runners[name].ratio if name in each.runners else None for each in report.kernels),
                report.mean_ratio(name),
            ],
        )
        for name in names
    ]
    machine = report.machine
    return bar_chart(
        title="CPU time against native code: less is better",
        note=f"1 = the same C by {machine['native']}; {machine['processor']}; {machine['date']}",
        groups=[*(each.kernel.title for each in report.kernels), "geometric mean"],
        series=series,
    )


def as_markdown(report: Report) -> str:
    """docs/benchmarks.md."""
    parts = [
        "# Benchmarks",
        "",
        "Written by `make bench` (`benchmarks/engine.py`); every figure comes from that run. Gas is in `gas.md`.",
        *(_quick_warning() if report.scale is not Scale.FULL else ()),
        "",
        *_machine_table(report),
        *_kernel_section(report),
        *_start_section(report),
        *_hash_section(report),
        *_bar_section(report),
        *_method(report),
    ]
    if report.missing:
        parts += ["## Not measured here", "", *(f"- {each}" for each in report.missing), ""]
    return "\n".join(parts)


def _quick_warning() -> tuple[str, ...]:
    return ("", "**Small sizes: to see that everything runs, not to be quoted.**")


def _machine_table(report: Report) -> list[str]:
    return ["| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in report.machine.items()), ""]


def _kernel_section(report: Report) -> list[str]:
    names = report.measured()
    head = [
        "kernel",
        "native, s",
        *(LABELS[name] for name in names),
        "million instructions",
        "million a second",
    ]
    lines = [
        "## CPU time against native code",
        "",
        f"![CPU time of the engine, wasmtime and qemu against native code]({PICTURE})",
        "",
        f"| {' | '.join(head)} |",
        f"| --- |{' ---: |' * (len(head) - 1)}",
    ]
    for each in report.kernels:
        rate = each.instructions_per_second(RunnerName.ENGINE)
        cells = [each.kernel.title, f"{each.runners[RunnerName.NATIVE].cpu_seconds:.3f}"]
        cells += [_ratio(each.runners[name].ratio) if name in each.runners else "–" for name in names]
        cells += [_millions(each.cycles), _millions(rate)]
        lines.append(f"| {' | '.join(cells)} |")
    means = [report.mean_ratio(name) for name in names]
    cells = ["**geometric mean**", "", *(f"**{_ratio(mean)}**" if mean else "–" for mean in means), "", ""]
    return [*lines, f"| {' | '.join(cells)} |", "", *_spread(report), ""]


def _spread(report: Report) -> list[str]:
    spans = [
        (each.runners[RunnerName.ENGINE].least_ratio, each.runners[RunnerName.ENGINE].greatest_ratio)
        for each in report.kernels
        if RunnerName.ENGINE in each.runners
    ]
    if not spans:
        return []
    widest = max(greatest / least for least, greatest in spans)
    return [
        f"The engine's ratio differed between rounds of one kernel by at most {100 * (widest - 1):.0f} %."
    ]


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value < 20 else f"{value:,.0f}"


def _millions(value: float | None) -> str:
    return "–" if value is None else f"{value / 1e6:,.0f}"


def _start_section(report: Report) -> list[str]:
    starts = report.starts
    if starts is None:
        return []
    rows = (
        ("first instruction, cold", starts.cold_first_seconds, starts.cold_first_cpu_seconds),
        ("first instruction, warm", starts.warm_first_seconds, starts.warm_first_cpu_seconds),
        ("whole run, cold", starts.cold_end_seconds, starts.cold_end_cpu_seconds),
        ("whole run, warm", starts.warm_end_seconds, starts.warm_end_cpu_seconds),
    )
    return [
        "## Start",
        "",
        f"A program of {starts.program_words:,} instructions that takes {starts.run_cycles:,} steps, in a new process;"
        f" warm: what an earlier process compiled is in the cache. Importing the Python modules"
        f" ({starts.import_seconds:.2f} s) is not counted.",
        "",
        "| | seconds | CPU seconds |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {seconds:.3f} | {cpu_seconds:.3f} |" for name, seconds, cpu_seconds in rows),
        "",
    ]


def _hash_section(report: Report) -> list[str]:
    lines: list[str] = []
    if report.keccak:
        lines += [
            "## State roots",
            "",
            f"Keccak-256 of 64-byte nodes, one core: **{report.keccak.nodes_per_second / 1e6:.2f} million a second**"
            f" ({report.keccak.plain_nodes_per_second / 1e6:.2f} million through the plain library).",
            "",
        ]
    if report.splits:
        lines += [
            "## A split of a dispute",
            "",
            "All inner state hashes in one forward pass, against the plain run. Nodes: those above words that changed"
            " within a part, so the fewest that any engine must hash.",
            "",
            "| kernel | million steps | parts | plain, s | plain, CPU s | split, s | split, CPU s | CPU ratio"
            " | million nodes | million nodes a second |",
            f"| --- |{' ---: |' * 9}",
            *map(_split_row, report.splits),
            "",
        ]
    return lines


def _split_row(split: SplitFigures) -> str:
    cells = (
        split.kernel,
        _millions(split.cycles),
        str(split.parts),
        *(f"{seconds:.2f}" for seconds in (split.plain_seconds, split.plain_cpu_seconds)),
        *(f"{seconds:.2f}" for seconds in (split.split_seconds, split.split_cpu_seconds)),
        f"{split.split_cpu_seconds / split.plain_cpu_seconds:.2f}",
        f"{split.nodes / 1e6:.2f}",
        f"{split.nodes_per_second / 1e6:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _bar_section(report: Report) -> list[str]:
    rows = list(_bars(report))
    return [
        "## What it must reach",
        "",
        "| what | bar | measured | |",
        "| --- | --- | ---: | --- |",
        *(
            f"| {what} | {bar} | {got} | {'reached' if met else '**missed**'} |"
            for what, bar, got, met in rows
        ),
        "",
    ]


def _bars(report: Report) -> Sequence[tuple[str, str, str, bool]]:
    """What, its bar, what was measured, whether it is reached."""
    rows: list[tuple[str, str, str, bool]] = []
    mean = report.mean_ratio(RunnerName.ENGINE)
    if mean is not None:
        worst = max(report.kernels, key=lambda each: each.runners[RunnerName.ENGINE].ratio)
        ratio = worst.runners[RunnerName.ENGINE].ratio
        rows.append(("geometric mean against native", f"≤ {MEAN_BAR}", f"{mean:.2f}", mean <= MEAN_BAR))
        got = f"{ratio:.2f} ({worst.kernel.title})"
        rows.append(("each kernel against native", f"≤ {WORST_BAR}", got, ratio <= WORST_BAR))
    against_qemu = [
        (each.runners[RunnerName.QEMU].ratio / each.runners[RunnerName.ENGINE].ratio, each.kernel.title)
        for each in report.kernels
        if {RunnerName.QEMU, RunnerName.ENGINE} <= each.runners.keys()
    ]
    if against_qemu:
        times, title = min(against_qemu)
        rows.append(
            ("times as fast as qemu-riscv64, each kernel", "> 1", f"{times:.2f} ({title})", times > 1)
        )
    if (starts := report.starts) is not None:
        cold, warm = starts.cold_first_seconds, starts.warm_first_seconds
        rows.append(
            ("first instruction, cold", f"≤ {COLD_BAR_SECONDS} s", f"{cold:.2f} s", cold <= COLD_BAR_SECONDS)
        )
        rows.append(
            ("first instruction, warm", f"≤ {WARM_BAR_SECONDS} s", f"{warm:.2f} s", warm <= WARM_BAR_SECONDS)
        )
    if report.keccak:
        rate = report.keccak.nodes_per_second
        rows.append(
            ("Keccak, one core", f"≥ {KECCAK_BAR / 1e6:.0f} M/s", f"{rate / 1e6:.2f} M/s", rate >= KECCAK_BAR)
        )
    return rows + [row for split in report.splits for row in _split_bars(report, split)]


def _split_bars(report: Report, split: SplitFigures) -> Sequence[tuple[str, str, str, bool]]:
    what = f"split of {split.kernel} into {split.parts}"
    if split.kernel == "sha256":
        ratio = split.split_cpu_seconds / split.plain_cpu_seconds
        return [(what, SPLIT_BARS["sha256"], f"{ratio:.2f}", ratio <= SMALL_SPLIT_BAR)]
    if report.keccak is None:
        return []
    share = split.nodes_per_second / report.keccak.nodes_per_second
    return [(what, SPLIT_BARS["quicksort"], f"{100 * share:.0f} %", share >= LARGE_SPLIT_BAR)]


def _method(report: Report) -> list[str]:
    return [
        "## How it is measured",
        "",
        f"- One C source a kernel (`benchmarks/kernels/`, the demo's guest), at one size, {report.rounds} rounds in turn"
        " (native, engine, qemu, wasmtime, native, …). All outputs must be equal, or there is no page.",
        "- CPU time, user and system, of all threads. A cell is the median over the rounds of the ratio to native in"
        " the same round. Smaller is faster.",
        "- Native and qemu: the whole process, qemu's translation included. Engine and wasmtime: a process that has run"
        " the kernel once before; compiling and hashing the final memory are not counted. The engine counts every"
        " instruction, checks every access and marks the pages written.",
        "- The reference interpreter ran some 100,000 instructions of each kernel; its ratio is worked out from its"
        " time for one instruction.",
        "- qemu runs a static Linux program of the same instruction set and compiler flags as the guest. WebAssembly"
        " has no product of 64 by 64 into 128 bits, which the demo's guest uses.",
        "",
    ]
