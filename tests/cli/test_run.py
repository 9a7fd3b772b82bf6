"""`truestep run`: one JSON object, and no failure that looks like success."""

import struct
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import EXAMPLES, Invoke
from truestep.client.files import read_program
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.layout import INPUT_LIMIT_BYTES, RANGE_LEVEL
from truestep.machine.program import Task

PROGRAMS = EXAMPLES.parent / "tests" / "guest" / "programs"
REFERENCE = ("--engine", "reference")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "input.txt"
    path.write_bytes(b"hello world")
    return path


@pytest.mark.parametrize("engine", ["reference", "jit"])
def test_json_says_everything_about_the_run(
    truestep: Invoke, hello_elf: Path, text: Path, engine: str
) -> None:
    finished = truestep("run", hello_elf, "--input", text, "--engine", engine, "--json")
    machine = ReferenceEngine().start(read_program(hello_elf).program, Task(input=b"hello world"))
    machine.advance(10**6)
    fields = finished.fields()
    assert fields.pop("run_cpu_seconds") >= 0
    assert (finished.exit_code, fields) == (
        0,
        {
            "exit_code": 0,
            "status": "exited",
            "trap": None,
            "accepted": True,
            "cycles": machine.cycle,
            "output_size": 11,
            "output": b"HELLO WORLD".hex(),
            "output_root": root_of_bytes(b"HELLO WORLD", RANGE_LEVEL).hex(),
            "state_hash": machine.state().hash().hex(),
            "engine": engine,
        },
    )


def test_output_goes_to_a_file(truestep: Invoke, hello_elf: Path, text: Path, tmp_path: Path) -> None:
    target = tmp_path / "output"
    finished = truestep("run", hello_elf, "--input", text, "--output", target, *REFERENCE, "--json")
    assert target.read_bytes() == b"HELLO WORLD"
    assert finished.fields()["output_file"] == str(target)
    assert "output" not in finished.fields()


def test_people_see_the_output_as_text(truestep: Invoke, hello_elf: Path, text: Path) -> None:
    finished = truestep("run", hello_elf, "--input", text, *REFERENCE)
    assert finished.exit_code == 0
    assert "HELLO WORLD" in finished.stdout
    assert finished.stderr == ""


def test_a_c_source_is_built_on_the_fly(truestep: Invoke, text: Path) -> None:
    finished = truestep("run", EXAMPLES / "hello" / "hello.c", "--input", text, *REFERENCE, "--json")
    assert bytes.fromhex(finished.fields()["output"]) == b"HELLO WORLD"


@pytest.mark.parametrize(
    ("content", "expected", "said"),
    [
        (b"3", {"exit_code": 3, "status": "exited", "trap": None}, "exited with code 3"),
        (
            b"t",
            {"exit_code": None, "status": "trapped", "trap": "illegal_instruction"},
            "trapped (illegal instruction)",
        ),
        (b"l", {"exit_code": None, "status": "running", "trap": None, "cycles": 5000}, "had not halted"),
    ],
)
def test_a_failed_guest_fails_the_command(
    truestep: Invoke, failing_elf: Path, tmp_path: Path, content: bytes, expected: dict[str, Any], said: str
) -> None:
    (tmp_path / "input").write_bytes(content)
    words = ("run", failing_elf, "--input", tmp_path / "input", "--max-cycles", 5000, *REFERENCE)
    finished = truestep(*words, "--json")
    fields = finished.fields()
    assert finished.exit_code == 1
    assert {name: fields[name] for name in expected} == expected
    assert fields["accepted"] is False
    assert said in finished.stderr
    assert "failed run" in truestep(*words).stderr


@pytest.mark.parametrize("engine", ["reference", "jit"])
def test_a_stack_overflow_says_that_it_is_one(truestep: Invoke, tmp_path: Path, engine: str) -> None:
    source = PROGRAMS / "overflows_stack.c"
    elf = tmp_path / "overflows.elf"
    assert truestep("build", source, "-o", elf, "--stack-size", 1 << 16).exit_code == 0
    finished = truestep("run", elf, "--engine", engine, "--json")
    assert finished.exit_code == 1
    assert finished.fields()["trap"] == "store_access"
    assert "stack overflowed" in finished.stderr
    assert "--stack-size" in finished.stderr


