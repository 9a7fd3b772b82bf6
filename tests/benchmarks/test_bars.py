"""The page of the engine's bars: what it reads of other pages."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = """# A page
| program | native, s | warm |
| --- | ---: | ---: |
| lua | 0.859 | 2.45 |
| zstd | 1,000.5 | 3.00 **other** |
| **geometric mean** |  | **2.15** |

| program | another |
"""


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("bars")


def test_a_table_is_read_by_the_names_of_its_columns(bars: Any) -> None:
    rows = bars.rows_of(PAGE, "program")
    assert [row["program"] for row in rows] == ["lua", "zstd", "**geometric mean**"]
    assert bars.cell(rows, "lua", "warm") == 2.45
    assert bars.cell(rows, "geometric mean", "warm") == 2.15
    assert bars.cell(rows, "zstd", "native, s") == 1000.5
    assert bars.cell(rows, "quickjs", "warm") is None
    assert bars.largest(rows, "warm") == (3.0, "zstd")
    assert bars.mean_of(rows, ["lua", "quickjs"], "warm") is None
    assert bars.rows_of(PAGE, "kernel") == []


@pytest.mark.parametrize(
    ("text", "number"), [("1/27", 1 / 27), ("≤ 10,000", 10_000), ("**1.4**", 1.4), ("—", None)]
)
def test_numbers_in_cells(bars: Any, text: str, number: float | None) -> None:
    assert bars.number_in(text) == number


@pytest.mark.parametrize(
    ("measured", "words"), [(1.3, "reached"), (1.31, "**missed**"), (None, "not measured")]
)
def test_a_bar_says_whether_it_is_reached(bars: Any, measured: float | None, words: str) -> None:
    assert words in bars.Bar(what="speed", limit=1.3, measured=measured, command="`make bench`").row()


def test_the_pages_have_what_is_read(bars: Any) -> None:
    names = ("program-benchmarks.md", "benchmarks.md", "python-benchmarks.md")
    pages = {name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in names}
    assert [bar.what for bar in bars.bars_of_pages(pages) if bar.measured is None] == []
