"""A member of committees: draws, takes in its turn, commits, opens, follows up (docs/quorum.md)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from truestep.base.ids import Address, BatchId, Bytes32, ClaimId, JobId, TaskId
from truestep.commitments.keccak import keccak256
from truestep.protocol.assignment.phases import Phase
from truestep.protocol.calls import TakeTasks
from truestep.protocol.quorum.contracts.quorums import Rules
from truestep.protocol.quorum.policy import late_seats, may_take, whole
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.quorum.state import SILENT, Seated
from truestep.protocol.quorum_calls import (
    ChargeLate,
    ChargeLie,
    CommitResult,
    CompensateMembers,
    DrawCommittee,
    FailTaker,
    OpenResult,
    StepIn,
)
from truestep.protocol.settlement.assurances import Taking
from truestep.protocol.settlement.facts.judging import open_until, quorums_of
from truestep.protocol.settlement.facts.leaves import leaf_at, leaf_of_state, words_of
from truestep.protocol.settlement.facts.records import Facts, KnownBatch, KnownJob
from truestep.protocol.settlement.ids import batch_of_claim, claim_of, job_of_item, leaf_of_claim, unpack_item
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.settlement.tasks.ids import claim_of_leaf
from truestep.protocol.settlement.trees import claims_root
from truestep.roles import intents, moves, taking
from truestep.roles.actions import Action, Run, Send
from truestep.roles.views import TaskView, View
from truestep.roles.worker_policy import WorkerPolicy

NUMBER_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Who decides: the operator, what the network's quorum is, and what hides its results."""

    seating: Seating
    secret: bytes


def decide(
    view: View,
    facts: Facts,
    member: Member,
    policy: WorkerPolicy,
    handed: Collection[BatchId] = (),
) -> list[Action]:
    """Everything that a member does besides a worker's work, the most urgent first.

    `handed`: of these batches somebody else sends what it has to say, for now (Q11).
    """
    tasks = {task.task.task_id: task for task in view.tasks}
    actions: list[Action] = []
    for batch_id, seated, known in sittings(facts, view.operator):
        judged = _judge(view, facts, member, tasks, batch_id, seated, known)
        actions += [each for each in judged if not (batch_id in handed and isinstance(each, Send))]
        actions += _follow_up(view, facts, member, batch_id, seated, known)
    for job_id in facts.purses:
        known_job = facts.jobs[job_id]
        if view.now < known_job.job.deadline:
            actions += _on_job(view, facts, member, policy, tasks, job_id, known_job)
    return actions


def sittings(facts: Facts, operator: Address) -> Iterator[tuple[BatchId, Seated, KnownBatch]]:
    """The batches of one item whose committee the operator is a member of."""
    for batch_id, known in facts.batches.items():
        seated = facts.committees.get(job_of_item(known.batch.items[0]))
        if seated is not None and operator in seated.members:
            yield batch_id, seated, known


def tasks_of(known: KnownBatch) -> list[TaskId]:
    """The tasks of a batch of one item, in order."""
    item = unpack_item(known.batch.items[0])
    return [item.task(leaf_index) for leaf_index in range(item.offset, item.offset + item.count)]


def tasks_to_look_at(facts: Facts, operator: Address) -> Iterator[TaskId]:
    """The tasks of batches that the operator judges, and of jobs that it could take now."""
    for _, _, known in sittings(facts, operator):
        if known.batch.stage in (BatchStage.TAKEN, BatchStage.CLAIMED):
            yield from tasks_of(known)
    for job_id, purse in facts.purses.items():
        if job_id in facts.committees and not facts.jobs[job_id].job.busy:
            yield from map(whole(job_id, purse.tasks).task, range(purse.tasks))


def salt_of(secret: bytes, batch_id: BatchId, member: Address) -> Bytes32:
    """What hides a result: the same after a restart, and nobody else can compute it."""
    return keccak256(secret + b"quorum" + batch_id.to_bytes(NUMBER_BYTES, "big") + bytes.fromhex(member[2:]))


