"""What the programs read: files of `inputs/`, and texts that are made here."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.c_programs.manifest import Program

VARIABLES = 260
CLAUSES_PER_VARIABLE = 4.26
"""Where random problems of three literals are hardest (Mitchell, Selman and Levesque 1992)."""


def input_of(program: Program, folder: Path) -> Path:
    """The file that a program reads, written to `folder` if it is made here."""
    make = _MADE.get(program.input)
    if make is None:
        return program.home / "inputs" / program.input
    path = folder / program.input
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(make(), encoding="utf-8")
    return path


def _clauses() -> str:
    """A satisfiability problem in DIMACS form."""
    source = random.Random(7)
    clauses = [
        " ".join(
            str(source.choice((-1, 1)) * variable) for variable in source.sample(range(1, VARIABLES + 1), 3)
        )
        for _ in range(round(VARIABLES * CLAUSES_PER_VARIABLE))
    ]
    return f"p cnf {VARIABLES} {len(clauses)}\n" + "".join(f"{clause} 0\n" for clause in clauses)


def _script(name: str) -> str:
    return (Path(__file__).parent / "inputs" / name).read_text(encoding="utf-8")


def _repeated_javascript(rounds: int) -> str:
    """The script that ends in a call of its work, with more of these calls."""
    return _script("work.js") + "work();\n" * (rounds - 1)


def _repeated_lua() -> str:
    return f"for round = 1, 5 do\n{_script('work.lua')}end\n"


def _repeated_sql() -> str:
    return (_script("work.sql") + "DROP TABLE sale;\nDROP TABLE shop;\n") * 6


_MADE: dict[str, Callable[[], str]] = {
    "clauses.cnf": _clauses,
    "more_work.js": lambda: _repeated_javascript(4),
    "much_work.js": lambda: _repeated_javascript(12),
    "more_work.lua": _repeated_lua,
    "more_work.sql": _repeated_sql,
}
"""An interpreter gets so many rounds of its script that the work takes as long as that of other programs."""
