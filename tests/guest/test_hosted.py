"""The whole C library: what programs that need it print, and that only they have it."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.guest.conftest import PROGRAMS, Build, Finished, run
from truestep.guest import build_c
from truestep.machine.elf import load_elf
from truestep.machine.program import Program, Task
from truestep.machine.state import Status

INPUT = b"-7 word 0.1\nline two\nend\n\0\xff"
PRINTED = """\
constructor
1 guest 42
3 -7 word 0x1.999999999999ap-4
33 1 9 line two
0 23 4 d
 1 -1
0.1 1e+301 4.94066e-324 2 1.235e+04 0x1.5555555555555p-2
1.500000 0.1  +2.2|3.142   |-0001.50
positional -inf
1 -1234567890123 -1
12 3.00000
in memory x 11
2 17 8
1111111111 Invalid argument C
10 01 1 1
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


@pytest.fixture(scope="module")
def ends_badly(tmp_path_factory: pytest.TempPathFactory) -> Program:
    guest = build_c([PROGRAMS / "ends_badly.c"], tmp_path_factory.mktemp("ends") / "p.elf", stdout="output")
    return load_elf(guest.path.read_bytes())


def nearest_single(text: str) -> float:
    """The float of 24 bits that is nearest to a decimal, half to even."""
    exact, guess = Fraction(text), np.float32(float(text))
    near = [np.nextafter(guess, np.float32(end)) for end in (-np.inf, np.inf)]
    return min(
        (float(each) for each in (guess, *near)),
        key=lambda each: (abs(Fraction(each) - exact), struct.pack("<f", each)[0] & 1),
    )


DIGITS = st.text("0123456789", max_size=20)
DECIMALS = st.builds(
    lambda sign, whole, fraction, power: f"{sign}{whole}.{fraction}e{power}",
    *(
        st.sampled_from(["", "-", "+", "00"]),
        st.from_regex("[0-9]{1,20}", fullmatch=True),
        DIGITS,
        st.integers(-30, 19),
    ),
)
MIDDLES = st.builds(
    lambda odd, scale: str(2**53 + 2 * odd + 1 << scale), st.integers(0, 2**52 - 1), st.integers(0, 11)
)
SINGLE_MIDDLES = st.builds(
    lambda odd, digits: f"{(2**24 + 2 * odd + 1) * 5**digits}e-{digits}",
    st.integers(0, 2**23 - 1),
    st.integers(0, 12),
)


@hypothesis_settings(max_examples=12, deadline=None)
@given(texts=st.lists(st.one_of(DECIMALS, MIDDLES, SINGLE_MIDDLES), min_size=1, max_size=20))
def test_decimals_are_rounded_to_the_nearest_float(
    run_guest: Callable[..., Finished], texts: list[str]
) -> None:
    finished = run_guest("reads_decimals.c", input="".join(f" {text}z\n" for text in texts).encode())
    expected = [(float(text), nearest_single(text), len(text) + 1) for text in texts]
    assert [*struct.iter_unpack("<ddq", finished.output)] == expected


def test_what_is_no_short_decimal_is_read_too(run_guest: Callable[..., Finished]) -> None:
    texts = [
        "",
        ".",
        "e5",
        "1e",
        "2e+",
        "0x1.8p1",
        "inf",
        "1" * 40,
        "1e400",
        "0." + "0" * 30 + "1",
        "1.e2",
        "-0",
        "0x",
    ]
    finished = run_guest("reads_decimals.c", input="".join(f"{text}\n" for text in texts).encode())
    doubles = [0, 0, 0, 1, 2, 3, math.inf, float("1" * 40), math.inf, 1e-31, 100, -0.0, 0]
    lengths = [0, 0, 0, 1, 1, 7, 3, 40, 5, 33, 4, 2, 1]
    found = [*struct.iter_unpack("<ddq", finished.output)]
    assert [(value, length) for value, _, length in found] == [*zip(doubles, lengths, strict=True)]
    assert math.copysign(1, found[-2][0]) == -1


def test_the_library_does_what_c_says(tmp_path: Path) -> None:
    finished = build_and_run(tmp_path, PROGRAMS / "whole_library.c", "output", INPUT)
    assert finished.output.decode("latin-1") == PRINTED
    assert (finished.status, finished.code, finished.printed) == (Status.EXITED, 3, "to stderr")


def test_temporary_files(tmp_path: Path) -> None:
    finished = build_and_run(tmp_path, PROGRAMS / "temporary_files.c", "output", b"input")
    printed = "./result.txt: a file in memory, which ends with the program\n"
    assert (finished.printed, finished.code, finished.output) == (printed, 0, b"lost?")


@pytest.mark.parametrize(
    ("way", "code", "printed", "output"),
    [
        ("a", 134, "caught 6\nabort\n", b""),
        ("f", 135, 'ends_badly.c:29: assertion failed: !"this"\n', b""),
        ("d", 134, "deadlock: the only thread waits for another one\n", b""),
        ("s", 143, "ended by signal 15\n", b""),
        ("q", 3, "", b""),
        ("e", 4, "atexit", b"0.0"),
    ],
)
def test_ends(ends_badly: Program, way: str, code: int, printed: str, output: bytes) -> None:
    finished = run(ends_badly, Task(input=way.encode()))
    assert (finished.code, finished.printed, finished.output) == (code, "own puts\n" + printed, output)


def test_the_small_library_refuses_what_it_does_not_have(build: Build) -> None:
    program = build("formats_late.c")
    assert run(program, Task(input=b"d")).printed == "7\n"
    refused = run(program, Task(input=b"e"))
    assert (refused.code, refused.printed) == (134, "printf: build with truestep cc\n")


@pytest.mark.parametrize(
    ("body", "is_small"),
    [
        ('printf("%d%% of %s", 1, "x");', True),
        ('debug_printf("x %% alignment %s", "5 % alignment");', True),
        ("exit(3);", True),
        ('printf("%5.1f", 1.0);', False),
        ('printf("% .3e", 1.0);', False),
        ('printf("%2$d%1$d", 1, 2);', False),
        ('printf("%ls", L"x");', False),
        ('fputs("x", stdout);', False),
        ("if (!atexit(f)) exit(3);", False),
        ("} __attribute__((destructor)) void g(void) {", False),
    ],
)
def test_only_programs_that_need_it_have_it(tmp_path: Path, body: str, is_small: bool) -> None:
    source = tmp_path / "p.c"
    start = "#include <stdio.h>\n#include <stdlib.h>\n#include <truestep.h>\n"
    start += "void f(void) { debug_write(0, 0); }\n"
    source.write_text(f"{start}int main(void) {{ {body} }}")
    program = build_c([source], tmp_path / "p.elf").path.read_bytes()
    assert (b"Success" not in program and b"guest\0" not in program) == is_small


def test_constructors_run_in_order_of_priority(tmp_path: Path) -> None:
    source = tmp_path / "p.c"
    parts = (
        f'__attribute__((constructor({n}))) static void f{n}(void) {{ debug_print("{n}"); }}\n'
        for n in (300, 200)
    )
    source.write_text("#include <truestep.h>\n" + "".join(parts) + "int main(void) { return 0; }")
    assert build_and_run(tmp_path, source, "debug", b"").printed == "200\n300\n"