# --- results --------------------------------------------------------------------------------------


def own_root(tasks: Mapping[TaskId, TaskView], known: KnownBatch) -> Bytes32 | None:
    """The result that this node has found for a batch; None while a run is missing."""
    found = [tasks.get(task_id) for task_id in tasks_of(known)]
    runs = [task.own_run for task in found if task is not None and task.own_run is not None]
    if len(runs) != len(found):
        return None
    return claims_root(words_of([leaf_of_state(run.claimed) for run in runs]))


def _judge(
    view: View,
    facts: Facts,
    member: Member,
    tasks: Mapping[TaskId, TaskView],
    batch_id: BatchId,
    seated: Seated,
    known: KnownBatch,
) -> Iterator[Action]:
    """Run what others have taken, commit to the result, and open it once there is a claim (Q4)."""
    batch, seat = known.batch, seated.members.index(view.operator)
    if batch.operator == view.operator or batch.stage not in (BatchStage.TAKEN, BatchStage.CLAIMED):
        return
    is_taken, has_committed = batch.stage is BatchStage.TAKEN, (batch_id, seat) in facts.commitments
    sitting = facts.sittings.get(batch_id, SILENT)
    has_spoken = (sitting.confirmed | sitting.dissented) >> seat & 1
    if is_taken and (has_committed or view.now > batch.until):
        return
    if not is_taken and not has_committed:
        if _is_in_doubt(facts, job_of_item(batch.items[0]), seat) and own_root(tasks, known) is None:
            yield from _run(tasks, known)
        return
    if not is_taken and (has_spoken or view.now > open_until(facts, batch_id, batch.until)):
        return
    root = own_root(tasks, known)
    if root is None:
        yield from _run(tasks, known)
        return
    salt = salt_of(member.secret, batch_id, view.operator)
    if is_taken:
        call = CommitResult(batch_id=batch_id, member=view.operator, root=root, salt=salt)
        message = f"batch {batch_id}: commit to the result that this node has found"
        yield Send(intent=intents.of_batch("commit-result", batch_id), call=call, message=message)
    else:
        call = OpenResult(batch_id=batch_id, member=view.operator, root=root, salt=salt)
        is_same = root == batch.terms.claims_root
        message = f"batch {batch_id}: {'confirm' if is_same else 'dissent from'} what is claimed"
        yield Send(intent=intents.of_batch("open-result", batch_id), call=call, message=message)


def _is_in_doubt(facts: Facts, job_id: JobId, seat: int) -> bool:
    """Whether a claim fell that this seat has confirmed: a lie as the result would cost it (Q5.2)."""
    fallen = (
        batch_id
        for batch_id, known in facts.batches.items()
        if known.batch.struck and job_of_item(known.batch.items[0]) == job_id
    )
    return any(facts.sittings.get(batch_id, SILENT).confirmed >> seat & 1 for batch_id in fallen)


def _run(tasks: Mapping[TaskId, TaskView], known: KnownBatch) -> Iterator[Action]:
    for task_id in tasks_of(known):
        task = tasks.get(task_id)
        if task is None or task.own_run is not None or task.run_failure or task.distrust:
            continue
        if not moves.is_ready(task):
            yield from moves.get_material(task)
        elif not task.is_computing:
            yield Run(task_id=task_id)


def disputed_by_own_result(view: View, facts: Facts, tasks: Mapping[TaskId, TaskView]) -> frozenset[TaskId]:
    """The tasks of claims of others that this node judges and has found another result of: it opens games."""
    found: set[TaskId] = set()
    for _, _, known in sittings(facts, view.operator):
        batch = known.batch
        if batch.operator == view.operator or batch.stage not in (BatchStage.CLAIMED, BatchStage.FINAL):
            continue
        root = own_root(tasks, known)
        if root is not None and root != batch.terms.claims_root:
            found.update(tasks_of(known))
    return frozenset(found)


