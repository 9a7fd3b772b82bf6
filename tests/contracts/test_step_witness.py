"""Witnesses that are not what they should be: Step.vy refuses what the reference does, and none can lie."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.contracts.evm import Evm, EvmContract, Reverted
from tests.machine.encode import encode
from tests.machine.trees import Fill, every_second, everything, witness_of
from truestep.base.errors import Reject, Rejected
from truestep.machine.witness import WITNESS_LIMIT_BYTES, verify_step

MASK = slice(273, 284)
LD, SD = encode("ld", rd=1, rs1=2), encode("sd", rs1=2, rs2=3)


def access(word: int, start: int, is_filled: Fill) -> bytes:
    return witness_of(
        word, {2: start, 3: 0x0123_4567_89AB_CDEF}, memory={start: b"12345678"}, is_filled=is_filled
    )


def witnesses(is_filled: Fill) -> dict[str, bytes]:
    """A witness of each shape (M6.4, M6.5)."""
    return {
        "no memory": witness_of(encode("add", rd=1, rs1=2, rs2=3), {2: 5, 3: 6}, is_filled=is_filled),
        "from code": access(LD, 0x1F00_0000, is_filled),
        "one leaf of t24": access(SD, 0x2000_0008, is_filled),
        "one leaf of t25": access(SD, 0x4000_0010, is_filled),
        "one leaf of t26": access(SD, 0xE000_0018, is_filled),
        "sibling leaves": access(SD, 0x3000_001C, is_filled),
        "leaves that meet": access(SD, 0x3000_0FFC, is_filled),
        "leaves that meet late": access(SD, 0x5FFF_FFFC, is_filled),
        "two ends, changed": access(SD, 0x3FFF_FFFC, is_filled),
        "two ends, C and t24": access(LD, 0x1FFF_FFFC, is_filled),
        "two ends, the longest": access(LD, 0x7FFF_FFFC, is_filled),
    }


SHAPES = tuple(witnesses(everything))


@pytest.fixture(scope="module")
def step() -> EvmContract:
    return Evm().deploy("Step")


def outcome(step: EvmContract, witness: bytes) -> tuple[bytes, bytes] | str | None:
    try:
        return step.call("step", witness)
    except Reverted as reverted:
        return reverted.reason


def expected_outcome(witness: bytes) -> tuple[bytes, bytes] | str:
    try:
        return verify_step(witness)
    except Rejected as rejected:
        return rejected.reason.value


def test_the_longest_witness_fits() -> None:
    longest = max(len(witness) for witness in witnesses(everything).values())
    assert longest == WITNESS_LIMIT_BYTES == 2876


@pytest.mark.parametrize("shape", SHAPES)
def test_no_flipped_byte_is_believed(step: EvmContract, rng: random.Random, shape: str) -> None:
    """Whatever is changed, the witness is refused or it is about another state."""
    for is_filled, stride in ((everything, 3), (every_second, 1)):
        witness = witnesses(is_filled)[shape]
        before, _ = step.call("step", witness)
        for position in range(rng.randrange(stride), len(witness), stride):
            changed = bytearray(witness)
            changed[position] ^= 1 << rng.randrange(8)
            result = outcome(step, bytes(changed))
            assert not isinstance(result, tuple) or result[0] != before, f"byte {position} of {shape}"


@pytest.mark.parametrize("shape", SHAPES)
def test_every_flipped_mask_bit_is_refused(step: EvmContract, shape: str) -> None:
    for is_filled in (everything, every_second):
        witness = witnesses(is_filled)[shape]
        mask = int.from_bytes(witness[MASK], "big")
        for bit in range(88):
            changed = (mask ^ 1 << bit).to_bytes(11, "big")
            result = outcome(step, witness[:273] + changed + witness[284:])
            assert result in (Reject.WITNESS_LENGTH, Reject.WITNESS_MASK), f"bit {bit} of {shape}"
            assert result == expected_outcome(witness[:273] + changed + witness[284:])


@pytest.mark.parametrize("shape", SHAPES)
def test_every_wrong_length_is_refused(step: EvmContract, shape: str) -> None:
    witness = witnesses(every_second)[shape]
    lengths = {*range(0, len(witness), 7), 273, 284, 315, 316, len(witness) - 32, len(witness) - 1}
    for length in lengths:
        assert outcome(step, witness[:length]) == Reject.WITNESS_LENGTH, f"{shape} cut to {length} bytes"
    for extra in (1, 31, 32, 64):
        assert outcome(step, witness + bytes(extra)) == Reject.WITNESS_LENGTH, f"{shape} with {extra} more"


def test_a_witness_longer_than_any_is_refused(step: EvmContract) -> None:
    longest = witnesses(everything)["two ends, the longest"]
    assert outcome(step, longest + bytes(3072 - len(longest))) == Reject.WITNESS_LENGTH
    assert outcome(step, longest + bytes(3073 - len(longest))) is None


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_a_memory_leaf_that_is_not_in_memory_is_refused(step: EvmContract, shape: str) -> None:
    witness = bytearray(witnesses(everything)[shape])
    witness[330] ^= 1
    assert outcome(step, bytes(witness)) == expected_outcome(bytes(witness)) == Reject.WITNESS_PROOF


def mutations(witness: bytes, rng: random.Random) -> Iterator[bytes]:
    """Witnesses near a good one: flips where it matters most, cuts, splices, swaps."""
    for region in (slice(0, 25), slice(25, 273), MASK, slice(284, 316), slice(316, len(witness))):
        for _ in range(4):
            changed = bytearray(witness)
            changed[
                rng.randrange(region.start, max(region.start + 1, min(region.stop, len(witness))))
                % len(witness)
            ] ^= 1 << rng.randrange(8)
            yield bytes(changed)
    for _ in range(6):
        cut, end = sorted((rng.randrange(316, len(witness)), rng.randrange(316, len(witness))))
        yield witness[:cut] + witness[end:]
        yield witness[:cut] + witness[cut : cut + 32] + witness[cut:]
        changed = bytearray(witness)
        changed[cut : cut + 32], changed[end : end + 32] = changed[end : end + 32], changed[cut : cut + 32]
        yield bytes(changed)


@pytest.mark.parametrize("shape", SHAPES)
def test_mutated_witnesses_have_the_same_outcome_in_both(
    step: EvmContract, rng: random.Random, shape: str
) -> None:
    for is_filled in (everything, every_second):
        for changed in mutations(witnesses(is_filled)[shape], rng):
            assert outcome(step, changed) == expected_outcome(changed), f"{shape}: {changed.hex()}"


def test_another_instructions_witness_is_not_taken_over(step: EvmContract) -> None:
    """The paths of one witness under the state tail of another: about another state, or refused."""
    good = witnesses(everything)
    for first in SHAPES:
        for second in SHAPES:
            if first != second:
                spliced = good[first][:273] + good[second][273:]
                result = outcome(step, spliced)
                assert result == expected_outcome(spliced), f"{first} on {second}"
                assert not isinstance(result, tuple) or result[0] != step.call("step", good[first])[0]
