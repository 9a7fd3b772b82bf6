"""The harness of the benchmark of real programs, without its programs."""

import os
import re
import sys
from pathlib import Path

import pytest

from benchmarks.real_programs.__main__ import MANIFEST
from benchmarks.real_programs.inputs import input_of
from benchmarks.real_programs.measuring import Figures
from benchmarks.real_programs.page import COLUMNS, table
from benchmarks.real_programs.processes import run_family
from tests.c_programs.manifest import HERE, read_manifest

BURN = "import time\nwhile time.process_time() < {}: pass\n"
LEAVE = (
    "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', sys.argv[1]], start_new_session=True)\n"
)


def test_manifest_is_complete(tmp_path: Path) -> None:
    programs = read_manifest(MANIFEST)
    assert len(programs) >= 15
    for program in programs:
        assert re.fullmatch("[0-9a-f]{64}", program.source.sha256)
        assert input_of(program, tmp_path).is_file()
        for variable, driver in re.findall(r"\$(\w*DRIVERS)/([\w.]+)", program.build):
            home = HERE if variable == "SHARED_DRIVERS" else MANIFEST.parent
            assert (home / "drivers" / driver).is_file()


@pytest.mark.parametrize("is_left", [False, True])
def test_orphans_are_waited_for_and_counted(tmp_path: Path, is_left: bool) -> None:
    ending = BURN.format(0.2) + LEAVE + "raise SystemExit(7)"
    arguments = [BURN.format(0.4 if is_left else 0)]
    done = run_family(
        [sys.executable, "-c", ending, *arguments], given=Path(os.devnull), output=tmp_path / "output"
    )
    assert done.exit_code == 7
    assert done.cpu_seconds >= 0.2
    assert done.cpu_seconds + done.left_cpu_seconds >= (0.6 if is_left else 0.2)


def test_different_programs_have_no_ratio() -> None:
    good = Figures(name="good", result="equal", native_cpu_seconds=0.5, warm_ratio=2.0, cold_ratio=8.0)
    other = Figures(name="good too", result="equal", native_cpu_seconds=0.5, warm_ratio=0.5, cold_ratio=2.0)
    bad = Figures(name="bad", result="different: exit code 0 natively, 1 as a guest")
    rows = [line.strip("| \n").split(" | ") for line in table([good, bad, other]).splitlines()]
    assert rows[0] == list(COLUMNS)
    assert rows[3][:2] == ["bad", "**different: exit code 0 natively, 1 as a guest**"]
    assert rows[5][:1] + [each for each in rows[5] if each.startswith("**1.")] == [
        "**geometric mean**",
        "**1.00**",
    ]
    assert "**4.00**" in rows[5]
