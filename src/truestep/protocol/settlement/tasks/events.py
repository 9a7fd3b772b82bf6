"""What an event of a contract means for each program, job, task, claim and game."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from truestep.base.ids import TaskId, job_of_task
from truestep.machine.state import Status
from truestep.protocol import events
from truestep.protocol.audits.contracts import audits
from truestep.protocol.availability.contracts import kept
from truestep.protocol.availability.kept import GONE
from truestep.protocol.availability.registration import FOR_EVER
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import GameStage
from truestep.protocol.settlement.contracts import assurances, disputes, jobs, programs, results
from truestep.protocol.settlement.contracts.disputes import Game, GameOutcome
from truestep.protocol.settlement.facts import gaps
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.judging import open_until
from truestep.protocol.settlement.facts.leaves import leaf_at, state_of_leaf
from truestep.protocol.settlement.facts.records import Facts, KnownBatch, Logged
from truestep.protocol.settlement.facts.rehearsal import node_of_game, split_of_game
from truestep.protocol.settlement.facts.retention import final_leaves, items_of
from truestep.protocol.settlement.games import claim_of_game_id
from truestep.protocol.settlement.ids import LeafGameId, LeafId, claim_of, leaf_of_claim, unpack_item
from truestep.protocol.settlement.ids import batch_of_claim as batch_of_leaf
from truestep.protocol.settlement.jobs import slot_level_of
from truestep.protocol.settlement.policies import must_wait
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.ids import claim_of_leaf, game_of_leaf, task_of_leaf
from truestep.protocol.settlement.tasks.records import rules_of, source_in
from truestep.protocol.validity.contracts import verifiers

_ENDS = {
    GameOutcome.DEFENDER_WON: GameStage.OPERATOR_WON,
    GameOutcome.CHALLENGER_WON: GameStage.CHALLENGER_WON,
    GameOutcome.CLAIM_FELL: GameStage.CLAIM_FELL,
}
_SAYS_NOTHING = ClaimedState(
    status=Status.RUNNING,
    code=0,
    cycle=0,
    output_size=0,
    output_root=ZERO_HASH,
    left_root=ZERO_HASH,
    inner_root=ZERO_HASH,
    running_state=ZERO_HASH,
)
"""Stands for a leaf that is false by its shape."""

Told = Iterator[ChainEvent]


def told(facts: Facts, logged: Logged) -> tuple[ChainEvent, ...]:
    """What an event means, with the facts as they were before it. Nothing if it concerns nobody here.

    Events of subjects that are not in the facts are left out: they are over, or events are missing.
    """
    handler = _HANDLERS.get(type(logged.event))
    if handler is None or not gaps.fits(Draft(facts), logged.event):
        return ()
    found = handler(facts, logged.event, logged)
    return tuple(replace(event, at=replace(logged.at, part=part)) for part, event in enumerate(found))


# --- programs and jobs ----------------------------------------------------------------------------


def _registered(facts: Facts, event: programs.Registered, logged: Logged) -> Told:
    yield events.ProgramRegistered(
        at=logged.at,
        program_id=event.program_id,
        owner=event.owner,
        image_root=event.image_root,
        entry=event.entry,
        max_cycles=event.max_cycles,
        digest=event.digest,
        uri=event.uri,
    )


def _posted(facts: Facts, event: jobs.Posted, logged: Logged) -> Told:
    work, terms = event.work, event.terms
    yield events.JobPosted(
        at=logged.at,
        job_id=event.job_id,
        program_id=event.program_id,
        requester=terms.requester,
        input_root=work.input_root,
        input_size=work.input_size,
        input_uri=event.input_uri,
        seed=work.seed,
        shard_count=work.shard_count,
        max_cycles=work.max_cycles,
        reward=event.reward,
        asset=terms.asset,
        lease_seconds=terms.lease_seconds,
        deadline=event.deadline,
        policy=terms.policy,
        parameters=rules_of(facts, work, terms),
        reducer_of=source_in(terms),
        slot_level=slot_level_of(terms.reducer_of),
        is_ready=terms.reducer_of == 0 and not must_wait(facts.deployment, terms.policy),
    )


def _job_changed(
    facts: Facts, event: jobs.ToppedUp | jobs.Closed | results.Fed | assurances.Supplied, logged: Logged
) -> Told:
    known = facts.jobs.get(event.job_id)
    if known is None:
        return
    job = known.job
    is_fed, is_supplied = isinstance(event, results.Fed), isinstance(event, assurances.Supplied)
    work = event if isinstance(event, results.Fed) else job.work
    yield events.JobChanged(
        at=logged.at,
        job_id=event.job_id,
        reward=event.reward if isinstance(event, jobs.ToppedUp) else job.reward,
        deadline=logged.time if isinstance(event, jobs.Closed) else job.deadline,
        input_root=work.input_root,
        input_size=work.input_size,
        is_ready=(is_fed or job.is_fed) and (is_supplied or job.is_supplied),
    )


def _cancelled(facts: Facts, event: jobs.Cancelled, logged: Logged) -> Told:
    amount = event.refund // len(event.shards) if event.shards else 0
    for shard in event.shards:
        yield events.TaskReclaimed(
            at=logged.at,
            task_id=TaskId(event.job_id << 32 | shard),
            requester=event.requester,
            amount_wei=amount,
        )


# --- batches --------------------------------------------------------------------------------------


def _taken(facts: Facts, event: jobs.Taken, logged: Logged) -> Told:
    for item in map(unpack_item, event.items):
        for leaf_index in range(item.offset, item.offset + item.count):
            yield events.TaskTaken(
                at=logged.at,
                task_id=item.task(leaf_index),
                operator=event.operator,
                batch_id=event.batch_id,
                until=event.until,
            )


def _claimed(facts: Facts, event: jobs.Claimed, logged: Logged) -> Told:
    known = facts.batches.get(event.batch_id)
    if known is None:
        return
    said = replace(known, leaves=b"".join(event.leaves))
    for task_id, leaf_index in _leaves(known, (1 << known.batch.leaf_count) - 1):
        state = _state(facts, said, task_id, leaf_index)
        yield events.TaskClaimed(
            at=logged.at,
            task_id=task_id,
            operator=event.operator,
            claim_id=claim_of_leaf(task_id, claim_of(event.batch_id, leaf_index)),
            until=event.until,
            claimed=state or _SAYS_NOTHING,
            is_malformed=state is None,
        )


def _held(facts: Facts, event: kept.Held, logged: Logged) -> Told:
    known = facts.batches.get(event.batch_id)
    if known is None:
        return
    for task_id, leaf_index in _leaves(known, ~known.batch.struck):
        yield events.WindowExtended(
            at=logged.at,
            task_id=task_id,
            claim_id=claim_of_leaf(task_id, claim_of(event.batch_id, leaf_index)),
            until=max(event.until, known.batch.until),
        )


def _proven(facts: Facts, event: verifiers.Proven, logged: Logged) -> Told:
    """Games may be opened on the whole batch for another window (docs/validity.md V4.2)."""
    batch_id = batch_of_leaf(event.claim_id)
    known = facts.batches.get(batch_id)
    if known is None:
        return
    for task_id, leaf_index in _leaves(known, ~known.batch.struck):
        yield events.WindowExtended(
            at=logged.at,
            task_id=task_id,
            claim_id=claim_of_leaf(task_id, claim_of(batch_id, leaf_index)),
            until=event.open_until,
        )


def _audited(facts: Facts, event: Any, logged: Logged) -> Told:
    """Games may be opened on the whole batch while an audit runs (docs/audits.md U3.4)."""
    batch_id = event.batch_id if isinstance(event, audits.Drawn) else batch_of_leaf(event.claim_id)
    known, kept = facts.batches.get(batch_id), facts.audited.get(batch_id)
    if known is None or kept is None or not kept.pending:
        return
    for task_id, leaf_index in _leaves(known, ~known.batch.struck):
        yield events.WindowExtended(
            at=logged.at,
            task_id=task_id,
            claim_id=claim_of_leaf(task_id, claim_of(batch_id, leaf_index)),
            until=max(kept.open_until, known.batch.until),
        )


def _given_up(facts: Facts, event: jobs.Expired | jobs.Released, logged: Logged) -> Told:
    known = facts.batches.get(event.batch_id)
    if known is None:
        return
    penalty_wei = event.penalty_wei // known.batch.leaf_count
    for task_id, _ in _leaves(known, (1 << known.batch.leaf_count) - 1):
        yield events.LeaseExpired(
            at=logged.at, task_id=task_id, operator=event.operator, penalty_wei=penalty_wei
        )


def _finalized(facts: Facts, event: jobs.Finalized, logged: Logged) -> Told:
    known = facts.batches.get(event.batch_id)
    if known is None:
        return
    final = final_leaves(replace(known.batch, stage=BatchStage.FINAL, held=event.held))
    for task_id, leaf_index in _leaves(known, final):
        yield _final(facts, known, event, task_id, leaf_index, logged.at)


def _leaf_finalized(facts: Facts, event: jobs.LeafFinalized, logged: Logged) -> Told:
    known, leaf_index = facts.batches.get(batch_of_leaf(event.claim_id)), leaf_of_claim(event.claim_id)
    if known is None:
        return
    for task_id, _ in _leaves(known, 1 << leaf_index):
        yield _final(facts, known, event, task_id, leaf_index, logged.at)


def _final(
    facts: Facts,
    known: KnownBatch,
    event: jobs.Finalized | jobs.LeafFinalized,
    task_id: TaskId,
    leaf_index: int,
    at: LogPosition,
) -> ChainEvent:
    batch_id = event.batch_id if isinstance(event, jobs.Finalized) else batch_of_leaf(event.claim_id)
    state = _state(facts, known, task_id, leaf_index)
    return events.TaskFinalized(
        at=at,
        task_id=task_id,
        operator=event.operator,
        claim_id=claim_of_leaf(task_id, claim_of(batch_id, leaf_index)),
        claimed=state or _SAYS_NOTHING,
        is_accepted=state is not None and state.is_accepted,
    )


def _struck(facts: Facts, event: jobs.Struck, logged: Logged) -> Told:
    claim_id = claim_of_leaf(event.task_id, event.claim_id)
    yield events.ClaimStruck(at=logged.at, task_id=event.task_id, operator=event.operator, claim_id=claim_id)


def _struck_by_policy(facts: Facts, event: assurances.StruckByPolicy, logged: Logged) -> Told:
    dispute = facts.disputes.get(event.claim_id)  # `Struck` has come just before
    if dispute is not None:
        yield events.ClaimFailed(
            at=logged.at,
            task_id=dispute.task_id,
            claim_id=claim_of_leaf(dispute.task_id, event.claim_id),
            is_seized=event.is_seized and not _was_input_gone(facts, event.claim_id, dispute.task_id),
        )


def _was_input_gone(facts: Facts, leaf_id: LeafId, task_id: TaskId) -> bool:
    """Whether a claim fell for what its operator need not keep: it pays some gas at most (A5.5)."""
    batch_id = batch_of_leaf(leaf_id)
    known = facts.batches.get(batch_id)  # nothing is known of a batch of which this was the last leaf
    last = open_until(facts, batch_id, known.batch.until) if known is not None else FOR_EVER
    supplied = facts.kept.supplied.get(job_of_task(task_id), ())
    standings = map(facts.data.standing, supplied)
    return any(each.state in GONE and each.changed_at <= last for each in standings)


def _leaves(known: KnownBatch, wanted: int) -> Iterator[tuple[TaskId, int]]:
    """The tasks of a batch whose bits are set, with the indices of their leaves."""
    for item in items_of(known.batch):
        for leaf_index in range(item.offset, item.offset + item.count):
            if wanted >> leaf_index & 1:
                yield item.task(leaf_index), leaf_index


def _state(facts: Facts, known: KnownBatch, task_id: TaskId, leaf_index: int) -> ClaimedState | None:
    """What a leaf says; None if it is false by its shape."""
    job = next(item.job_id for item in items_of(known.batch) if item.has_leaf(leaf_index))
    return state_of_leaf(task_id, facts.jobs[job].job.work, leaf_at(known.leaves, leaf_index))


# --- games ----------------------------------------------------------------------------------------


def _opened(facts: Facts, event: disputes.Opened, logged: Logged) -> Told:
    game = event.game
    yield events.GameOpened(
        at=logged.at,
        game_id=game_of_leaf(game.task_id, event.game_id),
        claim_id=claim_of_leaf(game.task_id, event.claim_id),
        challenger=event.challenger,
        operator=game.defender,
        high=game.high,
        low_hash=game.low_hash,
        high_hash=game.high_hash,
    )
    yield from _split_already(facts, event.game_id, game, logged)


def _split_made(facts: Facts, event: disputes.SplitMade, logged: Logged) -> Told:
    for game_id, game in facts.games.items():
        ends = (game.low, game.high, game.defender)
        is_near = claim_of_game_id(game_id) == event.claim_id and ends == (
            event.low,
            event.high,
            event.defender,
        )
        if is_near and node_of_game(game_id, game) == event.node:
            yield events.GameSplit(
                at=logged.at,
                game_id=game_of_leaf(game.task_id, game_id),
                low=event.low,
                high=event.high,
                hashes=event.hashes,
            )


def _moved(facts: Facts, event: disputes.Moved, logged: Logged) -> Told:
    before, game = facts.games.get(event.game_id), event.game
    if before is None or game.stage not in (
        disputes.GameStage.ON_NODE,
        disputes.GameStage.STEP_DUE,
        disputes.GameStage.REVEAL_DUE,
    ):
        return
    game_id = game_of_leaf(game.task_id, event.game_id)
    if game.stage == disputes.GameStage.REVEAL_DUE:
        yield events.GameDescended(
            at=logged.at, game_id=game_id, low=game.low, micro_start=game.low_hash, template=game.template
        )
        return
    if before.stage == disputes.GameStage.REVEAL_DUE:
        yield events.GameRevealed(
            at=logged.at, game_id=game_id, low=game.low, high=game.high, high_hash=game.high_hash
        )
    else:
        yield events.GamePicked(
            at=logged.at,
            game_id=game_id,
            low=game.low,
            high=game.high,
            low_hash=game.low_hash,
            high_hash=game.high_hash,
        )
    yield from _split_already(facts, event.game_id, game, logged)


def _split_already(facts: Facts, game_id: LeafGameId, game: Game, logged: Logged) -> Told:
    """A game that comes to a node which is split: in another game, or before any came there."""
    split = split_of_game(facts, game_id, game)
    if split is not None:
        yield events.GameSplit(
            at=logged.at,
            game_id=game_of_leaf(game.task_id, game_id),
            low=game.low,
            high=game.high,
            hashes=split.hashes,
        )


def _stepped(facts: Facts, event: disputes.Stepped, logged: Logged) -> Told:
    task_id = task_of_leaf(facts, claim_of_game_id(event.game_id))
    if task_id is not None:
        yield events.GameStepped(
            at=logged.at,
            game_id=game_of_leaf(task_id, event.game_id),
            before=event.before,
            after=event.after,
            expected=event.expected,
        )


def _adopted(facts: Facts, event: disputes.Adopted, logged: Logged) -> Told:
    game_id = game_of_leaf(event.game.task_id, event.game_id)
    yield events.GameAdopted(at=logged.at, game_id=game_id, sponsor=event.sponsor)
    yield from _split_already(facts, event.game_id, event.game, logged)


def _settled(facts: Facts, event: disputes.Settled, logged: Logged) -> Told:
    game = facts.games.get(event.game_id)
    if game is None:
        return
    yield events.GameSettled(
        at=logged.at,
        game_id=game_of_leaf(game.task_id, event.game_id),
        claim_id=claim_of_leaf(game.task_id, event.claim_id),
        stage=_ENDS[GameOutcome(event.outcome)],
        operator_wei=event.defender_wei,
        challenger_wei=event.challenger_wei,
        burned_wei=event.burned_wei,
    )


def _rewarded(facts: Facts, event: disputes.Rewarded, logged: Logged) -> Told:
    game = facts.games.get(event.game_id)
    if game is None:
        return
    yield events.GameRewarded(
        at=logged.at,
        game_id=game_of_leaf(game.task_id, event.game_id),
        claim_id=claim_of_leaf(game.task_id, event.claim_id),
        challenger=game.challenger,
        amount_wei=event.amount_wei,
        burned_wei=event.burned_wei,
    )


def _refuted(facts: Facts, event: disputes.Refuted, logged: Logged) -> Told:
    task_id = task_of_leaf(facts, event.claim_id)
    if task_id is not None:
        yield events.ClaimRefuted(
            at=logged.at,
            claim_id=claim_of_leaf(task_id, event.claim_id),
            caller=event.caller,
            amount_wei=event.amount_wei,
            burned_wei=event.burned_wei,
        )


_LENGTHENING = (audits.Drawn, audits.Appointed, audits.Committed, audits.Stated, audits.Vacant)
_HANDLERS: Mapping[type, Callable[[Facts, Any, Logged], Told]] = {
    programs.Registered: _registered,
    jobs.Posted: _posted,
    jobs.ToppedUp: _job_changed,
    jobs.Closed: _job_changed,
    results.Fed: _job_changed,
    assurances.Supplied: _job_changed,
    jobs.Cancelled: _cancelled,
    jobs.Taken: _taken,
    jobs.Claimed: _claimed,
    kept.Held: _held,
    verifiers.Proven: _proven,
    **dict.fromkeys(
        (audits.Drawn, audits.Appointed, audits.Committed, audits.Stated, audits.Vacant), _audited
    ),
    jobs.Expired: _given_up,
    jobs.Released: _given_up,
    jobs.Finalized: _finalized,
    jobs.LeafFinalized: _leaf_finalized,
    jobs.Struck: _struck,
    assurances.StruckByPolicy: _struck_by_policy,
    disputes.Opened: _opened,
    disputes.SplitMade: _split_made,
    disputes.Moved: _moved,
    disputes.Stepped: _stepped,
    disputes.Adopted: _adopted,
    disputes.Settled: _settled,
    disputes.Rewarded: _rewarded,
    disputes.Refuted: _refuted,
}
