"""Claims and games: by task and batch as nodes name them, by batch and leaf as the contracts do."""

from truestep.base import ids
from truestep.base.ids import BatchId, ClaimId, GameId, TaskId
from truestep.protocol.settlement import games
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.retention import items_of
from truestep.protocol.settlement.ids import (
    BATCH_LIMIT,
    LeafGameId,
    LeafId,
    batch_of_claim,
    claim_of,
    leaf_of_claim,
)


def claim_of_leaf(task_id: TaskId, leaf_id: LeafId) -> ClaimId:
    """A claim as nodes name it."""
    return ids.claim_of(task_id, batch_of_claim(leaf_id))


def game_of_leaf(task_id: TaskId, game_id: LeafGameId) -> GameId:
    """A game as nodes name it."""
    claim_id = claim_of_leaf(task_id, games.claim_of_game_id(game_id))
    return ids.game_of(claim_id, games.ordinal_of(game_id))


def leaf_of(facts: Facts, claim_id: ClaimId) -> LeafId | None:
    """A claim as the contracts name it; None if it is over, or was never made."""
    return leaf_in_batch(facts, ids.batch_of_claim(claim_id), ids.task_of_claim(claim_id))


def leaf_in_batch(facts: Facts, batch_id: BatchId, task_id: TaskId) -> LeafId | None:
    """The leaf of a task in a batch. Of a batch that is over, only leaves with games are known."""
    known, job_id, shard = facts.batches.get(batch_id), ids.job_of_task(task_id), ids.shard_of_task(task_id)
    if known is not None:
        for item in items_of(known.batch):
            if item.job_id == job_id and shard in item.shards:
                return claim_of(batch_id, item.offset + shard - item.first_shard)
        return None
    for leaf_index in range(BATCH_LIMIT if facts.disputes else 0):
        leaf_id = claim_of(batch_id, leaf_index)
        dispute = facts.disputes.get(leaf_id)
        if dispute is not None and dispute.task_id == task_id:
            return leaf_id
    return None


def leaf_game_of(facts: Facts, game_id: GameId) -> LeafGameId | None:
    """A game as the contracts name it; None if its claim is over, or was never made."""
    leaf_id = leaf_of(facts, ids.claim_of_game(game_id))
    return None if leaf_id is None else LeafGameId(leaf_id << ids.PART_BITS | game_id & ids.PART_MASK)


def task_of_leaf(facts: Facts, leaf_id: LeafId) -> TaskId | None:
    """The task of a leaf; None if its batch is over and it has no games."""
    known, leaf_index = facts.batches.get(batch_of_claim(leaf_id)), leaf_of_claim(leaf_id)
    if known is not None:
        for item in items_of(known.batch):
            if item.has_leaf(leaf_index):
                return item.task(leaf_index)
    dispute = facts.disputes.get(leaf_id)
    return dispute.task_id if dispute is not None else None
