"""Open tasks: which of them a worker takes, and which of these together (docs/protocol.md S4.1)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from truestep.base.ids import Address, BatchId, ProgramId, TaskId
from truestep.base.records import record
from truestep.base.text import counted
from truestep.base.units import coins
from truestep.protocol.calls import NATIVE, TakeTasks
from truestep.protocol.deployment.audits import POLICY as AUDITED
from truestep.protocol.deployment.availability import POLICY as KEPT
from truestep.protocol.deployment.lots import POLICY as DRAWN
from truestep.protocol.deployment.quorum import POLICY as JUDGED
from truestep.protocol.deployment.validity import POLICY as VALIDITY
from truestep.protocol.records import JobRecord, TaskStage
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.roles import intents, moves
from truestep.roles.actions import Action, Decline, Declined, Send
from truestep.roles.availability import deliverable
from truestep.roles.moves import describe
from truestep.roles.proving import why_unprovable
from truestep.roles.views import OwnRun, TaskView, View
from truestep.roles.worker_policy import WorkerPolicy

KNOWN = (OPTIMISTIC, KEPT, VALIDITY, AUDITED, DRAWN)
"""Policies whose jobs any worker takes."""
POLICY_NAMES = {OPTIMISTIC: "window", KEPT: "kept", VALIDITY: "validity", AUDITED: "audited", DRAWN: "drawn"}
PROOF_ROOM = 2
"""A claim is taken if its window holds so many times the proofs that are to be made before it is over."""
HELD_SHARE = 2
"""A held task may wait for one part in this many of its lease and of the time to its deadline."""

Reasons = Iterator[tuple[Declined, str]]
"""What is against a task. Words are made for the first reason alone: open tasks are looked at often."""


@record
class Kind:
    """What all tasks of a batch have in common: by the rules (S1.5), and for this node's safety."""

    asset: Address
    policy: int
    parameters_id: int
    window_seconds: int
    requester: Address | None
    """Of jobs whose data is kept: who can let the data of its own job be lost, or hold the batch for it, must
    not delay the pay for the jobs of others."""
    unproven: ProgramId | None
    """A program that may fail on purpose, and with it a whole batch: it has batches of its own. A stranger
    could else have all that this node takes given back, by a job that costs nothing."""


def kind_of(task: TaskView) -> Kind:
    """In which batches a task can be."""
    job = task.job
    return Kind(
        asset=job.asset,
        policy=job.policy,
        parameters_id=job.parameters.parameters_id,
        window_seconds=job.parameters.window_seconds,
        requester=job.requester if job.policy == KEPT else None,
        unproven=None if task.is_proven else job.program_id,
    )


def take(view: View, policy: WorkerPolicy, held: list[TaskView], load_seconds: float) -> list[Action]:
    """Look at the open tasks in the view's order until this node is busy or its stake is locked up.

    `held` are the tasks taken whose runs are not done, `load_seconds` what disputes under way may still
    compute. Tasks of a batch that missed its lease are not open before it has expired.
    """
    opened = [task for task in view.tasks if _is_open(task, view.now)]
    if not opened:
        return []
    actions: list[Action] = []
    capacity = _Capacity.at(view, policy, held)
    for task in opened:
        if task.task.task_id in capacity.pending:
            continue
        declined = _why_not(view, policy, task, load_seconds) or capacity.why_not(task)
        if declined is not None:
            actions.append(declined)
        elif not moves.is_ready(task):
            actions += moves.get_material(task)
        elif view.now >= task.left_until:
            capacity.add_if_it_fits(task)
    return [*actions, *(_take_batch(view, policy, batch) for batch in capacity.batches.values())]


def _is_open(task: TaskView, now: int) -> bool:
    return task.task.stage is TaskStage.OPEN and now < task.job.deadline


