"""The worker: which tasks to take, and how to defend its claims (docs/protocol.md P2, P4)."""

from dataclasses import dataclass, field

from truestep.base.ids import shard_of_task
from truestep.base.units import coins
from truestep.protocol.calls import (
    ExpireTask,
    FinalizeTask,
    SubmitClaim,
    TakeTask,
    WithdrawRewards,
    WithdrawWinnings,
)
from truestep.protocol.records import GameStage, JobRecord, Parameters, TaskStage
from truestep.roles import moves
from truestep.roles.actions import Action, Decline, Declined, Run, Send
from truestep.roles.estimates import Speed
from truestep.roles.moves import describe
from truestep.roles.views import ClaimView, OwnRun, TaskView, View

CLAIM_MARGIN_SECONDS = 2
"""The time of the next block may be this much later than ours; a claim after the lease only costs gas."""
HELD_FACTOR = 4
"""Tasks held per task that can run at the same time, so that the next one is ready when one ends."""
HELD_SHARE = 2
"""A held task may wait for one part in this many of its lease and of the time to its deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPolicy:
    """What an operator is willing to do. Amounts in wei."""

    active_limit: int = 2
    """Tasks run at the same time. Short ones are taken in advance, `HELD_FACTOR` times as many."""
    held_factor: int = HELD_FACTOR
    """Short tasks held for each one that can run at a time; 1 takes nothing ahead."""
    games_expected: int = 8
    """A task is taken only if this node could answer this many games on one claim at the same time."""
    reward_min_wei: int = 0
    cycles_limit: int = 2**48
    input_limit_bytes: int = 1 << 29
    struck_tolerated: int = 0
    """Struck claims of its own that it tolerates. After more, it takes no more tasks."""
    withdraw_above_wei: int = 10**16
    """Smaller credits are not withdrawn, because a withdrawal costs gas."""
    speed: Speed = field(default_factory=Speed)


def decide(view: View, policy: WorkerPolicy) -> list[Action]:
    """Everything to do now, the most urgent first."""
    actions: list[Action] = []
    for task in sorted(view.tasks, key=_urgency):
        for claim in task.claims:
            if claim.operator == view.account:
                actions += _keep_claim(view, task, claim)
    mine = [task for task in view.tasks if _is_mine(view, task, TaskStage.TAKEN)]
    for task in sorted(mine, key=lambda task: task.task.until):
        actions += _work(view, policy, task)
    actions += _take(view, policy, [task for task in mine if task.own_run is None])
    actions += _withdraw(view, policy)
    return [
        action for action in actions if not isinstance(action, Send) or action.intent not in view.in_flight
    ]


# --- claims made: defend them, then make them final -----------------------------------------------


def _keep_claim(view: View, task: TaskView, claim: ClaimView) -> list[Action]:
    actions: list[Action] = []
    for game in sorted(claim.games, key=lambda game: game.record.clock_runs_out_at() or 0):
        record = game.record
        if record.stage is GameStage.OPERATOR_WON:
            actions += moves.settle(record, "the operator has won")
        elif task.is_standing(claim):
            actions += _defend(view, task, record)
    if task.is_standing(claim) and view.now > task.task.until and claim.open_game_count == 0:
        actions.append(_finalize(claim, task))
    return actions


def _defend(view: View, task: TaskView, record: moves.GameRecord) -> list[Action]:
    is_late = moves.has_clock_run_out(record, view.now)
    if record.stage is GameStage.OPERATOR_TURN:
        return [] if is_late else moves.prepared(task, moves.split(task, record, view.parameters.arity))
    if record.stage is GameStage.REVEAL_DUE:
        return [] if is_late else moves.prepared(task, moves.reveal(task, record))
    if is_late and record.stage in (GameStage.CHALLENGER_TURN, GameStage.STEP_DUE):
        return moves.settle(record, "the challenger's clock has run out")
    return []


def _finalize(claim: ClaimView, task: TaskView) -> Send:
    return Send(
        intent=f"finalize/{claim.claim_id}",
        call=FinalizeTask(task_id=task.task.task_id, claimed=claim.claimed),
        message=f"the challenge window of {describe(task)} is over: make its result final",
    )


# --- tasks taken: run, claim ----------------------------------------------------------------------


def _work(view: View, policy: WorkerPolicy, task: TaskView) -> list[Action]:
    record = task.task
    if view.now > record.until:
        return [
            Send(
                intent=f"expire/{record.claim_id}",
                call=ExpireTask(task_id=record.task_id),
                message=f"the lease of {describe(task)} was missed: free the rest of the bond",
            )
        ]
    if task.distrust:
        message = f"{describe(task)}: not claimed: {task.distrust}"
        return [Decline(task_id=record.task_id, reason=Declined.DISTRUSTED, message=message)]
    if task.own_run is not None:
        return _claim(view, policy, task, task.own_run)
    if task.run_failure:
        return [Decline(task_id=record.task_id, reason=Declined.RUN_FAILED, message=task.run_failure)]
    if not moves.is_ready(task):
        return moves.get_material(task)
    return [] if task.is_computing else [Run(task_id=record.task_id)]


def _claim(view: View, policy: WorkerPolicy, task: TaskView, own_run: OwnRun) -> list[Action]:
    """Claim what was run, unless it ran so slowly that a game about it would be lost on time.

    A missed lease costs a part of the bond, a claim that cannot be defended all of it.
    """
    if view.now + CLAIM_MARGIN_SECONDS > task.task.until:
        return []
    claimed, trouble = own_run.claimed, _why_indefensible(view, policy, own_run)
    if trouble:
        message = f"{describe(task)}: not claimed: {trouble}"
        return [Decline(task_id=task.task.task_id, reason=Declined.CLOCK, message=message)]
    call = SubmitClaim(task_id=task.task.task_id, claimed=claimed, running_state=own_run.running_state)
    return [
        Send(
            intent=f"claim/{task.task.claim_id}",
            call=call,
            message=f"claim {describe(task)}: {claimed.status.name.lower()} after {claimed.cycle} steps,"
            f" {claimed.output_size} bytes of output",
        )
    ]


def _why_indefensible(view: View, policy: WorkerPolicy, own_run: OwnRun | None) -> str:
    """Why a dispute of this run would be lost on time; empty if it would not, or nothing was measured.

    Disputes under way do not count: who opens idle games must not be able to make this node miss a lease.
    """
    if own_run is None:
        return ""
    clock_seconds = view.parameters.clock_seconds
    seconds = policy.speed.defence_seconds(
        own_run.seconds, own_run.claimed.cycle, view.parameters, policy.games_expected
    )
    if seconds <= clock_seconds:
        return ""
    return (
        f"one run took {own_run.seconds:.0f} s here, so a dispute of it may take {seconds:.0f} s;"
        f" the clock has {clock_seconds} s"
    )


def _load_seconds(view: View, policy: WorkerPolicy) -> float:
    """What the disputes under way may still compute, shared by the works that this node does at once.

    Games on one claim share their runs, so a claim counts once; waiting for blocks goes on side by side.
    """
    disputed = [
        task
        for task in view.tasks
        for claim in task.claims
        if claim.operator == view.account and task.is_standing(claim) and _is_disputed(claim)
    ]
    seconds = sum(
        policy.speed.computing_seconds(task.job, view.parameters, task.own_run and task.own_run.seconds)
        for task in disputed
    )
    return seconds / max(policy.active_limit, 1)


def _is_disputed(claim: ClaimView) -> bool:
    """Whether a game on the claim may still ask for a move of its operator."""
    over = (GameStage.OPERATOR_WON, GameStage.CHALLENGER_WON, GameStage.CLOSED)
    return any(game.record.stage not in over for game in claim.games)


# --- open tasks: take or leave --------------------------------------------------------------------


def _take(view: View, policy: WorkerPolicy, held: list[TaskView]) -> list[Action]:
    """Look at the open tasks in the view's order until this node is busy or its stake is locked up.

    `held` are the tasks taken whose runs are not done. One whose lease was missed is expired first: only the
    next look knows whether its program was too slow.
    """
    actions: list[Action] = []
    pending_count = sum(intent.startswith("take/") for intent in view.in_flight)
    capacity = _Capacity(
        view=view, policy=policy, tasks=list(held), held_count=len(held), pending_count=pending_count
    )
    load_seconds = _load_seconds(view, policy)
    for task in view.tasks:
        if not is_open(task, view.now) or _is_mine(view, task, TaskStage.TAKEN):
            continue
        declined = _why_not(view, policy, task, load_seconds) or capacity.why_not(task)
        if declined is not None:
            actions.append(declined)
        elif not moves.is_ready(task):
            actions += moves.get_material(task)
        else:
            send = _take_one(task)
            actions.append(send)
            if send.intent not in view.in_flight:
                capacity.take(task)
    return actions


@dataclass(slots=True, kw_only=True)
class _Capacity:
    """What this node can still take on at this look."""

    view: View
    policy: WorkerPolicy
    tasks: list[TaskView]
    """The tasks held, and those taken at this look."""
    held_count: int
    pending_count: int
    """Tasks taken by transactions that have not landed yet."""

    def take(self, task: TaskView) -> None:
        """One more."""
        self.pending_count += 1
        self.tasks.append(task)

    def why_not(self, task: TaskView) -> Decline | None:
        """The first reason of this node's own against a task that it would take at another time.

        A node whose claim was struck takes nothing more until a person has looked at it: it computes wrongly.
        """
        view, policy = self.view, self.policy
        bond_wei = view.parameters.operator_bond_wei
        free_wei = view.free_stake_wei - self.pending_count * bond_wei
        checks = (
            (view.struck_count > policy.struck_tolerated, Declined.STRUCK,
             f"not taken: {view.struck_count} claims of this operator were struck; check its memory"),
            (free_wei < bond_wei, Declined.STAKE,
             f"locks {coins(bond_wei)}, {coins(max(free_wei, 0))} of stake are free; restart with a"
             " larger stake, `truestep worker --stake AMOUNT`, or wait until claims are final"),
            (not self._has_room(task), Declined.CAPACITY,
             f"waits: {self._count} tasks are in progress"),
        )  # fmt: skip
        return _first(task, checks)

    @property
    def _count(self) -> int:
        return self.held_count + self.pending_count

    def _has_room(self, task: TaskView) -> bool:
        """Whether the task can run now, or soon enough after those that are held."""
        limit = self.policy.active_limit
        if not self._count:
            return self.view.has_room and limit > 0
        if self._count < limit:
            return True
        if not limit or self._count >= self.policy.held_factor * limit:
            return False
        speed = self.policy.speed
        seconds = max(speed.claim_seconds(each.job, each.material.code_bytes) for each in (*self.tasks, task))
        turns = self._count // limit + 1
        return turns * seconds * HELD_SHARE <= min(task.job.lease_seconds, task.job.deadline - self.view.now)


def _first(task: TaskView, checks: tuple[tuple[bool, Declined, str], ...]) -> Decline | None:
    for is_against, reason, why in checks:
        if is_against:
            return Decline(task_id=task.task.task_id, reason=reason, message=f"{describe(task)}: {why}")
    return None


def is_open(task: TaskView, now: int) -> bool:
    """Whether anybody may take the task: open, or its taker's lease is over."""
    record = task.task
    is_abandoned = record.stage is TaskStage.TAKEN and now > record.until
    return (record.stage is TaskStage.OPEN or is_abandoned) and now < task.job.deadline


