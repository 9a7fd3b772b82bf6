"""The worker: what to take, what to claim, how to defend it (docs/protocol.md S4, S6)."""

from collections.abc import Sequence
from itertools import groupby

from truestep.availability.parts import BLOB_LIMIT
from truestep.base.ids import BatchId, TaskId
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.protocol.calls import ReleaseBatch, SubmitClaims
from truestep.protocol.claims import ClaimedState
from truestep.protocol.records import GameRecord, GameStage, TaskStage
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles import duties, intents, moves, taking
from truestep.roles.actions import Action, Decline, Declined, Run, Send
from truestep.roles.availability import deliverable
from truestep.roles.availability.delivery import blobs_of_sizes
from truestep.roles.moves import describe
from truestep.roles.taking import is_worth_taking
from truestep.roles.views import ClaimView, TaskView, View
from truestep.roles.worker_policy import HELD_FACTOR, WorkerPolicy

__all__ = ["HELD_FACTOR", "WorkerPolicy", "decide", "is_worth_taking"]

CLAIM_MARGIN_SECONDS = 2
"""The time of the next block may be this much later than ours; a claim after the lease only costs gas."""
TOKEN_REWARDS = 50
"""Least rewards in a token, in one withdrawal: a few of them pay for its gas."""

Batch = list[TaskView]
"""The tasks of this operator that were taken together."""


def decide(view: View, policy: WorkerPolicy) -> list[Action]:
    """Everything to do now, the most urgent first."""
    actions = _defend_all(view)
    batches = _own_batches(view)
    for batch in batches:
        actions += _work(view, policy, batch)
    held = [task for batch in batches for task in batch if task.own_run is None]
    has_time = len(held) < policy.active_limit and view.struck_count <= policy.struck_tolerated
    actions += duties.sends(duty for duty in view.duties if _is_to_do(view, policy, duty, has_time=has_time))
    actions += taking.take(view, policy, held, _load_seconds(view, policy))
    tokens_above = {asset: TOKEN_REWARDS * least for asset, least in policy.rewards_min.items()}
    actions += duties.withdrawals(view, policy.withdraw_above_wei, tokens_above)
    return duties.once(view, actions)


def _is_to_do(view: View, policy: WorkerPolicy, duty: Duty, *, has_time: bool) -> bool:
    """Its operator's own ends, and missed leases of others if it has time for the tasks that they hold.

    A keeper does all.
    """
    is_own = duty.beneficiary == view.operator
    return policy.is_keeper or is_own or (has_time and duty.action is DutyKind.EXPIRE)


# --- claims made: defend them ---------------------------------------------------------------------


def _defend_all(view: View) -> list[Action]:
    """The moves due in games on standing claims, by their clocks."""
    due = [
        (game.record, task)
        for task in view.tasks
        for claim in task.claims
        if claim.operator == view.operator and task.is_standing(claim)
        for game in claim.games
        if game.record.operator == view.operator and not moves.has_clock_run_out(game.record, view.now)
    ]
    actions: list[Action] = []
    for record, task in sorted(due, key=lambda row: (row[0].last_second, row[0].game_id)):
        actions += _defend(task, record)
    return actions


def _defend(task: TaskView, record: GameRecord) -> list[Action]:
    match record.stage:
        case GameStage.OPERATOR_TURN:
            return moves.prepared(task, moves.split(task, record))
        case GameStage.REVEAL_DUE:
            return moves.prepared(task, moves.reveal(task, record))
        case _:
            return []


def _load_seconds(view: View, policy: WorkerPolicy) -> float:
    """What the disputes under way may still compute, shared by the works that this node does at once.

    Games on one claim share their runs, so a claim counts once; waiting for blocks goes on side by side.
    """
    disputed = [
        task
        for task in view.tasks
        for claim in task.claims
        if claim.operator == view.operator and task.is_standing(claim) and _is_disputed(claim)
    ]
    seconds = sum(
        policy.speed.computing_seconds(task.job, task.job.parameters, task.own_run and task.own_run.seconds)
        for task in disputed
    )
    return seconds / max(policy.active_limit, 1)


def _is_disputed(claim: ClaimView) -> bool:
    """Whether a game on the claim may still ask for a move of its operator."""
    return any(game.record.clock_runs_out_at() is not None for game in claim.games)


# --- batches taken: run, claim or give back -------------------------------------------------------


def _own_batches(view: View) -> list[Batch]:
    """What this operator has taken and not claimed, the shortest lease first."""
    mine = [
        task
        for task in view.tasks
        if task.task.stage is TaskStage.TAKEN and task.task.operator == view.operator
    ]
    ordered = sorted(mine, key=lambda task: (task.task.until, task.task.batch_id, task.task.task_id))
    return [list(batch) for _, batch in groupby(ordered, key=lambda task: task.task.batch_id)]


