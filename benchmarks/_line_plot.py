"""Lines over a number, as SVG written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 960, 460
LEFT, RIGHT, TOP, BOTTOM = 80, 220, 90, 50
MARKS = 5
LINE_WIDTH, WIDER = 2, 2.5
"""Of the last line, and how much wider each line below it is: of lines in one place, each is seen."""
NEAR = 0.01
"""Lines whose ends differ by less are in one place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line with its name."""

    label: str
    colour: str
    points: Sequence[tuple[float, float]]
    is_dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """From numbers to places."""

    low: float
    high: float
    start: float
    end: float
    is_logarithmic: bool

    def at(self, value: float) -> float:
        low, high, value = (self._number(each) for each in (self.low, self.high, value))
        return round(self.start + (self.end - self.start) * (value - low) / (high - low), 1)

    def marks(self) -> list[float]:
        if self.is_logarithmic:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1) if self.low <= 10.0**power <= self.high]
        return [self.low + (self.high - self.low) * mark / MARKS for mark in range(MARKS + 1)]

    def _number(self, value: float) -> float:
        return math.log10(max(value, 1e-9)) if self.is_logarithmic else value


def line_chart(*, title: str, note: str, lines: Sequence[Line], is_logarithmic: bool = False) -> str:
    """An SVG document. Axes begin at 0, or at 1 if they are logarithmic."""
    least = 1.0 if is_logarithmic else 0.0
    across = _Scale(
        low=least, high=max(x for line in lines for x, _ in line.points), start=LEFT, end=WIDTH - RIGHT,
        is_logarithmic=is_logarithmic,
    )  # fmt: skip
    greatest = max(y for line in lines for _, y in line.points)
    up = _Scale(
        low=least, high=_limit(greatest, is_logarithmic=is_logarithmic),
        start=HEIGHT - BOTTOM, end=TOP, is_logarithmic=is_logarithmic,
    )  # fmt: skip
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="Helvetica, Arial, sans-serif" font-size="13">',
        f"  <title>{escape(title)}</title>",
        f'  <rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'  <text x="24" y="34" font-size="19" font-weight="bold" fill="#0f172a">{escape(title)}</text>',
        f'  <text x="24" y="56" font-size="12.5" fill="#475569">{escape(note)}</text>',
        *(_rule(up.at(mark), mark) for mark in up.marks()),
        *(_foot(across.at(mark), mark) for mark in across.marks()),
    ]
    widths = _widths([line.points for line in lines])
    for number, (line, width) in enumerate(zip(lines, widths, strict=True)):
        parts += _drawn(line, across, up, TOP + 22 * number, width)
    return "\n".join((*parts, "</svg>", ""))


def _limit(greatest: float, *, is_logarithmic: bool) -> float:
    """Where an axis ends: at MARKS handy steps."""
    if is_logarithmic:
        return 10.0 ** math.ceil(math.log10(greatest))
    power = 10.0 ** math.floor(math.log10(greatest / MARKS))
    return MARKS * next(power * step for step in (1, 2, 2.5, 5, 10) if MARKS * power * step >= greatest)


def _rule(y: float, mark: float) -> str:
    return (
        f'  <path d="M{LEFT} {y:g}H{WIDTH - RIGHT}" stroke="#e2e8f0"/>'
        f'<text x="{LEFT - 10}" y="{y + 4:g}" text-anchor="end" fill="#475569">{mark:,.6g}</text>'
    )


def _foot(x: float, mark: float) -> str:
    return (
        f'  <text x="{x:g}" y="{HEIGHT - BOTTOM + 22}" text-anchor="middle" fill="#475569">{mark:,.6g}</text>'
    )


def _widths(lines: Sequence[Sequence[tuple[float, float]]]) -> list[float]:
    """A line is wider for each later one that would hide it: whose end is in the same place."""
    ends = [points[-1][1] for points in lines]
    return [
        LINE_WIDTH + WIDER * sum(math.isclose(end, other, rel_tol=NEAR) for other in ends[number + 1 :])
        for number, end in enumerate(ends)
    ]


def _drawn(line: Line, across: _Scale, up: _Scale, top: float, width: float) -> list[str]:
    path = " ".join(f"{across.at(x):g},{up.at(y):g}" for x, y in line.points)
    dashes = ' stroke-dasharray="6 4"' if line.is_dashed else ""
    x = WIDTH - RIGHT + 24
    return [
        f'  <polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="{width:g}"{dashes}/>',
        f'  <path d="M{x} {top}h22" stroke="{line.colour}" stroke-width="{width:g}"{dashes}/>',
        f'  <text x="{x + 30}" y="{top + 4}" fill="#0f172a">{escape(line.label)}</text>',
    ]