def _take_one(task: TaskView) -> Send:
    record = task.task
    return Send(
        intent=f"take/{record.task_id}/{record.attempt + 1}",
        call=TakeTask(job_id=task.job.job_id, shard_index=shard_of_task(record.task_id)),
        message=f"take {describe(task)} for {coins(task.job.reward_wei)}",
    )


def is_worth_taking(
    job: JobRecord, code_bytes: int, parameters: Parameters, now: int, policy: WorkerPolicy
) -> bool:
    """Whether nothing in the job's terms speaks against it, nor the size of its code (0 if unknown)."""
    checks = _terms_checks(job, code_bytes, parameters, now, policy)
    return not any(is_against for is_against, _, _ in checks)


def _why_not(view: View, policy: WorkerPolicy, task: TaskView, load_seconds: float) -> Decline | None:
    """The first reason against a task; cheap reasons first. None if there is none."""
    indefensible = _why_indefensible(view, policy, task.own_run)
    clock_seconds = view.parameters.clock_seconds
    dispute_seconds = policy.speed.dispute_seconds(task.job, view.parameters, policy.games_expected)
    checks = (
        *_terms_checks(task.job, task.material.code_bytes, view.parameters, view.now, policy),
        (bool(task.run_failure), Declined.RUN_FAILED, task.run_failure),
        (bool(task.distrust), Declined.DISTRUSTED, task.distrust),
        (bool(task.slowness), Declined.SLOW, task.slowness),
        (bool(indefensible), Declined.CLOCK, indefensible),
        (dispute_seconds + load_seconds > clock_seconds, Declined.CLOCK,
         f"may take {dispute_seconds:.0f} s to defend, after {load_seconds:.0f} s for the disputes under way;"
         f" the clock has {clock_seconds} s"),
    )  # fmt: skip
    return _first(task, checks)


