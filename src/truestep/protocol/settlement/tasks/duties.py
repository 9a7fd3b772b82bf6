"""What is left to do besides taking, claiming and moving: the work of keepers, and of those that won."""

from collections.abc import Iterator

from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, GameId, JobId, job_of_task
from truestep.base.records import record
from truestep.protocol import calls
from truestep.protocol.availability.kept import FailingClaim, penalties
from truestep.protocol.calls import Call
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts.disputes import GameOutcome
from truestep.protocol.settlement.facts.due import Action, Due, due, hold_of_subject, is_rewarded, set_bits
from truestep.protocol.settlement.facts.judging import links_of
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.views import GameView, game_view
from truestep.protocol.settlement.ids import NOBODY, LeafGameId, LeafId, batch_of_claim, job_of_item
from truestep.protocol.settlement.jobs import CANCEL_LIMIT
from truestep.protocol.settlement.tasks.ids import claim_of_leaf, game_of_leaf, task_of_leaf


@record
class Duty:
    """Something that can be done now and gains an account or a job's parties something."""

    action: Action
    call: Call | None
    """None for `SHOW`: only the challenger knows what it committed to."""
    beneficiary: Address
    """Whose coins or result it is; NOBODY if it only burns coins, which is work for keepers."""
    job_id: JobId
    claim_id: ClaimId | None = None
    game_id: GameId | None = None
    claimed_hash: Bytes32 | None = None
    """Of the claim that a game disputes."""
    last_second: int | None = None
    """In which it can be done; None if that never ends by itself."""
    has_fallen: bool = False
    """Whether the game's claim has fallen: then its end gives its own sides their coins, and nothing else."""


def duties(facts: Facts, account: Address, now: int) -> tuple[Duty, ...]:
    """What anybody can do now for whom it concerns, and what the account alone must show, urgent first.

    Moves of games, claims and adoptions are no duties: they need what a node computes.
    """
    return tuple(duty for each in due(facts, account, now) for duty in _duties(facts, account, each, now))


def _duties(facts: Facts, account: Address, each: Due, now: int) -> Iterator[Duty]:
    match each.action:
        case Action.EXPIRE | Action.FINALIZE:
            yield from _of_batch(facts, each, BatchId(each.subject))
        case Action.CONTRADICT:
            yield _of_proof(facts, each, LeafId(each.subject))
        case Action.FINALIZE_LEAF | Action.WRITE_OUT | Action.FAIL | Action.DOOM | Action.DROP:
            yield from _of_claim(facts, each, LeafId(each.subject), now)
        case Action.SETTLE_HOLD:
            yield from _of_hold(facts, each)
        case Action.CANCEL | Action.CALL_BACK:
            yield from _of_job(facts, each, JobId(each.subject))
        case Action.SETTLE | Action.REWARD | Action.SHOW:
            yield from _of_game(facts, account, each, now)
        case _:
            pass


def _of_batch(facts: Facts, each: Due, batch_id: BatchId) -> Iterator[Duty]:
    batch = facts.batches[batch_id].batch
    is_expiry = each.action is Action.EXPIRE
    if batch.struck == (1 << batch.leaf_count) - 1:
        return  # it ends no leaf, pays nothing and unlocks no bond
    yield Duty(
        action=each.action,
        call=calls.ExpireBatch(batch_id=batch_id) if is_expiry else calls.FinalizeBatch(batch_id=batch_id),
        beneficiary=batch.operator,
        job_id=job_of_item(batch.items[0]),
    )


def _is_operators_fault(facts: Facts, leaf_id: LeafId, job_id: JobId, now: int) -> bool:
    """Whether a leaf whose data is gone loses coins; else its operator gets its bond back (A5.5)."""
    batch_id = batch_of_claim(leaf_id)
    batch = facts.batches[batch_id].batch
    claim = FailingClaim(batch_id=batch_id, until=batch.until, job_id=job_id, now=now)
    rules = facts.parameters[batch.parameters_id - 1]
    if facts.keeping is None:
        return False
    links = links_of(facts, facts.keeping)
    return penalties(facts.kept, links, claim, rules.lease_penalty_bps)[0] != 0


