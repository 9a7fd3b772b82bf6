"""`truestep build` and `truestep prove-step`."""

from pathlib import Path

import pytest

from tests.cli.conftest import EXAMPLES, Invoke
from tests.e2e.floats import DIVISION, FLOAT_ELF, INPUT, T1, state_before
from truestep.client.files import read_program
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Task
from truestep.machine.witness import open_float, verify_step

HELLO_C = EXAMPLES / "hello" / "hello.c"


def test_build_tells_what_it_made(truestep: Invoke, hello_elf: Path, tmp_path: Path) -> None:
    target = tmp_path / "again.elf"
    finished = truestep("build", HELLO_C, "-o", target, "--json")
    fields = finished.fields()
    assert finished.exit_code == 0
    assert target.read_bytes() == hello_elf.read_bytes()
    assert (fields["elf"], fields["size_bytes"]) == (str(target), target.stat().st_size)
    assert fields["elf_sha256"] == read_program(target).digest.hex()


def test_build_writes_into_the_current_directory(
    truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert truestep("build", HELLO_C).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["hello.elf"]


def test_a_directory_is_no_source(truestep: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    finished = truestep("build", ".")
    assert finished.exit_code == 1
    assert finished.stderr.startswith("error: expected sources ending in .c, ")
    finished = truestep("build", HELLO_C, "-o", ".")
    assert finished.exit_code == 1
    assert finished.stderr.startswith("error: expected to write ., got: ")


def test_the_compilers_words_reach_the_user(truestep: Invoke, tmp_path: Path) -> None:
    source = tmp_path / "wrong.c"
    source.write_text("int main(void) { return nonsense; }\n")
    finished = truestep("build", source, "-o", tmp_path / "wrong.elf")
    assert finished.exit_code == 1
    assert "use of undeclared identifier 'nonsense'" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "wrong.elf").exists()


def test_macros_reach_the_compiler(truestep: Invoke, tmp_path: Path) -> None:
    source = tmp_path / "macro.c"
    source.write_text("#ifndef YES\n#error no YES\n#endif\nint main(void) { return CODE + YES - 1; }\n")
    target = tmp_path / "macro.elf"
    assert truestep("build", source, "-D", "CODE=7", "-D", "YES", "-o", target).exit_code == 0
    assert truestep("run", target, "--engine", "reference", "--json").fields()["exit_code"] == 7


@pytest.mark.parametrize("engine", ["reference", "jit"])
def test_a_step_is_proved(truestep: Invoke, hello_elf: Path, tmp_path: Path, engine: str) -> None:
    (tmp_path / "input").write_bytes(b"abc")
    words = ("prove-step", hello_elf, "--input", tmp_path / "input", "--engine", engine, "--cycle", 60)
    fields = truestep(*words, "--json").fields()
    machine = ReferenceEngine().start(read_program(hello_elf).program, Task(input=b"abc"))
    machine.advance(60)
    before = machine.state()
    machine.advance(61)
    hashes = (before.hash(), machine.state().hash())
    assert (fields["before"], fields["after"]) == (hashes[0].hex(), hashes[1].hex())
    assert verify_step(bytes.fromhex(fields["witness"])) == hashes
    assert fields["pc"] == f"{before.pc:#010x}"
    assert fields["in_words"]


def test_a_witness_goes_to_a_file(truestep: Invoke, hello_elf: Path, tmp_path: Path) -> None:
    target = tmp_path / "step.witness"
    words = ("prove-step", hello_elf, "--cycle", 5, "--output", target, "--engine", "reference", "--json")
    fields = truestep(*words).fields()
    assert verify_step(target.read_bytes())[0].hex() == fields["before"]
    assert fields["witness_size"] == target.stat().st_size


@pytest.mark.parametrize("engine", ["reference", "jit"])
def test_a_float_instruction_is_proved_by_its_micro_run(
    truestep: Invoke, tmp_path: Path, engine: str
) -> None:
    program, content = tmp_path / "float.elf", tmp_path / "input"
    program.write_bytes(FLOAT_ELF)
    content.write_bytes(INPUT)
    cycle = state_before(DIVISION, 2)
    words = ("prove-step", program, "--input", content, "--engine", engine, "--cycle", cycle, "--json")
    fields = truestep(*words).fields()
    machine = ReferenceEngine().start(read_program(program).program, Task(input=INPUT))
    machine.advance(cycle + 1)
    assert (fields["result"], fields["after"]) == (
        f"{machine.registers[T1]:#x}",
        machine.state().hash().hex(),
    )
    assert open_float(bytes.fromhex(fields["witness"])).micro_start.hex() == fields["micro_start"]
    assert fields["instruction"].startswith("fdiv.d")
    last = truestep(*words, "--micro", fields["micro_cycles"] - 1).fields()
    assert (last["after"], last["instruction"]) == (fields["micro_end"], "ecall")
    first = truestep(*words, "--micro", 0).fields()
    assert first["before"] == fields["micro_start"]
    assert verify_step(bytes.fromhex(first["witness"]))[1].hex() == first["after"]


def test_only_float_instructions_have_a_micro_run_and_it_ends(truestep: Invoke, tmp_path: Path) -> None:
    program = tmp_path / "float.elf"
    program.write_bytes(FLOAT_ELF)
    words = ("prove-step", program, "--engine", "reference")
    none = truestep(*words, "--cycle", 0, "--micro", 0)
    assert (none.exit_code, "leave out --micro" in none.stderr) == (1, True)
    beyond = truestep(*words, "--cycle", 3, "--micro", 4095)
    assert (beyond.exit_code, "the run ends at cycle" in beyond.stderr) == (1, True)


def test_a_cycle_beyond_the_run(truestep: Invoke, hello_elf: Path) -> None:
    finished = truestep("prove-step", hello_elf, "--cycle", 10**9, "--engine", "reference")
    assert finished.exit_code == 1
    assert "the run ends at cycle" in finished.stderr