def test_debug_output_goes_to_stderr_unless_quiet(
    truestep: Invoke, failing_elf: Path, tmp_path: Path
) -> None:
    (tmp_path / "input").write_bytes(b"d")
    words = ("run", failing_elf, "--input", tmp_path / "input", *REFERENCE, "--json")
    loud, quiet = truestep(*words), truestep(*words, "--quiet")
    assert "said by the guest" in loud.stderr
    assert quiet.stderr == ""
    assert loud.fields()["state_hash"] == quiet.fields()["state_hash"]


def test_shard_and_seed_reach_the_guest(truestep: Invoke, tmp_path: Path) -> None:
    source = tmp_path / "header.c"
    source.write_text(
        """
        #include <truestep.h>
        int main(void) {
            uint64_t place[2] = {shard_index(), shard_count()};
            write_output((const uint8_t *)place, sizeof place);
            write_output(job_seed(), 32);
            return 0;
        }
        """
    )
    words = ("run", source, "--shard", "3/8", "--seed", "0xabcd", *REFERENCE, "--json")
    output = bytes.fromhex(truestep(*words).fields()["output"])
    assert output == struct.pack("<QQ", 3, 8) + bytes(30) + bytes.fromhex("abcd")


@pytest.mark.parametrize("shard", ["8/8", "0", "a/b", "0/0", "-1/2", "0/99999999999"])
def test_a_shard_that_cannot_be(truestep: Invoke, hello_elf: Path, shard: str) -> None:
    finished = truestep("run", hello_elf, f"--shard={shard}")
    assert finished.exit_code == 2
    assert "--shard" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_seed_that_is_no_hex(truestep: Invoke, hello_elf: Path) -> None:
    finished = truestep("run", hello_elf, "--seed", "xyz")
    assert finished.exit_code == 2
    assert "64 hex digits" in finished.stderr


def test_an_input_over_the_limit_is_refused_unread(truestep: Invoke, hello_elf: Path, tmp_path: Path) -> None:
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(INPUT_LIMIT_BYTES + 1)
    finished = truestep("run", hello_elf, "--input", huge, "--json")
    assert finished.exit_code == 1
    assert finished.fields()["error"]["reason"] == "input is too large"
    assert "512 MiB" in finished.stderr
    assert "split the input" in finished.stderr


def test_a_missing_file(truestep: Invoke, tmp_path: Path) -> None:
    finished = truestep("run", tmp_path / "nothing.elf")
    assert finished.exit_code == 1
    assert "nothing.elf" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_unknown_engine(truestep: Invoke, hello_elf: Path) -> None:
    assert truestep("run", hello_elf, "--engine", "magic").exit_code == 2


def test_a_run_may_not_write_more_memory_than_it_is_told(
    truestep: Invoke, hello_elf: Path, text: Path
) -> None:
    """It writes three pages: stack, output size and output."""
    words = ("run", hello_elf, "--input", text, "--json", "--memory-limit")
    assert truestep(*words, "1MiB").fields()["accepted"]
    finished = truestep(*words, "8KiB")
    assert finished.exit_code == 3
    assert "at most 8192 bytes" in finished.fields()["error"]["message"]


@pytest.mark.parametrize("size", ["", "8kb", "-1", "1.5GiB", "lots"])
def test_a_size_that_is_none(truestep: Invoke, hello_elf: Path, size: str) -> None:
    finished = truestep("run", hello_elf, "--memory-limit", size)
    assert finished.exit_code == 2
    assert "512MiB" in finished.stderr


def test_the_reference_engine_has_no_limits(truestep: Invoke, hello_elf: Path) -> None:
    finished = truestep("run", hello_elf, *REFERENCE, "--memory-limit", "1MiB", "--json")
    assert finished.exit_code == 1
    assert "use the jit engine" in finished.fields()["error"]["message"]
