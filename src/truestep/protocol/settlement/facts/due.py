"""What can be done now: `due(facts, account, now)`, the seed of what a node decides."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from truestep.base.ids import Address, BatchId, Bytes32, TaskId, job_of_task, task_of
from truestep.protocol.availability.keeping import Keeping
from truestep.protocol.availability.kept import FailingClaim, is_input_gone, penalties
from truestep.protocol.settlement import games
from truestep.protocol.settlement.assurances import Question, optimistic
from truestep.protocol.settlement.claims import is_accepted, state_hash
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome, GameStage
from truestep.protocol.settlement.facts.judging import judging
from truestep.protocol.settlement.facts.judging import links_of as data_links
from truestep.protocol.settlement.facts.records import Facts, KnownBatch, KnownJob
from truestep.protocol.settlement.facts.rehearsal import dissents
from truestep.protocol.settlement.facts.retention import final_leaves, items_of, leaves_of_item
from truestep.protocol.settlement.facts.views import GameView, claim_view, game_view
from truestep.protocol.settlement.ids import NOBODY, LeafGameId, Role, batch_of_claim, claim_of, leaf_of_claim
from truestep.protocol.settlement.jobs import source_of
from truestep.protocol.settlement.records import Batch, BatchStage, Leaf, Work
from truestep.protocol.settlement.refusals import Refused
from truestep.protocol.settlement.rewards import RESULT_LIMIT_SECONDS


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
    SETTLE_HOLD = "settle_hold"
    FAIL = "fail"
    DOOM = "doom"
    """The same call while a game is open on the leaf: it falls when that is over, and its batch waits."""
    DROP = "drop"
    CONTRADICT = "contradict"
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
        Action.SETTLE_HOLD,
        Action.FAIL,
        Action.DOOM,
        Action.DROP,
        Action.CONTRADICT,
        Action.ADOPT,
    }
)
"""What anybody may do: the work of keepers, and the rescue of sponsors."""


HOLD_ORDINAL_BITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that can be done now."""

    action: Action
    subject: int
    """The number of the batch (EXPIRE, FINALIZE, CLAIM), claim (FINALIZE_LEAF, WRITE_OUT, FAIL, DOOM, DROP,
    CONTRADICT), job (CANCEL, FEED, CALL_BACK), hold (SETTLE_HOLD: batch << 16 | ordinal) or game
    (all others)."""
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
    found = [
        *_of_batches(facts, account, now),
        *_of_jobs(facts, now),
        *_of_games(facts, account, now),
        *_of_data(facts, now),
        *_of_proofs(facts, now),
    ]
    return sorted(found, key=lambda each: (each.last_second or 2**64, each.action, each.subject))


def _of_data(facts: Facts, now: int) -> Iterator[Due]:
    """Bonds of holds that come back, and leaves whose data is gone."""
    if facts.keeping is None:
        return
    for batch_id, ordinal in facts.kept.holds:
        known = facts.batches.get(batch_id)
        if known is not None and known.batch.struck:
            yield Due(action=Action.SETTLE_HOLD, subject=hold_subject(batch_id, ordinal))
    if now <= facts.stopped_until:
        return
    open_bits = _open_leaves_of_batches(facts)
    for batch_id, known in facts.batches.items():
        batch = known.batch
        if batch.stage is BatchStage.CLAIMED and batch.policy == facts.keeping.policy:
            open_now, doomed = open_bits.get(batch_id, 0), facts.kept.batch(batch_id).doomed
            failing, gone = _failing(facts, facts.keeping, batch_id, batch, now)
            for leaf_index in set_bits(failing & ~(batch.struck | open_now)):
                yield Due(action=Action.FAIL, subject=claim_of(batch_id, leaf_index))
            for leaf_index in set_bits(gone & open_now & ~(batch.struck | doomed)):
                yield Due(action=Action.DOOM, subject=claim_of(batch_id, leaf_index))


