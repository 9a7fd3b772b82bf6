"""Kept.vy under attack: who withholds, who hides, who delays (docs/availability.md A5.3 to A5.5)."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import rejects
from tests.contracts.keeping import (
    ACKNOWLEDGE_SECONDS,
    ANSWER_SECONDS,
    KeptArena,
    input_part,
    program_part,
)
from tests.contracts.playing import BOND_WEI, CLOCK, HONEST, LEAF_BOND_WEI, LIAR, MALICE, RULES
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, KEEPER
from tests.contracts.settlement import PostedJob, TakenBatch, leaf_for
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.availability.contracts.items import ItemState
from truestep.protocol.availability.ids import ChallengeKind
from truestep.protocol.availability.kept import LEAST_FAIL_GAS
from truestep.protocol.settlement.contracts.disputes import GameOutcome

LIE, TRUTH = falsified_run(SUM), run(SUM)
WINDOW_SECONDS = 30_000
PENALTY_WEI = LEAF_BOND_WEI * RULES.lease_penalty_bps // 10_000
OTHER_ROOT = Bytes32(b"o" * 32)


@pytest.fixture
def arena() -> KeptArena:
    return KeptArena()


def claimed(arena: KeptArena, count: int = 1, **order: object) -> tuple[PostedJob, TakenBatch]:
    """A batch of a supplied job whose leaves all have outputs."""
    job, _ = arena.supplied_job(**order)
    batch = arena.take((job, 0, count), operator=LIAR)
    arena.claim(batch, [leaf_for(number, cycle=5) for number in range(count)], sender=LIAR)
    return job, batch


def to_due(arena: KeptArena) -> None:
    """The window is over."""
    arena.pass_time(WINDOW_SECONDS + 1)


# --- an operator that withholds -------------------------------------------------------------------


@pytest.mark.parametrize("state", [None, ItemState.REGISTERED, ItemState.CLOSED])
def test_an_operator_that_withholds_its_outputs_pays(arena: KeptArena, state: ItemState | None) -> None:
    """As for a missed lease; the caller has some gas, the rest is burned, and the shards are free again."""
    price_wei = RULES.gas_price_cap_wei // 2
    arena.set_base_fee(price_wei)
    job, batch = claimed(arena, 2)
    stake_wei, locked_wei = arena.stake(LIAR)
    if state is not None:
        outputs = arena.outputs(batch, ItemState.REGISTERED)
        arena.deliver(batch, outputs, LIAR)
        arena.put(outputs, state)
    arena.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS)
    with rejects(Reject.OUTPUTS_AWAITED):
        arena.fail(batch)
    arena.pass_time(1)
    arena.fail(batch)
    with rejects(Reject.CLAIM_NOT_STANDING):
        arena.fail(batch)
    arena.fail(batch, 1)
    assert arena.stake(LIAR) == (stake_wei - 2 * LEAF_BOND_WEI, locked_wei - 2 * LEAF_BOND_WEI)
    gas_wei = LEAST_FAIL_GAS * price_wei
    owed = [arena.owed_by_kept(account) for account in (BOB, LIAR, KEEPER)]
    assert owed == [0, 2 * (LEAF_BOND_WEI - PENALTY_WEI), 2 * gas_wei]
    assert arena.kept.call("burned_wei") == 2 * (PENALTY_WEI - gas_wei)
    assert arena.evm.chain.get_balance(arena.kept.address) == 2 * LEAF_BOND_WEI
    assert not arena.is_busy(job, 0) and not arena.is_busy(job, 1)
    arena.kept.transact("withdraw_to", LIAR, sender=LIAR)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    again = arena.take((job, 0, 2), operator=ALICE)
    arena.claim(again, sender=ALICE)
    arena.deliver(again, arena.outputs(again), ALICE)
    to_due(arena)
    arena.finalize(again)
    with rejects(Reject.BATCH_STAGE):
        arena.fail(again)


def test_outputs_that_come_in_the_last_second_count(arena: KeptArena) -> None:
    """So do later ones, as long as nobody has failed the leaf: then the outputs are there for everybody."""
    _, batch = claimed(arena)
    outputs = arena.outputs(batch)
    arena.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS)
    arena.deliver(batch, outputs, LIAR)
    arena.pass_time(1)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch)
    arena.finalize(batch)


def test_an_item_that_nobody_keeps_is_no_delivery(arena: KeptArena) -> None:
    """Delivered in the last second, before any keeper has taken it."""
    _, batch = claimed(arena)
    arena.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS)
    arena.deliver(batch, arena.outputs(batch, ItemState.REGISTERED), LIAR)
    arena.pass_time(1)
    arena.fail(batch)
    assert arena.owed_by_kept(LIAR) == LEAF_BOND_WEI - PENALTY_WEI


def test_an_item_that_is_struck_was_the_operators_choice(arena: KeptArena) -> None:
    """At once: what it has delivered is not what it has claimed."""
    _, batch = claimed(arena)
    outputs = arena.outputs(batch)
    arena.deliver(batch, outputs, LIAR)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch)
    arena.put(outputs, ItemState.STRUCK, was_kept=True)
    arena.fail(batch)
    assert arena.owed_by_kept(BOB) == LEAF_BOND_WEI // 2


def test_a_withholder_cannot_hide_behind_a_game_of_its_friend(arena: KeptArena) -> None:
    """The game costs the friend its bond, and then the leaf fails all the same."""
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.pass_time(WINDOW_SECONDS)
    play = arena.open(batch, TRUTH, LIE, MALICE)
    arena.pass_time(ACKNOWLEDGE_SECONDS + 1)
    with rejects(Reject.LEAF_HELD):
        arena.fail(batch)
    play.split()
    arena.pass_time(CLOCK + 1)
    assert play.settle() is GameOutcome.DEFENDER_WON
    with rejects(Reject.WINDOW_OVER):
        arena.open(batch, TRUTH, LIE, HONEST)
    arena.fail(batch)
    assert arena.owed_by_kept(LIAR) == LEAF_BOND_WEI - PENALTY_WEI


def test_a_requester_gains_nothing_by_friends_among_the_keepers(arena: KeptArena) -> None:
    """They acknowledge none of the operator's items. Not even if a missed lease costs the whole bond."""
    dear = KeptArena(RULES.but(lease_penalty_bps=10_000))
    for each, penalty_wei in ((arena, PENALTY_WEI), (dear, LEAF_BOND_WEI)):
        _, batch = claimed(each)
        each.deliver(batch, each.outputs(batch, ItemState.REGISTERED), LIAR)
        each.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS + 1)
        each.fail(batch, sender=BOB)
        assert each.owed_by_kept(BOB) == 0
        assert each.owed_by_kept(LIAR) == LEAF_BOND_WEI - penalty_wei


