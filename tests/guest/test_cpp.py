"""C++ guests: the standard library, and exceptions on and off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guest.conftest import PROGRAMS, Finished, run
from truestep.guest import GuestBuildError, build_c
from truestep.guest.driver.tools import run_tool
from truestep.machine.elf import load_elf
from truestep.machine.program import Task
from truestep.machine.state import Status

ABORT = 134
WORDS = b"to be or not to be that is to\n"


def run_file(path: Path, text: bytes = b"") -> Finished:
    return run(load_elf(path.read_bytes()), Task(input=text))


def test_the_standard_library(tmp_path: Path) -> None:
    build_c([PROGRAMS / "modern.cpp"], tmp_path / "p.elf", stdout="output")
    finished = run_file(tmp_path / "p.elf", WORDS)
    assert (finished.code, finished.printed) == (0, "")
    assert finished.output.decode().splitlines() == [
        "    to: 3",
        "    be: 2",
        "0.6000000000000001 0.667 1.234568e+04",
        "2.25 55 0.0025",
        "1cba",
        "end of thread, constructed at first use too",
        "late",
        "end",
    ]


def test_exceptions_are_thrown_and_caught(tmp_path: Path) -> None:
    build_c([PROGRAMS / "throws.cpp"], tmp_path / "p.elf", stdout="output", exceptions=True)
    finished = run_file(tmp_path / "p.elf")
    assert (finished.code, finished.printed) == (0, "")
    assert finished.output.decode().splitlines() == [
        "~checked nothing",
        "~tried ~checked ~tried out of range: above 2",
        "~tried out of range: vector",
        "~tried exception: stoi: no conversion",
        "~tried number 5",
    ]
    uncaught = run_file(tmp_path / "p.elf", b"u")
    assert (uncaught.status, uncaught.code) == (Status.EXITED, ABORT)
    assert "uncaught exception of type St12out_of_range: above 8" in uncaught.printed


def test_without_exceptions_a_throw_ends_the_run(tmp_path: Path) -> None:
    source = tmp_path / "p.cpp"
    source.write_text('#include <string>\nint main() { return std::stoi("no number"); }\n')
    small = build_c([source], tmp_path / "p.elf")
    finished = run_file(tmp_path / "p.elf")
    assert (finished.status, finished.code) == (Status.EXITED, ABORT)
    assert finished.printed.splitlines() == [
        "exception of type St16invalid_argument: stoi: no conversion",
        "exceptions are off: compile and link with -fexceptions",
        "abort",
    ]
    assert small.size_bytes < 100_000
    with pytest.raises(GuestBuildError, match="cannot use 'try' with exceptions disabled"):
        build_c([PROGRAMS / "throws.cpp"], tmp_path / "p.elf")


def test_the_drop_in_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    throws = str(PROGRAMS / "throws.cpp")
    assert run_tool("c++", ["-c", throws, "-o", "throws.o"]) == 1
    assert "truestep: note: exceptions are off; add -fexceptions" in capfd.readouterr().err
    assert run_tool("c++", ["-c", "-fexceptions", throws, "-o", "throws.o"]) == 0
    assert run_tool("c++", ["throws.o", "-lstdc++", "-o", "p"]) == 0
    assert run_file(tmp_path / "p").output.endswith(b"\n~tried number 5\n")
