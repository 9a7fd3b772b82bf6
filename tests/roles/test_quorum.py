"""What a member of committees does, by the facts and its own runs (docs/quorum.md)."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.protocol.quorum.world import KEEPER, OPERATORS, RULES
from tests.roles.views import BATCH_ID, CLAIMED, NOW, WORKER, taken_view, task_view, view
from truestep.base.ids import Address, BatchId, Bytes32, JobId, task_of
from truestep.protocol.assignment.rules import DRAW_RULES
from truestep.protocol.calls import NATIVE, TakeTasks
from truestep.protocol.claims import ClaimedState
from truestep.protocol.quorum.policy import late_seats, whole
from truestep.protocol.quorum.seating import Seating
from truestep.protocol.quorum.state import Purse, Seated, Sitting
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
from truestep.protocol.settlement.facts.leaves import leaf_of_state, words_of
from truestep.protocol.settlement.ids import claim_of
from truestep.protocol.settlement.records import Batch, BatchStage, BatchTerms
from truestep.protocol.settlement.tasks.ids import claim_of_leaf
from truestep.protocol.settlement.trees import claims_root
from truestep.roles.actions import Action, Fetch, Run, Send
from truestep.roles.estimates import Speed
from truestep.roles.quorum import (
    Member,
    batches_with_enough,
    decide,
    disputed_by_own_result,
    may_claim,
    own_root,
    salt_of,
)
from truestep.roles.views import Material, MaterialStage, OwnRun
from truestep.roles.worker_policy import WorkerPolicy

JOB_ID, ITEM = JobId(1), whole(JobId(1), 1).pack()
MEMBERS = (OPERATORS[0], WORKER, OPERATORS[1], OPERATORS[2], KEEPER)
SEAT = 1
SEATING = Seating(
    policy=4, quorums=KEEPER, sortition=KEEPER, rules=RULES, phases=DRAW_RULES.phases, exit_seconds=10**6
)
MEMBER = Member(seating=SEATING, secret=b"secret")
ROOT = claims_root(words_of([leaf_of_state(CLAIMED)]))
OTHER_ROOT = Bytes32(b"r" * 32)
LEASE_SECONDS, WINDOW_SECONDS = 200, 1_000
PURSE = Purse(left_wei=100, fee_wei=10, tasks=1, funded_at=NOW - 900, turn_at=NOW - 100)
RAN = OwnRun(claimed=CLAIMED)
POLICY = WorkerPolicy(speed=Speed(send_seconds=1, start_seconds=0.1))


def batch_of(stage: BatchStage, root: Bytes32 = ROOT, **changes: Any) -> Batch:
    is_taken = stage is BatchStage.TAKEN
    terms = BatchTerms(
        tasks_root=Bytes32(b"t" * 32),
        claims_root=Bytes32(bytes(32)) if is_taken else root,
        reward=1,
        bond_wei=1,
        asset=NATIVE,
        window_seconds=WINDOW_SECONDS,
        lease_seconds=LEASE_SECONDS,
    )
    usual: dict[str, Any] = {
        "stage": stage,
        "leaf_count": 1,
        "until": NOW + 100,
        "operator": MEMBERS[0],
        "parameters_id": 1,
        "policy": 4,
        "terms": terms,
        "items": (ITEM,),
    }
    return Batch(**(usual | changes))


def facts(batch: Batch | None = None, **changes: Any) -> Any:
    terms = SimpleNamespace(lease_seconds=LEASE_SECONDS)
    job = SimpleNamespace(deadline=NOW + 10_000, busy=int(batch is not None), terms=terms)
    fields: dict[str, Any] = {
        "seating": SEATING,
        "jobs": {JOB_ID: SimpleNamespace(job=job)},
        "purses": {JOB_ID: PURSE},
        "committees": {JOB_ID: Seated(members=MEMBERS, taker=MEMBERS[0])},
        "batches": {} if batch is None else {BATCH_ID: SimpleNamespace(batch=batch)},
        "sittings": {},
        "commitments": {},
        "dissents": {},
        "failed": {},
        "results": {},
        "quorum_load": None,
        "reopened_until": {},
        "audited": {},
        "kept": SimpleNamespace(batch=lambda _: SimpleNamespace(held_until=0)),
    }
    return SimpleNamespace(**(fields | changes))


def sends(known: Any, *tasks: Any, **changes: Any) -> list[Any]:
    actions: list[Action] = decide(view(*tasks, **changes), known, MEMBER, POLICY)
    return [action.call if isinstance(action, Send) else action for action in actions]


def others_task(**changes: Any) -> Any:
    return taken_view(task={"operator": MEMBERS[0]}, **changes)


# --- results --------------------------------------------------------------------------------------


def test_a_member_fetches_runs_and_commits_once() -> None:
    taken = facts(batch_of(BatchStage.TAKEN))
    missing = others_task(material=Material(stage=MaterialStage.MISSING))
    task_id = missing.task.task_id
    assert sends(taken, missing) == [Fetch(task_id=task_id)]
    assert sends(taken, others_task()) == [Run(task_id=task_id)]
    assert sends(taken, others_task(is_computing=True)) == []
    (call,) = sends(taken, others_task(own_run=RAN))
    salt = salt_of(b"secret", BATCH_ID, WORKER)
    assert call == CommitResult(batch_id=BATCH_ID, member=WORKER, root=ROOT, salt=salt)
    committed = facts(batch_of(BatchStage.TAKEN), commitments={(BATCH_ID, SEAT): 1})
    assert sends(committed, others_task(own_run=RAN)) == []
    assert sends(facts(batch_of(BatchStage.TAKEN, until=NOW - 1)), others_task(own_run=RAN)) == []


def test_salts_are_of_one_batch_and_one_member() -> None:
    salts = {
        salt_of(secret, number, member)  # type: ignore[arg-type]
        for secret in (b"a", b"b")
        for number in (1, 2)
        for member in MEMBERS
    }
    assert len(salts) == 20


@pytest.mark.parametrize("root", [ROOT, OTHER_ROOT])
def test_what_was_committed_to_is_opened_while_the_window_runs(root: Bytes32) -> None:
    sitting = Sitting(taken_at=NOW - 100, stretch_seconds=50)
    known: dict[str, Any] = {"commitments": {(BATCH_ID, SEAT): 1}, "sittings": {BATCH_ID: sitting}}
    claimed = facts(batch_of(BatchStage.CLAIMED, root), **known)
    task = others_task(own_run=RAN)
    (call,) = sends(claimed, task)
    assert isinstance(call, OpenResult) and call.root == ROOT
    assert sends(claimed, task, now=NOW + 150) == [call]
    assert sends(claimed, task, now=NOW + 151) == []
    for spoken in ("confirmed", "dissented"):
        known["sittings"] = {BATCH_ID: replace(sitting, **{spoken: 1 << SEAT})}
        assert sends(facts(batch_of(BatchStage.CLAIMED, root), **known), task) == []
    assert sends(facts(batch_of(BatchStage.CLAIMED, root)), task) == []


def test_only_claims_of_another_result_are_disputed() -> None:
    task = others_task(own_run=RAN)
    tasks, seen = {task.task.task_id: task}, view(task)
    assert own_root(tasks, SimpleNamespace(batch=batch_of(BatchStage.TAKEN))) == ROOT  # type: ignore[arg-type]
    assert disputed_by_own_result(seen, facts(batch_of(BatchStage.CLAIMED)), tasks) == frozenset()
    other = facts(batch_of(BatchStage.CLAIMED, OTHER_ROOT))
    assert disputed_by_own_result(seen, other, tasks) == {task.task.task_id}
    assert disputed_by_own_result(seen, other, {}) == frozenset()
    own = facts(batch_of(BatchStage.CLAIMED, OTHER_ROOT, operator=WORKER))
    assert disputed_by_own_result(seen, own, tasks) == frozenset()


def test_a_leader_claims_once_all_have_committed_or_half_of_the_lease_is_over() -> None:
    batch = batch_of(BatchStage.TAKEN, operator=WORKER, until=NOW + 101)
    three = {(BATCH_ID, seat): 1 for seat in (0, 2, 3)}
    assert not may_claim(view(), facts(batch, commitments=three), BATCH_ID, None)
    assert may_claim(view(), facts(batch, commitments=three | {(BATCH_ID, 4): 1}), BATCH_ID, None)
    assert may_claim(view(now=NOW + 1), facts(batch, commitments=three), BATCH_ID, None)
    assert may_claim(view(), facts(batch, committees={}), BATCH_ID, None)


def test_a_dead_member_delays_a_claim_only_by_the_time_to_commit() -> None:
    """Nobody can be charged then that has not committed: half of the lease is not over (Q5.1)."""
    batch = batch_of(BatchStage.TAKEN, operator=WORKER, until=NOW + LEASE_SECONDS)
    members: dict[str, Any] = {"commitments": {(BATCH_ID, seat): 1 for seat in (0, 2)}}
    assert [*batches_with_enough(facts(batch, **members), RULES, WORKER)] == []
    members["commitments"] |= {(BATCH_ID, 3): 1}
    enough = facts(batch, **members)
    assert [*batches_with_enough(enough, RULES, WORKER)] == [BATCH_ID]
    assert [*batches_with_enough(enough, RULES, MEMBERS[2])] == []
    grace = RULES.commit_seconds
    assert not may_claim(view(now=NOW + grace - 1), enough, BATCH_ID, NOW)
    assert may_claim(view(now=NOW + grace), enough, BATCH_ID, NOW)
    final = batch_of(BatchStage.FINAL, operator=WORKER, until=NOW + grace + WINDOW_SECONDS)
    sitting = Sitting(taken_at=NOW, stretch_seconds=0, confirmed=0b01101, is_proven=True)
    late = late_seats(sitting, members["commitments"], BATCH_ID, final, MEMBERS, LEASE_SECONDS)
    assert late == [] and grace < LEASE_SECONDS // 2


# --- jobs -----------------------------------------------------------------------------------------


def test_a_committee_is_drawn_in_a_draw_phase_of_a_round_that_began_after_the_funding() -> None:
    phases = DRAW_RULES.phases
    start = phases.round_at(NOW) * phases.round_seconds
    draw_at = start + phases.commit_seconds + phases.reveal_seconds
    known = facts(committees={}, purses={JOB_ID: replace(PURSE, funded_at=start, turn_at=0)})
    assert sends(known, now=draw_at) == [DrawCommittee(job_id=JOB_ID)]
    assert sends(known, now=draw_at - 1) == []
    late = {JOB_ID: replace(PURSE, funded_at=start + phases.commit_seconds)}
    assert sends(facts(committees={}, purses=late), now=draw_at) == []
    closed = {JOB_ID: replace(PURSE, funded_at=start, is_closed=True)}
    assert sends(facts(committees={}, purses=closed), now=draw_at) == []


def test_the_job_is_taken_as_a_whole_in_ones_turn() -> None:
    mine = facts(committees={JOB_ID: Seated(members=MEMBERS, taker=WORKER)})
    task = task_view(job={"policy": 4})
    assert sends(mine, task) == [TakeTasks(tasks=(task.task.task_id,), operator=WORKER)]
    assert sends(facts(), task) == []
    assert not any(isinstance(each, TakeTasks) for each in sends(mine, task, free_stake_wei=0))
    assert not any(isinstance(each, TakeTasks) for each in sends(mine, task, struck_count=1))
    opened = facts(purses={JOB_ID: replace(PURSE, is_open=True)})
    assert sends(opened, task) == [TakeTasks(tasks=(task.task.task_id,), operator=WORKER)]
    barred = facts(purses={JOB_ID: replace(PURSE, is_open=True)}, failed={(JOB_ID, WORKER): True})
    assert sends(barred, task) == []


def test_members_step_in_one_after_the_other() -> None:
    waits = RULES.member_seconds * SEAT // RULES.seats
    due = PURSE.turn_at + RULES.leader_seconds + waits
    assert sends(facts(), now=due) == []
    assert sends(facts(), now=due + 1) == [StepIn(job_id=JOB_ID, member=WORKER)]
    stepped = facts(purses={JOB_ID: replace(PURSE, is_stepped_in=True)})
    assert sends(stepped, now=due + 1) == []


# --- what follows ---------------------------------------------------------------------------------


def test_late_seats_are_charged_and_not_ones_own() -> None:
    batch = batch_of(BatchStage.FINAL, until=NOW - 10)
    sitting = Sitting(
        taken_at=NOW - 10 - WINDOW_SECONDS - LEASE_SECONDS,
        stretch_seconds=0,
        confirmed=0b01100,
        is_proven=True,
    )
    known = facts(batch, sittings={BATCH_ID: sitting})
    assert sends(known) == [ChargeLate(batch_id=BATCH_ID, seat=4)]
    hurried = replace(sitting, taken_at=NOW - 10 - WINDOW_SECONDS - LEASE_SECONDS // 2 + 1)
    assert sends(facts(batch, sittings={BATCH_ID: hurried})) == []
    silent = replace(sitting, is_proven=False)
    assert sends(facts(batch, sittings={BATCH_ID: silent})) == []


def test_nobody_has_members_charged_for_a_lease_that_a_deadline_has_cut_short() -> None:
    whole_lease = batch_of(BatchStage.FINAL, until=NOW - 10)
    terms = replace(whole_lease.terms, lease_seconds=LEASE_SECONDS // 2 - 1)
    batch = replace(whole_lease, terms=terms)
    sitting = Sitting(
        taken_at=NOW - 10 - WINDOW_SECONDS - terms.lease_seconds,
        stretch_seconds=0,
        confirmed=0b01100,
        is_proven=True,
    )
    assert sends(facts(batch, sittings={BATCH_ID: sitting})) == []


def test_a_fallen_claim_shuts_its_operator_out_and_pays_the_quorum_that_had_another_result() -> None:
    batch = batch_of(BatchStage.OVER, OTHER_ROOT, struck=1)
    sitting = Sitting(taken_at=0, stretch_seconds=0, dissented=0b11110)
    roots = {(BATCH_ID, 1): ROOT, (BATCH_ID, 2): ROOT, (BATCH_ID, 3): Bytes32(b"x" * 32), (BATCH_ID, 4): ROOT}
    known: dict[str, Any] = {"sittings": {BATCH_ID: sitting}, "dissents": roots}
    fail, pay = FailTaker(batch_id=BATCH_ID), CompensateMembers(batch_id=BATCH_ID, seats=(1, 2, 4))
    assert sends(facts(batch, **known)) == [fail, pay]
    barred = {(JOB_ID, MEMBERS[0]): True}
    assert sends(facts(batch, **known, failed=barred)) == [pay]
    known["sittings"] = {BATCH_ID: replace(sitting, compensated=0b10110)}
    assert sends(facts(batch, **known, failed=barred)) == []


def test_whoever_has_confirmed_a_lie_is_charged_once_the_result_shows_it() -> None:
    """How the claim fell does not matter, and a true one that was lost on purpose charges nobody."""
    fallen_id, barred = BatchId(BATCH_ID + 1), {(JOB_ID, MEMBERS[0]): True}
    sitting = Sitting(taken_at=0, stretch_seconds=0, confirmed=0b11110, charged=0b10000)

    def known(said: ClaimedState, result: ClaimedState | None) -> Any:
        known = facts(batch_of(BatchStage.FINAL), sittings={fallen_id: sitting}, failed=barred)
        for batch_id, state in ((BATCH_ID, result or CLAIMED), (fallen_id, said)):
            leaves = b"".join(words_of([leaf_of_state(state)]))
            stage = BatchStage.FINAL if batch_id == BATCH_ID else BatchStage.OVER
            batch = batch_of(stage, struck=int(batch_id == fallen_id))
            known.batches[batch_id] = SimpleNamespace(batch=batch, leaves=leaves)
        if result is not None:
            known.results[task_of(JOB_ID, 0)] = claim_of(BATCH_ID, 0)
        return known

    lie = replace(CLAIMED, code=CLAIMED.code + 1)
    assert sends(known(lie, None)) == []
    claim_id = claim_of_leaf(task_of(JOB_ID, 0), claim_of(fallen_id, 0))
    charges = [ChargeLie(claim_id=claim_id, seat=seat) for seat in (2, 3)]
    assert sends(known(lie, CLAIMED)) == charges
    assert sends(known(CLAIMED, CLAIMED)) == []


def test_a_member_that_was_right_looks_at_what_is_claimed_after_its_claim_was_lost() -> None:
    """It has had no time to commit, and runs the task all the same: as the result, a lie would cost it."""
    fallen_id = BatchId(BATCH_ID + 1)
    claimed = facts(batch_of(BatchStage.CLAIMED, OTHER_ROOT, operator=KEEPER))
    task_id = others_task().task.task_id
    assert sends(claimed, others_task()) == []
    fallen = SimpleNamespace(batch=batch_of(BatchStage.OVER, struck=1), leaves=b"")
    claimed.batches[fallen_id] = fallen
    claimed.failed[JOB_ID, MEMBERS[0]] = True
    claimed.sittings[fallen_id] = Sitting(taken_at=0, stretch_seconds=0, confirmed=1 << SEAT)
    assert sends(claimed, others_task()) == [Run(task_id=task_id)]
    assert sends(claimed, others_task(own_run=RAN)) == []
    tasks = {task_id: others_task(own_run=RAN)}
    assert disputed_by_own_result(view(*tasks.values()), claimed, tasks) == {task_id}


def test_strangers_have_nothing_to_do() -> None:
    outsider = Address("0x" + "77" * 20)
    for stage in BatchStage:
        assert sends(facts(batch_of(stage)), others_task(own_run=RAN), account=outsider) == []
