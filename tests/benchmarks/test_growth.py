"""The benchmark of growth runs on a small history; the figures are for machines of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "growth.py"


@pytest.mark.long
def test_growth_is_measured() -> None:
    command = [sys.executable, str(BENCHMARK), "--finished", "40", "--standing", "20"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    results = json.loads(finished.stdout)
    measured = {"memory_mib", "start_seconds", "tick_seconds", "file_mib"}
    assert {name: set(row) for name, row in results.items() if name != "bars"} == dict.fromkeys(
        ("empty", "finished", "finished_single", "standing", "standing_single", "unchecked"), measured
    )