def batches_with_enough(facts: Facts, rules: Rules, operator: Address) -> Iterator[BatchId]:
    """The operator's batches on which as many others have committed as a quorum needs."""
    for batch_id, known in facts.batches.items():
        batch = known.batch
        if batch.operator == operator and batch.stage is BatchStage.TAKEN:
            committed = sum((batch_id, seat) in facts.commitments for seat in range(rules.seats))
            if committed >= rules.needed:
                yield batch_id


def may_claim(view: View, facts: Facts, batch_id: BatchId, enough_since: int | None) -> bool:
    """Whether an own batch is to be claimed now: members have half of the lease to commit (Q5.1).

    Whoever claims before a quorum has committed has none, and waits longest for its reward. Once enough have
    (`enough_since`), the others get the time to commit that the rules name: one dead member delays nothing
    for longer than that. Who is late by then is not charged, because half of the lease is not over.
    """
    known = facts.batches.get(batch_id)
    seated = facts.committees.get(job_of_item(known.batch.items[0])) if known is not None else None
    if known is None or seated is None or facts.seating is None:
        return True
    others = [seat for seat, each in enumerate(seated.members) if each != known.batch.operator]
    if all((batch_id, seat) in facts.commitments for seat in others):
        return True
    if enough_since is not None and view.now >= enough_since + facts.seating.rules.commit_seconds:
        return True
    half = known.batch.terms.lease_seconds // 2
    return view.now >= known.batch.until - half


# --- jobs -----------------------------------------------------------------------------------------


def _on_job(
    view: View,
    facts: Facts,
    member: Member,
    policy: WorkerPolicy,
    tasks: Mapping[TaskId, TaskView],
    job_id: JobId,
    known: KnownJob,
) -> Iterator[Action]:
    """Draw its committee, step in for an idle leader, take it in one's turn."""
    purse, seated, phases = facts.purses[job_id], facts.committees.get(job_id), member.seating.phases
    if seated is None:
        number = phases.round_at(view.now)
        is_time = phases.phase_at(view.now) is Phase.DRAW and phases.ends(number)[0] >= purse.funded_at
        if is_time and not purse.is_closed:
            message = f"job {job_id} has no committee yet: draw it"
            intent = f"{intents.of_job('draw-committee', job_id)}/{number}"
            yield Send(intent=intent, call=DrawCommittee(job_id=job_id), message=message)
        return
    if known.job.busy:
        return
    rules, item = member.seating.rules, whole(job_id, purse.tasks)
    offer = Taking(operator=view.operator, items=(item.pack(),), now=view.now)
    if may_take(quorums_of(facts), rules, offer):
        yield from _take(
            view, policy, [tasks[each] for each in map(item.task, range(purse.tasks)) if each in tasks]
        )
    elif view.operator in seated.members and not (purse.is_stepped_in or purse.is_open):
        waits = rules.member_seconds * seated.members.index(view.operator) // rules.seats
        age = view.now - purse.turn_at
        if rules.leader_seconds + waits < age <= rules.leader_seconds + rules.member_seconds:
            message = f"the leader has not taken job {job_id}: step in"
            call = StepIn(job_id=job_id, member=view.operator)
            yield Send(intent=intents.of_job("step-in", job_id), call=call, message=message)


def _take(view: View, policy: WorkerPolicy, tasks: Sequence[TaskView]) -> Iterator[Action]:
    """All tasks of a job together, if nothing speaks against it."""
    if not tasks or tasks[0].job.shard_count != len(tasks):
        return
    declined = taking.why_not_committee(view, policy, tasks)
    if declined is not None:
        yield declined
    elif not moves.is_ready(tasks[0]):
        yield from moves.get_material(tasks[0])
    else:
        names = tuple(task.task.task_id for task in tasks)
        last_batch = max(task.task.batch_id for task in tasks)
        yield Send(
            intent=intents.of_take(names, last_batch),
            call=TakeTasks(tasks=names, operator=view.operator),
            message=f"take {intents.tasks_in_words(names)}, whose committee leaves it to this operator",
        )


