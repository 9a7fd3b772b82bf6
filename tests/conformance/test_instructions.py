"""Every instruction, as a bare-metal test: on both engines, on chain, and on an emulator with real CSRs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.conftest import Judge
from tests.conformance.emulator import run_emulated
from tests.conformance.environment import Source, build
from tests.conformance.instructions import case, programs
from tests.machine.encode import ENCODINGS
from truestep.adapters.chain.step_evm import EvmStep
from truestep.composition.engines import EngineName, open_engine
from truestep.conformance.suites import find_tests, run_test, run_tests
from truestep.ports.engine import Engine

PROGRAMS = programs()
ON_CHAIN = ("addw", "divw", "jalr", "ld", "sd", "bltu", "auipc")
PASSED = (1, 0, 93)
"""gp, a0 and a7 of a pass."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("conformance") / "programs"
    build(PROGRAMS, target)
    return target


def test_no_instruction_is_left_out() -> None:
    """`fence.i` is in the program of `fence`, `ecall` in the end of each, `ebreak` among the traps."""
    assert set(ENCODINGS) - set(PROGRAMS) == {"fence.i", "ecall", "ebreak"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_engines(folder: Path, engines: list[Engine], name: str) -> None:
    verdict = run_test(name, (folder / name).read_bytes(), engines)
    assert verdict.reason is None
    assert verdict.steps > 60


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_themselves(folder: Path, name: str) -> None:
    """What passes here is right: unicorn executes the same file, its prelude included."""
    assert run_emulated((folder / name).read_bytes()) == PASSED


def test_on_chain(folder: Path) -> None:
    """Every step of these runs through the contract as it ships."""
    reference = open_engine(EngineName.REFERENCE)
    report = run_tests(folder, [folder / name for name in ON_CHAIN], [reference], step_call=EvmStep())
    assert report.failed == ()
    assert [(test.name, test.steps_on_chain) for test in report.tests] == [
        (name, test.steps) for name, test in zip(ON_CHAIN, report.tests, strict=True)
    ]


def test_the_folder_as_a_whole(folder: Path) -> None:
    assert [path.name for path in find_tests(folder)] == sorted(PROGRAMS)


def test_a_wrong_result_is_seen(judge: Judge) -> None:
    """A test of the tests: the second of two cases expects what is not so."""
    code = case(2, "a4", 3, "li a1, 1", "addi a4, a1, 2") + case(3, "a4", 4, "li a1, 1", "addi a4, a1, 2")
    assert judge(Source(code=code)).reason == "case 3 failed"
