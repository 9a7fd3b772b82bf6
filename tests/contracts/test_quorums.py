"""Quorums with real games: what makes a claim final at once, who pays, and how long games can be opened."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

import pytest
from eth_account import Account

from tests.contracts.evm import rejects
from tests.contracts.playing import CLOCK, Play, leaf_of
from tests.contracts.quorums import (
    EXIT_SECONDS,
    PLEDGE_WEI,
    POLICY,
    QUORUM,
    QuorumArena,
    result_of,
)
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import BOB, GUARDIAN
from tests.contracts.settlement import PostedJob, TakenBatch
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32
from truestep.protocol.quorum.commitments import signing_hash
from truestep.protocol.settlement.ids import Role

LIE, TRUTH = falsified_run(SUM), run(SUM)
WINDOW_SECONDS = 30_000
OTHERS = (1, 2, 3, 4)


@pytest.fixture
def arena() -> QuorumArena:
    return QuorumArena()


def taken(arena: QuorumArena, **order: Any) -> tuple[PostedJob, TakenBatch]:
    job = arena.posted_job(**order)
    return job, arena.take((job, 0, 1), operator=arena.leader)


def claimed(arena: QuorumArena, made: Any, said: dict[int, Any], **order: Any) -> TakenBatch:
    """A batch of the leader's, after members have committed to the ends of these runs."""
    _, batch = taken(arena, **order)
    for seat, believed in said.items():
        arena.commit(batch, seat, result_of(believed))
    arena.pass_time(batch.terms.lease_seconds // 2)
    arena.claim(batch, [leaf_of(made)], sender=arena.leader)
    return batch


def struck(arena: QuorumArena, batch: TakenBatch, *, by_step: bool = True) -> Play:
    """A member's game strikes the batch's leaf."""
    play = arena.open(batch, LIE, TRUTH, arena.members[4])
    if by_step:
        play.to_last_step()
        play.step(TRUTH)
    else:
        arena.pass_time(4 * CLOCK)
        play.settle()
    return play


# --- final at once -------------------------------------------------------------------------------------


def test_a_quorum_makes_a_claim_final_for_consumers_at_once(arena: QuorumArena) -> None:
    batch = claimed(arena, TRUTH, dict.fromkeys(OTHERS, TRUTH))
    arena.confirm(batch, 1)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.check_result(batch)
    arena.confirm(batch, 2)
    assert arena.check_result(batch)[1][0]
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.write_out(batch, 0)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    assert arena.locked(arena.leader) == arena.values.operator_bond_wei
    arena.confirm(batch, 3, 4)
    assert [arena.credit_of(arena.members[seat]) for seat in OTHERS] == [1_000] * 4
    arena.pass_time(WINDOW_SECONDS + QUORUM.stretch_seconds + 1)
    arena.finalize(batch)
    arena.write_out(batch, 0)


def test_an_open_game_and_a_stop_put_it_off(arena: QuorumArena) -> None:
    batch = claimed(arena, TRUTH, dict.fromkeys(OTHERS, TRUTH))
    arena.confirm(batch, *OTHERS)
    play = arena.open(batch, TRUTH, LIE, BOB)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.check_result(batch)
    play.to_last_step()
    play.step(TRUTH)
    assert arena.check_result(batch)[1][0]
    arena.assurances.transact("stop", 60, sender=GUARDIAN)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.check_result(batch)


def test_a_claim_before_the_commitments_gains_nothing_and_charges_nobody(arena: QuorumArena) -> None:
    """And it waits longest: nobody has looked at it."""
    job, batch = taken(arena)
    arena.claim(batch, [leaf_of(TRUTH)], sender=arena.leader)
    with rejects(Reject.BATCH_STAGE):
        arena.commit(batch, 1, result_of(TRUTH))
    with rejects(Reject.COMMITMENT_OTHER):
        arena.confirm(batch, 1)
    arena.pass_time(WINDOW_SECONDS + QUORUM.stretch_seconds)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.pass_time(1)
    arena.finalize(batch)
    with rejects(Reject.CLAIM_NOT_PROVEN):
        arena.quorums.transact("charge_late", *arena.stated(batch), 1)
    stated = (job.job_id, astuple(job.work), astuple(job.terms))
    with rejects(Reject.FEES_EARNABLE):
        arena.quorums.transact("refund", *stated)
    arena.pass_time(2 * 10**6)
    arena.quorums.transact("refund", *stated)
    assert arena.credit_of(BOB) == 4_000


def test_an_outsider_s_claim_needs_k_members(arena: QuorumArena) -> None:
    job = arena.posted_job()
    with rejects(Reject.NOT_DRAWN):
        arena.take((job, 0, 1), operator=BOB)
    arena.operators.transact("deposit_for", BOB, sender=BOB, value=10**21)
    arena.pass_time(QUORUM.leader_seconds + QUORUM.member_seconds + 1)
    batch = arena.take((job, 0, 1), operator=BOB)
    for seat in (0, 1, 2):
        arena.commit(batch, seat, result_of(TRUTH))
    arena.claim(batch, [leaf_of(TRUTH)], sender=BOB)
    arena.confirm(batch, 0, 1)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.check_result(batch)
    arena.confirm(batch, 2)
    assert arena.check_result(batch)[1][0]


def test_a_member_may_step_in_once_for_an_idle_leader(arena: QuorumArena) -> None:
    job = arena.posted_job()
    with rejects(Reject.TURN_OTHER):
        arena.quorums.transact("step_in", job.job_id, arena.members, 2, sender=arena.members[2])
    arena.pass_time(QUORUM.leader_seconds + 1)
    arena.quorums.transact("step_in", job.job_id, arena.members, 2, sender=arena.members[2])
    with rejects(Reject.TURN_OTHER):
        arena.quorums.transact("step_in", job.job_id, arena.members, 3, sender=arena.members[3])
    with rejects(Reject.NOT_DRAWN):
        arena.take((job, 0, 1), operator=arena.leader)
    arena.take((job, 0, 1), operator=arena.members[2])


def test_a_batch_of_several_jobs_is_refused(arena: QuorumArena) -> None:
    first, second = arena.posted_job(), arena.posted_job()
    arena.pass_time(QUORUM.leader_seconds + QUORUM.member_seconds + 1)
    with rejects(Reject.NOT_DRAWN):
        arena.take((first, 0, 1), (second, 0, 1), operator=arena.members[2])


# --- lies ------------------------------------------------------------------------------------------------


def test_a_lie_of_the_leader_and_a_friend_costs_both(arena: QuorumArena) -> None:
    """Members that were right are paid as well, and the shard is done again by somebody else."""
    batch = claimed(arena, LIE, {1: LIE, 2: TRUTH, 3: TRUTH, 4: TRUTH}, shard_count=1)
    arena.confirm(batch, 1)
    for seat in (2, 3, 4):
        arena.dissent(batch, seat, result_of(TRUTH))
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.check_result(batch)
    with rejects(Reject.CLAIM_STANDS):
        arena.quorums.transact("compensate", *arena.stated(batch), [2, 3, 4])
    struck(arena, batch)
    with rejects(Reject.QUORUM_MISSED):
        arena.quorums.transact("compensate", *arena.stated(batch), [2, 3])
    arena.quorums.transact("compensate", *arena.stated(batch), [2, 3, 4])
    assert [arena.credit_of(arena.members[seat]) for seat in OTHERS] == [1_000] * 4
    again = arena.redo(batch, TRUTH, arena.members[3])
    assert not arena.quorums.call("may_take", arena.leader, list(batch.items))
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.charge_lie(batch, again, 1)
    arena.end(again)
    with rejects(Reject.SEAT_UNKNOWN):
        arena.charge_lie(batch, again, 2)
    arena.charge_lie(batch, again, 1, sender=BOB)
    assert arena.sortition.call("pledges", arena.members[1]) == PLEDGE_WEI - QUORUM.lie_wei
    assert arena.credit_of(BOB) == QUORUM.lie_wei // 10
    with rejects(Reject.SEAT_SPOKEN):
        arena.charge_lie(batch, again, 1)


def test_three_friends_lose_bonds_and_pledges_to_one_that_is_awake(arena: QuorumArena) -> None:
    batch = claimed(arena, LIE, {1: LIE, 2: LIE})
    arena.confirm(batch, 1, 2)
    assert arena.check_result(batch)[1][0]
    arena.pass_time(WINDOW_SECONDS)
    struck(arena, batch)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.check_result(batch)
    again = arena.end(arena.redo(batch, TRUTH, arena.members[3]))
    for seat in (1, 2):
        arena.charge_lie(batch, again, seat)
        assert arena.sortition.call("pledges", arena.members[seat]) == PLEDGE_WEI - QUORUM.lie_wei
    assert arena.locked(arena.leader) == 0
    assert arena.operators.call("accounts", arena.leader)[0] < 2 * 10**21


def test_a_lie_that_falls_by_a_clock_costs_as_much(arena: QuorumArena) -> None:
    """Its operator has nothing to gain by saying nothing."""
    batch = claimed(arena, LIE, {1: LIE, 2: LIE})
    arena.confirm(batch, 1, 2)
    struck(arena, batch, by_step=False)
    again = arena.end(arena.redo(batch, TRUTH, arena.members[3]))
    arena.charge_lie(batch, again, 2)
    assert arena.sortition.call("pledges", arena.members[2]) == PLEDGE_WEI - QUORUM.lie_wei


@pytest.mark.parametrize("by_step", [True, False])
def test_members_of_a_true_claim_that_was_lost_on_purpose_lose_nothing(
    arena: QuorumArena, by_step: bool
) -> None:
    """Its operator splits falsely, or says nothing; neither it nor a friend gets anything for that."""
    batch = claimed(arena, TRUTH, {1: TRUTH, 2: TRUTH})
    arena.confirm(batch, 1, 2)
    play = struck(arena, batch, by_step=by_step)
    play.show()
    again = arena.redo(batch, TRUTH, arena.members[3])
    arena.end(again)
    for seat in (1, 2):
        with rejects(Reject.CLAIM_TRUE):
            arena.charge_lie(batch, again, seat)
        assert arena.credit_of(arena.members[seat]) == 1_000
        assert arena.sortition.call("pledges", arena.members[seat]) == PLEDGE_WEI
    owed_wei = arena.owed(play.challenger)
    play.reward(again)
    assert arena.owed(play.challenger) == owed_wei


def test_only_the_result_of_the_same_task_of_the_same_job_charges(arena: QuorumArena) -> None:
    """Another job may have been posted for the purpose, and its input kept from all others."""
    batch = claimed(arena, TRUTH, {1: TRUTH, 2: TRUTH})
    arena.confirm(batch, 1, 2)
    struck(arena, batch)
    members = arena.members
    _, other = taken(arena)
    arena.claim(other, [leaf_of(LIE)], sender=arena.leader)
    arena.end(other)
    arena.members = members
    with rejects(Reject.ITEM_PROOF):
        arena.charge_lie(batch, other, 1)
    again = arena.redo(batch, LIE, arena.members[3])
    digest = batch.digests[batch.items[0] >> 64]
    lie, result = arena.said(batch), arena.said(again)
    arena.end(again)
    for changed, reason in (
        ((batch.claim_id(0), *result[1:]), Reject.BATCH_TERMS_OTHER),
        ((*result[:2], result[2] + 1, *result[3:]), Reject.ITEM_PROOF),
        ((*result[:3], lie[3], *result[4:]), Reject.LEAF_PROOF),
        ((result[0] + 1, *result[1:]), Reject.ITEM_OTHER_LEAF),
    ):
        with rejects(reason):
            arena.quorums.transact("charge_lie", lie, changed, digest, members, 1)


def test_junk_is_not_paid_and_costs_what_lateness_costs(arena: QuorumArena) -> None:
    batch = claimed(arena, TRUTH, {1: TRUTH, 2: TRUTH, 3: LIE})
    arena.confirm(batch, 1, 2)
    with rejects(Reject.COMMITMENT_OTHER):
        arena.confirm(batch, 3)
    with rejects(Reject.COMMITMENT_OTHER):
        arena.dissent(batch, 3, Bytes32(b"x" * 32))
    arena.pass_time(WINDOW_SECONDS + QUORUM.stretch_seconds + 1)
    with rejects(Reject.WINDOW_OVER):
        arena.dissent(batch, 3, result_of(LIE))
    with rejects(Reject.HOLD_UNDECIDED):
        arena.quorums.transact("charge_late", *arena.stated(batch), 3)
    arena.finalize(batch)
    for seat in (3, 4):
        arena.quorums.transact("charge_late", *arena.stated(batch), seat)
        assert arena.sortition.call("pledges", arena.members[seat]) == PLEDGE_WEI - QUORUM.late_wei
    for seat in (1, 2):
        with rejects(Reject.SEAT_SPOKEN):
            arena.quorums.transact("charge_late", *arena.stated(batch), seat)
    with rejects(Reject.OWN_CLAIM):
        arena.quorums.transact("charge_late", *arena.stated(batch), 0)


def test_nobody_is_late_for_a_lease_that_the_deadline_has_cut_short(arena: QuorumArena) -> None:
    """A leader with two friends could have taken a job seconds before its deadline."""
    job = arena.posted_job()
    arena.pass_time(arena.jobs.call("deadlines", job.job_id) - arena.now - 4)
    batch = arena.take((job, 0, 1), operator=arena.leader)
    for seat in (1, 2):
        arena.commit(batch, seat, result_of(TRUTH))
    arena.pass_time(2)
    arena.claim(batch, [leaf_of(TRUTH)], sender=arena.leader)
    arena.confirm(batch, 1, 2)
    arena.pass_time(WINDOW_SECONDS + QUORUM.stretch_seconds + 1)
    arena.finalize(batch)
    with rejects(Reject.MEMBER_NO_TIME):
        arena.quorums.transact("charge_late", *arena.stated(batch), 3)


def test_nobody_is_late_that_had_less_time_than_a_run_takes(arena: QuorumArena) -> None:
    """Half of a lease that a deadline has cut short has room for words, and none for the runs before them."""
    job = arena.posted_job()
    assert job.terms.lease_seconds // 2 > QUORUM.commit_seconds
    arena.pass_time(arena.jobs.call("deadlines", job.job_id) - arena.now - QUORUM.commit_seconds - 2)
    batch = arena.take((job, 0, 1), operator=arena.leader)
    for seat in (1, 2):
        arena.commit(batch, seat, result_of(TRUTH))
    arena.pass_time(QUORUM.commit_seconds)
    arena.claim(batch, [leaf_of(TRUTH)], sender=arena.leader)
    arena.confirm(batch, 1, 2)
    arena.end(batch)
    with rejects(Reject.MEMBER_NO_TIME):
        arena.quorums.transact("charge_late", *arena.stated(batch), 3)


def test_a_copied_commitment_opens_for_nobody_else(arena: QuorumArena) -> None:
    _, batch = taken(arena)
    arena.commit(batch, 1, result_of(TRUTH))
    copied = arena.quorums.call("commitment_at", batch.batch_id, 1)
    arena.quorums.transact("commit", *arena.stated(batch), 2, copied, sender=arena.members[2])
    arena.claim(batch, [leaf_of(TRUTH)], sender=arena.leader)
    arena.confirm(batch, 1)
    stolen = [(2, bytes([2]) * 32)]
    with rejects(Reject.COMMITMENT_OTHER):
        arena.quorums.transact("confirm", *arena.stated(batch), stolen)


def test_a_signature_is_of_no_use_for_other_tasks_under_the_same_number(arena: QuorumArena) -> None:
    """A reorganisation gives a batch's number to other tasks; what was signed before would open for none."""
    key = Account.from_key(b"\x07" * 32)
    _, batch = taken(arena)
    member = arena.members[1]
    arena.operators.transact("set_delegate", key.address, int(Role.CLAIM), sender=member)
    court = (1, Address(arena.quorums.address), BatchId(batch.batch_id))
    for root in (Bytes32(b"the tasks before".ljust(32)), batch.terms.tasks_root):
        hashed = signing_hash(*court, root, Address(member), 1)
        signed = [(1, 1, bytes(key.unsafe_sign_hash(hashed).signature))]
        if root != batch.terms.tasks_root:
            with rejects(Reject.COMMITMENT_SIGNATURE):
                arena.quorums.transact("commit_many", *arena.stated(batch), signed)
    arena.quorums.transact("commit_many", *arena.stated(batch), signed)
    assert arena.quorums.call("commitment_at", batch.batch_id, 1) == 1


def test_closing_a_job_takes_no_fee_from_members_that_work(arena: QuorumArena) -> None:
    """A lease that began before may end long after the new deadline."""
    job, batch = taken(arena, lease_seconds=10 * 86_400)
    stated = (job.job_id, astuple(job.work), astuple(job.terms))
    arena.jobs.transact("close", *stated, sender=job.terms.requester)
    arena.commit(batch, 1, result_of(TRUTH))
    arena.pass_time(10 * 86_400)
    with rejects(Reject.FEES_EARNABLE):
        arena.quorums.transact("refund", *stated)
    arena.claim(batch, [leaf_of(TRUTH)], sender=arena.leader)
    arena.confirm(batch, 1)
    assert arena.credit_of(arena.members[1]) == 1_000
    arena.pass_time(WINDOW_SECONDS + QUORUM.stretch_seconds + 1)
    arena.quorums.transact("refund", *stated)


def test_fees_that_are_taken_back_lengthen_nobody_s_window(arena: QuorumArena) -> None:
    job = arena.post_runs(policy=POLICY, shard_count=256)
    stated = (job.job_id, astuple(job.work), astuple(job.terms))
    arena.quorums.transact("fund", *stated, sender=BOB, value=256 * 4_000)
    arena.quorums.transact("refund", *stated, sender=job.terms.requester)
    assert arena.quorums.call("load") == 0
    arena.posted_job(shard_count=3)
    assert arena.quorums.call("load") == 3


# --- jobs and bounds -------------------------------------------------------------------------------------


def test_what_cannot_be_funded(arena: QuorumArena) -> None:
    def fund(value_wei: int = 4_000, **order: Any) -> None:
        usual: dict[str, Any] = {"policy": POLICY, "shard_count": 1}
        job = arena.post_runs(**(usual | order))
        stated = (job.job_id, astuple(job.work), astuple(job.terms))
        arena.quorums.transact("fund", *stated, sender=BOB, value=value_wei)

    with rejects(Reject.FEE_BOUNDS):
        fund(3_999)
    others, most_wei = QUORUM.seats - 1, QUORUM.lie_wei // 2
    for shard_count in (1, 3):  # fees that would pay for a lie
        with rejects(Reject.FEE_BOUNDS):
            fund(others * shard_count * (most_wei // shard_count + 1), shard_count=shard_count)
    fund(others * most_wei)
    with rejects(Reject.LEASE_SHORT):
        fund(lease_seconds=60)
    with rejects(Reject.BATCH_LIMIT):
        fund(10**6, shard_count=257)
    turns_seconds = QUORUM.leader_seconds + QUORUM.member_seconds
    left_seconds = (EXIT_SECONDS - turns_seconds) // 2 - QUORUM.stretch_seconds - WINDOW_SECONDS
    with rejects(Reject.WINDOW_LONG):
        fund(lease_seconds=3_600, window_seconds=WINDOW_SECONDS + left_seconds - 3_600 + 60)
    with rejects(Reject.WINDOW_LONG):
        fund(lease_seconds=left_seconds + 1, window_seconds=WINDOW_SECONDS)
    fund(lease_seconds=left_seconds, window_seconds=WINDOW_SECONDS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"seats": 17, "needed": 9}, Reject.QUORUM_BOUNDS),
        ({"seats": 4, "needed": 2}, Reject.QUORUM_BOUNDS),
        ({"seats": 1, "needed": 1}, Reject.QUORUM_BOUNDS),
        ({"needed": 6}, Reject.QUORUM_BOUNDS),
        ({"pool": 256}, Reject.QUORUM_BOUNDS),
        ({"leader_seconds": 0}, Reject.TURN_BOUNDS),
        ({"member_seconds": 604_801}, Reject.TURN_BOUNDS),
        ({"commit_seconds": 0}, Reject.TURN_BOUNDS),
        ({"late_wei": 10**18}, Reject.FEE_PENALTY_BOUNDS),
        ({"fee_wei": 2**72}, Reject.FEE_PENALTY_BOUNDS),
        ({"stretch_seconds": 20 * 86_400 + 1}, Reject.PARAMETER_WINDOW),
        ({"full_value_wei": 0}, Reject.PARAMETER_WINDOW),
        ({"full_tasks": 0}, Reject.PARAMETER_WINDOW),
        ({"load_seconds": 2**32}, Reject.PARAMETER_WINDOW),
    ],
)
def test_numbers_that_no_quorum_may_have(
    arena_once: QuorumArena, changes: dict[str, int], reason: Reject
) -> None:
    arguments = (arena_once.assurances.address, arena_once.sortition.address)
    with rejects(reason):
        arena_once.deploy("Quorums", *arguments, astuple(replace(QUORUM, **changes)))


@pytest.fixture(scope="module")
def arena_once() -> QuorumArena:
    return QuorumArena()


# --- windows -----------------------------------------------------------------------------------------------


def test_games_can_be_opened_until_the_lengthened_window_is_over(arena: QuorumArena) -> None:
    """Value 1 coin of bond of 1,000 at which it is lengthened in full: 10 of 10,000 seconds."""
    batch = claimed(arena, LIE, {1: TRUTH})
    until = arena.batch(batch.batch_id).until
    assert arena.quorums.call("open_until", batch.batch_id, until) == until + 10
    arena.pass_time(WINDOW_SECONDS + 10)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    play = arena.open(batch, LIE, TRUTH, arena.members[1])
    arena.pass_time(1)
    with rejects(Reject.WINDOW_OVER):
        arena.open(batch, LIE, TRUTH, arena.members[2])
    play.to_last_step()
    play.step(TRUTH)