def test_a_game_that_is_won_strikes_first(arena: KeptArena) -> None:
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(LIE, job=job)
    play = arena.open(batch, LIE, TRUTH)
    arena.pass_time(CLOCK // 2)
    play.strike()
    arena.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS + 1)
    with rejects(Reject.BATCH_STAGE):  # nothing is left of it
        arena.fail(batch)
    assert arena.owed_by_kept(BOB) == 0


# --- keepers and registrants that fail ------------------------------------------------------------


@pytest.mark.parametrize("state", [ItemState.LOST, ItemState.REGISTERED, ItemState.CLOSED])
def test_outputs_that_keepers_have_lost_are_not_the_operators_fault(
    arena: KeptArena, state: ItemState
) -> None:
    """It has time to deliver them again; if it has not, its claim falls and its bond comes back."""
    _, batch = claimed(arena, 2)
    outputs = arena.outputs(batch)
    arena.deliver(batch, outputs, LIAR)
    arena.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS // 2)
    arena.put(outputs, state, was_kept=True)
    arena.pass_time(ACKNOWLEDGE_SECONDS)
    with rejects(Reject.OUTPUTS_AWAITED):
        arena.fail(batch)
    arena.pass_time(1)
    stake_wei, locked_wei = arena.stake(LIAR)
    arena.fail(batch)
    assert arena.stake(LIAR) == (stake_wei, locked_wei - LEAF_BOND_WEI)
    assert [arena.owed_by_kept(account) for account in (BOB, KEEPER)] == [0, 0]
    arena.deliver(batch, arena.outputs(batch), LIAR)
    arena.finalize(batch)


@pytest.mark.parametrize("state", [ItemState.STRUCK, ItemState.LOST, ItemState.CLOSED])
@pytest.mark.parametrize("of_program", [False, True])
def test_a_lost_input_strikes_and_gives_the_bond_back(
    arena: KeptArena, state: ItemState, of_program: bool
) -> None:
    job = arena.post_runs(policy=2)
    program, given = arena.item(program_part(job)), arena.item(input_part(job))
    arena.supply(job, program, given)
    other, _ = arena.supplied_job()
    batch = arena.take((job, 0, 1), (other, 0, 1), operator=LIAR)
    arena.claim(batch, sender=LIAR)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    arena.put(program if of_program else given, state, was_kept=True)
    stake_wei, locked_wei = arena.stake(LIAR)
    with rejects(Reject.OUTPUTS_KEPT):  # the other job has its data
        arena.fail(batch, 1)
    arena.fail(batch, 0)
    assert arena.stake(LIAR) == (stake_wei, locked_wei - LEAF_BOND_WEI)
    to_due(arena)
    arena.finalize(batch)
    assert arena.credit(LIAR) == other.reward


