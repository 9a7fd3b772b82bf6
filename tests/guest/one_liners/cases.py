"""Reads the one-liners, and makes functions of them."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from pathlib import Path

from tests.guest.one_liners import names

_LINES = Path(__file__).parent / "lines"
_NAMES_TEXT = Path(names.__file__).read_text(encoding="utf-8")
_CLOSE_MARK = "~ "
_MAKER_PREFIX = "make_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One one-liner."""

    topic: str
    """The file it is in."""
    text: str
    is_close_enough: bool
    """Whether last bits may differ, because libm or BLAS is in it."""
    setup: str = ""
    """Imports of what it uses besides."""


def read_cases(directory: Path = _LINES) -> list[Case]:
    """All one-liners: a line each; a line that is indented goes on with the one before."""
    cases: list[Case] = []
    for path in sorted(directory.glob("*.txt")):
        texts: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("    ") and texts:
                texts[-1] += "\n" + line[4:]
            elif line.strip() and not line.startswith("#"):
                texts.append(line)
        cases += [make_case(path.stem, text) for text in texts]
    return cases


def make_case(topic: str, text: str) -> Case:
    """A case of a line of a file."""
    return Case(
        topic=topic, text=text.removeprefix(_CLOSE_MARK), is_close_enough=text.startswith(_CLOSE_MARK)
    )


def read_pieces(path: Path) -> list[Case]:
    """The pieces of a file: an import, and below it, indented, what uses it."""
    pieces: list[tuple[str, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("    "):
            setup, text = pieces.pop()
            pieces.append((setup, f"{text}\n{line[4:]}".strip()))
        elif line.strip() and not line.startswith("#"):
            pieces.append((line, ""))
    return [replace(make_case(path.stem, text), setup=setup) for setup, text in pieces]


def source_of(cases: list[Case]) -> str:
    """A module with a function `line_0`, `line_1`, … for each case, and `run_0`, … which deliver results."""
    return "\n\n".join(
        [
            _NAMES_TEXT,
            *(case.setup for case in cases),
            "from tests.guest.one_liners.delivery import deliver",
            *(_functions(index, case) for index, case in enumerate(cases)),
        ]
    )


def _functions(index: int, case: Case) -> str:
    body = ast.parse(case.text).body
    if not isinstance(body[-1], ast.Expr):
        raise ValueError(f"expected an expression at the end of {case.text!r}")
    used = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
    parameters = [name for name in sorted(used) if hasattr(names, _MAKER_PREFIX + name)]
    lines = [ast.unparse(statement) for statement in body[:-1]]
    lines.append(f"return {ast.unparse(body[-1].value)}")
    made = ", ".join(f"{_MAKER_PREFIX}{name}()" for name in parameters)
    text = "\n".join(lines).replace("\n", "\n    ")
    return (
        f"def line_{index}({', '.join(parameters)}):\n    {text}\n\n"
        f"def run_{index}():\n    deliver(line_{index}({made}))\n\n"
        f"def plain_{index}():\n    return line_{index}({made})\n"
    )


def main_of(indexes: list[int]) -> str:
    """The guest that runs the lines whose indexes it is given, and says which one it is at."""
    branches = "".join(f"        if index == {index}:\n            run_{index}()\n" for index in indexes)
    return (
        "import truestep\n"
        "@truestep.guest(input='int64[:]', output='raw')\n"
        f"def main(indexes):\n    for index in indexes:\n        print('@@', index)\n{branches}"
    )