def _of_proofs(facts: Facts, now: int) -> Iterator[Due]:
    """Entries that are contradicted, and leaves that nobody has proven in time (docs/validity.md V4)."""
    if facts.proving is None:
        return
    for claim_id, found in facts.proofs.items():
        known = facts.batches.get(batch_of_claim(claim_id))
        is_struck = known is None or known.batch.struck >> leaf_of_claim(claim_id) & 1
        if is_struck and not facts.entries[found.number - 1].stopped_at:
            yield Due(action=Action.CONTRADICT, subject=claim_id)
    if now <= facts.stopped_until:
        return
    open_bits = _open_leaves_of_batches(facts)
    for batch_id, known in facts.batches.items():
        batch = known.batch
        if batch.policy != facts.proving.policy or now <= batch.until:
            continue
        if batch.stage in (BatchStage.CLAIMED, BatchStage.FINAL):
            standing = (1 << batch.leaf_count) - 1 if batch.stage is BatchStage.CLAIMED else batch.held
            settled = facts.proven.get(batch_id, 0) | batch.struck | open_bits.get(batch_id, 0)
            for leaf_index in set_bits(standing & ~settled):
                yield Due(action=Action.DROP, subject=claim_of(batch_id, leaf_index))


def _failing(facts: Facts, keeping: Keeping, batch_id: BatchId, batch: Batch, now: int) -> tuple[int, int]:
    """The leaves of a batch whose data is gone, a bit each (docs/availability.md A5.5).

    And those of them whose program or input is gone: of these a leaf with an open game is noted.
    """
    links, mask, gone = data_links(facts, keeping), 0, 0
    for item in items_of(batch):
        claim = FailingClaim(batch_id=batch_id, until=batch.until, job_id=item.job_id, now=now)
        try:
            penalties(facts.kept, links, claim, lease_penalty_bps=0)
        except Refused:
            continue
        mask |= leaves_of_item(item)
        if is_input_gone(facts.kept, links, claim):
            gone |= leaves_of_item(item)
    return mask, gone


def hold_subject(batch_id: BatchId, ordinal: int) -> int:
    """How `Due` names a hold."""
    return batch_id << HOLD_ORDINAL_BITS | ordinal


def hold_of_subject(subject: int) -> tuple[BatchId, int]:
    """The batch and the ordinal of a hold."""
    return BatchId(subject >> HOLD_ORDINAL_BITS), subject & (1 << HOLD_ORDINAL_BITS) - 1


def _acts_for(facts: Facts, operator: Address, account: Address, role: Role) -> bool:
    return account == operator or bool(facts.roles.get((operator, account), 0) & role)


def _of_batches(facts: Facts, account: Address, now: int) -> Iterator[Due]:
    open_bits, facts = _open_leaves_of_batches(facts), replace(facts, deployment=judging(facts))
    policies = facts.deployment.policies.items()
    early = {number for number, policy in policies if policy.verdict is not optimistic}
    for batch_id, known in facts.batches.items():
        stage, until = known.batch.stage, known.batch.until
        if stage is BatchStage.TAKEN:
            if now > until:
                yield Due(action=Action.EXPIRE, subject=batch_id)
            elif _acts_for(facts, known.batch.operator, account, Role.CLAIM):
                yield Due(action=Action.CLAIM, subject=batch_id, last_second=until)
        elif stage is BatchStage.CLAIMED:
            can_be_due = now > until or known.batch.policy in early
            if can_be_due and _verdict(facts, known.batch, batch_id, now, open_bits.get(batch_id, 0))[0]:
                yield Due(action=Action.FINALIZE, subject=batch_id)
        else:
            yield from _of_final_batch(facts, known, batch_id, now, open_bits.get(batch_id, 0))


def _open_leaves_of_batches(facts: Facts) -> dict[BatchId, int]:
    """`open_leaves` of those batches that have any: there are few, of many batches."""
    found: dict[BatchId, int] = {}
    for claim_id, dispute in facts.disputes.items():
        if dispute.claim.struck_at == 0 and dispute.claim.open_count:
            batch_id = batch_of_claim(claim_id)
            found[batch_id] = found.get(batch_id, 0) | 1 << leaf_of_claim(claim_id)
    return found


def _verdict(facts: Facts, batch: Batch, batch_id: BatchId, now: int, open_bits: int) -> tuple[bool, int]:
    """Whether a batch may end, and the leaves that must wait, a bit each (S8.1)."""
    policy = facts.deployment.policies.get(batch.policy)
    if policy is None or now <= facts.stopped_until:
        return False, 0
    question = Question(
        batch_id=batch_id, until=batch.until, leaf_count=batch.leaf_count, now=now, held=lambda _: open_bits
    )
    verdict = policy.verdict(question)
    return verdict.is_due, (verdict.held | open_bits) & (1 << batch.leaf_count) - 1


