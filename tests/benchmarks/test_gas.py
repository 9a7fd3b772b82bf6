"""docs/gas.md says what anvil measures, and every bar holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "gas.py"


@pytest.mark.anvil
def test_gas_page_is_up_to_date(anvil_program: Path) -> None:
    """Gas is deterministic: one unit more or less is a change that wants to be seen."""
    assert anvil_program.exists()
    finished = subprocess.run(
        [sys.executable, str(BENCHMARK), "--check"], capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, finished.stderr