def _take_batch(view: View, policy: WorkerPolicy, batch: list[TaskView]) -> Send:
    """Neighbours of a job stand together: they cost least."""
    ordered = sorted(batch, key=lambda task: task.task.task_id)
    tasks = tuple(task.task.task_id for task in ordered)
    last_batch: BatchId = max(task.task.batch_id for task in ordered)
    pay = amount_in_words(sum(task.job.reward for task in ordered), ordered[0].job.asset)
    return Send(
        intent=intents.of_take(tasks, last_batch),
        call=TakeTasks(tasks=tasks, operator=view.operator),
        message=f"take a batch of {intents.tasks_in_words(tasks)} for {pay}"
        + deliverable.risk(view.keeping, policy.delivery, batch),
    )


def _struck(view: View) -> str:
    """Words for claims that were lost."""
    return (
        f"not taken: this operator has lost {counted(view.struck_count, 'claim')} (struck); check its memory"
    )


def _beyond(view: View) -> str:
    """Words for what may not be locked though it is free (operators O3)."""
    if not view.capped_wei:
        return ""
    return f" ({coins(view.capped_wei)} more are beyond the cap that `truestep operator show` explains)"


def amount_in_words(amount: int, asset: Address) -> str:
    """An amount of coins, or of units of a token."""
    return coins(amount) if asset == NATIVE else f"{amount:,} units of token {asset}"


