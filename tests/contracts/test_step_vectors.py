"""The vectors that the reference machine wrote, on the chain."""

from __future__ import annotations

import itertools

import pytest

from tests.contracts.evm import Evm, EvmContract
from tests.vectors.cases import RunCase, read_runs, read_steps
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.witness import build_witness


@pytest.fixture(scope="module")
def step() -> EvmContract:
    return Evm().deploy("Step")


def test_every_step(step: EvmContract) -> None:
    for case in read_steps():
        before, after = step.call("step", bytes.fromhex(case.witness))
        assert (before.hex(), after.hex()) == (case.hash_before, case.hash_after), case.name


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
