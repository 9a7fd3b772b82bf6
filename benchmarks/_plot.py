"""The picture of the kernels: CPU time as bars, native = 1, as SVG written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH = 960
LEFT, RIGHT, TOP = 210, 70, 120
BAR, BAR_GAP, GROUP_GAP = 15, 3, 16
FOOT = 40
MOST_MARKS = 12
FIGURE_WIDTH = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The bars of one colour; a value for each group, None where there is none."""

    label: str
    colour: str
    values: Sequence[float | None]


def bar_chart(*, title: str, note: str, groups: Sequence[str], series: Sequence[Series]) -> str:
    """An SVG document: a group of horizontal bars for each name, a line at 1."""
    greatest = max((value for each in series for value in each.values if value is not None), default=1.0)
    step = _mark_step(greatest)
    limit = step * math.ceil(max(greatest, 1.0) / step)
    group_height = len(series) * (BAR + BAR_GAP) - BAR_GAP
    bottom = TOP + len(groups) * (group_height + GROUP_GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + FOOT}"'
        ' font-family="Helvetica, Arial, sans-serif" font-size="14">',
        f"  <title>{escape(title)}</title>",
        f'  <rect width="{WIDTH}" height="{bottom + FOOT}" fill="#ffffff"/>',
        f'  <text x="24" y="34" font-size="19" font-weight="bold" fill="#0f172a">{escape(title)}</text>',
        f'  <text x="24" y="56" font-size="12.5" fill="#475569">{escape(note)}</text>',
        *_legend(series),
        *_axis(step, limit, bottom),
    ]
    for index, group in enumerate(groups):
        top = TOP + GROUP_GAP / 2 + index * (group_height + GROUP_GAP)
        parts.append(
            f'  <text x="{LEFT - 12}" y="{top + group_height / 2 + 5:g}" text-anchor="end" fill="#0f172a">'
            f"{escape(group)}</text>"
        )
        for number, each in enumerate(series):
            parts += _bar(each, each.values[index], top + number * (BAR + BAR_GAP), limit)
    parts.append(_native_line(limit, bottom))
    return "\n".join((*parts, "</svg>", ""))


def _mark_step(greatest: float) -> float:
    """The least handy distance between marks that leaves at most MOST_MARKS of them."""
    return next(step for step in (0.25, 0.5, 1, 2, 5, 10, 50, 1_000, 1e6) if greatest / step <= MOST_MARKS)


def _x(value: float, limit: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * value / limit, 1)


def _legend(series: Sequence[Series]) -> list[str]:
    parts: list[str] = []
    x = LEFT
    for each in series:
        parts.append(f'  <rect x="{x}" y="74" width="14" height="14" rx="2" fill="{each.colour}"/>')
        parts.append(f'  <text x="{x + 20}" y="86" font-size="13" fill="#0f172a">{escape(each.label)}</text>')
        x += 48 + 7 * len(each.label)
    return parts


def _axis(step: float, limit: float, bottom: float) -> list[str]:
    parts: list[str] = []
    for mark in range(round(limit / step) + 1):
        value = mark * step
        x = _x(value, limit)
        parts.append(f'  <path d="M{x:g} {TOP}V{bottom:g}" stroke="#e2e8f0"/>')
        parts.append(
            f'  <text x="{x:g}" y="{bottom + 20:g}" text-anchor="middle" font-size="12" fill="#475569">'
            f"{value:g}</text>"
        )
    return parts


def _bar(series: Series, value: float | None, top: float, limit: float) -> list[str]:
    if value is None:
        return []
    end, native = _x(value, limit), _x(1, limit)
    # A figure that would stand across the line at 1 stands behind it.
    label = native if end <= native < end + FIGURE_WIDTH else end
    return [
        f'  <rect x="{LEFT}" y="{top:g}" width="{end - LEFT:g}" height="{BAR}" rx="2"'
        f' fill="{series.colour}"/>',
        f'  <text x="{label + 6:g}" y="{top + BAR - 3.5:g}" font-size="12" fill="#334155">{value:.2f}</text>',
    ]


def _native_line(limit: float, bottom: float) -> str:
    x = _x(1, limit)
    return (
        f'  <path d="M{x:g} {TOP - 4}V{bottom:g}" stroke="#0f172a" stroke-width="1.5"'
        ' stroke-dasharray="5 3"/>\n'
        f'  <text x="{x:g}" y="{TOP - 9}" text-anchor="middle" font-size="12" fill="#0f172a">native</text>'
    )
