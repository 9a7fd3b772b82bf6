"""What can be done now: `due(facts, account, now)`, the seed of what a node decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from truestep.base.ids import Address, task_of
from truestep.protocol.settlement import games
from truestep.protocol.settlement.claims import is_accepted
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage
from truestep.protocol.settlement.facts.batch_calls import is_due
from truestep.protocol.settlement.facts.game_calls import reward
from truestep.protocol.settlement.facts.records import Facts, KnownJob
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready
from truestep.protocol.settlement.facts.retention import final_leaves, items_of
from truestep.protocol.settlement.facts.views import GameView, game_view
from truestep.protocol.settlement.ids import NOBODY, LeafGameId, Role, claim_of
from truestep.protocol.settlement.jobs import source_of
from truestep.protocol.settlement.records import BatchStage


class Action(StrEnum):
    """What can be done, by the name of the call."""

    EXPIRE = "expire"
    FINALIZE = "finalize"
    FINALIZE_LEAF = "finalize_leaf"
    SETTLE = "settle"
    REWARD = "reward"
    CANCEL = "cancel"
    WRITE_OUT = "write_out"
    FEED = "feed"
    CALL_BACK = "call_back"
    ADOPT = "adopt"
    CLAIM = "claim"
    SPLIT = "split"
    REVEAL = "reveal"
    PICK = "pick"
    STEP = "step"
    """Or descend, if a float instruction is left."""
    SHOW = "show"


ANYBODY = frozenset(
    {
        Action.EXPIRE,
        Action.FINALIZE,
        Action.FINALIZE_LEAF,
        Action.SETTLE,
        Action.REWARD,
        Action.CANCEL,
        Action.WRITE_OUT,
        Action.FEED,
        Action.CALL_BACK,
        Action.ADOPT,
    }
)
"""What anybody may do: the work of keepers, and the rescue of sponsors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that can be done now."""

    action: Action
    subject: int
    """The number of the batch (EXPIRE, FINALIZE, CLAIM), claim (FINALIZE_LEAF, WRITE_OUT), job (CANCEL, FEED,
    CALL_BACK) or game (all others)."""
    last_second: int | None = None
    """In which it can be done; None if that never ends, or not by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Coins or tokens that an account can withdraw."""

    asset: Address
    amount: int
    is_of_disputes: bool


def owed(facts: Facts, account: Address) -> list[Owed]:
    """What an account can withdraw: from Jobs by asset, and from Disputes."""
    found = [
        Owed(asset=asset, amount=amount, is_of_disputes=False)
        for (asset, of), amount in facts.credits.items()
        if of == account
    ]
    bonds_wei = facts.bond_credits.get(account, 0)
    if bonds_wei:
        found.append(Owed(asset=NOBODY, amount=bonds_wei, is_of_disputes=True))
    return found


def due(facts: Facts, account: Address, now: int) -> list[Due]:
    """All that anybody can do now, and all moves that are the account's, the most urgent first.

    What anybody can do, a builder makes the call of. Moves need what the account computes.
    """
    found = [*_of_batches(facts, account, now), *_of_jobs(facts, now), *_of_games(facts, account, now)]
    return sorted(found, key=lambda each: (each.last_second or 2**64, each.action, each.subject))


def _acts_for(facts: Facts, operator: Address, account: Address, role: Role) -> bool:
    return account == operator or bool(facts.roles.get((operator, account), 0) & role)


def _of_batches(facts: Facts, account: Address, now: int) -> Iterator[Due]:
    for batch_id, known in facts.batches.items():
        batch = known.batch
        if batch.stage is BatchStage.TAKEN:
            if now > batch.until:
                yield Due(action=Action.EXPIRE, subject=batch_id)
            elif _acts_for(facts, batch.operator, account, Role.CLAIM):
                yield Due(action=Action.CLAIM, subject=batch_id, last_second=batch.until)
        elif batch.stage is BatchStage.CLAIMED:
            if now > facts.stopped_until and is_due(facts, known, batch_id, now)[0]:
                yield Due(action=Action.FINALIZE, subject=batch_id)
        else:
            can_end, held = is_due(facts, known, batch_id, now)
            unwritten = final_leaves(batch) & ~known.written
            for item in items_of(batch):
                is_wanted = facts.jobs[item.job_id].is_wanted
                for leaf_index in range(item.offset, item.offset + item.count):
                    claim_id, bit = claim_of(batch_id, leaf_index), 1 << leaf_index
                    if can_end and batch.held & ~held & bit:
                        yield Due(action=Action.FINALIZE_LEAF, subject=claim_id)
                    if is_wanted and unwritten & bit:
                        yield Due(action=Action.WRITE_OUT, subject=claim_id)


def _of_jobs(facts: Facts, now: int) -> Iterator[Due]:
    for job_id, known in facts.jobs.items():
        job = known.job
        if now >= job.deadline and job.busy != (1 << job.work.shard_count) - 1:
            yield Due(action=Action.CANCEL, subject=job_id)
        if not job.is_ready and not job.refunded and _can_be_fed(facts, known):
            yield Due(action=Action.FEED, subject=job_id)
        can_call = known.is_wanted and job.terms.consumer != NOBODY and not job.is_called_back
        if can_call and job.final_count == job.work.shard_count:
            yield Due(action=Action.CALL_BACK, subject=job_id)


def _can_be_fed(facts: Facts, reducer: KnownJob) -> bool:
    """Whether all outputs are written out, or one that is not accepted."""
    source_id = source_of(reducer.job.terms.reducer_of)
    source = facts.jobs.get(source_id)
    if source is None:
        return False
    leaves = [facts.outcomes.get(task_of(source_id, shard)) for shard in range(source.job.work.shard_count)]
    return None not in leaves or any(leaf is not None and not is_accepted(leaf) for leaf in leaves)


def _of_games(facts: Facts, account: Address, now: int) -> Iterator[Due]:
    for game_id, game in facts.games.items():
        if game.stage in (GameStage.CLOSED, GameStage.SHOWN):
            yield from _of_closed_game(facts, account, now, game_id)
            continue
        view = game_view(facts, game_id, now)
        if view is None:
            continue
        if view.outcome is not GameOutcome.UNDECIDED:
            yield Due(action=Action.SETTLE, subject=game_id)
        if view.rescue_end is not None and now <= view.rescue_end:
            yield Due(action=Action.ADOPT, subject=game_id, last_second=view.rescue_end)
        action = _move(facts, account, view)
        if action is not None and now <= view.last_second and not view.is_claim_struck:
            yield Due(action=action, subject=game_id, last_second=view.last_second)


def _move(facts: Facts, account: Address, view: GameView) -> Action | None:
    """The move that is the account's to make."""
    game = view.game
    if view.is_defender_due:
        if not _acts_for(facts, game.defender, account, Role.MOVE):
            return None
        return Action.REVEAL if game.stage == GameStage.REVEAL_DUE else Action.SPLIT
    if account != game.challenger:
        return None
    return Action.STEP if game.stage == GameStage.STEP_DUE else Action.PICK


def _of_closed_game(facts: Facts, account: Address, now: int, game_id: LeafGameId) -> Iterator[Due]:
    game, claim = facts.games[game_id], facts.disputes[games.claim_of_game_id(game_id)].claim
    if claim.pot_wei == 0:
        return
    reveal_end = claim.struck_at + games.reveal_seconds(game)
    if now > reveal_end:
        if isinstance(reward(facts, Caller(account=account, now=now), game_id), Ready):
            yield Due(action=Action.REWARD, subject=game_id)
        return
    can_show = game.stage == GameStage.CLOSED and claim.striker != games.ordinal_of(game_id)
    if can_show and account == game.challenger:
        yield Due(action=Action.SHOW, subject=game_id, last_second=reveal_end)
