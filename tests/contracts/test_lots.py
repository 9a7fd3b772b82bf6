"""Lots with real games: whose turn it is, and that nobody pays for what it could not do (docs/drawn.md)."""

from __future__ import annotations

from dataclasses import astuple

import pytest

from tests.contracts.evm import rejects
from tests.contracts.lots import LOTS, PLEDGE_WEI, POOL, LotsArena
from tests.contracts.playing import CLOCK, leaf_of
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import BOB, KEEPER, NOBODY
from truestep.base.errors import Reject

LIE, TRUTH = falsified_run(SUM), run(SUM)
STRANGER = "0x" + "77" * 20


@pytest.fixture
def arena() -> LotsArena:
    return LotsArena()


# --- whose turn it is ---------------------------------------------------------------------------------


def test_only_the_holder_takes_its_lot_and_only_in_its_turn(arena: LotsArena) -> None:
    job = arena.posted_job(shard_count=5)
    with rejects(Reject.NOT_DRAWN):
        arena.take((job, 0, 1), operator=POOL[0])
    holder, second = arena.draw(job, 0, 4)
    for other in {*POOL} - {holder}:
        with rejects(Reject.NOT_DRAWN):
            arena.take((job, 0, 1), operator=other)
    with rejects(Reject.NOT_DRAWN):  # the lot between them waits
        arena.take((job, 0, 3), operator=holder)
    arena.take((job, 0, 2), operator=holder)
    arena.pass_time(LOTS.turn_seconds)
    arena.take((job, 4, 1), operator=second)  # in the last second
    with rejects(Reject.LOT_NOT_WAITING):
        arena.draw(job, 0)


def test_a_lot_that_nobody_draws_is_open_after_a_time(arena: LotsArena) -> None:
    job = arena.posted_job()
    arena.pass_time(LOTS.open_seconds - 1)
    with rejects(Reject.NOT_DRAWN):
        arena.take((job, 0, 1), operator=POOL[1])
    arena.pass_time(1)
    batch = arena.take((job, 0, 1), operator=POOL[1])
    with rejects(Reject.LOT_NOT_WAITING):
        arena.draw(job, 0)
    # Released and drawn, it is the holder's alone again, who answers for the shard that is free.
    arena.on_batch("release", batch, sender=POOL[1])
    (holder,) = arena.draw(job, 0)
    assert arena.lots.call("get_lot", job.job_id, 0)[2] == 1
    arena.take((job, 0, 1), operator=holder)


def test_nobody_spoils_the_draw_of_many_lots_by_drawing_one_of_them(arena: LotsArena) -> None:
    """Else whoever is quick draws what its friends win, and leaves the others to a later round."""
    job = arena.posted_job(shard_count=6)
    (first,) = arena.draw(job, 2)
    assert len(arena.draw(job, 0, 2, 4)) == 2
    assert all(arena.lots.call("get_lot", job.job_id, lot)[0] != NOBODY for lot in range(3))
    assert arena.lots.call("get_lot", job.job_id, 1)[0].lower() == first
    for shards in ((0, 2, 4), ()):
        with rejects(Reject.LOT_NOT_WAITING):
            arena.draw(job, *shards)


def test_no_requester_spoils_a_refusal_of_many_lots_by_cancelling_a_shard(arena: LotsArena) -> None:
    job = arena.posted_job(shard_count=4, lot_tasks=4)
    (holder,) = arena.draw(job, 0)
    arguments = (job.job_id, astuple(job.work), astuple(job.terms), [0])
    arena.jobs.transact("cancel", *arguments, sender=BOB)
    arena.decline(job, 0, 1, operator=holder)
    assert arena.lots.call("get_lot", job.job_id, 0)[0] == NOBODY


def test_lots_of_other_sizes_are_for_the_requester_to_choose(arena: LotsArena) -> None:
    job = arena.post_runs(policy=2, shard_count=3)
    with rejects(Reject.NOT_REQUESTER):
        arena.offer(job, 1, sender=STRANGER)
    arena.offer(job, LOTS.lot_tasks, sender=STRANGER)
    with rejects(Reject.JOB_READY):
        arena.offer(job, 1)


def test_no_number_reaches_the_lot_of_another_job(arena: LotsArena) -> None:
    """A shard so large that its lot's key would be that of another job."""
    job, other = arena.posted_job(), arena.posted_job()
    far = (other.job_id - job.job_id << 16) * 2
    for call in (
        lambda: arena.draw(job, far),
        lambda: arena.end_turn(job, far),
        lambda: arena.decline(job, far, operator=POOL[0]),
    ):
        with rejects(Reject.SHARD_RANGE):
            call()