def test_an_input_that_is_lost_when_no_game_can_need_it_changes_nothing(arena: KeptArena) -> None:
    """Else a requester's friends among the keepers could take the operator's pay in the last moment."""
    job, item = arena.supplied_job()
    batch = arena.take((job, 0, 1), operator=LIAR)
    arena.claim(batch, sender=LIAR)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    to_due(arena)
    arena.put(item, ItemState.LOST)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch)
    arena.put(item, ItemState.LOST, changed_at=arena.now - 1)
    arena.fail(batch)  # lost in the window's last second


@pytest.mark.parametrize("state", [ItemState.STRUCK, ItemState.LOST, ItemState.CLOSED])
@pytest.mark.parametrize("of_program", [False, True])
def test_who_claims_what_nobody_can_check_any_more_pays_for_its_fall(
    arena: KeptArena, state: ItemState, of_program: bool
) -> None:
    """Else one item that is gone serves for lies without number, and honest parties pay for each strike."""
    price_wei = RULES.gas_price_cap_wei // 2
    arena.set_base_fee(price_wei)
    job = arena.post_runs(policy=2)
    program, given = arena.item(program_part(job)), arena.item(input_part(job))
    arena.supply(job, program, given)
    batch = arena.take((job, 0, 2), operator=LIAR)
    arena.put(program if of_program else given, state, was_kept=True)
    arena.pass_time(1)
    arena.claim(batch, sender=LIAR)
    stake_wei, locked_wei = arena.stake(LIAR)
    arena.fail(batch, 0)
    gas_wei = LEAST_FAIL_GAS * price_wei
    assert [arena.owed_by_kept(each) for each in (BOB, LIAR, KEEPER)] == [0, LEAF_BOND_WEI - gas_wei, gas_wei]
    assert arena.stake(LIAR) == (stake_wei - LEAF_BOND_WEI, locked_wei - LEAF_BOND_WEI)
    assert arena.kept.call("burned_wei") == 0


@pytest.mark.parametrize("is_gone", [False, True])
def test_nobody_gains_by_failing_what_it_has_withheld_itself(arena: KeptArena, is_gone: bool) -> None:
    """A requester has friends among the keepers, who take no outputs or let its input be lost.

    Then it strikes all leaves of an honest operator in one transaction, for the pay of a caller.
    """
    price_wei = RULES.gas_price_cap_wei
    arena.set_base_fee(price_wei)
    job, item = arena.supplied_job(shard_count=8)
    batch = arena.take((job, 0, 8), operator=LIAR)
    if is_gone:
        arena.put(item, ItemState.LOST)
        arena.pass_time(1)
    arena.claim(batch, [leaf_for(number, cycle=5) for number in range(8)], sender=LIAR)
    arena.pass_time(WINDOW_SECONDS + ACKNOWLEDGE_SECONDS + 1)
    thief = deploy_caller(arena.evm, "Batcher")
    claims = [
        (batch.claim_id(index), astuple(batch.terms), astuple(batch.proof(index, arena.posted)))
        for index in range(8)
    ]
    calls = [(arena.kept.address, message_of(arena.kept, "fail", *claim), 0) for claim in claims]
    spent = thief.transact("run", calls, sender=BOB).result
    paid_wei = arena.owed_by_kept(thief.address)
    assert paid_wei == 8 * LEAST_FAIL_GAS * price_wei < sum(spent) * price_wei
    assert min(spent) > LEAST_FAIL_GAS


def test_a_claim_in_the_second_in_which_its_data_is_lost_costs_nothing(arena: KeptArena) -> None:
    """Whoever sees the claim on its way cannot make its operator pay."""
    arena.set_base_fee(RULES.gas_price_cap_wei)
    job, item = arena.supplied_job()
    batch = arena.take((job, 0, 1), operator=LIAR)
    arena.claim(batch, sender=LIAR)
    arena.put(item, ItemState.LOST)
    stake_wei, locked_wei = arena.stake(LIAR)
    arena.fail(batch)
    assert arena.owed_by_kept(KEEPER) == 0
    assert arena.stake(LIAR) == (stake_wei, locked_wei - LEAF_BOND_WEI)