# --- what this node can take on -------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Capacity:
    """What this node can still take on at this look, and what it takes."""

    view: View
    policy: WorkerPolicy
    held: list[TaskView]
    """The tasks that are to run: those held, and those taken at this look."""
    pending: frozenset[TaskId]
    """Tasks taken by transactions that have not landed yet."""
    free_wei: int
    batches: dict[Kind, list[TaskView]] = field(default_factory=dict[Kind, list[TaskView]])

    @classmethod
    def at(cls, view: View, policy: WorkerPolicy, held: Iterable[TaskView]) -> "_Capacity":
        """Before anything is taken."""
        taking = (intents.tasks_taken(intent) for intent in view.in_flight)
        pending = frozenset(task_id for tasks in taking for task_id in tasks)
        bonds = {task.task.task_id: task.job.parameters.operator_bond_wei for task in view.tasks}
        most_wei = max(bonds.values(), default=0)
        locked_wei = sum(bonds.get(task_id, most_wei) for task_id in pending)
        known = [task for task in held if task.task.task_id not in pending]
        return cls(
            view=view,
            policy=policy,
            held=known,
            pending=pending,
            free_wei=view.free_stake_wei - locked_wei,
        )

    def add_if_it_fits(self, task: TaskView) -> None:
        """One more, if it can join the batch of its kind; else it waits for the next look."""
        kind = kind_of(task)
        batch = [*self.batches.get(kind, ()), task]
        if self._fits(task, batch):
            self.batches[kind] = batch
            self.held.append(task)
            self.free_wei -= task.job.parameters.operator_bond_wei

    def why_not(self, task: TaskView) -> Decline | None:
        """The first reason of this node's own against a task that it would take at another time.

        A node whose claim was struck takes nothing more until a person has looked at it: it computes wrongly.
        """
        return _first(task, self._reasons(task))

    def _reasons(self, task: TaskView) -> Reasons:
        view, bond_wei = self.view, task.job.parameters.operator_bond_wei
        if view.struck_count > self.policy.struck_tolerated:
            yield Declined.STRUCK, _struck(view)
        if self.free_wei < bond_wei:
            yield (
                Declined.STAKE,
                f"locks {coins(bond_wei)}, {coins(max(self.free_wei, 0))} of stake are free{_beyond(view)};"
                " restart with a larger stake, `truestep worker --stake AMOUNT`, or wait until claims are"
                " final",
            )
        if task.job.policy == VALIDITY:
            yield from self._proving_reasons(task)
        if task.job.policy == KEPT:
            yield from self._keeping_reasons(task)
        if not self._has_room(task, [task]):
            yield Declined.CAPACITY, f"waits: {counted(self._count, 'task')} in progress"

    def _proving_reasons(self, task: TaskView) -> Reasons:
        """Whether proofs came in time so far: each that does not costs a part of a bond."""
        count = self.view.failed_count
        if count > self.policy.failed_tolerated:
            yield (
                Declined.ASSURANCE,
                f"not taken: {counted(count, 'claim')} of this operator lost a part of the bond, not being"
                " proven in time or kept; see what keeps the proofs, and go on with --tolerate-unkept"
                f" {count}",
            )
        taken = [each for each in self.view.tasks if each.task.stage is TaskStage.TAKEN]
        held = {each.task.task_id for each in (*self.held, *taken) if each.job.policy == VALIDITY}
        proofs = self.policy.proofs_waiting + len(held | self.pending) + 1
        seconds, window_seconds = proofs * self.policy.proof_seconds, task.job.parameters.window_seconds
        if not self.policy.takes_unproven and PROOF_ROOM * seconds > window_seconds:
            yield (
                Declined.CAPACITY,
                f"waits: its claim must be proven in {window_seconds:,} s, and"
                f" {counted(proofs, 'proof')} one after the other may take {seconds:,.0f} s here",
            )

    def _keeping_reasons(self, task: TaskView) -> Reasons:
        """Whether the outputs of a job that asks for it could be kept: by enough keepers, at this price."""
        keeping, delivery, view = self.view.keeping, self.policy.delivery, self.view
        if delivery is None:
            return
        if keeping is None:
            yield Declined.ASSURANCE, "asks that its outputs are kept; this network keeps nothing"
            return
        if view.failed_count > self.policy.failed_tolerated:
            yield (
                Declined.ASSURANCE,
                f"not taken: outputs of {counted(view.failed_count, 'claim')} of this operator were not kept;"
                f" see whether keepers can reach {delivery.url} and what fees they ask for (--keeper-fee),"
                f" and go on with --tolerate-unkept {view.failed_count}",
            )
        seats = delivery.seats(keeping.keeper_count)
        if seats is None:
            why = deliverable.why_not_written(delivery, keeping.keeper_count, [task])
            if why:
                yield Declined.OUTPUTS, f"asks that its outputs are kept; {why}"
            return
        own = self.undelivered_count()
        needed_wei = (own + 1) * delivery.item_wei(keeping.rules, seats, blob_count=1)
        if view.wallet_wei < needed_wei:
            yield (
                Declined.FUNDS,
                f"asks that its outputs are kept, which takes {coins(needed_wei)} for a time, with what is"
                f" under way; {view.account} has {coins(view.wallet_wei)}",
            )

    def undelivered_count(self) -> int:
        """Batches whose outputs are to be kept yet, with those of this look."""
        known = self.view.keeping.undelivered_count if self.view.keeping is not None else 0
        taken = sum(kind.policy == KEPT for kind in self.batches)
        return known + taken + bool(self.pending)

    def _fits(self, task: TaskView, batch: list[TaskView]) -> bool:
        """Whether the task can join a batch of its kind, all of which must run in the shortest lease."""
        keeping, delivery = self.view.keeping, self.policy.delivery
        if keeping is not None and deliverable.is_tried(keeping, delivery, task, self._under_way()):
            return False
        is_small = deliverable.is_together(keeping, delivery, batch)
        return len(batch) <= self.policy.batch_limit and is_small and self._has_room(task, batch)

    def _under_way(self) -> list[TaskView]:
        """What is to run, and what this node is about to have."""
        return [*self.held, *(each for each in self.view.tasks if each.task.task_id in self.pending)]

    @property
    def _count(self) -> int:
        return len(self.held) + len(self.pending)

    def _has_room(self, task: TaskView, batch: Sequence[TaskView]) -> bool:
        """Whether the task can run now, or soon enough after those that are held, for all of its batch."""
        limit, now = self.policy.active_limit, self.view.now
        if not self._count:
            return self.view.has_room and limit > 0
        if not limit:
            return False
        speed = self.policy.speed
        work_seconds = max(
            speed.work_seconds(each.job, each.material.code_bytes) for each in (*self.held, task)
        )
        turns = self._count // limit + 1
        seconds = turns * work_seconds + speed.sends_seconds
        left_seconds = min(min(each.job.lease_seconds, each.job.deadline - now) for each in batch)
        if self._count < limit:
            return len(batch) == 1 or seconds <= left_seconds
        is_held = self._count < self.policy.held_factor * limit
        return is_held and seconds * HELD_SHARE <= left_seconds


