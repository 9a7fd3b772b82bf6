"""What every page of gas is written by: measure on anvil, hold the bars, write the page or compare it."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from _anvil import find_anvil, running_anvil
from _gas_page import Bar
from web3 import Web3

Measured = tuple[Sequence[Bar], str]
"""The bars and the whole page."""


def run(
    file: Path,
    command: str,
    measure: Callable[[Web3], Measured],
    arguments: Sequence[str] | None = None,
    *,
    agrees: Callable[[str, str], bool] = str.__eq__,
) -> int:
    """The exit code, 0 if all is well. `agrees` says whether a page that was written is still true."""
    parser = argparse.ArgumentParser(description=f"Measure gas on anvil; write docs/{file.name}.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help=f"compare with docs/{file.name}; write nothing")
    choice.add_argument("--json", action="store_true", help="print what has a bar; write nothing")
    options: Any = parser.parse_args(arguments)
    anvil = find_anvil()
    if anvil is None:
        sys.stderr.write("gas: anvil is not installed; `make anvil` installs it where npm exists\n")
        return 2 if options.check or options.json else 0
    with running_anvil(anvil) as web3:
        bars, fresh = measure(web3)
    exceeded = [bar for bar in bars if bar.measured > bar.limit]
    for bar in exceeded:
        sys.stderr.write(f"gas: {bar.what}: expected at most {bar.limit:,}, got {bar.measured:,}\n")
    is_old = False
    if options.json:
        print(json.dumps({bar.name: bar.measured for bar in bars}))
    elif options.check:
        is_old = _is_old(file, fresh, command, agrees)
    else:
        file.write_text(fresh, encoding="utf-8")
    return 1 if is_old or exceeded else 0


def _is_old(file: Path, fresh: str, command: str, agrees: Callable[[str, str], bool]) -> bool:
    """Whether a page says something else; what differs is shown, line by line."""
    name, was = f"docs/{file.name}", file.read_text("utf-8") if file.exists() else ""
    if agrees(was, fresh):
        return False
    lines = difflib.unified_diff(was.splitlines(), fresh.splitlines(), name, "measured", lineterm="")
    changes = "\n".join(lines)
    sys.stderr.write(f"{changes}\ngas: {name} is out of date; run `{command}` and commit it\n")
    return True