def test_a_liar_loses_its_bond_though_its_input_is_lost(arena: KeptArena) -> None:
    """An open game decides first."""
    job, item = arena.supplied_job()
    batch = arena.claim_runs(LIE, job=job)
    play = arena.open(batch, LIE, TRUTH)
    arena.put(item, ItemState.LOST)
    arena.fail(batch, sender=LIAR)
    with rejects(Reject.LEAF_HELD):
        arena.fail(batch, sender=LIAR)
    play.strike()
    assert arena.stake(LIAR)[1] == 0
    assert arena.owed_by_kept(LIAR) == 0


# --- holds ----------------------------------------------------------------------------------------


def test_a_challenger_that_waits_for_a_blob_has_a_window_after_it(arena: KeptArena) -> None:
    job, item = arena.supplied_job()
    batch = arena.claim_runs(LIE, job=job)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    arena.pass_time(WINDOW_SECONDS)
    challenge_id = arena.challenge(item)
    receipt = arena.hold(batch, challenge_id, BOND_WEI + 5, sender=HONEST)
    assert arena.owed_by_kept(HONEST) == 5
    until = arena.now + ANSWER_SECONDS + WINDOW_SECONDS
    assert arena.kept.call("get_batch", batch.batch_id)[2:4] == (until, 1)
    arena.answer(challenge_id, item)
    arena.pass_time(until - arena.now)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    with rejects(Reject.HOLD_UNDECIDED):
        arena.settle_hold(receipt)
    arena.open(batch, LIE, TRUTH).strike()
    arena.settle_hold(receipt)
    assert arena.owed_by_kept(HONEST) == BOND_WEI + 5
    with rejects(Reject.HOLD_OTHER):
        arena.settle_hold(receipt)


def test_holding_a_true_claim_costs_a_bond_each_time_and_twice_as_much(arena: KeptArena) -> None:
    """A challenge that is answered holds all batches that need its item; each hold is paid for by itself."""
    job, item = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    window_end = arena.batch(batch.batch_id).until
    holds, spent_wei = [], 0
    for number in range(6):
        arena.pass_time(1)
        bond_wei = BOND_WEI << min(number, 4)
        with rejects(Reject.WRONG_VALUE):
            arena.hold(batch, arena.challenge(item, blob=number), bond_wei - 1)
        holds.append(arena.hold(batch, arena.challenge(item, blob=number), bond_wei))
        spent_wei += bond_wei
    with rejects(Reject.HOLD_NO_LONGER):
        arena.hold(batch, arena.challenge(item), 16 * BOND_WEI)
    arena.pass_time(ANSWER_SECONDS + WINDOW_SECONDS + 1)
    assert arena.now > window_end
    arena.finalize(batch)
    for receipt in holds:
        arena.settle_hold(receipt)
    assert arena.kept.call("burned_wei") == spent_wei
    assert arena.evm.chain.get_balance(arena.kept.address) == spent_wei


def test_a_hold_is_not_decided_before_the_last_game(arena: KeptArena) -> None:
    """The batch is final but for a leaf, and the leaf may be a lie."""
    job, item = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, LIE, job=job)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    receipt = arena.hold(batch, arena.challenge(item), BOND_WEI, sender=HONEST)
    arena.pass_time(ANSWER_SECONDS + WINDOW_SECONDS)
    play = arena.open(batch, LIE, TRUTH, leaf_index=1)
    arena.pass_time(1)
    arena.finalize(batch, has_items=True)
    with rejects(Reject.HOLD_UNDECIDED):
        arena.settle_hold(receipt)
    play.strike()
    arena.settle_hold(receipt)
    assert arena.owed_by_kept(HONEST) == BOND_WEI


def test_a_batch_is_held_for_twenty_days_at_most(arena: KeptArena) -> None:
    job, item = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.deliver(batch, arena.outputs(batch), LIAR)
    limit = arena.batch(batch.batch_id).until + 20 * DAY_SECONDS
    count = 0
    while arena.kept.call("open_until", batch.batch_id, 0) < limit:
        arena.hold(batch, arena.challenge(item), BOND_WEI << min(count, 4))
        arena.pass_time(arena.kept.call("open_until", batch.batch_id, 0) - arena.now)
        count += 1
    assert arena.now == limit and count > 50
    with rejects(Reject.HOLD_NO_LONGER):
        arena.hold(batch, arena.challenge(item), 16 * BOND_WEI)
    arena.pass_time(1)
    arena.finalize(batch)


