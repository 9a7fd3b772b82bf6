"""Whether events are missing before one, as far as the facts can tell.

An event *fits* if what it is about is in the facts, in a state in which such an event can come; others are
not taken in. It *follows* if its numbers and sums are those that come next; others show a gap all the same.

What can still happen to things that have left the facts because they are over, fits: a job that is over can
be closed, fed, written out and called back, and anybody can split a node that no game will come to.
"""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.base.ids import ProgramId, TaskId, job_of_task, shard_of_task
from truestep.protocol.settlement import games
from truestep.protocol.settlement.batches import bits_of
from truestep.protocol.settlement.contracts import (
    assurances,
    disputes,
    jobs,
    operators,
    parameters,
    programs,
    results,
)
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome, GameStage
from truestep.protocol.settlement.facts import (
    audit_events,
    data_events,
    lot_events,
    proof_events,
    quorum_events,
)
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.ids import LeafGameId, LeafId, batch_of_claim, leaf_of_claim, unpack_item
from truestep.protocol.settlement.jobs import source_of
from truestep.protocol.settlement.records import BatchStage, Stake
from truestep.protocol.settlement.trees import LEAF_WORDS


def fits(draft: Draft, event: object) -> bool:
    """Whether an event can be taken in."""
    check = _FITS.get(type(event))
    return check is None or check(draft, event)


def follows(draft: Draft, event: object) -> bool:
    """Whether the numbers and sums in an event are those that come next."""
    check = _FOLLOWS.get(type(event))
    return check is None or check(draft, event)


# --- parameters, programs, stakes -----------------------------------------------------------------


def _added(draft: Draft, event: parameters.Added) -> bool:
    return event.parameters_id == len(draft.facts.parameters) + 1


def _registered(draft: Draft, event: programs.Registered) -> bool:
    return event.program_id == len(draft.facts.programs) + 1


def _is_free(draft: Draft, event: operators.Withdrawn | operators.Locked) -> bool:
    return event.amount_wei <= (draft.stakes.get(event.operator) or Stake()).free_wei


def _is_locked(draft: Draft, event: operators.Unlocked | operators.Burned | operators.Seized) -> bool:
    return event.amount_wei <= (draft.stakes.get(event.operator) or Stake()).locked_wei


# --- jobs -----------------------------------------------------------------------------------------


def _has_rules(draft: Draft, event: jobs.Posted) -> bool:
    return 0 < event.terms.parameters_id <= len(draft.facts.parameters)


def _is_next_job(draft: Draft, event: jobs.Posted) -> bool:
    source_id = source_of(event.terms.reducer_of)
    has_program = ProgramId(0) < event.program_id <= len(draft.facts.programs)
    return event.job_id == draft.job_count + 1 and has_program and source_id <= draft.job_count


def _has_job(draft: Draft, event: jobs.ToppedUp) -> bool:
    return draft.jobs.get(event.job_id) is not None


def _can_be_cancelled(draft: Draft, event: jobs.Cancelled) -> bool:
    of_job = draft.jobs.get(event.job_id)
    return of_job is not None and all(shard < of_job.job.work.shard_count for shard in event.shards)


def _had_job(
    draft: Draft, event: assurances.Supplied | jobs.Closed | jobs.Resolved | results.Fed | results.CalledBack
) -> bool:
    return event.job_id <= draft.job_count


def _are_free(draft: Draft, event: jobs.Cancelled) -> bool:
    of_job = draft.jobs.get(event.job_id)
    return of_job is not None and not any(of_job.job.busy >> shard & 1 for shard in event.shards)


def _is_final(draft: Draft, event: results.WrittenOut) -> bool:
    """A result of a job that is over, or of a shard that is final."""
    job_id = job_of_task(event.task_id)
    of_job = draft.jobs.get(job_id)
    if of_job is None:
        return job_id <= draft.job_count
    return bool(of_job.final >> shard_of_task(event.task_id) & 1)


def _is_owed(draft: Draft, event: jobs.Withdrawn) -> bool:
    return draft.credits.get((event.asset, event.account)) == event.amount


