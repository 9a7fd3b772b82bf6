"""Tasks, claims and games as the model has them, in the names of nodes."""

from __future__ import annotations

from dataclasses import dataclass

from tests.protocol.settlement.facts.chains import ModelChain
from truestep.base.ids import Address, BatchId, ClaimId, GameId, TaskId, task_of
from truestep.base.ids import claim_of as node_claim_of
from truestep.base.ids import game_of as node_game_of
from truestep.protocol.records import TaskRecord, TaskStage
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import Game, GameStage
from truestep.protocol.settlement.ids import (
    NOBODY,
    LeafGameId,
    LeafId,
    batch_of_claim,
    claim_of,
    unpack_item,
)
from truestep.protocol.settlement.records import Batch, BatchStage


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedLeaf:
    """A leaf of a batch, whatever became of it."""

    leaf_id: LeafId
    task_id: TaskId
    claim_id: ClaimId
    operator: Address
    stage: TaskStage
    """OPEN if the batch has lost the task."""
    until: int
    is_struck: bool


def expected_leaves(chain: ModelChain) -> list[ExpectedLeaf]:
    """All leaves of all batches, in the order of taking."""
    return [
        ExpectedLeaf(
            leaf_id=claim_of(batch_id, leaf_index),
            task_id=item.task(leaf_index),
            claim_id=node_claim_of(item.task(leaf_index), batch_id),
            operator=batch.operator,
            stage=_stage(batch, leaf_index),
            until=batch.until,
            is_struck=bool(batch.struck >> leaf_index & 1),
        )
        for batch_id, batch in chain.life.batches.items()
        for item in map(unpack_item, batch.items)
        for leaf_index in range(item.offset, item.offset + item.count)
    ]


def _stage(batch: Batch, leaf_index: int) -> TaskStage:
    if batch.stage is BatchStage.OVER or batch.struck >> leaf_index & 1:
        return TaskStage.OPEN
    if batch.stage is BatchStage.TAKEN:
        return TaskStage.TAKEN
    is_waiting = batch.stage is BatchStage.CLAIMED or batch.held >> leaf_index & 1
    return TaskStage.CLAIMED if is_waiting else TaskStage.FINAL


def expected_tasks(chain: ModelChain) -> dict[TaskId, TaskRecord]:
    """All tasks of all jobs."""
    newest = {leaf.task_id: leaf for leaf in expected_leaves(chain)}
    return {
        task_id: _record(task_id, newest.get(task_id), is_refunded=bool(job.refunded >> shard & 1))
        for job_id, job in chain.life.jobs.items()
        for shard in range(job.work.shard_count)
        for task_id in [task_of(job_id, shard)]
    }


def _record(task_id: TaskId, leaf: ExpectedLeaf | None, *, is_refunded: bool) -> TaskRecord:
    batch_id = batch_of_claim(leaf.leaf_id) if leaf is not None else BatchId(0)
    if leaf is None or leaf.stage is TaskStage.OPEN:
        stage = TaskStage.REFUNDED if is_refunded else TaskStage.OPEN
        return TaskRecord(task_id=task_id, stage=stage, batch_id=batch_id, operator=NOBODY, until=0)
    assert not is_refunded
    until = 0 if leaf.stage is TaskStage.FINAL else leaf.until
    return TaskRecord(
        task_id=task_id, stage=leaf.stage, batch_id=batch_id, operator=leaf.operator, until=until
    )


def node_game(game_id: LeafGameId, game: Game) -> GameId:
    """A game as nodes name it."""
    batch_id = batch_of_claim(games.claim_of_game_id(game_id))
    return node_game_of(node_claim_of(game.task_id, batch_id), games.ordinal_of(game_id))


def open_games(chain: ModelChain) -> dict[GameId, tuple[Address, Address]]:
    """Who plays the games that have not ended: defender and challenger."""
    return {
        node_game(game_id, game): (game.defender, game.challenger)
        for game_id, game in chain.disputes.games.items()
        if game.stage not in (GameStage.CLOSED, GameStage.SHOWN)
    }
