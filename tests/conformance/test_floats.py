"""Every float instruction, as bare-metal tests: on both engines and on chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.conftest import Judge
from tests.conformance.environment import Source, build
from tests.conformance.floats import ON_CHAIN, ZFINX, float_programs, names_tested
from tests.conformance.instructions import case
from tests.machine.encode import FLOAT_ENCODINGS
from truestep.adapters.chain.step_evm import EvmStep
from truestep.composition.engines import EngineName, open_engine
from truestep.conformance.suites import run_test
from truestep.ports.engine import Engine

PROGRAMS = float_programs()


class CountedStep(EvmStep):
    """The contract as it ships; counts what it is asked, and may lie once about a float."""

    def __init__(self, *, lies_at_float: int = -1) -> None:
        super().__init__()
        self.steps = self.floats = 0
        self._lies_at_float = lies_at_float

    def __call__(self, witness: bytes) -> tuple[bytes, bytes]:
        self.steps += 1
        return super().__call__(witness)

    def open_float(self, witness: bytes) -> tuple[bytes, bytes, bytes, int]:
        before, micro_start, template, rd = super().open_float(witness)
        self.floats += 1
        return before, micro_start, bytes(32) if self.floats == self._lies_at_float else template, rd


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("floats") / "programs"
    build(PROGRAMS, target)
    return target


def test_no_instruction_is_left_out() -> None:
    assert names_tested() == set(FLOAT_ENCODINGS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_engines(folder: Path, engines: list[Engine], name: str) -> None:
    verdict = run_test(name, (folder / name).read_bytes(), engines)
    assert verdict.reason is None
    assert verdict.steps > 400


def test_on_chain(folder: Path) -> None:
    """Each float is opened, and the first of each name is played out in steps of the contract."""
    contract, reference = CountedStep(), open_engine(EngineName.REFERENCE)
    verdict = run_test("short", (folder / "short").read_bytes(), [reference], step_call=contract)
    assert (verdict.reason, verdict.steps_on_chain) == (None, verdict.steps)
    assert contract.floats > 3 * len(ON_CHAIN)
    micro_steps = contract.steps + contract.floats - verdict.steps
    assert micro_steps > 20 * len(ON_CHAIN)


def test_a_wrong_contract_fails(folder: Path) -> None:
    contract, reference = CountedStep(lies_at_float=2), open_engine(EngineName.REFERENCE)
    reason = run_test("short", (folder / "short").read_bytes(), [reference], step_call=contract).reason
    assert reason is not None
    assert reason.startswith("on-chain step ")
    assert contract.floats == 2


def test_a_wrong_result_is_seen(judge: Judge) -> None:
    """1 + 1 is 2, and 2 - 1 is not."""
    one_and_two = ("li a1, 1", "fcvt.d.l a1, a1", "fadd.d a2, a1, a1")
    code = case(2, "a2", 1 << 62, *one_and_two) + case(3, "a4", 1 << 62, "fsub.d a4, a2, a1")
    assert judge(Source(code=code, instruction_set=ZFINX)).reason == "case 3 failed"