# --- batches --------------------------------------------------------------------------------------


def _has_jobs(draft: Draft, event: jobs.Taken) -> bool:
    return all(
        (of_job := draft.jobs.get(item.job_id)) is not None
        and item.shards.stop <= of_job.job.work.shard_count
        for item in map(unpack_item, event.items)
    )


def _is_next_batch(draft: Draft, event: jobs.Taken) -> bool:
    return event.batch_id == draft.batch_count + 1 and all(
        (of_job := draft.jobs.get(item.job_id)) is not None and not of_job.job.busy & bits_of(item)
        for item in map(unpack_item, event.items)
    )


def _has_taken(draft: Draft, event: jobs.Claimed | jobs.Expired | jobs.Released) -> bool:
    of_batch = draft.batches.get(event.batch_id)
    return of_batch is not None and of_batch.batch.stage is BatchStage.TAKEN


def _can_be_claimed(draft: Draft, event: jobs.Claimed) -> bool:
    of_batch = draft.batches.get(event.batch_id)
    leaf_count = of_batch.batch.leaf_count if of_batch is not None else 0
    return _has_taken(draft, event) and len(event.leaves) == LEAF_WORDS * leaf_count


def _has_claimed(draft: Draft, event: jobs.Finalized) -> bool:
    of_batch = draft.batches.get(event.batch_id)
    return of_batch is not None and of_batch.batch.stage is BatchStage.CLAIMED


def _is_held(draft: Draft, event: jobs.LeafFinalized) -> bool:
    of_batch = draft.batches.get(batch_of_claim(event.claim_id))
    return of_batch is not None and bool(of_batch.batch.held >> leaf_of_claim(event.claim_id) & 1)


def _stands(draft: Draft, claim_id: LeafId, task_id: TaskId) -> bool:
    """Whether a leaf is claimed, of this task, and neither final nor struck."""
    of_batch, leaf_index = draft.batches.get(batch_of_claim(claim_id)), leaf_of_claim(claim_id)
    if of_batch is None:
        return False
    batch = of_batch.batch
    is_held = batch.stage is BatchStage.FINAL and batch.held >> leaf_index & 1
    if not (batch.stage is BatchStage.CLAIMED or is_held) or batch.struck >> leaf_index & 1:
        return False
    items = map(unpack_item, batch.items)
    return any(item.has_leaf(leaf_index) and item.task(leaf_index) == task_id for item in items)


def _can_be_struck(draft: Draft, event: jobs.Struck) -> bool:
    return _stands(draft, event.claim_id, event.task_id)


def _has_no_game(draft: Draft, event: assurances.StruckByPolicy) -> bool:
    """`Struck` has come before, and no game can have brought it about."""
    dispute = draft.disputes.get(event.claim_id)
    return dispute is not None and dispute.claim.struck_at != 0 and dispute.claim.open_count == 0


# --- games ----------------------------------------------------------------------------------------


def _can_be_opened(draft: Draft, event: disputes.Opened) -> bool:
    return _stands(draft, event.claim_id, event.game.task_id)


def _is_next_game(draft: Draft, event: disputes.Opened) -> bool:
    dispute = draft.disputes.get(event.claim_id)
    opened = dispute.claim.opened if dispute is not None else 0
    return games.ordinal_of(event.game_id) == opened + 1


def _is_running(draft: Draft, game_id: LeafGameId) -> bool:
    game = draft.games.get(game_id)
    return game is not None and game.stage not in (GameStage.CLOSED, GameStage.SHOWN)


def _is_struck(draft: Draft, claim_id: LeafId) -> bool:
    dispute = draft.disputes.get(claim_id)
    return dispute is not None and dispute.claim.struck_at != 0


def _is_same(known: Game, game: Game) -> bool:
    """Whether two records can be of one game: what it is about never changes."""
    fixed = (known.task_id, known.challenger, known.claimed_hash, known.rules)
    return fixed == (game.task_id, game.challenger, game.claimed_hash, game.rules)