def _work(view: View, policy: WorkerPolicy, batch: Batch) -> list[Action]:
    """Run all tasks of a batch, then claim them together. One that cannot be claimed gives back all.

    A batch that has missed its lease expires, which is among the duties.
    """
    record = batch[0].task
    if view.now > record.until:
        return []
    hindrances = [declined for task in batch if (declined := _why_unclaimed(policy, task)) is not None]
    if hindrances:
        return [*hindrances, *_release(view, record.batch_id, batch, hindrances[0])]
    waiting = [task for task in batch if task.own_run is None]
    if not waiting and (declined := _why_undeliverable(view, policy, batch)) is not None:
        return [declined, *_release(view, record.batch_id, batch, declined)]
    if not waiting:
        ends = [(task.task.task_id, task.own_run.claimed) for task in batch if task.own_run is not None]
        return claim(view.now, record.until, record.batch_id, ends)
    actions: list[Action] = []
    for task in waiting:
        if not moves.is_ready(task):
            actions += moves.get_material(task)
        elif not task.is_computing:
            actions.append(Run(task_id=task.task.task_id))
    return actions


def _why_unclaimed(policy: WorkerPolicy, task: TaskView) -> Decline | None:
    """Why a task that was taken will not be claimed. None if it will, or if it has yet to run.

    A lease that is given back costs a part of the bond, a claim that cannot be defended all of it.
    """
    slow = taking.why_indefensible(policy, task.job, task.own_run)
    has_failed = bool(task.run_failure) and task.own_run is None
    for is_against, reason, why in (
        (bool(task.distrust), Declined.DISTRUSTED, task.distrust),
        (has_failed, Declined.RUN_FAILED, task.run_failure),
        (bool(slow), Declined.CLOCK, slow),
    ):
        if is_against:
            message = f"{describe(task)}: not claimed: {why}"
            return Decline(task_id=task.task.task_id, reason=reason, message=message)
    return None


def _why_undeliverable(view: View, policy: WorkerPolicy, batch: Batch) -> Decline | None:
    """Why the outputs of a batch could not be kept, now that their sizes are known; None if they can."""
    first, keeping, delivery = batch[0], view.keeping, policy.delivery
    if keeping is None or delivery is None or first.job.policy != keeping.policy:
        return None
    ends = [task.own_run.claimed for task in batch if task.own_run is not None]
    sizes = [end.output_size for end in ends if end.is_accepted and end.output_size]
    count = blobs_of_sizes(sizes)
    seats = delivery.seats(keeping.keeper_count)
    unwritten = deliverable.why_not_written(delivery, keeping.keeper_count, batch) if seats is None else ""
    needed_wei = delivery.item_wei(keeping.rules, seats, count) if seats is not None else 0
    for is_against, reason, why in (
        (count > BLOB_LIMIT, Declined.OUTPUTS,
         f"the outputs of its batch are {counted(count, 'blob')}, an item has at most {BLOB_LIMIT:,}"),
        (count > 0 and bool(unwritten), Declined.OUTPUTS,
         f"the outputs of its batch cannot be kept: {unwritten}"),
        (count > 0 and view.wallet_wei < needed_wei, Declined.FUNDS,
         f"to have the outputs of its batch kept takes {coins(needed_wei)} for a time, {view.account} has"
         f" {coins(view.wallet_wei)}"),
    ):  # fmt: skip
        if is_against:
            message = f"{describe(first)}: not claimed: {why}"
            return Decline(task_id=first.task.task_id, reason=reason, message=message)
    return None


def _release(view: View, batch_id: BatchId, batch: Batch, because: Decline) -> list[Action]:
    """At once: the price of a lease that is given back rises with time (S4.6)."""
    if view.now + CLAIM_MARGIN_SECONDS > batch[0].task.until:
        return []
    count = intents.shards_in_words(len(batch))
    return [
        Send(
            intent=intents.of_batch("release", batch_id),
            call=ReleaseBatch(batch_id=batch_id),
            message=f"release batch {batch_id} of {count}, of which one is not to be claimed:"
            f" {because.message}",
        )
    ]


def claim(
    now: int, until: int, batch_id: BatchId, ends: Sequence[tuple[TaskId, ClaimedState]]
) -> list[Action]:
    """Claim the ends of all runs of a batch, whose lease ends at `until`, if there is time for it."""
    if now + CLAIM_MARGIN_SECONDS > until:
        return []
    steps = sum(claimed.cycle for _, claimed in ends)
    return [
        Send(
            intent=intents.of_claim(batch_id, len(ends)),
            call=SubmitClaims(batch_id=batch_id, claims=tuple(ends)),
            message=f"claim batch {batch_id}: {intents.tasks_in_words([task for task, _ in ends])},"
            f" {steps:,} steps",
        )
    ]
