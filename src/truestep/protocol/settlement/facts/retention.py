"""When things are over and leave the facts.

A batch stays while it can be claimed, challenged or finalized, while its claims are needed to reward those
that struck another claim on one of its tasks, and while results that are wanted are not written out. A
challenged claim stays while it has a game that can be moved, settled or rewarded. A job stays while one of
its shards can be taken or refunded, and while one of these things needs it.
"""

from collections.abc import Iterator

from truestep.base.ids import Address, BatchId, JobId, TaskId, job_of_task, shard_of_task, task_of
from truestep.protocol.quorum.policy import late_seats
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import GameStage
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.leaves import leaf_at
from truestep.protocol.settlement.facts.records import KnownBatch, KnownDispute, KnownJob
from truestep.protocol.settlement.ids import (
    NOBODY,
    Item,
    LeafGameId,
    LeafId,
    batch_of_claim,
    claim_of,
    job_of_item,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.jobs import source_of
from truestep.protocol.settlement.records import Batch, BatchStage, JobTerms
from truestep.protocol.tables import add_to


def is_wanted(keeps: frozenset[Address] | None, terms: JobTerms) -> bool:
    """Whether the results of a job stay until they are written out."""
    return keeps is None or terms.requester in keeps or terms.consumer in keeps


def items_of(batch: Batch) -> Iterator[Item]:
    """The ranges of a batch."""
    return map(unpack_item, batch.items)


def final_leaves(batch: Batch) -> int:
    """A bit for each leaf of a FINAL batch that is final."""
    return (1 << batch.leaf_count) - 1 & ~(batch.held | batch.struck)


def leaves_of_item(item: Item) -> int:
    """A bit for each leaf of an item."""
    return (1 << item.count) - 1 << item.offset


# --- batches and jobs -----------------------------------------------------------------------------


def drop_batch_if_over(draft: Draft, batch_id: BatchId) -> None:
    """Drop a batch that nothing needs, and then its jobs."""
    known = draft.batches.get(batch_id)
    if known is None or _is_batch_needed(draft, batch_id, known):
        return
    draft.batches.drop(batch_id)
    _forget_kept_batch(draft, batch_id)
    _forget_proofs(draft, batch_id, known.batch)
    draft.audited.drop(batch_id)  # an audit whose claim was struck stays until somebody has closed it
    doubted = _doubted_tasks(draft, batch_id)
    _forget_sitting(draft, batch_id)
    for item in items_of(known.batch):
        draft.need_job(item.job_id, -1)
        drop_job_if_over(draft, item.job_id)
    for task_id in doubted:
        _drop_result_if_over(draft, task_id)


def _is_batch_needed(draft: Draft, batch_id: BatchId, known: KnownBatch) -> bool:
    batch = known.batch
    if batch.struck and _holds_of(draft, batch_id):  # their bonds come back
        return True
    if _awaits_judging(draft, batch_id, batch):
        return True
    if batch.stage is BatchStage.OVER:
        return False
    if batch.stage is not BatchStage.FINAL or batch.held:
        return True
    if any(batch_of_claim(claim_id) == batch_id for claim_id in draft.results.entries.values()):
        return True
    unwritten = final_leaves(batch) & ~known.written
    return any(
        unwritten & leaves_of_item(item) and draft.job(item.job_id).is_wanted for item in items_of(batch)
    )


def _holds_of(draft: Draft, batch_id: BatchId) -> list[tuple[BatchId, int]]:
    """The holds of a batch that are not settled."""
    known = draft.kept_batches.get(batch_id)
    if known is None or not known.hold_count:
        return []
    return [key for key in draft.holds.entries if key[0] == batch_id]


def _forget_kept_batch(draft: Draft, batch_id: BatchId) -> None:
    """Nobody gains by the holds that are left, and nobody needs the item."""
    known = draft.kept_batches.get(batch_id)
    if known is None:
        return
    for key in _holds_of(draft, batch_id):
        draft.holds.drop(key)
    draft.kept_batches.drop(batch_id)
    draft.data.need(known.item_id, -1)


def _forget_proofs(draft: Draft, batch_id: BatchId, batch: Batch) -> None:
    """Proofs of a batch that is over, but for those that are contradicted and whose entry is not stopped."""
    for leaf_index in range(batch.leaf_count if draft.proven.get(batch_id) else 0):
        found = draft.proofs.get(claim_of(batch_id, leaf_index))
        is_struck = batch.struck >> leaf_index & 1
        if found is not None and not (is_struck and not draft.entries[found.number - 1].stopped_at):
            draft.proofs.drop(claim_of(batch_id, leaf_index))
    draft.proven.drop(batch_id)
    draft.reopened_until.drop(batch_id)


def _awaits_judging(draft: Draft, batch_id: BatchId, batch: Batch) -> bool:
    """Whether members of a committee are still to be paid or charged (docs/quorum.md Q5, Q6.2)."""
    sitting, seating = draft.sittings.get(batch_id), draft.facts.seating
    if sitting is None or seating is None:
        return False
    if batch.struck:
        unpaid = sitting.dissented & ~sitting.compensated
        return unpaid.bit_count() >= seating.rules.needed or _has_liars(draft, batch_id)
    job_id = job_of_item(batch.items[0])
    seated = draft.committees.get(job_id)
    if batch.stage is not BatchStage.FINAL or not sitting.is_proven or seated is None:
        return False
    said, seconds = draft.commitments.entries, draft.job(job_id).job.terms.lease_seconds
    return bool(late_seats(sitting, said, batch_id, batch, seated.members, seconds))


# A task is in doubt while a claim on it has fallen that members have confirmed and not paid for.
# Its result will say whether they must (docs/quorum.md Q5.2).


def tasks_in_doubt(draft: Draft, job_id: JobId) -> set[TaskId]:
    """The tasks of a job that are in doubt."""
    of_job = (batch_id for batch_id in draft.sittings.entries if _is_of_job(draft, batch_id, job_id))
    return {task_id for batch_id in of_job for task_id in _doubted_tasks(draft, batch_id)}


def drop_batches_in_doubt(draft: Draft, job_id: JobId) -> None:
    """A result is known, or there will be none: who has confirmed another one stays, and nobody else."""
    for batch_id in [each for each in draft.sittings.entries if _is_of_job(draft, each, job_id)]:
        known = draft.batches.get(batch_id)
        if known is not None and known.batch.struck:
            drop_batch_if_over(draft, batch_id)


def _is_of_job(draft: Draft, batch_id: BatchId, job_id: JobId) -> bool:
    known = draft.batches.get(batch_id)
    return known is not None and job_of_item(known.batch.items[0]) == job_id


def _doubted_tasks(draft: Draft, batch_id: BatchId) -> list[TaskId]:
    sitting, known = draft.sittings.get(batch_id), draft.batches.get(batch_id)
    if sitting is None or known is None or not sitting.confirmed & ~sitting.charged:
        return []
    item = unpack_item(known.batch.items[0])
    struck = (index for index in range(known.batch.leaf_count) if known.batch.struck >> index & 1)
    return [item.task(leaf_index) for leaf_index in struck]


def _has_liars(draft: Draft, batch_id: BatchId) -> bool:
    """Whether members can be charged for what they have confirmed, or may be once there is a result."""
    known, refunded = draft.batch(batch_id), 0
    item = unpack_item(known.batch.items[0])
    of_job = draft.jobs.get(item.job_id)
    if of_job is not None:
        refunded = of_job.job.refunded
    for task_id in _doubted_tasks(draft, batch_id):
        final_id = draft.results.get(task_id)
        final = draft.batches.get(batch_of_claim(final_id)) if final_id is not None else None
        if final_id is None or final is None:
            if not refunded >> shard_of_task(task_id) & 1:
                return True
            continue
        leaf_index = item.offset + shard_of_task(task_id) - item.first_shard
        if leaf_at(known.leaves, leaf_index) != leaf_at(final.leaves, leaf_of_claim(final_id)):
            return True
    return False


def _forget_sitting(draft: Draft, batch_id: BatchId) -> None:
    """What members have said of a batch that is over."""
    draft.sittings.drop(batch_id)
    for table in (draft.commitments, draft.dissents):
        for key in [key for key in table.entries if key[0] == batch_id]:
            table.drop(key)


def drop_job_if_over(draft: Draft, job_id: JobId) -> None:
    """Drop a job of which every shard is final or refunded and that nothing needs."""
    known = draft.jobs.get(job_id)
    if known is None or known.needed_by or _awaits_callback(known) or _awaits_refund(draft, job_id, known):
        return
    job = known.job
    if known.final | job.refunded != (1 << job.work.shard_count) - 1:
        return
    draft.jobs.drop(job_id)
    for item_id in draft.supplied.get(job_id) or ():
        draft.data.need(item_id, -1)
    draft.supplied.drop(job_id)
    draft.purses.drop(job_id)
    draft.funds.drop(job_id)
    draft.committees.drop(job_id)
    for key in [key for key in draft.failed.entries if key[0] == job_id]:
        draft.failed.drop(key)
    _forget_lots(draft, job_id)
    if job.final_count:
        for shard in range(job.work.shard_count):
            draft.outcomes.drop(task_of(job_id, shard))


def _forget_lots(draft: Draft, job_id: JobId) -> None:
    """Who was drawn for a job that is over."""
    if draft.offers.get(job_id) is None:
        return
    draft.offers.drop(job_id)
    for key in [key for key in draft.lots.entries if key[0] == job_id]:
        draft.lots.drop(key)
    for late in [key for key in draft.late.entries if key[0] == job_id]:
        draft.late.drop(late)


def _awaits_refund(draft: Draft, job_id: JobId, known: KnownJob) -> bool:
    """Whether fees of audits or a committee come back to its requester, whose job this is.

    The call that gives them back names the job (docs/audits.md U2.3, docs/quorum.md Q6.4).
    """
    if not known.is_wanted:
        return False
    funds = (draft.funds.get(job_id), draft.purses.get(job_id))
    return any(each is not None and each.left_wei != 0 for each in funds)


def _awaits_callback(known: KnownJob) -> bool:
    job = known.job
    can_be_called = known.is_wanted and job.terms.consumer != NOBODY and not job.is_called_back
    return can_be_called and job.final_count == job.work.shard_count


def needs_source(known: KnownJob) -> bool:
    """Whether a job is a reducer that can still be fed."""
    return not known.job.is_fed and not known.job.refunded


def release_source(draft: Draft, reducer: KnownJob) -> None:
    """A reducer is fed or refunded: its source may be over."""
    source_id = source_of(reducer.job.terms.reducer_of)
    draft.need_job(source_id, -1)
    drop_job_if_over(draft, source_id)


# --- challenged claims ----------------------------------------------------------------------------


def games_of(draft: Draft, claim_id: LeafId) -> list[LeafGameId]:
    """The games on a claim."""
    return [game_id for game_id in draft.games.entries if games.claim_of_game_id(game_id) == claim_id]


def drop_dispute_if_over(draft: Draft, claim_id: LeafId) -> None:
    """Drop the games of a claim that nothing can come of, and the claim if it has no others."""
    known = draft.disputes.get(claim_id)
    if known is None:
        return
    left = games_of(draft, claim_id)
    if known.claim.struck_at == 0:
        if left or is_leaf_undecided(draft, claim_id):
            return
    elif known.claim.pot_wei == 0:
        for game_id in left:
            if draft.games.entries[game_id].stage in (GameStage.CLOSED, GameStage.SHOWN):
                draft.games.drop(game_id)
        left = games_of(draft, claim_id)
    if not left:
        _drop_dispute(draft, claim_id, known)
        if known.claim.pot_wei:  # refuted, and all its games were lost: nobody can win it
            end_pot(draft, known.task_id)


def _drop_dispute(draft: Draft, claim_id: LeafId, known: KnownDispute) -> None:
    draft.disputes.drop(claim_id)
    for key in [key for key in draft.ordinals.entries if key[0] == claim_id]:
        draft.ordinals.drop(key)
    for shown in [key for key in draft.shown.entries if key[0] == claim_id]:
        draft.shown.drop(shown)
    for node in [node for node, split in draft.splits.entries.items() if split.claim_id == claim_id]:
        draft.splits.drop(node)
    job_id = job_of_task(known.task_id)
    draft.need_job(job_id, -1)
    drop_job_if_over(draft, job_id)


def is_leaf_undecided(draft: Draft, claim_id: LeafId) -> bool:
    """Whether a leaf is neither final nor struck."""
    batch_id, leaf_index = batch_of_claim(claim_id), leaf_of_claim(claim_id)
    known = draft.batches.get(batch_id)
    if known is None:
        return False
    batch = known.batch
    if batch.stage is BatchStage.FINAL:
        return bool(batch.held >> leaf_index & 1)
    return leaf_index < batch.leaf_count and not batch.struck >> leaf_index & 1


def drop_disputes_of_leaves(draft: Draft, batch_id: BatchId, leaves: int) -> None:
    """Drop the games, and the nodes without games, of leaves that can have no more of them."""
    splits = draft.splits.entries
    for node in [n for n, split in splits.items() if batch_of_claim(split.claim_id) == batch_id]:
        claim_id = splits[node].claim_id
        if leaves >> leaf_of_claim(claim_id) & 1 and draft.disputes.get(claim_id) is None:
            draft.splits.drop(node)
    for leaf_index in range(leaves.bit_length()):
        if leaves >> leaf_index & 1:
            drop_dispute_if_over(draft, claim_of(batch_id, leaf_index))


def drop_splits_of_no_leaf(draft: Draft, batch_id: BatchId, leaf_count: int) -> None:
    """Drop the nodes of leaves that a batch turns out not to have: it was taken only now."""
    splits = draft.splits.entries
    for node in [node for node, split in splits.items() if batch_of_claim(split.claim_id) == batch_id]:
        if leaf_of_claim(splits[node].claim_id) >= leaf_count:
            draft.splits.drop(node)


def end_pot(draft: Draft, task_id: TaskId) -> None:
    """A claim on the task has no more winners: its final claim may be needed no longer."""
    add_to(draft.pots, task_id, -1)
    _drop_result_if_over(draft, task_id)


def _drop_result_if_over(draft: Draft, task_id: TaskId) -> None:
    final_id = draft.results.get(task_id)
    is_needed = draft.pots.get(task_id) is not None or task_id in tasks_in_doubt(draft, job_of_task(task_id))
    if final_id is not None and not is_needed:
        draft.results.drop(task_id)
        drop_batch_if_over(draft, batch_of_claim(final_id))
