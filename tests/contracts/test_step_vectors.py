"""The vectors that the reference machine wrote, on the chain."""

from __future__ import annotations

import itertools

import pytest

from tests.contracts.evm import Evm, EvmContract
from tests.vectors.cases import RunCase, read_floats, read_runs, read_steps
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.witness import build_witness, open_float


@pytest.fixture(scope="module")
def step() -> EvmContract:
    return Evm().deploy("Step")


def test_every_step(step: EvmContract) -> None:
    for case in read_steps():
        before, after = step.call("step", bytes.fromhex(case.witness))
        assert (before.hex(), after.hex()) == (case.hash_before, case.hash_after), case.name


def test_every_float_is_opened(step: EvmContract) -> None:
    """The state before, where its micro-run begins, the template of the state after, and rd (M9)."""
    for case in read_floats():
        witness = bytes.fromhex(case.step.witness)
        before, micro_start, template, rd = step.call("open_float", witness)
        assert (before.hex(), template.hex(), rd) == (case.step.hash_before, case.template, case.rd)
        assert micro_start == open_float(witness).micro_start, case.step.name


@pytest.mark.parametrize("case", read_runs(), ids=lambda case: case.name)
def test_runs_step_by_step(step: EvmContract, case: RunCase) -> None:
    """The chain, told only witnesses, walks the same states; the last one is a fixed point (M2.4)."""
    machine = ReferenceEngine().start(case.program(), case.task())
    for expected_before, expected_after in itertools.pairwise(case.state_hashes[:60]):
        before, after = step.call("step", build_witness(machine.state(), machine.node))
        assert (before.hex(), after.hex()) == (expected_before, expected_after)
        machine.step()
    machine.advance(2**64 - 1)
    final = step.call("step", build_witness(machine.state(), machine.node))
    assert [state_hash.hex() for state_hash in final] == [case.state_hashes[-1]] * 2
