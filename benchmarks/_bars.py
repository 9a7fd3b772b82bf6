"""What the engine must reach, next to what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from _comparison import KernelFigures
from _report import Report
from _runners import RunnerName
from _sections import SplitFigures, StartFigures

MEAN_RATIO_LIMIT = 1.3
KERNEL_RATIO_LIMITS = {"integers": 1.7, "floats": 1.3}
COLD_LIMIT_SECONDS, WARM_LIMIT_SECONDS = 2.0, 0.3
KECCAK_RATE_MIN = 5e6
SMALL_SPLIT_RATIO_LIMIT = 1.2
"""sha256 writes few pages: hashing them must cost next to nothing."""
LATER_SPLIT_PARTS = {"sha256": 25, "quicksort": 20}
LARGE_SPLIT_SHARE_MIN = 0.8
"""quicksort rewrites megabytes in each part: hashing is the work, and is to go at the bare rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of the table."""

    what: str
    limit: str
    measured: str
    is_reached: bool


def bars(report: Report) -> Iterator[Bar]:
    """A bar for everything that the report has figures of."""
    yield from _kernel_bars(report)
    if report.starts:
        yield from _start_bars(report.starts)
    if report.keccak:
        rate = report.keccak.nodes_per_second
        yield Bar(
            what="Keccak-256 of 64-byte nodes, one core",
            limit=f"≥ {KECCAK_RATE_MIN / 1e6:.0f} M/s",
            measured=f"{rate / 1e6:.2f} M/s",
            is_reached=rate >= KECCAK_RATE_MIN,
        )
    for split in report.splits:
        yield from _split_bars(report, split)


def _kernel_bars(report: Report) -> Iterator[Bar]:
    measured = [each for each in report.kernels if RunnerName.ENGINE in each.runners]
    if not measured:
        return
    mean = report.mean_ratio(RunnerName.ENGINE)
    if mean is not None:
        yield Bar(
            what="geometric mean against native, kernels of integers",
            limit=f"≤ {MEAN_RATIO_LIMIT}",
            measured=f"{mean:.2f}",
            is_reached=mean <= MEAN_RATIO_LIMIT,
        )
    for what, is_integer in (("integers", True), ("floats", False)):
        of_kind = [each for each in measured if each.kernel.is_integer is is_integer]
        if of_kind:
            slowest = max(of_kind, key=lambda each: each.runners[RunnerName.ENGINE].ratio)
            ratio = slowest.runners[RunnerName.ENGINE].ratio
            yield Bar(
                what=f"slowest kernel of {what} against native",
                limit=f"≤ {KERNEL_RATIO_LIMITS[what]}",
                measured=f"{ratio:.2f} ({slowest.kernel.title})",
                is_reached=ratio <= KERNEL_RATIO_LIMITS[what],
            )
    both = [each for each in measured if RunnerName.QEMU in each.runners]
    if both:
        closest = min(both, key=_times_as_fast_as_qemu)
        times = _times_as_fast_as_qemu(closest)
        yield Bar(
            what="every kernel faster than in qemu-riscv64",
            limit="> 1",
            measured=f"{times:.2f} times ({closest.kernel.title})",
            is_reached=times > 1,
        )


def _times_as_fast_as_qemu(figures: KernelFigures) -> float:
    return figures.runners[RunnerName.QEMU].ratio / figures.runners[RunnerName.ENGINE].ratio


def _start_bars(starts: StartFigures) -> Iterator[Bar]:
    for kind, seconds, limit_seconds in (
        ("cold", starts.cold_first_cpu_seconds, COLD_LIMIT_SECONDS),
        ("warm", starts.warm_first_cpu_seconds, WARM_LIMIT_SECONDS),
    ):
        yield Bar(
            what=f"first instruction of {starts.program_words:,}, {kind}",
            limit=f"≤ {limit_seconds} CPU s",
            measured=f"{seconds:.2f} CPU s",
            is_reached=seconds <= limit_seconds,
        )


def _split_bars(report: Report, split: SplitFigures) -> Iterator[Bar]:
    what = f"split of {split.kernel} into {split.parts}"
    if split.kernel == "sha256":
        ratio = split.split_cpu_seconds / split.plain_cpu_seconds
        yield Bar(
            what=what,
            limit=f"≤ {SMALL_SPLIT_RATIO_LIMIT} of the plain run's CPU time",
            measured=f"{ratio:.2f}",
            is_reached=ratio <= SMALL_SPLIT_RATIO_LIMIT,
        )
    elif report.keccak:
        share = split.nodes_per_second / report.keccak.nodes_per_second
        yield Bar(
            what=what,
            limit=f"≥ {LARGE_SPLIT_SHARE_MIN:.0%} of the Keccak rate in what it adds to the plain run",
            measured=f"{share:.0%}",
            is_reached=share >= LARGE_SPLIT_SHARE_MIN,
        )
    parts = LATER_SPLIT_PARTS[split.kernel]
    yield Bar(
        what=f"later split, of one part of {split.kernel}",
        limit=f"≤ 1/{parts} of the plain run's CPU time",
        measured=f"1/{split.plain_cpu_seconds / split.later_cpu_seconds:.0f}",
        is_reached=split.later_cpu_seconds * parts <= split.plain_cpu_seconds,
    )
