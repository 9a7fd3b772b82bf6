"""Write the test vectors: `python -m tests.vectors.generate`. They are never edited by hand."""

from __future__ import annotations

from tests.vectors.cases import FLOATS_FILE, RUNS_FILE, STEPS_FILE, dump
from tests.vectors.floats import float_cases
from tests.vectors.runs import run_cases
from tests.vectors.settlement import SETTLEMENT_FILE, dump_settlement, settlement_cases
from tests.vectors.steps import step_cases


def main() -> None:
    """Write all files."""
    STEPS_FILE.write_text(dump(step_cases()), encoding="utf-8")
    FLOATS_FILE.write_text(dump(float_cases()), encoding="utf-8")
    RUNS_FILE.write_text(dump(run_cases()), encoding="utf-8")
    SETTLEMENT_FILE.write_text(dump_settlement(settlement_cases()), encoding="utf-8")


if __name__ == "__main__":
    main()
