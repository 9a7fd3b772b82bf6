"""Guests built once a session and run in the reference machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from truestep.guest import build_c
from truestep.machine.elf import load_elf
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import OUTPUT_SIZE_START, OUTPUT_START
from truestep.machine.program import Program, Task
from truestep.machine.state import Status

PROGRAMS = Path(__file__).parent / "programs"
CYCLE_LIMIT = 3_000_000
"""A test guest that needs more is stuck."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a run ended."""

    status: Status
    code: int
    output: bytes
    printed: str


def run(program: Program, task: Task) -> Finished:
    """Run a program to its end."""
    printed: list[bytes] = []
    machine = ReferenceEngine().start(program, task, debug_sink=printed.append)
    machine.advance(CYCLE_LIMIT)
    size_bytes = int.from_bytes(machine.read_memory(OUTPUT_SIZE_START, 8), "little")
    return Finished(
        status=machine.status,
        code=machine.code,
        output=machine.read_memory(OUTPUT_START, size_bytes),
        printed=b"".join(printed).decode(),
    )


Build = Callable[..., Program]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Build a source and load the program; the same request is built once."""
    directory = tmp_path_factory.mktemp("guests")
    built: dict[tuple[Path, tuple[tuple[str, str], ...], int], Program] = {}

    def build_and_load(
        source: Path | str, defines: Mapping[str, str] | None = None, stack_size_bytes: int = 1 << 16
    ) -> Program:
        path = PROGRAMS / source
        key = (path, tuple((defines or {}).items()), stack_size_bytes)
        if key not in built:
            target = directory / f"{len(built)}.elf"
            guest = build_c([path], target, defines=defines, stack_size_bytes=stack_size_bytes)
            assert guest.warnings == ""
            built[key] = load_elf(target.read_bytes())
        return built[key]

    return build_and_load


@pytest.fixture(scope="session")
def run_guest(build: Build) -> Callable[..., Finished]:
    """Build a source with default options and run it on a task."""

    def build_and_run(source: Path | str, **task: Any) -> Finished:
        return run(build(source), Task(**task))

    return build_and_run
