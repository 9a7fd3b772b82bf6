"""What a guest's C library and start-up do, seen from outside in the reference machine."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.guest.conftest import Build, Finished, run
from truestep.machine.program import Task
from truestep.machine.state import Status, TrapCause

RunGuest = Callable[..., Finished]
SUCCESS = Finished(status=Status.EXITED, code=0, output=b"", printed="")
ABORT, ASSERTION_FAILED, OUTPUT_TOO_LARGE = 134, 135, 136


def test_hello_example(run_guest: RunGuest) -> None:
    source = Path(__file__).parents[2] / "examples" / "hello" / "hello.c"
    finished = run_guest(source, input=b"Hello, [world] 42\n")
    assert finished == Finished(status=Status.EXITED, code=0, output=b"HELLO, [WORLD] 42\n", printed="")


@pytest.mark.parametrize("code", [0, 1, 255, 256, -1, 2**31 - 1])
@pytest.mark.parametrize("is_called", [False, True], ids=["return", "exit"])
def test_exit_code_is_mains_value_or_exits(run_guest: RunGuest, code: int, is_called: bool) -> None:
    finished = run_guest("exit_code.c", input=struct.pack("<i", code) + b"!" * is_called)
    assert finished == Finished(status=Status.EXITED, code=code % 2**32, output=b"", printed="")


def test_main_without_return_returns_0_after_constructors(run_guest: RunGuest) -> None:
    assert run_guest("falls_off_main.c") == SUCCESS


def test_task_header(run_guest: RunGuest) -> None:
    seed = bytes(range(1, 33))
    finished = run_guest("task_header.c", seed=seed, shard_index=5, shard_count=70_000, input=b"seven b")
    assert finished.output == seed + struct.pack("<3Q", 5, 70_000, 7)


def test_assertion_names_file_line_and_expression(run_guest: RunGuest) -> None:
    failed = run_guest("fails_assertion.c", input=b"x")
    printed = "fails_assertion.c:11: assertion failed: size == 0\n"
    assert failed == Finished(status=Status.EXITED, code=ASSERTION_FAILED, output=b"", printed=printed)
    assert run_guest("fails_assertion.c").printed == "no input\n"


def test_ndebug_turns_assertions_off(build: Build) -> None:
    finished = run(build("fails_assertion.c", {"NDEBUG": "1"}), Task(input=b"x"))
    assert (finished.code, finished.printed) == (0, "no input\n")


@pytest.mark.parametrize("size_bytes", [0, 1, 1000])
def test_output_calls_concatenate(run_guest: RunGuest, size_bytes: int) -> None:
    content = bytes(i * 7 % 256 for i in range(size_bytes))
    assert run_guest("writes_output.c", input=content).output == content


def test_output_beyond_its_window_ends_the_run(run_guest: RunGuest) -> None:
    finished = run_guest("writes_too_much.c", seed=b"12345678" * 4)
    assert (finished.status, finished.code) == (Status.EXITED, OUTPUT_TOO_LARGE)
    assert finished.output == b"12345678"
    assert finished.printed == "write_output: the output would exceed 512 MiB\n"


@pytest.mark.parametrize("stack_size_bytes", [1 << 12, 1 << 16])
def test_stack_overflow_traps(build: Build, stack_size_bytes: int) -> None:
    finished = run(build("overflows_stack.c", stack_size_bytes=stack_size_bytes), Task())
    assert (finished.status, finished.code) == (Status.TRAPPED, TrapCause.STORE_ACCESS)


@pytest.mark.parametrize("others", [(), ("ALSO_SET",), ("ALSO_ALIGNED",), ("ALSO_SET", "ALSO_ALIGNED")])
def test_thread_variables_have_memory_of_their_own(build: Build, others: tuple[str, ...]) -> None:
    finished = run(build("thread_variables.c", dict.fromkeys(others, "1")), Task())
    starts_set = 3 if "ALSO_SET" in others else 0
    zeroed, aligned = {(): 4, ("ALSO_SET",): 4, ("ALSO_ALIGNED",): 2}.get(others, 1), 4
    ends_set = 2 if "ALSO_SET" in others else zeroed
    expected = [0, starts_set, 0, 7, 0, 0, starts_set, 0, -1, -1, zeroed, ends_set, aligned, -1, -1]
    assert struct.unpack("<15i", finished.output) == tuple(expected)


@pytest.mark.parametrize("defines", [{}, {"ALSO_USUAL": "1"}], ids=["alone", "beside"])
def test_own_sections_have_memory_of_their_own(build: Build, defines: dict[str, str]) -> None:
    finished = run(build("own_sections.c", defines), Task())
    assert (finished.code, struct.unpack("<5i", finished.output)) == (0, (3, 3, 0, 0, 0))


def test_a_programs_own_functions_win(run_guest: RunGuest) -> None:
    finished = run_guest("own_functions.c")
    assert (finished.code, finished.printed) == (43, "3 calls")


def test_debug_output_prints_what_c_prints(run_guest: RunGuest) -> None:
    finished = run_guest("debug_output.c")
    assert (finished.code, finished.output) == (0, b"")
    assert finished.printed.splitlines() == [
        "plain",
        "written",
        "put",
        "c",
        "-5 6 7 beef BEEF 10 z text %",
        "[   42] [42   ] [-0042] [+42] [ 42] [007] [     007] [   1] [1   ] [42   ]",
        "[     right] [left      ] [cu] [    o] [  x]",
        "0xff 010 0 44 4464 4464",
        f"{-(2**63)} {2**63 - 1} {2**64 - 1} {2**64 - 1} 7fffffffffffffff -1",
        "0x1234 (null)",
        "16 longer  5",
        "0123456789" * 6 + "1".rjust(300) + "|",
    ]


def test_heap_ends_with_null_and_forgets_nothing(run_guest: RunGuest) -> None:
    finished = run_guest("exhausts_heap.c")
    assert (finished.code, finished.printed) == (0, "")
    # 1.5 GiB less the last page, the stack, and the blocks' headers: not quite 24 blocks of 64 MiB.
    assert int.from_bytes(finished.output, "little") == 23


@pytest.mark.parametrize("number", range(4))
def test_heap_keeps_blocks_apart(run_guest: RunGuest, seed: int, number: int) -> None:
    finished = run_guest("stresses_heap.c", seed=struct.pack("<QQ", 1000 * seed + number, 0) * 2)
    assert finished == SUCCESS


@pytest.mark.parametrize(
    ("misuse", "caller"), [("d", "free"), ("m", "free"), ("i", "free"), ("s", "free"), ("r", "realloc")]
)
def test_heap_misuse_aborts(run_guest: RunGuest, misuse: str, caller: str) -> None:
    finished = run_guest("frees_wrongly.c", input=misuse.encode())
    assert (finished.status, finished.code) == (Status.EXITED, ABORT)
    assert re.fullmatch(rf"{caller}\(0x[0-9a-f]+\): not a block in use\nabort\n", finished.printed)


KEYS = st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1))


@hypothesis_settings(max_examples=25)
@given(keys=st.lists(KEYS, max_size=40))
def test_qsort_and_bsearch(run_guest: RunGuest, keys: list[int]) -> None:
    records = b"".join(struct.pack("<qi", key, key % 1000) for key in keys)
    finished = run_guest("sorts.c", input=records)
    ordered = b"".join(struct.pack("<qi", key, key % 1000) for key in sorted(keys))
    assert (finished.code, finished.output) == (0, ordered + b"\1" * len(keys))


LONG_MIN, LONG_MAX, ULONG_MAX = -(2**63), 2**63 - 1, 2**64 - 1
NUMBERS = [
    # base, text, signed value, unsigned value, characters read
    (10, "42", 42, 42, 2),
    (10, " \t+7z", 7, 7, 4),
    (10, "-12", -12, 2**64 - 12, 3),
    (10, "", 0, 0, 0),
    (10, "-", 0, 0, 0),
    (10, "x", 0, 0, 0),
    (16, "0xFf", 255, 255, 4),
    (16, "0x", 0, 0, 1),
    (0, "0x1Fg", 31, 31, 4),
    (0, "0xg", 0, 0, 1),
    (0, "0178", 15, 15, 3),
    (0, "90", 90, 90, 2),
    (2, "1012", 5, 5, 3),
    (36, "Zz", 35 * 37, 35 * 37, 2),
    (10, str(LONG_MAX), LONG_MAX, LONG_MAX, 19),
    (10, str(LONG_MAX + 1), LONG_MAX, LONG_MAX + 1, 19),
    (10, str(LONG_MIN), LONG_MIN, 2**63, 20),
    (10, str(LONG_MIN - 1), LONG_MIN, LONG_MAX, 20),
    (10, str(ULONG_MAX), LONG_MAX, ULONG_MAX, 20),
    (10, str(ULONG_MAX + 1), LONG_MAX, ULONG_MAX, 20),
    (10, "9" * 40, LONG_MAX, ULONG_MAX, 40),
]


def test_numbers_from_text(run_guest: RunGuest) -> None:
    lines = "".join(f"{base} {text}\n" for base, text, *_ in NUMBERS)
    finished = run_guest("parses_numbers.c", input=lines.encode())
    found = list(struct.iter_unpack("<qQQQ", finished.output))
    assert finished.code == 0
    assert found == [(signed, read, unsigned, read) for _, _, signed, unsigned, read in NUMBERS]


@pytest.mark.parametrize("source", ["handles_text.c", "copies_unaligned.c", "uses_threads_tools.c"])
def test_text_and_memory_functions(run_guest: RunGuest, source: str) -> None:
    assert run_guest(source) == SUCCESS


@pytest.mark.parametrize("number", range(2))
def test_text_and_memory_by_words_and_by_bytes(run_guest: RunGuest, seed: int, number: int) -> None:
    assert run_guest("text_by_bytes.c", seed=struct.pack("<QQ", 1000 * seed + number, 0) * 2) == SUCCESS


def test_floats_are_the_compilers_soft_floats(run_guest: RunGuest) -> None:
    values = [0.1, -2.5e300, 1 / 3, 2.5e300, math.pi, 5e-324]
    expected = 0.0
    for value in values:
        expected += value
    assert run_guest("uses_floats.c", input=struct.pack("<6d", *values)).output == struct.pack("<d", expected)
