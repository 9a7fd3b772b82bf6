"""The page of the pieces: a row for each, read and written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.guest.one_liners.running import Result

_HEAD = """# Public Python as guests

Pieces of public packages, imported as they are, with `@truestep.guest` above the function that calls them.
`make python-programs` fetches the packages, builds each piece, runs it, and compares the result with what
NumPy and CPython give: values, dtypes and shapes, where only libm and BLAS may change last bits. The list
is `tests/guest/python_programs/pieces.txt`; this page is written by that command. Between whole runs,
`python -m tests.guest.python_programs --not-right --merge` runs those that are not right and keeps the rows
of the others as they are.
"""
_RIGHT = "right"


def read_rows(page: Path) -> dict[str, str]:
    """The rows of the table by the imports of their pieces, each of which has one piece."""
    if not page.is_file():
        return {}
    lines = page.read_text(encoding="utf-8").splitlines()
    return {line.split("`")[1]: line for line in lines if line.startswith("| `")}


def is_right(row: str) -> bool:
    """Whether a row says that the piece is right."""
    return f"` | {_RIGHT} |" in row


def write_page(page: Path, kept: dict[str, str], results: list[Result]) -> None:
    """Write the page of results, and of the rows of other pieces, which are `kept`."""
    rows = dict(kept)
    for result in results:
        rows[result.case.setup] = f"| `{result.case.setup}` | {result.outcome} | {_cell(result.message)} |"
    right = sum(map(is_right, rows.values()))
    share = f"{right} of {len(rows)} pieces build and give NumPy's and CPython's values."
    table = "\n".join(
        ["| piece | result | message |", "| --- | --- | --- |", *(rows[s] for s in sorted(rows))]
    )
    page.write_text(f"{_HEAD}\n{share}\n\n{table}\n", encoding="utf-8")


def _cell(message: str) -> str:
    """The first line of a message, as a cell of a table, in which nothing is a link."""
    return message.partition("\n")[0].replace("|", "\\|").replace("](", "] (")
