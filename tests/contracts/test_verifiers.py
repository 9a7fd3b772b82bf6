"""Verifiers.vy: which verifiers are believed, and how they are asked (docs/validity.md V2, V3, V4.1)."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pyrevm
import pytest

from tests.contracts.compiled import message_of
from tests.contracts.evm import Reverted, rejects
from tests.contracts.playing import LEAF_BOND_WEI, LIAR, leaf_of
from tests.contracts.proving import (
    ANSWERS_TWICE,
    ANSWERS_TWO,
    BURNS,
    KEY_DIGEST,
    POLICY,
    REVERTS,
    SELECTOR,
    SILENT,
    SOUND,
    UNSOUND,
    ProvingArena,
)
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import ALICE, DEPLOYER, GUARDIAN, KEEPER
from tests.protocol.validity.world import seal_of
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.encoding import encode

TRUTH, LIE = run(SUM), falsified_run(SUM)
WINDOW_SECONDS = 30_000


@pytest.fixture
def arena() -> ProvingArena:
    return ProvingArena()


# --- entries ---------------------------------------------------------------------------------------


def test_only_the_owner_adds_entries_once_jobs_is_connected(arena: ProvingArena) -> None:
    for sender in (DEPLOYER, GUARDIAN, ALICE):
        with rejects(Reject.NOT_OWNER):
            arena.verifiers.transact("add", astuple(arena.entry()), 2, sender=sender)
    assert arena.add_entry(arena.entry(system="RISC Zero 3.0", bits=97)) == 2
    assert arena.verifiers.call("get", 2)[4:6] == ("RISC Zero 3.0", 97)
    for number in (0, 3, 2**256 - 1):
        with rejects(Reject.ENTRY_UNKNOWN):
            arena.verifiers.call("get", number)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"bits": 79}, Reject.ENTRY_BITS),
        ({"bits": 257}, Reject.ENTRY_BITS),
        ({"value_cap_wei": 0}, Reject.ENTRY_CAP),
        ({"value_cap_wei": 2**128}, Reject.ENTRY_CAP),
        ({"value_cap_wei": 7, "least_bond_wei": 8}, Reject.ENTRY_BOND),
        ({"least_bond_wei": 2**128}, Reject.ENTRY_BOND),
        ({"gas_limit": 0}, Reject.ENTRY_GAS),
        ({"gas_limit": 10_000_001}, Reject.ENTRY_GAS),
        ({"active_until": 1}, Reject.ENTRY_TIME),
        ({"active_from": 2**39, "active_until": 2**39}, Reject.ENTRY_TIME),
        ({"active_until": 2**40}, Reject.ENTRY_TIME),
        ({"selector": b"else"}, Reject.PROOF_SYSTEM),
        ({"verifier": "0x" + "77" * 20}, Reject.NO_CONTRACT),
    ],
)
def test_entries_have_bounds(arena: ProvingArena, changes: dict[str, Any], reason: Reject) -> None:
    with rejects(reason):
        arena.add_entry(arena.entry(**changes))


def test_an_addition_names_its_number(arena: ProvingArena) -> None:
    for number in (0, 1, 3):
        with rejects(Reject.NUMBER_NOT_NEXT):
            arena.by_owner(arena.verifiers, "add", astuple(arena.entry()), number)


def test_the_guardian_stops_at_once_and_for_ever(arena: ProvingArena) -> None:
    for sender in (DEPLOYER, ALICE):
        with rejects(Reject.NOT_GUARDIAN):
            arena.verifiers.transact("stop", 1, sender=sender)
    batch = arena.claimed(TRUTH)
    (event,) = arena.verifiers.transact("stop", 1, sender=GUARDIAN).events
    assert (event.name, event.fields["number"]) == ("Stopped", 1)
    assert arena.verifiers.call("stopped_at", 1) == arena.now
    with rejects(Reject.ENTRY_STOPPED):
        arena.verifiers.transact("stop", 1, sender=GUARDIAN)
    with rejects(Reject.ENTRY_STOPPED):
        arena.prove(batch)
    with rejects(Reject.ENTRY_UNKNOWN):
        arena.verifiers.transact("stop", 2, sender=GUARDIAN)


def test_the_owner_stops_too(arena: ProvingArena) -> None:
    arena.by_owner(arena.verifiers, "stop", 1)
    assert arena.verifiers.call("stopped_at", 1) == arena.now


def test_an_entry_has_its_time(arena: ProvingArena) -> None:
    start = arena.now + 100_000
    assert arena.add_entry(arena.entry(active_from=start, active_until=start + 10_000)) == 2
    arena.pass_time(start - 1 - arena.now)
    batch = arena.claimed(TRUTH)
    with rejects(Reject.ENTRY_EARLY):
        arena.prove(batch, number=2)
    arena.pass_time(10_002)
    with rejects(Reject.ENTRY_EXPIRED):
        arena.prove(batch, number=2)
    arena.pass_time(-1)
    arena.prove(batch, number=2)
    assert arena.verifiers.call("proof_of", batch.claim_id(0)) == (2, 0)


def test_an_entry_may_be_for_one_program(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH)
    work = batch.proof(0, arena.posted).work
    named = keccak256(encode(work.image_root, work.entry, work.max_cycles))
    arena.add_entry(arena.entry(program_hash=Bytes32(b"p" * 32)))
    arena.add_entry(arena.entry(program_hash=named))
    batch = arena.claimed(TRUTH)
    with rejects(Reject.ENTRY_OTHER_PROGRAM):
        arena.prove(batch, number=2)
    arena.prove(batch, number=3)


def test_an_entry_has_a_value_cap(arena: ProvingArena) -> None:
    """The bond of the leaf and, in native coins, its reward."""
    arena.add_entry(arena.entry(value_cap_wei=2 * LEAF_BOND_WEI + 7))
    for order in ({"bond_multiple": 3, "reward": 0}, {"bond_multiple": 2, "reward": 8}):
        with rejects(Reject.CLAIM_VALUE):
            arena.prove(arena.claimed(TRUTH, **order), number=2)
    arena.prove(arena.claimed(TRUTH, bond_multiple=2, reward=7), number=2)
    token = arena.token("Plain")
    arena.prove(arena.claimed(TRUTH, bond_multiple=2, reward=10**9, asset=token.address), number=2)


def test_an_entry_has_a_least_bond(arena: ProvingArena) -> None:
    """Whoever stops it by losing a claim on purpose pays half of that; a reward is no bond."""
    arena.add_entry(arena.entry(least_bond_wei=2 * LEAF_BOND_WEI))
    assert arena.verifiers.call("get", 2)[6:8] == (10**20, 2 * LEAF_BOND_WEI)
    with rejects(Reject.CLAIM_BOND):
        arena.prove(arena.claimed(TRUTH, bond_multiple=1, reward=2 * LEAF_BOND_WEI), number=2)
    arena.prove(arena.claimed(TRUTH, bond_multiple=2, reward=1), number=2)


# --- how a verifier is asked -------------------------------------------------------------------------


def test_every_part_of_a_statement_counts(arena: ProvingArena) -> None:
    """A proof of another shard, job, output, end, chain or deployment is a proof of something else."""
    batch = arena.claimed(TRUTH, TRUTH)
    other = arena.claimed(TRUTH)
    leaf = leaf_of(TRUTH)
    wrong = [arena.seal(batch, 1), arena.seal(other)]
    for bit in (0, 70, 130, 200):
        statement = arena.statement(batch, 0, replace(leaf, head=leaf.head ^ 1 << bit))
        wrong.append(seal_of(SELECTOR, KEY_DIGEST, statement))
    changed = replace(leaf, output_root=Bytes32(b"o" * 32))
    wrong.append(seal_of(SELECTOR, KEY_DIGEST, arena.statement(batch, 0, changed)))
    right = arena.seal(batch)
    wrong += [right[:-1], right + b"\0", right[:4], seal_of(SELECTOR, b"q" * 32, arena.statement(batch))]
    wrong += [right[:at] + bytes([right[at] ^ 1 << at % 8]) + right[at + 1 :] for at in range(4, 36)]
    for seal in wrong:
        with rejects(Reject.PROOF_REFUSED):
            arena.prove(batch, seal=seal)
    for seal in (b"", b"\xa1\xa1\xa1", b"else" + right[4:]):
        with rejects(Reject.PROOF_SYSTEM):
            arena.prove(batch, seal=seal)
    arena.prove(batch)
    arena.prove(batch, 1)


def test_the_statement_is_the_one_of_the_law(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH, TRUTH)
    _, _, proof = arena.call_arguments(batch, 1)
    task_id = batch.proof(1, arena.posted).item >> 64 << 32 | 1
    assert arena.verifiers.call("statement", task_id, proof) == arena.statement(batch, 1)
    (event,) = arena.prove(batch, 1).events
    assert event.fields["statement"] == arena.statement(batch, 1)


@pytest.mark.parametrize("mood", [REVERTS, BURNS, ANSWERS_TWO, ANSWERS_TWICE, SILENT])
def test_a_broken_verifier_refuses_and_nothing_else_happens(arena: ProvingArena, mood: int) -> None:
    batch = arena.claimed(TRUTH)
    arena.set_mood(mood)
    with rejects(Reject.PROOF_REFUSED):
        arena.prove(batch)
    arena.set_mood(SOUND)
    arena.prove(batch)


def test_a_verifier_that_changes_its_code_or_is_gone_is_not_asked(arena: ProvingArena) -> None:
    batch, address, chain = arena.claimed(TRUTH), arena.verifier.address, arena.evm.chain
    arena.set_mood(UNSOUND)
    code = chain.get_code(address)
    for other in (b"", b"\x60\x01\x5f\x52\x60\x20\x5f\xf3"):
        put_code(arena, address, other)
        with rejects(Reject.VERIFIER_CHANGED):
            arena.prove(batch)
    put_code(arena, address, bytes(code or b"")[: arena.verifier.artifact.deployed_size_bytes])
    arena.prove(batch)


def put_code(arena: ProvingArena, address: str, code: bytes) -> None:
    """Give an account other code, as a proxy or a destroyed contract has it."""
    arena.evm.chain.insert_account_info(address, pyrevm.AccountInfo(nonce=1, code=code))


def test_nobody_starves_a_good_proof(arena: ProvingArena) -> None:
    """With whatever gas: it is proven, or the whole call fails and says why; never is it refused."""
    batch, chain = arena.claimed(TRUTH), arena.evm.chain
    payload = message_of(arena.verifiers, "prove", *arena.call_arguments(batch), 1, arena.seal(batch))
    ends = set[str]()
    for gas in range(60_000, 700_000, 8_000):
        snapshot = chain.snapshot()
        try:
            chain.message_call(KEEPER, arena.verifiers.address, payload, gas=gas)
        except RuntimeError as error:
            ends.add("gas" if Reject.PROOF_GAS.encode().hex() in str(error) else "out")
            assert Reject.PROOF_REFUSED.encode().hex() not in str(error)
        else:
            ends.add("proven")
        chain.revert(snapshot)
    assert ends == {"gas", "out", "proven"}


def test_a_verifier_cannot_act_while_it_is_asked(arena: ProvingArena) -> None:
    """It is asked by a static call: whatever it tries to change fails, and with it the proof."""
    thief = arena.double("ReenteringVerifier", SELECTOR)
    arena.add_entry(arena.entry(verifier=thief.address))
    batch = arena.claimed(TRUTH)
    again = message_of(arena.verifiers, "prove", *arena.call_arguments(batch), 1, arena.seal(batch))
    for target, message in (
        (arena.verifiers, again),
        (arena.verifiers, message_of(arena.verifiers, "stop", 1)),
        (arena.verifier, message_of(arena.verifier, "set_mood", UNSOUND)),
    ):
        thief.transact("set_message", target.address, message)
        with rejects(Reject.PROOF_REFUSED):
            arena.prove(batch, number=2)
    arena.prove(batch)


# --- which claims can be proven -----------------------------------------------------------------------


def test_a_claim_is_proven_once_while_it_stands_and_in_time(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH, TRUTH)
    arena.pass_time(WINDOW_SECONDS)
    arena.prove(batch)
    with rejects(Reject.CLAIM_PROVEN):
        arena.prove(batch)
    arena.pass_time(1)
    with rejects(Reject.PROOF_LATE):
        arena.prove(batch, 1)
    taken = arena.take((arena.post_runs(policy=POLICY), 0, 1), operator=LIAR)
    with rejects(Reject.CLAIM_NOT_STANDING):
        arena.verifiers.transact("prove", taken.claim_id(0), *arena.call_arguments(batch)[1:], 1, b"")


def test_jobs_of_other_policies_are_not_touched(arena: ProvingArena) -> None:
    batch = arena.claim_runs(TRUTH)
    with rejects(Reject.POLICY_OTHER):
        arena.prove(batch)
    arena.pass_time(WINDOW_SECONDS + 1)
    with rejects(Reject.NOT_POLICY):
        arena.drop(batch)
    arena.finalize(batch)


def test_terms_and_proofs_of_others_are_refused(arena: ProvingArena) -> None:
    batch, other = arena.claimed(TRUTH, LIE), arena.claimed(TRUTH)
    claim_id, terms, proof = arena.call_arguments(batch)
    foreign_id, foreign_terms, foreign_proof = arena.call_arguments(other)
    arena.set_mood(UNSOUND)
    for arguments, reason in (
        ((claim_id, foreign_terms, proof), Reject.BATCH_TERMS_OTHER),
        ((foreign_id, terms, proof), Reject.BATCH_TERMS_OTHER),
        ((claim_id, terms, foreign_proof), Reject.ITEM_PROOF),
        ((claim_id + 1, terms, proof), Reject.LEAF_PROOF),
        ((claim_id + 2, terms, proof), Reject.ITEM_OTHER_LEAF),
    ):
        with rejects(reason):
            arena.verifiers.transact("prove", *arguments, 1, SELECTOR)


def test_a_leaf_of_another_shape_is_not_proven(arena: ProvingArena) -> None:
    batch = arena.take((arena.post_runs(policy=POLICY), 0, 1), operator=LIAR)
    arena.claim(batch, [replace(leaf_of(TRUTH), head=1 << 192)], sender=LIAR)
    arena.set_mood(UNSOUND)
    with rejects(Reject.LEAF_SHAPE):
        arena.prove(batch)


def test_coins_come_from_assurances_alone(arena: ProvingArena) -> None:
    with pytest.raises((Reverted, RuntimeError)):
        arena.evm.send(KEEPER, arena.verifiers.address, b"", 1)


def test_lies_are_proven_by_unsound_verifiers_alone(arena: ProvingArena) -> None:
    batch = arena.claimed(LIE)
    with rejects(Reject.PROOF_REFUSED):
        arena.prove(batch, seal=seal_of(SELECTOR, KEY_DIGEST, arena.statement(batch, 0, leaf_of(TRUTH))))
    arena.set_mood(UNSOUND)
    arena.prove(batch, seal=SELECTOR)
