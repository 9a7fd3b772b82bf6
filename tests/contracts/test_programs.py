"""Programs.vy: what is registered is what is read (docs/protocol.md S1.1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.evm import EvmContract, rejects
from tests.contracts.settings import ALICE, Clock
from truestep.base.errors import Reject

ROOT, DIGEST, URI = b"r" * 32, b"d" * 32, "https://example.org/a"


@pytest.fixture(scope="module")
def programs() -> EvmContract:
    return Clock().deploy("Programs")


def register(programs: EvmContract, **values: Any) -> int:
    terms = {"entry": 0x10000, "max_cycles": 1, "workload": 0} | values
    return programs.transact("register", ROOT, *terms.values(), DIGEST, URI, sender=ALICE).result


@given(st.integers(0, 2**27 - 1), st.integers(1, 2**48), st.integers(0, 2**16 - 1))
def test_a_program_is_kept_whole(programs: EvmContract, quarter: int, max_cycles: int, workload: int) -> None:
    number = register(programs, entry=4 * quarter, max_cycles=max_cycles, workload=workload)
    assert number == programs.call("program_count")
    assert programs.call("get", number) == (ROOT, 4 * quarter, max_cycles, workload, DIGEST, ALICE)


@pytest.mark.parametrize("entry", [1, 2, 2**29, 2**64 - 4])
def test_an_entry_outside_the_code_is_refused(programs: EvmContract, entry: int) -> None:
    with rejects(Reject.PROGRAM_ENTRY):
        register(programs, entry=entry)


@pytest.mark.parametrize("max_cycles", [0, 2**48 + 1, 2**64 - 1])
def test_cycles_out_of_bounds_are_refused(programs: EvmContract, max_cycles: int) -> None:
    with rejects(Reject.PROGRAM_CYCLES):
        register(programs, max_cycles=max_cycles)


def test_an_unknown_program_is_refused(programs: EvmContract) -> None:
    for number in (0, programs.call("program_count") + 1, 2**256 - 1):
        with rejects(Reject.PROGRAM_UNKNOWN):
            programs.call("get", number)
