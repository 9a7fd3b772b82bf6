"""The whole C library: what programs that need it print, and that only they have it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tests.guest.conftest import PROGRAMS, Finished, run
from truestep.guest import build_c
from truestep.machine.elf import load_elf
from truestep.machine.program import Task
from truestep.machine.state import Status

INPUT = b"-7 word 0.1\nline two\nend\n\0\xff"
PRINTED = """\
constructor
1 guest
3 -7 word 0x1.999999999999ap-4
33 1 9 line two
0 23 4 d
 1 -1
0.1 1e+301 4.94066e-324 2 1.235e+04 0x1.5555555555555p-2
1.500000 0.1  +2.2|3.142   |-0001.50
positional -inf
12 3.00000
in memory x 11
2 17 8
11111111 Invalid argument C
1 Sat Jan  1 00:00:00 2000
3600 1
71876166 708592740
second handler
first handler
destructor
"""


def build_and_run(
    directory: Path, source: Path, stdout: Literal["debug", "output"], content: bytes
) -> Finished:
    guest = build_c([source], directory / "p.elf", stdout=stdout)
    assert guest.warnings == ""
    return run(load_elf(guest.path.read_bytes()), Task(input=content))


def test_the_library_does_what_c_says(tmp_path: Path) -> None:
    finished = build_and_run(tmp_path, PROGRAMS / "whole_library.c", "output", INPUT)
    assert finished.output.decode("latin-1") == PRINTED
    assert (finished.status, finished.code, finished.printed) == (Status.EXITED, 3, "to stderr")
