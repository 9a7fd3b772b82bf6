"""What one step costs as a transaction, EIP-7623's floor included."""

from __future__ import annotations

import random

import pytest
from eth_abi.abi import encode as encode_abi

from tests.contracts.evm import Evm, EvmContract
from tests.machine.encode import ENCODINGS, LOADS, STORES, encode
from tests.machine.trees import everything, witness_of

BASE_GAS, ZERO_BYTE_GAS, OTHER_BYTE_GAS, FLOOR_GAS_PER_TOKEN = 21_000, 4, 16, 10
STEP_LIMIT_GAS = 110_000
"""The bar for one instruction, whatever it is and however full the memory."""
MEETING_LEVEL_GAS = 32 * 4 * FLOOR_GAS_PER_TOKEN
"""A misaligned access over two leaves that meet one level higher takes one sibling more."""
FURTHEST_CROSSING_LIMIT_GAS = 136_000
"""Two leaves of a full memory that meet nowhere below the root: calldata alone costs more than the bar."""


@pytest.fixture(scope="module")
def step() -> EvmContract:
    return Evm().deploy("Step")


def transaction_gas(step: EvmContract, witness: bytes) -> int:
    """pyrevm knows the call's gas; the floor (EIP-7623) is added here."""
    calldata = bytes(4) + encode_abi(["bytes"], [witness])
    tokens = sum(1 if byte == 0 else 4 for byte in calldata)
    return max(step.transact("step", witness).gas, BASE_GAS + FLOOR_GAS_PER_TOKEN * tokens)


def full_witness(name: str, start: int, rng: random.Random) -> bytes:
    """A step in which nothing is zero: no register, no sibling, no leaf."""
    registers = {number: rng.getrandbits(64) | 0x0101_0101_0101_0101 for number in range(1, 32)}
    word = encode(name, rd=5, rs1=6, rs2=7, immediate=4 if name == "jalr" else 0)
    memory = {start & ~31: rng.randbytes(32), (start + 7 & ~31) % 2**32: rng.randbytes(32)}
    memory[0x1000] = bytes(1 + byte % 255 for byte in rng.randbytes(32))
    return witness_of(
        word, registers | {6: start}, pc=0x1004, memory=memory, is_filled=everything, cycle=2**63
    )


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_instruction_stays_below_the_bar(step: EvmContract, rng: random.Random, name: str) -> None:
    starts = (0x2000_0100, 0x4000_0100, 0xE000_0100) if name in (*LOADS, *STORES) else (0x100,)
    for start in starts:
        assert transaction_gas(step, full_witness(name, start, rng)) <= STEP_LIMIT_GAS


@pytest.mark.parametrize("name", ["ld", "sd"])
@pytest.mark.parametrize("meeting_level", range(24))
def test_a_straddling_access_costs_a_sibling_for_each_level_below_the_meeting(
    step: EvmContract, rng: random.Random, name: str, meeting_level: int
) -> None:
    """In full memory nothing but the calldata counts; up to level 5 (2 KiB) that stays below the bar."""
    gas = transaction_gas(step, full_witness(name, 0xE000_0000 + (32 << meeting_level) - 4, rng))
    below = transaction_gas(step, full_witness(name, 0xE000_0000, rng)) + MEETING_LEVEL_GAS * meeting_level
    assert abs(gas - below) < MEETING_LEVEL_GAS
    assert gas <= STEP_LIMIT_GAS or meeting_level > 5


@pytest.mark.parametrize("start", [0x1FFF_FFFC, 0x3FFF_FFFC, 0x7FFF_FFFC, 0xDFFF_FFFC])
def test_an_access_across_ranges_costs_its_calldata(
    step: EvmContract, rng: random.Random, start: int
) -> None:
    gas = transaction_gas(step, full_witness("ld", start, rng))
    assert STEP_LIMIT_GAS < gas <= FURTHEST_CROSSING_LIMIT_GAS
