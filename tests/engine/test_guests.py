"""Guests made by the C compiler run the same in both engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.compare import DEFAULT, END, LATE, compare_runs
from truestep.guest import build_c
from truestep.machine.elf import load_elf
from truestep.machine.program import Task

PROGRAMS = Path(__file__).parent.parent / "guest" / "programs"


@pytest.mark.parametrize("name", ["debug_output", "handles_text", "parses_numbers", "sorts"])
def test_compiled_guests(name: str, tmp_path: Path) -> None:
    program = load_elf(build_c([PROGRAMS / f"{name}.c"], tmp_path / "guest.elf").path.read_bytes())
    task = Task(input=b"12 -7 3000000000 x", shard_index=1, shard_count=3)
    for engine, stops in ((DEFAULT, (END,)), (DEFAULT, (1, 400, 5001, END)), (LATE, (3000, END))):
        assert compare_runs(engine, program, task, stops).difference is None
