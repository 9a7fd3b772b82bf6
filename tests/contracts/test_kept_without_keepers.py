"""Kept with items that no keeper keeps: in calldata, or in blobs of a transaction (A3.6, A3.7, A5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.evm import Receipt, rejects
from tests.contracts.keeping import (
    ACKNOWLEDGE_SECONDS,
    ANSWER_SECONDS,
    BLOB_BOND_WEI,
    KeptArena,
    MadeItem,
    input_part,
    program_part,
)
from tests.contracts.playing import BOND_WEI, CLOCK, HONEST, LEAF_BOND_WEI, LIAR, RULES
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import BOB, DAY_SECONDS
from tests.contracts.settlement import PostedJob, TakenBatch
from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import demand_of
from truestep.protocol.availability.kept import CONTEST_ANSWERS, HOLD_LIMIT_SECONDS

LIE, TRUTH = falsified_run(SUM), run(SUM)
WINDOW_SECONDS = 30_000
IN_BLOBS: dict[str, Any] = {"seat_count": 0}
IN_CALLDATA: dict[str, Any] = {"seat_count": 0, "blob_count": 0, "until": 2**40 - 1}


@pytest.fixture
def arena() -> KeptArena:
    return KeptArena()


def last_need(arena: KeptArena, job: PostedJob) -> int:
    """The last second in which a game can need the data of a job that nobody holds."""
    deadline: int = arena.jobs.call("deadlines", job.job_id)
    return deadline + WINDOW_SECONDS + 8 * CLOCK


def supplied_in_blobs(arena: KeptArena) -> tuple[PostedJob, MadeItem]:
    """A job whose program and input are in blobs, for no longer than they must."""
    job = arena.post_runs(policy=2)
    item = arena.item(program_part(job), input_part(job), until=last_need(arena, job), **IN_BLOBS)
    arena.supply(job, item)
    return job, item


def ask(arena: KeptArena, item: MadeItem, *, is_open: bool = True) -> int:
    """A demand for the tree of an item's program, open or settled."""
    demand_id = demand_of(item.item_id, 0, Address(HONEST))
    arena.availability.transact("demand", demand_id, bytes([is_open]) * 32)
    arena.put(item, ItemState.KEPT, is_contested=is_open)
    return demand_id


def hold_for(arena: KeptArena, batch: TakenBatch, demand_id: int, value_wei: int = BOND_WEI) -> Receipt:
    """Let a batch wait for a demand."""
    return arena.hold(batch, demand_id, value_wei, sender=HONEST, function="hold_for_demand")


# --- what jobs and batches need -------------------------------------------------------------------


def test_blobs_of_a_transaction_last_until_the_last_game_but_not_for_holds(arena: KeptArena) -> None:
    job = arena.post_runs(policy=2)
    parts, last = (program_part(job), input_part(job)), last_need(arena, job)
    with rejects(Reject.DATA_ENDS_EARLY):
        arena.supply(job, arena.item(*parts, until=last - 1, **IN_BLOBS))
    with rejects(Reject.DATA_ENDS_EARLY):
        arena.supply(job, arena.item(*parts, until=last + HOLD_LIMIT_SECONDS - 1))
    arena.supply(job, arena.item(*parts, until=last, **IN_BLOBS))


def test_nobody_pays_for_blobs_that_keepers_need_not_publish(arena: KeptArena) -> None:
    job = arena.post_runs(policy=2)
    covered = LEAF_BOND_WEI * RULES.winner_share_bps // 10_000 // BLOB_BOND_WEI
    given = arena.item(input_part(job), blob_count=covered)
    with rejects(Reject.DATA_BOND):
        arena.supply(job, arena.item(program_part(job), blob_count=1), given)
    arena.supply(job, arena.item(program_part(job), blob_count=6, **IN_BLOBS), given)


def test_program_and_input_in_calldata(arena: KeptArena) -> None:
    job = arena.post_runs(policy=2)
    arena.supply(job, arena.item(program_part(job), input_part(job), **IN_CALLDATA))
    batch = arena.claim_runs(TRUTH, job=job)
    arena.deliver(batch, arena.outputs(batch, **IN_CALLDATA), LIAR)
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.finalize(batch)


def test_outputs_in_blobs_last_a_week_beyond_the_window(arena: KeptArena) -> None:
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    last = arena.batch(batch.batch_id).until + 7 * DAY_SECONDS
    with rejects(Reject.DATA_ENDS_EARLY):
        arena.deliver(batch, arena.outputs(batch, until=last - 1, **IN_BLOBS), LIAR)
    arena.deliver(batch, arena.outputs(batch, until=last, **IN_BLOBS), LIAR)


# --- outputs that nobody has checked ---------------------------------------------------------------


def test_outputs_in_blobs_are_not_final_before_anybody_could_check_them(arena: KeptArena) -> None:
    """No keeper has checked them before it signed, and no contract: they may be junk under the right root."""
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.pass_time(WINDOW_SECONDS + 1)
    outputs = arena.outputs(batch, **IN_BLOBS)
    arena.deliver(batch, outputs, LIAR)
    until = arena.now + ACKNOWLEDGE_SECONDS
    assert arena.kept.call("get_batch", batch.batch_id)[4] == until
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.pass_time(until - arena.now)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.put(outputs, ItemState.STRUCK, was_kept=True)
    arena.fail(batch, sender=BOB)
    assert arena.credit(LIAR) == 0
    assert arena.owed_by_kept(BOB) > 0


def test_outputs_in_blobs_are_final_when_there_was_time_to_check_them(arena: KeptArena) -> None:
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.deliver(batch, arena.outputs(batch, **IN_BLOBS), LIAR)
    arena.pass_time(ACKNOWLEDGE_SECONDS + 1)
    arena.finalize(batch)
    assert arena.credit(LIAR) == job.reward