# --- who pays -----------------------------------------------------------------------------------------


def test_a_silent_holder_pays_and_another_one_is_drawn(arena: LotsArena) -> None:
    job = arena.posted_job(shard_count=2)
    (silent,) = arena.draw(job, 1)
    arena.pass_time(LOTS.turn_seconds)
    with rejects(Reject.TURN_RUNS):
        arena.end_turn(job, 0)
    arena.pass_time(1)
    with rejects(Reject.NOT_DRAWN):
        arena.take((job, 0, 2), operator=silent)
    said = arena.end_turn(job, 0)
    assert (said["late_tasks"], said["penalty_wei"]) == (2, 2 * LOTS.late_wei)
    assert arena.pledge(silent) == PLEDGE_WEI - 2 * LOTS.late_wei
    assert arena.lots.call("credits", KEEPER) == 2 * LOTS.late_wei // 10
    with rejects(Reject.TURN_OVER):
        arena.end_turn(job, 0)
    arena.pass_time(1)
    holder = silent
    for number in range(1, 17):  # whoever failed is not drawn again, whatever the seed
        (holder,) = arena.draw(job, 0)
        assert holder != silent
        arena.decline(job, 0, operator=holder)
        assert arena.lots.call("get_lot", job.job_id, 0)[3] is (number == 16)
        arena.pass_time(1)
    with rejects(Reject.LOT_NOT_WAITING):
        arena.draw(job, 0)
    with rejects(Reject.NOT_DRAWN):
        arena.take((job, 0, 2), operator=silent)
    arena.take((job, 0, 2), operator=holder)  # open to all others


def test_each_task_that_was_left_free_costs_the_same_in_the_second_turn_too(arena: LotsArena) -> None:
    """Shards of a job whose bits are in words of their own; the last lot is a short one."""
    job = arena.posted_job(shard_count=70, lot_tasks=32)
    (first, short) = arena.draw(job, 40, 69)
    taker = arena.take((job, 34, 2), operator=first)
    arena.pass_time(LOTS.turn_seconds + 1)
    assert arena.end_turn(job, 63)["late_tasks"] == 30
    said = arena.end_turn(job, 64)
    assert (said["late_tasks"], said["holder"].lower()) == (6, short)
    arena.pass_time(1)
    (second,) = arena.draw(job, 32)
    arena.on_batch("expire", taker)
    arena.take((job, 60, 4), operator=second)
    arena.pass_time(LOTS.turn_seconds + 1)
    said = arena.end_turn(job, 34)  # one that was not free when the second holder was drawn
    assert (said["late_tasks"], said["penalty_wei"]) == (26, 26 * LOTS.late_wei)


def test_whoever_cannot_pay_for_a_lot_is_drawn_for_none(arena: LotsArena) -> None:
    """Its weight follows its pledge in a commit phase alone, and only if somebody asks for that."""
    poor = POOL[0]
    jobs = [arena.posted_job(shard_count=32, lot_tasks=32) for _ in range(2)]
    left_wei = 32 * LOTS.late_wei - 1
    arena.sortition.transact("penalise", poor, PLEDGE_WEI - left_wei, sender=KEEPER)
    for _ in range(6):
        (holder,) = arena.draw(jobs[0], 0)
        assert holder != poor
        arena.decline(jobs[0], 0, operator=holder)
        arena.pass_time(1)
    small = [arena.posted_job(shard_count=1, lot_tasks=1) for _ in range(12)]
    arena.pass_time(1)
    assert poor in [arena.draw(job, 0)[0] for job in small]  # it pays for these


def test_a_lot_is_open_when_everybody_has_failed(arena: LotsArena) -> None:
    job = arena.posted_job()
    for _ in POOL:
        arena.draw(job, 0)
        arena.pass_time(LOTS.turn_seconds + 1)
        assert arena.end_turn(job, 0)["late_tasks"] == 1
        arena.pass_time(1)
    assert arena.draw(job, 0) == [NOBODY]
    with rejects(Reject.NOT_DRAWN):
        arena.take((job, 0, 1), operator=POOL[0])
    arena.operators.transact("deposit_for", BOB, sender=KEEPER, value=10**20)
    arena.take((job, 0, 1), operator=BOB)


