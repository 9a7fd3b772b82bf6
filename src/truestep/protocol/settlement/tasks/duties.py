"""What is left to do besides taking, claiming and moving: the work of keepers, and of those that won."""

from collections.abc import Iterator
from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, ClaimId, GameId, JobId, job_of_task
from truestep.protocol import calls
from truestep.protocol.calls import Call
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import GameOutcome
from truestep.protocol.settlement.facts.due import Action, Due, due
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.views import game_view
from truestep.protocol.settlement.ids import LeafGameId, LeafId
from truestep.protocol.settlement.tasks.ids import claim_of_leaf, game_of_leaf, task_of_leaf


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Something that can be done now and gains an account or a job's parties something."""

    action: Action
    call: Call | None
    """None for `SHOW`: only the challenger knows what it committed to."""
    beneficiary: Address
    """Whose coins or result it is."""
    job_id: JobId
    claim_id: ClaimId | None = None
    game_id: GameId | None = None
    last_second: int | None = None
    """In which it can be done; None if that never ends by itself."""


def duties(facts: Facts, account: Address, now: int) -> tuple[Duty, ...]:
    """What anybody can do now for whom it concerns, and what the account alone must show, urgent first.

    Moves of games, claims and adoptions are no duties: they need what a node computes.
    """
    return tuple(duty for each in due(facts, account, now) for duty in _duties(facts, each, now))


def _duties(facts: Facts, each: Due, now: int) -> Iterator[Duty]:
    match each.action:
        case Action.EXPIRE | Action.FINALIZE:
            yield from _of_batch(facts, each, BatchId(each.subject))
        case Action.FINALIZE_LEAF | Action.WRITE_OUT:
            yield from _of_claim(facts, each, LeafId(each.subject))
        case Action.CANCEL | Action.CALL_BACK:
            yield from _of_job(facts, each, JobId(each.subject))
        case Action.SETTLE | Action.REWARD | Action.SHOW:
            yield from _of_game(facts, each, LeafGameId(each.subject), now)
        case _:
            pass


def _of_batch(facts: Facts, each: Due, batch_id: BatchId) -> Iterator[Duty]:
    batch = facts.batches[batch_id].batch
    is_expiry = each.action is Action.EXPIRE
    yield Duty(
        action=each.action,
        call=calls.ExpireBatch(batch_id=batch_id) if is_expiry else calls.FinalizeBatch(batch_id=batch_id),
        beneficiary=batch.operator,
        job_id=JobId(batch.items[0] >> 64),
    )


def _of_claim(facts: Facts, each: Due, leaf_id: LeafId) -> Iterator[Duty]:
    task_id = task_of_leaf(facts, leaf_id)
    if task_id is None:
        return
    claim_id, job_id = claim_of_leaf(task_id, leaf_id), job_of_task(task_id)
    is_writing = each.action is Action.WRITE_OUT
    batch = facts.batches[BatchId(leaf_id >> 8)].batch
    yield Duty(
        action=each.action,
        call=calls.WriteOut(claim_id=claim_id) if is_writing else calls.FinalizeClaim(claim_id=claim_id),
        beneficiary=facts.jobs[job_id].job.terms.requester if is_writing else batch.operator,
        job_id=job_id,
        claim_id=claim_id,
    )


def _of_job(facts: Facts, each: Due, job_id: JobId) -> Iterator[Duty]:
    job = facts.jobs[job_id].job
    idle = tuple(shard for shard in range(job.work.shard_count) if not job.busy >> shard & 1)
    is_cancelling = each.action is Action.CANCEL
    yield Duty(
        action=each.action,
        call=calls.CancelTasks(job_id=job_id, shards=idle[:256])
        if is_cancelling
        else calls.CallBack(job_id=job_id),
        beneficiary=job.terms.requester,
        job_id=job_id,
    )


def _of_game(facts: Facts, each: Due, leaf_game_id: LeafGameId, now: int) -> Iterator[Duty]:
    game, view = facts.games[leaf_game_id], game_view(facts, leaf_game_id, now)
    game_id = game_of_leaf(game.task_id, leaf_game_id)
    made: dict[Action, Call] = {
        Action.SETTLE: calls.SettleGame(game_id=game_id),
        Action.REWARD: calls.RewardGame(game_id=game_id),
    }
    is_won_by_defender = view is not None and view.outcome is GameOutcome.DEFENDER_WON
    yield Duty(
        action=each.action,
        call=made.get(each.action),
        beneficiary=game.defender if is_won_by_defender else game.challenger,
        job_id=job_of_task(game.task_id),
        claim_id=claim_of_leaf(game.task_id, games.claim_of_game_id(leaf_game_id)),
        game_id=game_id,
        last_second=each.last_second,
    )