def test_a_demand_in_the_last_second_for_checking_has_all_its_time(arena: KeptArena) -> None:
    """However late the outputs come: a descent is slower than a check."""
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.pass_time(WINDOW_SECONDS + CONTEST_ANSWERS * ANSWER_SECONDS)
    outputs = arena.outputs(batch, **IN_BLOBS)
    arena.deliver(batch, outputs, LIAR)
    arena.pass_time(ACKNOWLEDGE_SECONDS)
    arena.put(outputs, ItemState.KEPT, is_contested=True)
    arena.pass_time(CONTEST_ANSWERS * ANSWER_SECONDS - 1)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.pass_time(2)
    arena.finalize(batch)


def test_outputs_in_blobs_are_there_while_they_are_checked(arena: KeptArena) -> None:
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.pass_time(WINDOW_SECONDS + 7 * DAY_SECONDS)
    until = arena.now + 1 + ACKNOWLEDGE_SECONDS
    with rejects(Reject.DATA_ENDS_EARLY):
        arena.deliver(batch, arena.outputs(batch, until=until - 60, **IN_BLOBS), LIAR)
    arena.deliver(batch, arena.outputs(batch, until=until + 60, **IN_BLOBS), LIAR)


def test_other_outputs_after_those_that_were_struck_are_checked_anew(arena: KeptArena) -> None:
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    first = arena.outputs(batch, **IN_BLOBS)
    arena.deliver(batch, first, LIAR)
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.put(first, ItemState.STRUCK)
    arena.deliver(batch, arena.outputs(batch, **IN_BLOBS), LIAR)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)


def test_a_hold_leaves_the_time_for_checking_as_it_is(arena: KeptArena) -> None:
    job, item = supplied_in_blobs(arena)
    batch = arena.claim_runs(TRUTH, job=job)
    arena.deliver(batch, arena.outputs(batch, **IN_BLOBS), LIAR)
    check_until = arena.now + ACKNOWLEDGE_SECONDS
    arena.pass_time(WINDOW_SECONDS)
    hold_for(arena, batch, ask(arena, item))
    assert arena.kept.call("get_batch", batch.batch_id)[3:] == (1, check_until)
    arena.pass_time(60)
    hold_for(arena, batch, ask(arena, item), 2 * BOND_WEI)
    assert arena.kept.call("get_batch", batch.batch_id)[3:] == (2, check_until)


# --- whoever delays -------------------------------------------------------------------------------


@pytest.mark.parametrize("of_input", [True, False])
def test_an_item_that_was_there_to_its_end_lets_no_claim_fall(arena: KeptArena, of_input: bool) -> None:
    """Else a requester could hold a batch until its own item ends, and have outputs for nothing."""
    job, item = supplied_in_blobs(arena)
    batch = arena.claim_runs(TRUTH, job=job)
    outputs = arena.outputs(batch, **IN_BLOBS)
    arena.deliver(batch, outputs, LIAR)
    arena.pass_time(WINDOW_SECONDS)
    hold_for(arena, batch, ask(arena, item))
    ask(arena, item, is_open=False)
    arena.pass_time(ANSWER_SECONDS)
    arena.put(item if of_input else outputs, ItemState.ENDED, was_kept=True)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch, sender=BOB)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.deliver(batch, arena.outputs(batch), LIAR)
    arena.pass_time(20 * DAY_SECONDS)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch, sender=BOB)
    arena.finalize(batch)
    assert arena.credit(LIAR) == job.reward


def test_a_slow_descent_does_not_outlast_the_window(arena: KeptArena) -> None:
    """Of junk in place of an input only its registrant knows the tree; it answers as late as it may."""
    job, item = supplied_in_blobs(arena)
    batch = arena.claim_runs(LIE, job=job)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    arena.pass_time(WINDOW_SECONDS)
    receipt = hold_for(arena, batch, ask(arena, item), BOND_WEI + 5)
    until = arena.now + CONTEST_ANSWERS * ANSWER_SECONDS
    assert arena.kept.call("get_batch", batch.batch_id)[2:4] == (until, 1)
    arena.pass_time(until - arena.now)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.put(item, ItemState.STRUCK)
    arena.pass_time(5 * DAY_SECONDS)
    arena.fail(batch, sender=HONEST)
    arena.settle_hold(receipt)
    assert arena.owed_by_kept(HONEST) == BOND_WEI + 5


def test_only_an_open_demand_for_data_of_the_batch_holds_it(arena: KeptArena) -> None:
    job, item = supplied_in_blobs(arena)
    other = arena.item(program_part(job), **IN_BLOBS)
    batch = arena.claim_runs(TRUTH, job=job)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    arena.pass_time(WINDOW_SECONDS)
    with rejects(Reject.HOLD_OTHER_ITEM):
        hold_for(arena, batch, ask(arena, other))
    with rejects(Reject.DEMAND_UNKNOWN):
        hold_for(arena, batch, ask(arena, item, is_open=False))
    demand_id = ask(arena, item)
    with rejects(Reject.WRONG_VALUE):
        hold_for(arena, batch, demand_id, BOND_WEI - 1)
    hold_for(arena, batch, demand_id)
    with rejects(Reject.HOLD_NO_LONGER):
        hold_for(arena, batch, demand_id, 2 * BOND_WEI)
    arena.pass_time(60)
    hold_for(arena, batch, demand_id, 2 * BOND_WEI)
    ask(arena, item, is_open=False)
    arena.pass_time(CONTEST_ANSWERS * ANSWER_SECONDS + ACKNOWLEDGE_SECONDS)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch)
    arena.finalize(batch)
