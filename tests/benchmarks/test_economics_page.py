"""docs/economics.md says what its command computes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def test_a_part_of_the_economics_page_is_computed_again() -> None:
    """`make economics` computes all of it."""
    command = [sys.executable, str(BENCHMARKS / "economics.py"), "--check"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert finished.returncode == 0, finished.stderr
