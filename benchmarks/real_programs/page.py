"""The second table of docs/benchmarks.md."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from benchmarks.real_programs.measuring import Figures

NOTHING = "-"
HEAD = (
    "program",
    "native, s",
    "M instructions",
    "warm",
    "cold",
    "second run",
    "stepped",
    "walked",
    "compiling, s per 1,000",
    "memory, MB",
)


def table(figures: Sequence[Figures]) -> str:
    """The table with its means."""
    rule = ["---", *("---:" for _ in HEAD[1:])]
    rows = [HEAD, rule, *map(_row, figures)]
    if len(figures) > 1:
        rows.append(_means(figures))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(figures: Figures) -> Sequence[str]:
    if figures.result != "equal":
        return (figures.name, f"**{figures.result}**", *("" for _ in HEAD[2:]))
    cost = figures.compile_seconds_per_1000
    return (
        figures.name,
        f"{figures.native_cpu_seconds:.3f}",
        f"{figures.cycles / 1e6:,.0f}",
        _ratio(figures.warm_ratio),
        _ratio(figures.cold_ratio),
        _ratio(figures.second_ratio),
        f"{figures.warm_stepped:,}",
        f"{figures.warm_walked:,}",
        NOTHING if cost is None else f"{cost:.3f}",
        NOTHING if figures.warm_peak_bytes is None else f"{figures.warm_peak_bytes / 1e6:,.0f}",
    )


def _means(figures: Sequence[Figures]) -> Sequence[str]:
    equal = [each for each in figures if each.result == "equal"]
    ratios = (
        [each.warm_ratio for each in equal],
        [each.cold_ratio for each in equal],
        [each.second_ratio for each in equal],
    )
    means = (_ratio(statistics.geometric_mean([each for each in column if each])) for column in ratios)
    return ("**geometric mean**", "", "", *(f"**{mean}**" for mean in means), "", "", "", "")


def _ratio(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.2f}" if value < 20 else f"{value:,.0f}"
