"""docs/gas.md and the pages beside it say what anvil measures, and every bar holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.anvil
@pytest.mark.parametrize(
    "name",
    [
        "gas.py",
        "receipts_gas.py",
        "quorum_gas.py",
        "drawn_gas.py",
        *(pytest.param(name, marks=pytest.mark.long) for name in ("availability_gas.py", "anchors_gas.py")),
    ],
)
def test_gas_page_is_up_to_date(anvil_program: Path, name: str) -> None:
    """Gas is deterministic: one unit more or less is a change that wants to be seen."""
    assert anvil_program.exists()
    command = [sys.executable, str(BENCHMARKS / name), "--check"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert finished.returncode == 0, finished.stderr


def test_what_choices_cost_is_the_sum_of_what_was_measured() -> None:
    command = [sys.executable, str(BENCHMARKS / "data_choices.py"), "--check"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert finished.returncode == 0, finished.stderr
