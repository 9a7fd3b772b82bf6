"""Programs.vy: the register of what may be run (docs/protocol.md P1.1)."""

from __future__ import annotations

import pytest

from tests.contracts.evm import Event, Evm, EvmContract
from tests.contracts.network import ALICE, BOB, rejects
from truestep.base.errors import Reject

IMAGE_ROOT, DIGEST = b"\x11" * 32, b"\x22" * 32
URI = "https://example.org/program.elf"


@pytest.fixture
def programs(evm: Evm) -> EvmContract:
    return evm.deploy("Programs")


def test_register_and_get(programs: EvmContract) -> None:
    first = programs.transact("register", IMAGE_ROOT, 0x1000, 2**40, DIGEST, URI, sender=ALICE)
    second = programs.transact("register", DIGEST, 2**29 - 4, 2**48, IMAGE_ROOT, "", sender=BOB)
    assert (first.result, second.result) == (1, 2)
    assert programs.call("program_count") == 2
    assert programs.call("get", 1) == (IMAGE_ROOT, 0x1000, 2**40, DIGEST, ALICE)
    assert programs.call("get", 2) == (DIGEST, 2**29 - 4, 2**48, IMAGE_ROOT, BOB)
    fields = {"program_id": 1, "owner": ALICE, "image_root": IMAGE_ROOT, "entry": 0x1000}
    fields |= {"max_cycles": 2**40, "digest": DIGEST, "uri": URI}
    assert first.events == [Event(name="Registered", fields=fields)]


@pytest.mark.parametrize("entry", [1, 2, 2**29, 2**29 + 4, 2**64 - 4])
def test_entry_is_a_code_address(programs: EvmContract, entry: int) -> None:
    with rejects(Reject.PROGRAM_ENTRY):
        programs.transact("register", IMAGE_ROOT, entry, 1, DIGEST, URI)


@pytest.mark.parametrize("max_cycles", [0, 2**48 + 1, 2**64 - 1])
def test_maximum_cycles_are_bounded(programs: EvmContract, max_cycles: int) -> None:
    with rejects(Reject.PROGRAM_CYCLES):
        programs.transact("register", IMAGE_ROOT, 0, max_cycles, DIGEST, URI)


@pytest.mark.parametrize("program_id", [0, 1, 2**32, 2**256 - 1])
def test_unknown_program(programs: EvmContract, program_id: int) -> None:
    with rejects(Reject.PROGRAM_UNKNOWN):
        programs.call("get", program_id)
