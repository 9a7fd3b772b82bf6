"""One proof of many claims (docs/validity.md V4.7): of which claims it may be, and what is kept of each."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.evm import Reverted, rejects
from tests.contracts.playing import HONEST, LIAR, leaf_of
from tests.contracts.proving import KEY_DIGEST, POLICY, SELECTOR, UNSOUND, ProvingArena
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import GUARDIAN
from tests.protocol.validity.world import seal_of
from truestep.base.errors import Reject

TRUTH, LIE = run(SUM), falsified_run(SUM)


@pytest.fixture
def arena() -> ProvingArena:
    return ProvingArena()


@pytest.mark.parametrize(("first", "count"), [(0, 2), (4, 4), (8, 8), (0, 32), (32, 2)])
def test_the_claims_are_proven_and_no_others(arena: ProvingArena, first: int, count: int) -> None:
    batch = arena.claimed(*[TRUTH] * 35, shard_count=40)
    receipt = arena.prove_many(batch, first, count)
    assert arena.verifiers.call("proven", batch.batch_id) == ((1 << count) - 1) << first
    for index in range(35):
        is_proven = first <= index < first + count
        assert arena.verifiers.call("is_proven", batch.claim_id(index)) == is_proven
        assert tuple(arena.verifiers.call("proof_of", batch.claim_id(index))) == (int(is_proven), 0)
    assert len(receipt.events) == count
    assert arena.result_by_proof(batch, first + count - 1)[1][0]
    with rejects(Reject.CLAIM_PROVEN):
        arena.prove_many(batch, first, count)
    with rejects(Reject.CLAIM_PROVEN):
        arena.prove(batch, first)


def test_leaves_behind_the_216th_have_their_bits_elsewhere(arena: ProvingArena) -> None:
    batch = arena.claimed(*[TRUTH] * 240, shard_count=240)
    arena.prove_many(batch, 208, 16)
    arena.prove(batch, 239)
    assert arena.verifiers.call("proven", batch.batch_id) == 0xFFFF << 208 | 1 << 239
    due, held = arena.verifiers.call("verdict", batch.batch_id, 0, 240)
    assert not due and held & 0xFFFF << 208 == 0 and held >> 239 & 1 == 0 and held >> 238 & 1 == 1


def test_numbers_and_places_that_are_no_subtree_are_refused(arena: ProvingArena) -> None:
    batch = arena.claimed(*[TRUTH] * 9, shard_count=9)
    for first, count in ((0, 1), (0, 3), (0, 6), (1, 2), (2, 4), (4, 8)):
        with rejects(Reject.CLAIMS_NO_SUBTREE):
            arena.prove_many(batch, first, count)
    with pytest.raises(Reverted):
        arguments = (*arena.call_arguments(batch, 0), [astuple(leaf_of(TRUTH))] * 32, 1, SELECTOR)
        arena.verifiers.transact("prove_many", *arguments)
    others = [astuple(leaf_of(TRUTH))]
    with rejects(Reject.ITEM_OTHER_LEAF):
        arguments = (*arena.call_arguments(batch, 8), others, 1, SELECTOR)
        arena.verifiers.transact("prove_many", *arguments)


@pytest.mark.parametrize("place", range(3))
def test_other_leaves_than_the_claimed_ones_are_refused(arena: ProvingArena, place: int) -> None:
    """Swapped, repeated or made up: even if the verifier takes everything."""
    batch = arena.claimed(TRUTH, LIE, TRUTH, LIE, shard_count=4)
    arena.set_mood(UNSOUND)
    others = list(batch.leaves[1:])
    others[place] = replace(others[place], left_root=b"l" * 32)
    for wrong in (others, [batch.leaves[2], batch.leaves[1], batch.leaves[3]], [batch.leaves[1]] * 3):
        arguments = (*arena.call_arguments(batch), [astuple(leaf) for leaf in wrong], 1, SELECTOR)
        with rejects(Reject.LEAF_PROOF):
            arena.verifiers.transact("prove_many", *arguments)


def test_a_leaf_of_another_shape_among_them_is_refused(arena: ProvingArena) -> None:
    batch = arena.take((arena.post_runs(policy=POLICY), 0, 4), operator=LIAR)
    leaves = [leaf_of(TRUTH)] * 2 + [replace(leaf_of(TRUTH), head=1 << 192), leaf_of(TRUTH)]
    arena.claim(batch, leaves, sender=LIAR)
    arena.set_mood(UNSOUND)
    with rejects(Reject.LEAF_SHAPE):
        arena.prove_many(batch, 0, 4)
    with rejects(Reject.LEAF_SHAPE):
        arena.prove_many(batch, 2, 2)
    arena.prove_many(batch, 0, 2)


def test_a_proof_of_one_or_of_other_claims_proves_not_many(arena: ProvingArena) -> None:
    batch = arena.claimed(*[TRUTH] * 8, shard_count=8)
    other = arena.claimed(*[TRUTH] * 8, shard_count=8)
    statements = (
        arena.statement(batch),
        arena.statement_of_many(batch, 0, 4),
        arena.statement_of_many(batch, 2, 2),
        arena.statement_of_many(other, 0, 2),
    )
    for statement in statements:
        with rejects(Reject.PROOF_REFUSED):
            arena.prove_many(batch, 0, 2, seal=seal_of(SELECTOR, KEY_DIGEST, statement))
    with rejects(Reject.PROOF_REFUSED):
        arena.prove(batch, seal=seal_of(SELECTOR, KEY_DIGEST, arena.statement_of_many(batch, 0, 2)))


def test_games_before_the_proof_end_and_are_counted_for_each_claim(arena: ProvingArena) -> None:
    batch = arena.claimed(*[TRUTH] * 4, shard_count=4)
    play = arena.open(batch, TRUTH, LIE, leaf_index=2, challenger=HONEST)
    arena.prove_many(batch, 0, 4)
    assert [tuple(arena.verifiers.call("proof_of", batch.claim_id(i))) for i in range(4)] == [
        (1, 0),
        (1, 0),
        (1, 1),
        (1, 0),
    ]
    assert arena.verifiers.call("ends_game", batch.claim_id(2) << 32 | 1)
    assert not arena.verifiers.call("ends_game", batch.claim_id(1) << 32 | 1)
    assert play.game_id == batch.claim_id(2) << 32 | 1


def test_claims_that_others_have_proven_keep_their_entry(arena: ProvingArena) -> None:
    """Each claim is stopped with the entry that has proven it, whatever group it is in."""
    second = arena.add_entry(arena.entry())
    batch = arena.claimed(*[TRUTH] * 8, shard_count=8)
    arena.prove(batch, 1, number=second)
    arena.prove_many(batch, 2, 2)
    arena.prove_many(batch, 4, 4, number=second)
    arena.prove_many(batch, 0, 8)
    expected = [1, second, 1, 1, *[second] * 4]
    found = [arena.verifiers.call("proof_of", batch.claim_id(index))[0] for index in range(8)]
    assert found == expected
    arena.verifiers.transact("stop", second, sender=GUARDIAN)
    proven = [arena.verifiers.call("is_proven", batch.claim_id(index)) for index in range(8)]
    assert proven == [number == 1 for number in expected]