def _of_claim(facts: Facts, each: Due, leaf_id: LeafId, now: int) -> Iterator[Duty]:
    task_id = task_of_leaf(facts, leaf_id)
    if task_id is None:
        return
    claim_id, job_id = claim_of_leaf(task_id, leaf_id), job_of_task(task_id)
    batch = facts.batches[batch_of_claim(leaf_id)].batch
    requester = facts.jobs[job_id].job.terms.requester
    call: Call = calls.FinalizeClaim(claim_id=claim_id)
    beneficiary = batch.operator
    if each.action is Action.WRITE_OUT:
        call, beneficiary = calls.WriteOut(claim_id=claim_id), requester
    elif each.action is Action.FAIL:
        is_fault = _is_operators_fault(facts, leaf_id, job_id, now)
        call, beneficiary = calls.FailClaim(claim_id=claim_id), requester if is_fault else batch.operator
    elif each.action is Action.DOOM:
        call, beneficiary = calls.FailClaim(claim_id=claim_id), requester
    elif each.action is Action.DROP:
        call = calls.DropClaim(claim_id=claim_id)  # its bond is unlocked, but for a penalty
    yield Duty(action=each.action, call=call, beneficiary=beneficiary, job_id=job_id, claim_id=claim_id)


def _of_proof(facts: Facts, each: Due, leaf_id: LeafId) -> Duty:
    """An entry that has proven something false is to be stopped, for everybody."""
    task_id = facts.proofs[leaf_id].task_id
    claim_id = claim_of_leaf(task_id, leaf_id)
    return Duty(
        action=each.action,
        call=calls.ContradictClaim(claim_id=claim_id),
        beneficiary=NOBODY,
        job_id=job_of_task(task_id),
        claim_id=claim_id,
    )


def _of_hold(facts: Facts, each: Due) -> Iterator[Duty]:
    batch_id, ordinal = hold_of_subject(each.subject)
    yield Duty(
        action=each.action,
        call=calls.SettleHold(batch_id=batch_id, ordinal=ordinal),
        beneficiary=facts.kept.holds[batch_id, ordinal].holder,
        job_id=job_of_item(facts.batches[batch_id].batch.items[0]),
    )


def _of_job(facts: Facts, each: Due, job_id: JobId) -> Iterator[Duty]:
    job = facts.jobs[job_id].job
    if each.action is Action.CANCEL and not job.reward:
        return  # it gives nothing back, and takes 256 calls of a job that cost one
    if each.action is Action.CANCEL:
        idle = ~job.busy & (1 << job.work.shard_count) - 1
        call = calls.CancelTasks(job_id=job_id, shards=_first_shards(idle))
    else:
        call = calls.CallBack(job_id=job_id)
    yield Duty(
        action=each.action,
        call=call,
        beneficiary=job.terms.requester,
        job_id=job_id,
    )


def _first_shards(mask: int) -> tuple[int, ...]:
    """The lowest of these shards, as many as one call cancels or fewer.

    Those near the first are enough: to go through all 65,535 bits again and again takes milliseconds.
    """
    first = (mask & -mask).bit_length() - 1
    near = mask >> first & (1 << CANCEL_LIMIT) - 1
    return tuple(first + place for place in set_bits(near))


def _of_game(facts: Facts, account: Address, each: Due, now: int) -> Iterator[Duty]:
    leaf_game_id = LeafGameId(each.subject)
    game = facts.games[leaf_game_id]
    game_id = game_of_leaf(game.task_id, leaf_game_id)
    made: dict[Action, Call] = {
        Action.SETTLE: calls.SettleGame(game_id=game_id),
        Action.REWARD: calls.RewardGame(game_id=game_id),
    }
    view = game_view(facts, leaf_game_id, now)
    beneficiary = game.challenger
    if each.action is Action.SETTLE and view is not None and _gives_defender(view, account):
        beneficiary = game.defender
    elif each.action is Action.REWARD and not is_rewarded(facts, leaf_game_id):
        beneficiary = NOBODY
    yield Duty(
        action=each.action,
        call=made.get(each.action),
        beneficiary=beneficiary,
        job_id=job_of_task(game.task_id),
        claim_id=claim_of_leaf(game.task_id, games.claim_of_game_id(leaf_game_id)),
        game_id=game_id,
        claimed_hash=game.claimed_hash,
        last_second=each.last_second,
        has_fallen=view is None or view.is_claim_struck,
    )


def _gives_defender(view: GameView, account: Address) -> bool:
    """Whether a settlement gives the defender coins: its share, or its bond to a sponsor that asks (S6.8)."""
    is_sponsors = account == view.game.defender and view.game.sponsor_bond_wei != 0
    has_fallen = view.outcome is GameOutcome.CLAIM_FELL
    return view.outcome is GameOutcome.DEFENDER_WON or (has_fallen and is_sponsors)
