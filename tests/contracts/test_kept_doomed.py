"""Kept notes leaves whose data is gone while games are open on them (docs/availability.md A5.5)."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.evm import rejects
from tests.contracts.keeping import KeptArena
from tests.contracts.playing import CLOCK, LIAR, MALICE
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import KEEPER
from tests.contracts.settlement import TakenBatch
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.settlement.contracts.disputes import GameOutcome
from truestep.protocol.settlement.records import LeafProof

LIE, TRUTH = falsified_run(SUM), run(SUM)
WINDOW_SECONDS = 30_000
OTHER_ROOT = Bytes32(b"o" * 32)


@pytest.fixture
def arena() -> KeptArena:
    return KeptArena()


@pytest.mark.parametrize("state", [ItemState.STRUCK, ItemState.LOST])
def test_a_lie_without_its_input_does_not_end_behind_the_game_of_a_friend(
    arena: KeptArena, state: ItemState
) -> None:
    """The leaf is noted under the game, and its batch does not end while it stands, whoever comes first."""
    job, item = arena.supplied_job()
    batch = arena.claim_runs(LIE, TRUTH, job=job)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    arena.pass_time(WINDOW_SECONDS)
    play = arena.open(batch, LIE, TRUTH, MALICE)
    arena.put(item, state, was_kept=True)
    with rejects(Reject.LEAF_PROOF):
        arena.kept.transact(
            "fail", batch.claim_id(0), astuple(batch.terms), astuple(forged(batch, arena)), sender=KEEPER
        )
    arena.fail(batch)
    assert arena.kept.call("doomed", batch.batch_id) == 1
    arena.pass_time(1)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch, has_items=True)
    play.split()
    arena.pass_time(CLOCK + 1)
    assert play.settle() is GameOutcome.DEFENDER_WON
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.fail(batch)
    arena.fail(batch, 1)
    assert arena.stake(LIAR)[1] == 0


def forged(batch: TakenBatch, arena: KeptArena) -> LeafProof:
    """A proof that the leaf says something else."""
    proof = batch.proof(0, arena.posted)
    return replace(proof, leaf=replace(proof.leaf, output_root=OTHER_ROOT))