def _first(task: TaskView, reasons: Reasons) -> Decline | None:
    for reason, why in reasons:
        return Decline(task_id=task.task.task_id, reason=reason, message=f"{describe(task)}: {why}")
    return None


# --- what is against a task -----------------------------------------------------------------------


def is_worth_taking(job: JobRecord, code_bytes: int, now: int, policy: WorkerPolicy) -> bool:
    """Whether nothing in the job's terms speaks against it, nor the size of its code (0 if unknown)."""
    return next(_terms_reasons(job, code_bytes, now, policy), None) is None


def why_not_committee(view: View, policy: WorkerPolicy, tasks: Sequence[TaskView]) -> Decline | None:
    """The first reason against taking all tasks of a job that its committee leaves to this operator."""
    first = tasks[0]
    known = replace(first, job=replace(first.job, policy=OPTIMISTIC))
    return _why_not(view, policy, known, 0.0) or _first(first, _committee_reasons(view, policy, tasks))


def _committee_reasons(view: View, policy: WorkerPolicy, tasks: Sequence[TaskView]) -> Reasons:
    bond_wei = tasks[0].job.parameters.operator_bond_wei * len(tasks)
    if view.struck_count > policy.struck_tolerated:
        yield Declined.STRUCK, _struck(view)
    if view.free_stake_wei < bond_wei:
        yield (
            Declined.STAKE,
            f"its {counted(len(tasks), 'task')} lock {coins(bond_wei)}, {coins(view.free_stake_wei)} of stake"
            f" are free{_beyond(view)}; restart with a larger stake, `truestep worker --stake AMOUNT`",
        )


def why_indefensible(policy: WorkerPolicy, job: JobRecord, own_run: OwnRun | None) -> str:
    """Why a dispute of this run would be lost on time; empty if it would not, or nothing was measured.

    Disputes under way do not count: who opens idle games must not be able to make this node miss a lease.
    """
    if own_run is None:
        return ""
    cycles = own_run.claimed.cycle
    hardest = policy.speed.hardest_defence(own_run.seconds, cycles, job.parameters, policy.games_expected)
    if hardest.is_possible:
        return ""
    return (
        f"one run took {own_run.seconds:.0f} s here, so {_games(hardest.games)} may take"
        f" {hardest.seconds:.0f} s to answer; the clock has {hardest.clock_seconds} s"
    )


def _games(count: int) -> str:
    return "a dispute of it" if count == 1 else f"{count} disputes of it at once"


def _why_not(view: View, policy: WorkerPolicy, task: TaskView, load_seconds: float) -> Decline | None:
    """The first reason against a task; cheap reasons first. None if there is none."""
    terms = _terms_reasons(task.job, task.material.code_bytes, view.now, policy)
    return _first(task, chain(terms, _run_reasons(policy, task, load_seconds)))


def _run_reasons(policy: WorkerPolicy, task: TaskView, load_seconds: float) -> Reasons:
    if task.is_data_gone:
        yield (
            Declined.ASSURANCE,
            "its program or input is not kept any more: whatever is claimed of it falls, and its requester"
            " would have the outputs for nothing",
        )
    if task.run_failure:
        yield Declined.RUN_FAILED, task.run_failure
    if task.distrust:
        yield Declined.DISTRUSTED, task.distrust
    if task.slowness:
        yield Declined.SLOW, task.slowness
    indefensible = why_indefensible(policy, task.job, task.own_run)
    if indefensible:
        yield Declined.CLOCK, indefensible
    hardest = policy.speed.hardest_dispute(task.job, task.job.parameters, policy.games_expected)
    if not hardest.after(load_seconds).is_possible:
        yield (
            Declined.CLOCK,
            f"may take {hardest.seconds:.0f} s to defend, after {load_seconds:.0f} s for the disputes under"
            f" way; the clock has {hardest.clock_seconds} s",
        )