def _terms_checks(
    job: JobRecord, code_bytes: int, parameters: Parameters, now: int, policy: WorkerPolicy
) -> tuple[tuple[bool, Declined, str], ...]:
    speed = policy.speed
    claim_seconds, cold_seconds = speed.claim_seconds(job, code_bytes), speed.cold_seconds(job, code_bytes)
    why_slow = f", {cold_seconds:.0f} s of it to compile {code_bytes:,} bytes of code" if cold_seconds else ""
    dispute_seconds = speed.dispute_seconds(job, parameters, policy.games_expected)
    left_seconds, clock_seconds = job.deadline - now, parameters.clock_seconds
    return (
        (job.reward_wei < policy.reward_min_wei, Declined.REWARD,
         f"pays {coins(job.reward_wei)}, this node asks for {coins(policy.reward_min_wei)} (--min-reward)"),
        (job.max_cycles > policy.cycles_limit, Declined.CYCLES,
         f"may take {job.max_cycles} steps, this node's limit is {policy.cycles_limit}"),
        (job.input_size > policy.input_limit_bytes, Declined.INPUT_SIZE,
         f"has {job.input_size} bytes of input, this node's limit is {policy.input_limit_bytes}"),
        (claim_seconds > job.lease_seconds, Declined.LEASE,
         f"may take {claim_seconds:.0f} s here{why_slow}; its lease is {job.lease_seconds} s"),
        (claim_seconds > left_seconds, Declined.DEADLINE,
         f"may take {claim_seconds:.0f} s here{why_slow}; its deadline is in {left_seconds} s"),
        (dispute_seconds > clock_seconds, Declined.CLOCK,
         f"may take {dispute_seconds:.0f} s to defend, the clock has {clock_seconds} s"),
    )  # fmt: skip


# --- the rest -------------------------------------------------------------------------------------


def _withdraw(view: View, policy: WorkerPolicy) -> list[Action]:
    return withdrawals(view, policy.withdraw_above_wei)


def withdrawals(view: View, above_wei: int) -> list[Action]:
    """Take out credits of more than `above_wei`, one withdrawal of each kind at a time."""
    kinds = (
        ("withdraw-rewards", view.rewards_wei, WithdrawRewards()),
        ("withdraw-winnings", view.winnings_wei, WithdrawWinnings()),
    )
    return [
        Send(intent=f"{kind}/{view.now}", call=call, message=f"withdraw {coins(amount_wei)}")
        for kind, amount_wei, call in kinds
        if amount_wei > above_wei and not any(intent.startswith(kind) for intent in view.in_flight)
    ]


def _is_mine(view: View, task: TaskView, stage: TaskStage) -> bool:
    return task.task.stage is stage and task.task.operator == view.account


def _urgency(task: TaskView) -> int:
    """When the first of the clocks on this task's claims runs out."""
    clocks = [game.record.clock_runs_out_at() for claim in task.claims for game in claim.games]
    return min([clock for clock in clocks if clock is not None], default=task.task.until)
