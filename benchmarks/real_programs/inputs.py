"""What the programs read: files of `inputs/`, and texts that are made here."""

from __future__ import annotations

from pathlib import Path

from tests.c_programs.manifest import Program


def input_of(program: Program, folder: Path) -> Path:
    """The file that a program reads."""
    return program.home / "inputs" / program.input