def _terms_reasons(job: JobRecord, code_bytes: int, now: int, policy: WorkerPolicy) -> Reasons:
    yield from _offer_reasons(job, now, policy)
    if job.max_cycles > policy.cycles_limit:
        yield (
            Declined.CYCLES,
            f"may take {job.max_cycles} steps, this node's limit is {policy.cycles_limit}",
        )
    if job.input_size > policy.input_limit_bytes:
        yield (
            Declined.INPUT_SIZE,
            f"has {counted(job.input_size, 'byte')} of input, this node's limit is"
            f" {policy.input_limit_bytes}",
        )
    yield from _time_reasons(job, code_bytes, now, policy)


def _time_reasons(job: JobRecord, code_bytes: int, now: int, policy: WorkerPolicy) -> Reasons:
    speed, left_seconds = policy.speed, job.deadline - now
    claim_seconds, cold_seconds = speed.claim_seconds(job, code_bytes), speed.cold_seconds(job, code_bytes)
    why_slow = f", {cold_seconds:.0f} s of it to compile {code_bytes:,} bytes of code" if cold_seconds else ""
    if claim_seconds > job.lease_seconds:
        yield (
            Declined.LEASE,
            f"may take {claim_seconds:.0f} s here{why_slow}; its lease is {job.lease_seconds} s",
        )
    if claim_seconds > left_seconds:
        yield (
            Declined.DEADLINE,
            f"may take {claim_seconds:.0f} s here{why_slow}; its deadline is in {left_seconds} s",
        )
    hardest = speed.hardest_dispute(job, job.parameters, policy.games_expected)
    if not hardest.is_possible:
        yield (
            Declined.CLOCK,
            f"may take {hardest.seconds:.0f} s to defend, the clock has {hardest.clock_seconds} s",
        )


def _why_unprovable(job: JobRecord, now: int, policy: WorkerPolicy) -> str:
    return why_unprovable(job, now, policy.proving_entries, policy.circuits)


def _offer_reasons(job: JobRecord, now: int, policy: WorkerPolicy) -> Reasons:
    """What the job pays, and by which rules."""
    is_native = job.asset == NATIVE
    least = policy.reward_min_wei if is_native else policy.rewards_min.get(job.asset)
    if job.policy == JUDGED:
        yield (
            Declined.ASSURANCE,
            "is for members of a committee (policy quorum); to be drawn for such jobs, pledge with `truestep"
            " stake pledge` and start with --member",
        )
    elif job.policy not in KNOWN:
        known = ", ".join(POLICY_NAMES[policy] for policy in KNOWN)
        yield (
            Declined.ASSURANCE,
            f"asks for policy {job.policy}, which this version does not know; it knows {known}",
        )
    unprovable = "" if job.policy != VALIDITY or policy.takes_unproven else _why_unprovable(job, now, policy)
    if unprovable:
        yield Declined.ASSURANCE, f"asks that its claims are proven: {unprovable}"
    if job.policy == KEPT and policy.delivery is None:
        yield (
            Declined.ASSURANCE,
            "asks that its outputs are kept, and keepers could not fetch them from this node: start with"
            " --items-url URL, or with an http(s) store in --blobs",
        )
    if not job.is_ready:
        yield Declined.NOT_READY, "waits for its input, its data or its lot"
    if least is None:
        yield (
            Declined.ASSET,
            f"pays in token {job.asset}; to take such jobs, start with --asset {job.asset}=LEAST_REWARD",
        )
    yield from _pay_reasons(job, policy, least or 0)


def _pay_reasons(job: JobRecord, policy: WorkerPolicy, least: int) -> Reasons:
    option = "--min-reward" if job.asset == NATIVE else "--asset"
    locks = job.parameters.lock_multiple
    needed = -(-least * locks.numerator // locks.denominator)
    if job.reward < needed:
        yield (
            Declined.REWARD,
            f"pays {amount_in_words(job.reward, job.asset)}, this node asks for"
            f" {amount_in_words(needed, job.asset)} ({option})",
        )
    if locks.numerator > policy.lock_limit * locks.denominator:
        yield (
            Declined.LOCK,
            f"locks {coins(job.parameters.operator_bond_wei)} for {job.parameters.window_seconds:,} s after"
            f" its claim, {float(locks):.1f} times the least; this node's limit is {policy.lock_limit}"
            " (--max-lock)",
        )
