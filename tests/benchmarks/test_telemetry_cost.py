"""The benchmark of telemetry runs; its figures are for a quiet machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "telemetry.py"


@pytest.mark.long
@pytest.mark.anvil
@pytest.mark.usefixtures("anvil_program")
def test_the_cost_of_a_tick_is_measured() -> None:
    command = [sys.executable, str(BENCHMARK), "--claims", "2", "--rounds", "3"]
    finished = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    (cost,) = json.loads(finished.stdout)["costs"]
    assert cost["claims"] == 2
    assert min(cost["plain_ms"], cost["watched_ms"], cost["scrape_ms"]) > 0