def test_a_keeper_that_answers_before_the_hold_takes_no_time_from_its_challenger(arena: KeptArena) -> None:
    job, item = arena.supplied_job()
    batch = arena.claim_runs(LIE, job=job)
    arena.pass_time(WINDOW_SECONDS - ANSWER_SECONDS)
    challenge_id = arena.challenge(item)
    arena.answer(challenge_id, item)
    arena.pass_time(ANSWER_SECONDS)
    arena.hold(batch, challenge_id, BOND_WEI, sender=HONEST)
    until = arena.now - ANSWER_SECONDS + WINDOW_SECONDS
    assert arena.kept.call("open_until", batch.batch_id, 0) == until
    arena.pass_time(1)
    with rejects(Reject.CHALLENGE_UNKNOWN):
        arena.hold(batch, challenge_id, 2 * BOND_WEI, sender=HONEST)
    arena.pass_time(until + 1 - arena.now)
    with rejects(Reject.WINDOW_OVER):
        arena.hold(batch, arena.challenge(item), 2 * BOND_WEI, sender=HONEST)


@pytest.mark.parametrize("of_program", [False, True])
def test_blobs_of_program_and_input_hold_a_batch(arena: KeptArena, of_program: bool) -> None:
    job = arena.post_runs(policy=2)
    program, given = arena.item(program_part(job)), arena.item(input_part(job))
    arena.supply(job, program, given)
    batch = arena.claim_runs(TRUTH, job=job)
    arena.pass_time(WINDOW_SECONDS)
    arena.hold(batch, arena.challenge(program if of_program else given), BOND_WEI)
    until = arena.now + ANSWER_SECONDS + WINDOW_SECONDS
    assert arena.kept.call("open_until", batch.batch_id, 0) == until


def test_only_blobs_of_the_batchs_own_jobs_hold_it(arena: KeptArena) -> None:
    job, item = arena.supplied_job()
    other, other_item = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    with rejects(Reject.HOLD_OTHER_ITEM):
        arena.hold(batch, arena.challenge(other_item), BOND_WEI)
    with rejects(Reject.HOLD_NOT_BLOB):  # that costs a challenger next to nothing
        arena.hold(batch, arena.challenge(item, ChallengeKind.ELEMENT), BOND_WEI)
    elsewhere = arena.take((other, 0, 1), operator=LIAR)
    with rejects(Reject.BATCH_STAGE):
        arena.hold(elsewhere, arena.challenge(other_item), BOND_WEI)
    wrong = replace(batch, items=elsewhere.items)
    with rejects(Reject.ITEM_PROOF):
        arena.hold(wrong, arena.challenge(other_item), BOND_WEI)


def test_a_hold_delays_what_the_operator_must_deliver_as_well(arena: KeptArena) -> None:
    job, item = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, job=job)
    arena.pass_time(WINDOW_SECONDS)
    arena.hold(batch, arena.challenge(item), BOND_WEI)
    arena.pass_time(ACKNOWLEDGE_SECONDS + 1)
    with rejects(Reject.OUTPUTS_AWAITED):
        arena.fail(batch)


# --- contested outputs ----------------------------------------------------------------------------


def test_contested_outputs_wait_but_not_for_ever(arena: KeptArena) -> None:
    """Whoever challenges an element again and again pays its keepers, and delays the end for so long."""
    _, batch = claimed(arena)
    outputs = arena.outputs(batch)
    arena.deliver(batch, outputs, LIAR)
    arena.put(outputs, ItemState.KEPT, is_contested=True)
    arena.pass_time(WINDOW_SECONDS + 12 * ANSWER_SECONDS)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    with rejects(Reject.OUTPUTS_KEPT):
        arena.fail(batch)
    arena.pass_time(1)
    arena.finalize(batch)


def test_a_leaf_that_waited_for_its_game_needs_nothing_more(arena: KeptArena) -> None:
    """Its outputs were kept when its batch ended; what becomes of them later is their keepers' affair."""
    job, _ = arena.supplied_job()
    batch = arena.claim_runs(TRUTH, TRUTH, job=job)
    outputs = arena.outputs(batch)
    arena.deliver(batch, outputs, LIAR)
    arena.pass_time(WINDOW_SECONDS)
    play = arena.open(batch, TRUTH, LIE, MALICE)
    arena.pass_time(1)
    arena.finalize(batch, has_items=True)
    arena.put(outputs, ItemState.LOST)
    play.split()
    arena.pass_time(CLOCK + 1)
    play.settle()
    with rejects(Reject.BATCH_STAGE):
        arena.fail(batch)
    arena.finalize_leaf(batch, 0)
