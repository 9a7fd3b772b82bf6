"""What it costs to have data kept: sums of docs/availability-gas.md, written into docs/data.md."""

from __future__ import annotations

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
GAS_PAGE = REPOSITORY / "docs" / "availability-gas.md"
PAGE = REPOSITORY / "docs" / "data.md"
COMMAND = "python benchmarks/data_choices.py"
BEGIN, END = "<!-- written by benchmarks/data_choices.py -->\n", "<!-- end -->\n"

CHOICES = {
    "`none`": ((), ()),
    "`keepers`, one item of one blob": (
        ("`register` of 1 blob", "`assign` of four seats", "`supply`"),
        ("`register` of 1 blob", "`assign` of four seats", "`deliver` of one output"),
    ),
    "`keepers`, one item of 32 blobs (4 MB)": (
        ("`register` of 32 blobs", "`assign` of four seats", "`supply`"),
        ("`register` of 1 blob", "`assign` of four seats", "`deliver` of one output"),
    ),
    "`keepers`, items that are kept already": (
        ("`supply`",),
        ("`register` of 1 blob", "`assign` of four seats", "`deliver` of one output"),
    ),
    "`calldata`, 4 KiB": (
        ("`register_calldata` of 4 KiB", "`supply`"),
        ("`register_calldata` of one leaf", "`deliver` of one output"),
    ),
    "`calldata`, 24 KiB": (
        ("`register_calldata` of 24 KiB", "`supply`"),
        ("`register_calldata` of one leaf", "`deliver` of one output"),
    ),
    "`blob`, one item of one blob, and 131,072 blob gas": (
        ("`register_blobs` of one blob, beside the blob gas", "`supply`"),
        ("`register_calldata` of one leaf", "`deliver` of one output"),
    ),
}
"""The transactions of requester and operator that a job without kept data does not need."""


def table(gas_page: str) -> str:
    """The table, from the text of the page of gas."""
    gas = {
        name: int(figure.replace(",", ""))
        for name, figure in re.findall(r"^\| (.+) \| ([\d,]+) \|$", gas_page, re.M)
    }
    rows = [
        "| choice | requester's gas, beside `post` | operator's gas, beside a plain job |",
        "| --- | --- | --- |",
    ]
    for choice, (requester, operator) in CHOICES.items():
        sums = (sum(gas[name] for name in names) for names in (requester, operator))
        rows.append(f"| {choice} | " + " | ".join(f"{each:,}" for each in sums) + " |")
    return "\n".join(rows) + "\n"


def with_table(page: str, gas_page: str) -> str:
    """The page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(gas_page)}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write the table into the page, or with --check see whether it is there."""
    page, gas_page = PAGE.read_text("utf-8"), GAS_PAGE.read_text("utf-8")
    fresh = with_table(page, gas_page)
    if "--check" in arguments:
        if fresh != page:
            print(
                f"docs/{PAGE.name} has other sums than docs/{GAS_PAGE.name}; run `{COMMAND}`", file=sys.stderr
            )
        return int(fresh != page)
    PAGE.write_text(fresh, "utf-8")
    print(table(gas_page), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