def _of_final_batch(
    facts: Facts, known: KnownBatch, batch_id: BatchId, now: int, open_bits: int
) -> Iterator[Due]:
    batch = known.batch
    if batch.held:
        can_end, held = _verdict(facts, batch, batch_id, now, open_bits)
        for leaf_index in set_bits(batch.held & ~held if can_end else 0):
            yield Due(action=Action.FINALIZE_LEAF, subject=claim_of(batch_id, leaf_index))
    unwritten = final_leaves(batch) & ~known.written
    for item in items_of(batch) if unwritten else ():
        if facts.jobs[item.job_id].is_wanted:
            for leaf_index in set_bits(unwritten & leaves_of_item(item)):
                yield Due(action=Action.WRITE_OUT, subject=claim_of(batch_id, leaf_index))


def set_bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, from the lowest."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _of_jobs(facts: Facts, now: int) -> Iterator[Due]:
    for job_id, known in facts.jobs.items():
        job = known.job
        if not known.is_wanted:  # strangers can post any number of jobs, and need never cancel them
            continue
        if now >= job.deadline and job.busy != (1 << job.work.shard_count) - 1:
            yield Due(action=Action.CANCEL, subject=job_id)
        if not job.is_fed and not job.refunded and _can_be_fed(facts, known):
            yield Due(action=Action.FEED, subject=job_id)
        is_complete = job.final_count == job.work.shard_count and not job.is_called_back
        if is_complete and job.terms.consumer != NOBODY:
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
        if _has_won(facts, game_id, game) or _has_won_without_result(facts, game_id, game, now):
            yield Due(action=Action.REWARD, subject=game_id)
        return
    if game.stage == GameStage.CLOSED and account == game.challenger:
        yield Due(action=Action.SHOW, subject=game_id, last_second=reveal_end)


def _has_won(facts: Facts, game_id: LeafGameId, game: Game) -> bool:
    """Whether the task's final claim gives the game a part of the pot, or has its pot burned (S7.5)."""
    final_hash = _hash_of_result(facts, game)
    if final_hash is None:
        return False
    claim_id = games.claim_of_game_id(game_id)
    winners = facts.disputes[claim_id].claim.winners or facts.shown.get((claim_id, final_hash), 0)
    if final_hash == game.claimed_hash or winners == 0:
        return True  # nobody has won: any game that has ended can have the pot burned
    return game.stage == GameStage.SHOWN and game.commitment == final_hash


def _hash_of_result(facts: Facts, game: Game) -> Bytes32 | None:
    """The hash of the final state that the task's final claim names; None while there is none."""
    final_id = facts.results.get(game.task_id)
    view = claim_view(facts, final_id) if final_id is not None else None
    return None if view is None else _final_hash(view.task_id, view.work, view.leaf)


def is_rewarded(facts: Facts, game_id: LeafGameId) -> bool:
    """Whether the reward of a game that can be given has coins for its challenger, and is not all burned."""
    game = facts.games[game_id]
    if not _has_dissented(game):
        return False
    if _has_won(facts, game_id, game):
        return game.commitment == _hash_of_result(facts, game)
    claim = facts.disputes[games.claim_of_game_id(game_id)].claim
    return claim.by_step or game.gas_units * game.price_wei != 0  # after a clock its gas, and no more


def _has_dissented(game: Game) -> bool:
    """Whether it showed another state than the claimed one."""
    return game.stage == GameStage.SHOWN and game.commitment != game.claimed_hash


@lru_cache(maxsize=256)
def _final_hash(task_id: TaskId, work: Work, leaf: Leaf) -> Bytes32:
    """Of a final claim, which may be of any shape: nobody has refuted it."""
    return state_hash(task_id, work, leaf)


def _has_won_without_result(facts: Facts, game_id: LeafGameId, game: Game, now: int) -> bool:
    """The same if the task has no result for long, or had none when the first part was given (S7.5)."""
    claim_id = games.claim_of_game_id(game_id)
    claim, deadline = facts.disputes[claim_id].claim, facts.jobs[job_of_task(game.task_id)].job.deadline
    is_over = now > max(deadline, claim.struck_at) + RESULT_LIMIT_SECONDS
    if not is_over or (claim.winners and not claim.without_result):
        return False
    return _has_dissented(game) or (not claim.winners and dissents(facts, claim_id, game) == 0)