# --- what follows ---------------------------------------------------------------------------------


def _follow_up(
    view: View, facts: Facts, member: Member, batch_id: BatchId, seated: Seated, known: KnownBatch
) -> Iterator[Action]:
    """Who is charged, paid or shut out, once a batch is decided (Q3.3, Q5, Q6.2)."""
    sitting, batch, rules = facts.sittings.get(batch_id, SILENT), known.batch, member.seating.rules
    if batch.struck:
        job_id = job_of_item(batch.items[0])
        if (job_id, batch.operator) not in facts.failed:
            message = f"batch {batch_id} has lost a leaf: its operator takes nothing of job {job_id} any more"
            call = FailTaker(batch_id=batch_id)
            yield Send(intent=intents.of_batch("fail-taker", batch_id), call=call, message=message)
        unpaid = _largest_group(facts, batch_id, sitting.dissented & ~sitting.compensated)
        if len(unpaid) >= rules.needed and view.operator in {seated.members[seat] for seat in unpaid}:
            message = f"batch {batch_id} has fallen: pay the members that had another result"
            call = CompensateMembers(batch_id=batch_id, seats=unpaid)
            yield Send(intent=intents.of_batch("compensate", batch_id), call=call, message=message)
        yield from _charge_liars(view, facts, batch_id, seated, known)
    elif batch.stage is BatchStage.FINAL and sitting.is_proven:
        seconds = facts.jobs[job_of_item(batch.items[0])].job.terms.lease_seconds
        for seat in late_seats(sitting, facts.commitments, batch_id, batch, seated.members, seconds):
            if seated.members[seat] != view.operator:
                message = f"seat {seat} has not confirmed batch {batch_id}: have it charged"
                intent = f"{intents.of_batch('charge-late', batch_id)}/{seat}"
                yield Send(intent=intent, call=ChargeLate(batch_id=batch_id, seat=seat), message=message)


def _largest_group(facts: Facts, batch_id: BatchId, seats: int) -> tuple[int, ...]:
    """The most seats among these that have the same result."""
    groups: dict[Bytes32, list[int]] = {}
    for seat in range(seats.bit_length()):
        if seats >> seat & 1:
            groups.setdefault(facts.dissents[batch_id, seat], []).append(seat)
    return tuple(max(groups.values(), key=len)) if groups else ()


def _charge_liars(
    view: View, facts: Facts, batch_id: BatchId, seated: Seated, known: KnownBatch
) -> Iterator[Action]:
    """Whoever has confirmed what is not the result pays; who has confirmed the truth does not (Q5.2)."""
    lie = next(iter(_lies(facts, batch_id, known)), None)
    if lie is None:
        return
    sitting = facts.sittings.get(batch_id, SILENT)
    for seat, member in enumerate(seated.members):
        if member != view.operator and (sitting.confirmed & ~sitting.charged) >> seat & 1:
            message = f"seat {seat} has confirmed a false result of batch {batch_id}: have it charged"
            intent = f"{intents.of_batch('charge-lie', batch_id)}/{seat}"
            yield Send(intent=intent, call=ChargeLie(claim_id=lie, seat=seat), message=message)


def _lies(facts: Facts, batch_id: BatchId, known: KnownBatch) -> Iterator[ClaimId]:
    """The claims of a batch that have fallen, and of whose tasks another one has become the result."""
    item = unpack_item(known.batch.items[0])
    for leaf_index in range(known.batch.leaf_count):
        task_id, leaf_id = item.task(leaf_index), claim_of(batch_id, leaf_index)
        final_id = facts.results.get(task_id) if known.batch.struck >> leaf_index & 1 else None
        if final_id is None:
            continue
        final = facts.batches[batch_of_claim(final_id)]
        if leaf_at(known.leaves, leaf_index) != leaf_at(final.leaves, leaf_of_claim(final_id)):
            yield claim_of_leaf(task_id, leaf_id)
