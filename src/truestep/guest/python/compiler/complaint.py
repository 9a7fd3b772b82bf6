"""What is wrong with a guest, in words for its author."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Complaint(Exception):
    """The guest cannot be built: what, where, and what to do instead."""

    def __init__(self, what: str, *, place: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.place = place
        self.remedy = remedy

    def text(self) -> str:
        """`file:line: what`, and the remedy below."""
        place = f"{self.place}: " if self.place else ""
        return f"{place}{self.what}" + (f"\n  try: {self.remedy}" if self.remedy else "")


class Place(str):
    """`file:line`, with the whole path."""

    file: str
    line: int

    @classmethod
    def at(cls, file: str, line: int) -> "Place":
        """A line of a file."""
        made = cls(f"{Path(file).name}:{line}")
        made.file, made.line = str(Path(file).resolve()), line
        return made


def line_of(function: Callable[..., Any]) -> str:
    """`file:line` of a function's definition."""
    code = inspect.unwrap(function).__code__
    return f"{Path(code.co_filename).name}:{code.co_firstlineno}"


def line_in(function: Callable[..., Any], node: ast.AST) -> str:
    """`file:line` of a part of a function."""
    code = inspect.unwrap(function).__code__
    return Place.at(code.co_filename, getattr(node, "lineno", code.co_firstlineno))
