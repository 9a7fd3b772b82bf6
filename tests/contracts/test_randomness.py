"""Randomness.vy: what its random schedules do not reach (docs/assignment.md D1, D2)."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pyrevm
import pytest

from tests.contracts.evm import Evm, EvmContract, rejects
from tests.protocol.assignment.world import ENTROPY_BOND_WEI, PHASES
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.randomness import commitment_of

START = PHASES.round_seconds * 20_000_000
ROUND = 20_000_000
COMMITTERS = tuple(Address("0x" + f"{number}{number}" * 20) for number in range(1, 6))
CONSTANT = bytes(32)


@pytest.fixture
def randomness() -> EvmContract:
    evm = Evm()
    for account in COMMITTERS:
        evm.chain.set_balance(account, 10**18)
    phases = (PHASES.commit_seconds, PHASES.reveal_seconds, PHASES.draw_seconds)
    return evm.deploy("Randomness", *phases, ENTROPY_BOND_WEI)


def pass_to(contract: EvmContract, second: int, prevrandao: bytes = CONSTANT) -> None:
    """To a second of the round, in a block with this value."""
    block = pyrevm.BlockEnv(number=1, timestamp=START + second, prevrandao=prevrandao)
    contract.evm.chain.set_block_env(block)


def secret_of(committer: str) -> Bytes32:
    """Always the same one."""
    return keccak256(committer.encode())


def seed_of(contract: EvmContract, revealing: tuple[Address, ...], prevrandao: bytes = CONSTANT) -> bytes:
    """The seed if all promise and these reveal; nothing is kept."""
    snapshot = contract.evm.chain.snapshot()
    pass_to(contract, 0)
    for who in COMMITTERS:
        promised = commitment_of(who, ROUND, secret_of(who))
        contract.transact("commit", ROUND, promised, sender=who, value=ENTROPY_BOND_WEI)
    pass_to(contract, PHASES.commit_seconds, prevrandao)
    for who in revealing:
        contract.transact("reveal", secret_of(who), sender=who)
        pass_to(contract, PHASES.commit_seconds + 3, b"later block".rjust(32))
    pass_to(contract, PHASES.commit_seconds + PHASES.reveal_seconds)
    seed = contract.call("seed", ROUND)
    contract.evm.chain.revert(snapshot)
    return bytes(seed)


def test_the_order_of_reveals_chooses_nothing(randomness: EvmContract) -> None:
    assert seed_of(randomness, COMMITTERS) == seed_of(randomness, COMMITTERS[::-1])


def test_each_withheld_secret_is_another_seed_and_costs_a_bond(randomness: EvmContract) -> None:
    """An attacker with three secrets of five has eight seeds, and no more (D5.1)."""
    honest, own = COMMITTERS[:2], COMMITTERS[2:]
    found = {
        seed_of(randomness, (*honest, *revealed))
        for count in range(len(own) + 1)
        for revealed in combinations(own, count)
    }
    assert len(found) == 2 ** len(own)


def test_the_value_of_the_first_reveal_s_block_is_in_the_seed_and_no_later_one(
    randomness: EvmContract,
) -> None:
    values = (CONSTANT, b"1".rjust(32), b"2".rjust(32))
    seeds = Counter(seed_of(randomness, COMMITTERS, value) for value in values)
    assert len(seeds) == len(values)


def test_a_commitment_is_of_no_use_to_who_copies_it(randomness: EvmContract) -> None:
    author, thief = COMMITTERS[:2]
    promised = commitment_of(author, ROUND, secret_of(author))
    pass_to(randomness, 0)
    for who in (author, thief):
        randomness.transact("commit", ROUND, promised, sender=who, value=ENTROPY_BOND_WEI)
    pass_to(randomness, PHASES.commit_seconds)
    randomness.transact("reveal", secret_of(author), sender=author)
    with rejects(Reject.COMMITMENT_OTHER):
        randomness.transact("reveal", secret_of(author), sender=thief)
    with rejects(Reject.COMMITMENT_OTHER):  # and not twice, which would take the secret out again
        randomness.transact("reveal", secret_of(author), sender=author)
    assert randomness.call("counts_of", ROUND) == (2, 1)


def test_a_commitment_is_for_its_round_alone(randomness: EvmContract) -> None:
    author = COMMITTERS[0]
    promised = commitment_of(author, ROUND, secret_of(author))
    pass_to(randomness, PHASES.commit_seconds - 1)
    randomness.transact("commit", ROUND, promised, sender=author, value=ENTROPY_BOND_WEI)
    pass_to(randomness, PHASES.round_seconds + PHASES.commit_seconds)
    with rejects(Reject.COMMITMENT_OTHER):
        randomness.transact("reveal", secret_of(author), sender=author)
    pass_to(randomness, PHASES.commit_seconds + PHASES.reveal_seconds)
    with rejects(Reject.REVEAL_TIME):
        randomness.transact("reveal", secret_of(author), sender=author)
    with rejects(Reject.SEED_MISSING):
        randomness.call("seed", ROUND)
    with rejects(Reject.SEED_MISSING):
        randomness.call("drawing", START)


@pytest.mark.parametrize(
    "second",
    [
        -1,  # of the round before, as a chain has it that was reorganised
        PHASES.commit_seconds,
        PHASES.round_seconds,
        7 * PHASES.round_seconds + PHASES.commit_seconds - 1,
    ],
)
def test_a_commitment_that_comes_to_a_block_too_late_takes_no_bond(
    randomness: EvmContract, second: int
) -> None:
    author = COMMITTERS[0]
    pass_to(randomness, second)
    with rejects(Reject.COMMIT_TIME):
        promised = commitment_of(author, ROUND, secret_of(author))
        randomness.transact("commit", ROUND, promised, sender=author, value=ENTROPY_BOND_WEI)
    assert randomness.evm.chain.get_balance(author) == 10**18


def test_things_are_drawn_in_the_first_round_after_them(randomness: EvmContract) -> None:
    """One of the last second of a commit phase is drawn at once, one of the next a round later (D2.4)."""
    author, last = COMMITTERS[0], START + PHASES.commit_seconds - 1
    for number in (ROUND, ROUND + 1):
        begin = (number - ROUND) * PHASES.round_seconds
        pass_to(randomness, begin)
        promised = commitment_of(author, number, secret_of(author))
        randomness.transact("commit", number, promised, sender=author, value=ENTROPY_BOND_WEI)
        pass_to(randomness, begin + PHASES.commit_seconds)
        randomness.transact("reveal", secret_of(author), sender=author)
        with rejects(Reject.DRAW_TIME):
            randomness.call("drawing", last)
        with rejects(Reject.SEED_EARLY):
            randomness.call("seed", number)
        pass_to(randomness, begin + PHASES.round_seconds - 1)
        assert randomness.call("drawing", last) == number
        if number == ROUND:
            with rejects(Reject.DRAW_LATER):
                randomness.call("drawing", last + 1)
    assert randomness.call("drawing", last + 1) == ROUND + 1


def test_far_rounds_do_no_harm(randomness: EvmContract) -> None:
    pass_to(randomness, 0)
    assert randomness.call("round_at", 2**256 - 1) == (2**256 - 1) // PHASES.round_seconds
    with rejects(Reject.SEED_EARLY):
        randomness.call("seed", 2**64)
    with rejects(Reject.SEED_MISSING):
        randomness.call("seed", 0)