def test_whoever_declines_in_its_turn_pays_nothing(arena: LotsArena) -> None:
    job = arena.posted_job()
    (holder,) = arena.draw(job, 0)
    with rejects(Reject.NO_ROLE):
        arena.decline(job, 0, operator=holder, sender=STRANGER)
    arena.pass_time(LOTS.turn_seconds)
    arena.decline(job, 0, operator=holder)
    assert arena.pledge(holder) == PLEDGE_WEI
    arena.pass_time(1)
    (second,) = arena.draw(job, 0)
    arena.pass_time(LOTS.turn_seconds + 1)
    with rejects(Reject.TURN_OVER):
        arena.decline(job, 0, operator=second)


def test_a_holder_whose_job_is_closed_or_cancelled_pays_nothing(arena: LotsArena) -> None:
    closed, cancelled = arena.posted_job(), arena.posted_job()
    arena.draw(closed, 0)
    (holder,) = arena.draw(cancelled, 0)
    for function, job in (("close", closed), ("cancel", cancelled)):
        shards = ([0],) if function == "cancel" else ()
        arguments = (job.job_id, astuple(job.work), astuple(job.terms), *shards)
        arena.jobs.transact(function, *arguments, sender=BOB)
    arena.pass_time(LOTS.turn_seconds + 1)
    with rejects(Reject.DEADLINE_OVER):
        arena.end_turn(closed, 0)
    with rejects(Reject.TASK_NOT_OPEN):
        arena.end_turn(cancelled, 0)
    assert arena.pledge(holder) == PLEDGE_WEI


def test_a_liar_that_answers_nobody_has_the_job_once(arena: LotsArena) -> None:
    job = arena.posted_job(shard_count=2)
    (liar,) = arena.draw(job, 0)
    batch = arena.take((job, 0, 2), operator=liar)
    arena.claim(batch, [leaf_of(LIE), leaf_of(TRUTH)], sender=liar)
    challenger = next(each for each in POOL if each != liar)
    play = arena.open(batch, LIE, TRUTH, challenger)
    arena.pass_time(4 * CLOCK)
    play.settle()
    for name in POOL:  # neither the liar nor a quick friend: nobody before the draw
        with rejects(Reject.NOT_DRAWN):
            arena.take((job, 0, 1), operator=name)
    with rejects(Reject.TASK_NOT_OPEN):  # what the liar still claims is no reason
        arena.end_turn(job, 1)
    assert arena.end_turn(job, 0)["late_tasks"] == 1  # of the two that it was to take
    arena.pass_time(1)
    (holder,) = arena.draw(job, 0)
    assert holder != liar
    arena.take((job, 0, 1), operator=holder)


def test_nobody_pays_for_a_shard_that_was_anothers_when_it_was_drawn(arena: LotsArena) -> None:
    """The first holder takes one shard of two, and loses it when the second one's turn is over."""
    job = arena.posted_job(shard_count=2)
    (first,) = arena.draw(job, 0)
    batch = arena.take((job, 0, 1), operator=first)
    arena.pass_time(LOTS.turn_seconds + 1)
    assert arena.end_turn(job, 1)["late_tasks"] == 1
    arena.pass_time(1)
    (second,) = arena.draw(job, 1)
    assert arena.lots.call("get_lot", job.job_id, 0)[2] == 0b10
    arena.take((job, 1, 1), operator=second)
    arena.pass_time(LOTS.turn_seconds + 1)
    arena.pass_time(max(0, batch.terms.lease_seconds))
    arena.on_batch("expire", batch)
    said = arena.end_turn(job, 0)
    assert (said["holder"].lower(), said["late_tasks"], said["penalty_wei"]) == (second, 0, 0)
    assert not arena.lots.call("failed", job.job_id, second)
    assert arena.pledge(second) == PLEDGE_WEI


def test_a_lot_does_not_open_behind_a_claim_that_stands(arena: LotsArena) -> None:
    """A holder that has taken cannot decline, and so have the lot open to its friends when its lie falls."""
    job = arena.posted_job()
    (liar,) = arena.draw(job, 0)
    arena.take((job, 0, 1), operator=liar)
    with rejects(Reject.TASK_NOT_OPEN):
        arena.decline(job, 0, operator=liar)
    arena.pass_time(LOTS.turn_seconds + LOTS.open_seconds + 1)
    with rejects(Reject.TASK_NOT_OPEN):
        arena.end_turn(job, 0)


def test_a_reducer_is_offered_once_it_is_fed(arena: LotsArena) -> None:
    source = arena.post_runs(shard_count=1)
    reducer = arena.post(
        policy=2, reducer_of=source.job_id << 8, input_root=source.digest, input_size=0, shard_count=1
    )
    with rejects(Reject.JOB_WAITS):
        arena.offer(reducer, 1)
