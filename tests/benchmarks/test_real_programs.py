"""The harness of the benchmark of real programs, without its programs."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks.real_programs.__main__ import MANIFEST
from benchmarks.real_programs.inputs import input_of
from benchmarks.real_programs.measuring import Figures
from benchmarks.real_programs.page import COLUMNS, table
from tests.c_programs.manifest import HERE, read_manifest

REPOSITORY = Path(__file__).resolve().parents[2]
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


MEASURE = """
import os, sys
from pathlib import Path
from benchmarks.real_programs.processes import run_family
done = run_family(sys.argv[2:], given=Path(os.devnull), output=Path(sys.argv[1]))
print(done.exit_code, done.cpu_seconds, done.left_cpu_seconds)
"""
"""In a process of its own: it waits for every child, and those of the tests are not to be waited for."""


@pytest.mark.parametrize("is_left", [False, True])
def test_orphans_are_waited_for_and_counted(tmp_path: Path, is_left: bool) -> None:
    ending = BURN.format(0.2) + LEAVE + "raise SystemExit(7)"
    command = [sys.executable, "-c", ending, BURN.format(0.4 if is_left else 0)]
    measure = [sys.executable, "-c", MEASURE, str(tmp_path / "output"), *command]
    done = subprocess.run(measure, check=True, capture_output=True, text=True, cwd=REPOSITORY)
    exit_code, cpu_seconds, left_cpu_seconds = map(float, done.stdout.split())
    assert exit_code == 7
    assert cpu_seconds >= 0.2
    assert cpu_seconds + left_cpu_seconds >= (0.6 if is_left else 0.2)


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


def test_a_page_is_made_of_earlier_runs(tmp_path: Path) -> None:
    first = Figures(name="lua", result="equal", commit="a1", native_cpu_seconds=0.5, warm_ratio=2.0)
    second = replace(first, name="zstd")
    for name, figures in {
        "old": [first, second],
        "new": [replace(first, commit="b2", warm_ratio=1.5)],
    }.items():
        (tmp_path / name).write_text(json.dumps([asdict(each) for each in figures]), "utf-8")
    command = [sys.executable, "-m", "benchmarks.real_programs", "--page", str(tmp_path / "page"), "--json"]
    subprocess.run(
        [*command, "--of", str(tmp_path / "old"), str(tmp_path / "new")], check=True, cwd=REPOSITORY
    )
    page = (tmp_path / "page").read_text("utf-8")
    assert "| lua | 0.500 | 0 | 1.50 |" in page
    assert "| zstd | 0.500 | 0 | 2.00 |" in page
    assert "2 of 23 programs." in page
    assert "at b2 (lua), a1 (zstd);" in page