def _can_move(draft: Draft, event: disputes.Moved | disputes.Adopted) -> bool:
    known, is_end = draft.games.get(event.game_id), event.game.stage == GameStage.CLOSED
    is_struck = _is_struck(draft, games.claim_of_game_id(event.game_id))
    return (
        known is not None
        and _is_same(known, event.game)
        and _is_running(draft, event.game_id)
        and is_end == is_struck
    )


def _is_ended(draft: Draft, event: disputes.EndedByProof) -> bool:
    return _is_running(draft, event.game_id)


def _can_be_settled(draft: Draft, event: disputes.Settled) -> bool:
    """`Moved` has closed a game before, unless its defender has won."""
    if event.outcome == GameOutcome.DEFENDER_WON:
        return _is_running(draft, event.game_id)
    game = draft.games.get(event.game_id)
    return game is not None and game.stage == GameStage.CLOSED


def _can_be_refuted(draft: Draft, event: disputes.Refuted) -> bool:
    """`Struck` has come before, and has said how many coins there are."""
    dispute = draft.disputes.get(event.claim_id)
    forfeited_wei = event.amount_wei + event.burned_wei
    return dispute is not None and dispute.claim.struck_at != 0 and forfeited_wei <= dispute.claim.pot_wei


def _can_be_shown(draft: Draft, event: disputes.Shown) -> bool:
    game = draft.games.get(event.game_id)
    return game is not None and game.stage == GameStage.CLOSED and _is_struck(draft, event.claim_id)


def _can_be_rewarded(draft: Draft, event: disputes.Rewarded) -> bool:
    game, dispute = draft.games.get(event.game_id), draft.disputes.get(event.claim_id)
    if game is None or dispute is None or game.stage not in (GameStage.CLOSED, GameStage.SHOWN):
        return False
    return 0 < event.amount_wei + event.burned_wei <= dispute.claim.pot_wei


def _is_owed_by_disputes(draft: Draft, event: disputes.Withdrawn) -> bool:
    return draft.bond_credits.get(event.account) == event.amount_wei


Check = Callable[[Draft, Any], bool]

_FITS: Mapping[type, Check] = {
    parameters.Added: _added,
    programs.Registered: _registered,
    assurances.Supplied: _had_job,
    assurances.StruckByPolicy: _has_no_game,
    operators.Withdrawn: _is_free,
    operators.Locked: _is_free,
    operators.Unlocked: _is_locked,
    operators.Burned: _is_locked,
    operators.Seized: _is_locked,
    jobs.Posted: _has_rules,
    jobs.ToppedUp: _has_job,
    jobs.Closed: _had_job,
    jobs.Cancelled: _can_be_cancelled,
    jobs.Resolved: _had_job,
    jobs.Taken: _has_jobs,
    jobs.Claimed: _can_be_claimed,
    jobs.Expired: _has_taken,
    jobs.Released: _has_taken,
    jobs.Finalized: _has_claimed,
    jobs.LeafFinalized: _is_held,
    jobs.Struck: _can_be_struck,
    results.WrittenOut: _is_final,
    results.CalledBack: _had_job,
    results.Fed: _had_job,
    disputes.Opened: _can_be_opened,
    disputes.Moved: _can_move,
    disputes.Adopted: _can_move,
    disputes.EndedByProof: _is_ended,
    disputes.Settled: _can_be_settled,
    disputes.Refuted: _can_be_refuted,
    disputes.Shown: _can_be_shown,
    disputes.Rewarded: _can_be_rewarded,
    **data_events.FITS,
    **proof_events.FITS,
    **audit_events.FITS,
    **quorum_events.FITS,
    **lot_events.FITS,
}
_FOLLOWS: Mapping[type, Check] = {
    jobs.Posted: _is_next_job,
    jobs.Cancelled: _are_free,
    jobs.Taken: _is_next_batch,
    jobs.Withdrawn: _is_owed,
    disputes.Opened: _is_next_game,
    disputes.Withdrawn: _is_owed_by_disputes,
    **data_events.FOLLOWS,
}
