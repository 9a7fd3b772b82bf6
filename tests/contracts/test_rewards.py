"""Disputes.vy: who wins the pot of a struck claim, and withdraws (docs/protocol.md S7.5, S7.6, S9.2)."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.division import FALSE as FALSE_FLOAT
from tests.contracts.evm import Event, rejects
from tests.contracts.playing import (
    BOND_WEI,
    CLOCK,
    HONEST,
    LEAF_BOND_WEI,
    LIAR,
    MALICE,
    RULES,
    STAKE_WEI,
    Arena,
    Play,
    outcome_of,
    redo,
    settled,
)
from tests.contracts.runs import FLOATS, SUM, falsified_run, run
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, KEEPER, NOBODY
from tests.contracts.settlement import PostedJob
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage
from truestep.protocol.settlement.games import DESCEND_GAS, OPEN_GAS, PICK_GAS, STEP_GAS

LIE, TRUTH = falsified_run(SUM), run(SUM)
OTHER_LIE = falsified_run(SUM, at_cycle=12)
OTHER_END = Bytes32(b"else" * 8)
RESCUE, REVEAL = RULES.rescue_seconds, RULES.reveal_seconds
SHARE_WEI, HALF_WEI = BOND_WEI // 2, LEAF_BOND_WEI // 2
GWEI = 10**9


@pytest.fixture
def arena() -> Arena:
    return Arena()


# --- the pot ---------------------------------------------------------------------------------------


def test_striker_is_rewarded_when_the_task_is_final(arena: Arena) -> None:
    """Bond back at once; the share and the gas of its moves when everybody knows who was right."""
    arena.set_base_fee(GWEI // 2)
    job = arena.post_runs()
    play = arena.open(arena.claim_runs(LIE, job=job), LIE, TRUTH)
    play.to_last_step()
    receipt = play.step()
    assert receipt.events[-1] == settled(play, GameOutcome.CHALLENGER_WON, challenger_wei=BOND_WEI)
    assert arena.operators.call("accounts", LIAR) == (STAKE_WEI - LEAF_BOND_WEI, 0)
    assert not arena.is_busy(job, 0)
    arena.check_coins()
    play.show()
    final = redo(arena, job)
    units = OPEN_GAS + 2 * PICK_GAS + STEP_GAS
    paid_wei = HALF_WEI + units * GWEI // 2
    event = Event(
        name="Rewarded",
        fields={
            "game_id": play.game_id,
            "claim_id": play.claim_id,
            "amount_wei": paid_wei,
            "burned_wei": LEAF_BOND_WEI - paid_wei,
        },
    )
    assert play.reward(final).events == [event]
    with rejects(Reject.GAME_UNKNOWN):
        play.reward(final)
    assert arena.owed(HONEST) == BOND_WEI + paid_wei
    arena.check_coins()
    receipt = arena.disputes.transact("withdraw_to", BOB, sender=HONEST)
    fields = {"account": HONEST, "receiver": BOB, "amount_wei": BOND_WEI + paid_wei}
    assert receipt.events == [Event(name="Withdrawn", fields=fields)]
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        arena.disputes.transact("withdraw_to", BOB, sender=HONEST)
    with rejects(Reject.NO_ADDRESS):
        arena.disputes.transact("withdraw_to", NOBODY, sender=HONEST)
    assert arena.evm.chain.get_balance(arena.disputes.address) == arena.burned_wei()


def test_gas_is_repaid_at_the_lowest_price_of_the_moves_up_to_the_cap() -> None:
    arena = Arena(RULES.but(gas_price_cap_wei=3 * GWEI))
    job = arena.post_runs()
    arena.set_base_fee(50 * GWEI)
    play = arena.open(arena.claim_runs(LIE, job=job), LIE, TRUTH)
    assert play.game.price_wei == 3 * GWEI
    play.split()
    arena.set_base_fee(2 * GWEI)
    play.pick()
    arena.set_base_fee(90 * GWEI)
    play.strike()
    arena.set_base_fee(1)
    play.show()
    play.reward(redo(arena, job))
    gas_wei = (OPEN_GAS + 2 * PICK_GAS + STEP_GAS) * 2 * GWEI
    assert arena.owed(HONEST) == BOND_WEI + HALF_WEI + gas_wei


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_winners_are_those_that_knew(arena: Arena, order: tuple[int, ...]) -> None:
    """Equal parts to those that showed the truth, the striker or not, in any order; none to another end."""
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    believers = ((HONEST, TRUTH), (MALICE, TRUTH), (BOB, TRUTH), (ALICE, OTHER_LIE))
    striker, *shown, wrong = [arena.open(batch, LIE, truth, who) for who, truth in believers]
    with rejects(Reject.GAME_STAGE):
        shown[0].show()
    striker.strike()
    for play in (striker, *shown, wrong):
        if play is not striker:
            assert play.settle() is GameOutcome.CLAIM_FELL
        play.show()
        assert (play.game.stage, play.game.commitment) == (GameStage.SHOWN, play.state_hash)
        with rejects(Reject.GAME_STAGE):
            play.show()
    final = redo(arena, job)
    winners = [striker, *shown]
    for index in order:
        with rejects(Reject.GAME_NOT_WON):
            wrong.reward(final)
        winners[index].reward(final)
        arena.check_coins()
    parts = sorted(arena.owed(play.challenger) - BOND_WEI for play in winners)
    assert parts == [LEAF_BOND_WEI // 3 // 2, LEAF_BOND_WEI // 3 // 2, -(-LEAF_BOND_WEI // 3) // 2]
    assert arena.owed(ALICE) == BOND_WEI
    assert arena.claim_word(batch.claim_id(0))["pot_wei"] == 0
    with rejects(Reject.NOTHING_TO_WIN):
        wrong.reward(final)


def test_showing_has_its_time_and_its_commitment(arena: Arena) -> None:
    """Whoever has not shown by then is no winner, though it knew; nobody else can open a commitment."""
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    striker, late, copycat = (arena.open(batch, LIE, TRUTH, who) for who in (HONEST, MALICE, BOB))
    copied = replace(copycat, challenger=ALICE, salt=Bytes32(b"x" * 32))
    copied.open()
    striker.strike()
    for play in (late, copycat, copied):
        play.settle()
    with rejects(Reject.COMMITMENT_OTHER):
        copycat.move("show", copycat.state_hash, bytes(32))
    with rejects(Reject.COMMITMENT_OTHER):
        copycat.move("show", OTHER_LIE.claimed.state_hash(), copycat.salt)
    with rejects(Reject.COMMITMENT_OTHER):
        copied.move("show", copied.state_hash, copycat.salt)
    arena.pass_time(REVEAL)
    for play in (striker, copycat):
        play.show()
    with rejects(Reject.SHOW_RUNNING):
        striker.move("reward", 0, *_nothing(striker))
    arena.pass_time(1)
    with rejects(Reject.SHOW_OVER):
        late.show()
    final = redo(arena, job)
    with rejects(Reject.GAME_NOT_WON):
        late.reward(final)
    striker.reward(final)
    copycat.reward(final)
    assert arena.owed(HONEST) - BOND_WEI == arena.owed(BOB) - BOND_WEI == LEAF_BOND_WEI // 4


def _nothing(play: Play) -> tuple[object, object]:
    """Terms and proof of the struck claim, which is never final."""
    return astuple(play.batch.terms), play.proof()


def test_result_is_proved(arena: Arena) -> None:
    """Of this task, by a final leaf."""
    job = arena.post_runs()
    play = arena.open(arena.claim_runs(LIE, job=job), LIE, TRUTH)
    play.strike()
    arena.pass_time(REVEAL + 1)
    batch = arena.claim_runs(TRUTH, run(SUM, 1), job=job)
    with rejects(Reject.LEAF_NOT_FINAL):
        play.reward(batch)
    arena.pass_time(batch.terms.window_seconds + 1)
    arena.finalize(batch)
    with rejects(Reject.LEAF_OTHER_TASK):
        play.reward(batch, 1)
    play.reward(batch)


@pytest.mark.parametrize("is_by_striker", [True, False])
def test_nobody_gains_by_striking_a_true_claim(arena: Arena, is_by_striker: bool) -> None:
    """When the same end becomes the result after all, the pot is burned, by whichever game."""
    job = arena.post_runs()
    batch = arena.claim_runs(TRUTH, job=job)
    striker, other = arena.open(batch, TRUTH, LIE, MALICE), arena.open(batch, TRUTH, TRUTH, BOB)
    arena.pass_time(2 * CLOCK + RESCUE + 1)
    assert striker.settle() is GameOutcome.CHALLENGER_WON
    other.settle()
    other.show()
    final = redo(arena, job)
    first, second = (striker, other) if is_by_striker else (other, striker)
    first.reward(final)
    with rejects(Reject.NOTHING_TO_WIN):
        second.reward(final)
    assert (arena.owed(MALICE), arena.owed(BOB)) == (BOND_WEI, BOND_WEI)
    assert arena.burned_wei() == LEAF_BOND_WEI
    arena.check_coins()


def test_a_striker_that_does_not_show_wins_nothing(arena: Arena) -> None:
    """Whoever runs ahead of an honest challenger takes no part from it."""
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    ahead = arena.open(batch, LIE, TRUTH, MALICE, shown_hash=OTHER_END)
    honest = arena.open(batch, LIE, TRUTH)
    ahead.strike()
    for play in (ahead, honest):
        if play is honest:
            assert play.settle() is GameOutcome.CLAIM_FELL
        play.show()
    final = redo(arena, job)
    with rejects(Reject.GAME_NOT_WON):
        ahead.reward(final)
    honest.reward(final)
    assert (arena.owed(MALICE), arena.owed(HONEST)) == (BOND_WEI, BOND_WEI + HALF_WEI)
    with rejects(Reject.NOTHING_TO_WIN):
        ahead.reward(final)
    arena.check_coins()


@pytest.mark.parametrize("shown_hash", [None, OTHER_END])
def test_the_pot_is_burned_if_nobody_showed_the_result(arena: Arena, shown_hash: Bytes32 | None) -> None:
    """The striker has its bond, and no gas: a puppet of the liar would have it too. Any ended game burns."""
    job = arena.post_runs()
    arena.set_base_fee(GWEI)
    batch = arena.claim_runs(LIE, job=job)
    striker, other, open_still = (
        arena.open(batch, LIE, TRUTH, who, shown_hash=shown_hash) for who in (HONEST, MALICE, BOB)
    )
    striker.strike()
    other.settle()
    if shown_hash is not None:
        other.show()
    final = redo(arena, job)
    with rejects(Reject.GAME_NOT_WON):
        open_still.reward(final)
    other.reward(final)
    assert (arena.owed(HONEST), arena.owed(MALICE)) == (BOND_WEI, BOND_WEI)
    assert arena.burned_wei() == LEAF_BOND_WEI
    with rejects(Reject.NOTHING_TO_WIN):
        striker.reward(final)
    arena.check_coins()


def without_result(arena: Arena, job: PostedJob) -> None:
    """Long after a job's deadline."""
    arena.pass_time(arena.jobs.call("deadlines", job.job_id) + 120 * DAY_SECONDS + 1 - arena.now)


def test_after_a_clock_gas_is_repaid_when_there_is_no_result_for_long(arena: Arena) -> None:
    """Nobody knows who lied: nobody gets a reward, and whoever did not show another state nothing."""
    arena.set_base_fee(GWEI)
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    silent, honest, other = (arena.open(batch, LIE, TRUTH, who) for who in (BOB, HONEST, MALICE))
    arena.pass_time(3 * CLOCK + RESCUE + 1)
    for play in (silent, honest, other):
        play.settle()
    honest.show()
    other.show()
    assert arena.claim_word(batch.claim_id(0))["by_step"] is False
    without_result(arena, job)
    arena.pass_time(-1)
    with rejects(Reject.RESULT_AHEAD):
        honest.move("reward_without_result")
    arena.pass_time(1)
    with rejects(Reject.GAME_NOT_WON):
        silent.move("reward_without_result")
    for play in (other, honest):
        play.move("reward_without_result")
    paid_wei = OPEN_GAS * GWEI
    assert arena.owed(HONEST) == arena.owed(MALICE) == BOND_WEI + paid_wei
    assert arena.owed(BOB) == BOND_WEI
    assert arena.burned_wei() == LEAF_BOND_WEI - 2 * paid_wei
    arena.check_coins()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_all_that_denied_a_lie_win_when_there_is_no_result_for_long(
    arena: Arena, order: tuple[int, ...]
) -> None:
    """A liar's puppet that steps first does not take all: the step has shown that the claim is false."""
    arena.set_base_fee(GWEI)
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    true_end, lie_end = TRUTH.claimed.state_hash(), LIE.claimed.state_hash()
    known = {MALICE: true_end, HONEST: true_end, BOB: OTHER_END, KEEPER: lie_end, ALICE: true_end}
    plays = [arena.open(batch, LIE, TRUTH, who, shown_hash=end) for who, end in known.items()]
    striker, honest, mistaken, friend, silent = plays
    striker.strike()
    for play in plays[1:]:
        assert play.settle() is GameOutcome.CLAIM_FELL
    for play in plays[:4]:
        play.show()
    assert arena.disputes.call("dissents", batch.claim_id(0)) == 3
    without_result(arena, job)
    arena.pass_time(-1)
    for play in (striker, honest):
        with rejects(Reject.RESULT_AHEAD):
            play.move("reward_without_result")
    arena.pass_time(1)
    winners = [striker, honest, mistaken]
    for index in order:
        for play in (friend, silent):
            with rejects(Reject.GAME_NOT_WON):
                play.move("reward_without_result")
        winners[index].move("reward_without_result")
        arena.check_coins()
    units = [OPEN_GAS + 2 * PICK_GAS + STEP_GAS, OPEN_GAS, OPEN_GAS]
    paid = [
        arena.owed(play.challenger) - BOND_WEI - gas * GWEI for play, gas in zip(winners, units, strict=True)
    ]
    assert sorted(paid) == [LEAF_BOND_WEI // 3 // 2, LEAF_BOND_WEI // 3 // 2, -(-LEAF_BOND_WEI // 3) // 2]
    assert arena.owed(KEEPER) == arena.owed(ALICE) == BOND_WEI
    with rejects(Reject.NOTHING_TO_WIN):
        friend.move("reward_without_result")


def test_striker_by_a_reveal_that_never_came_is_repaid_too(arena: Arena) -> None:
    """Its interval goes from one level to the other: low is above high."""
    arena.set_base_fee(GWEI)
    job = arena.post_runs(FLOATS)
    striker = arena.open(arena.claim_runs(FALSE_FLOAT, job=job), FALSE_FLOAT, run(FLOATS))
    striker.to_last_step()
    striker.descend()
    arena.pass_time(CLOCK + RESCUE + 1)
    assert striker.settle() is GameOutcome.CHALLENGER_WON
    assert striker.game.low > striker.game.high
    striker.show()
    arena.pass_time(500 * DAY_SECONDS)
    striker.move("reward_without_result")
    assert arena.owed(HONEST) == BOND_WEI + (OPEN_GAS + 2 * PICK_GAS + DESCEND_GAS) * GWEI
    arena.check_coins()


def test_result_that_came_late_is_shared_all_the_same(arena: Arena) -> None:
    """Once winners are counted by a result, nobody else can take their parts."""
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    striker, other = arena.open(batch, LIE, TRUTH), arena.open(batch, LIE, TRUTH, MALICE)
    mistaken = arena.open(batch, LIE, TRUTH, BOB, shown_hash=OTHER_END)
    striker.strike()
    striker.show()
    for play in (other, mistaken):
        play.settle()
        play.show()
    final = redo(arena, job)
    other.reward(final)
    arena.pass_time(500 * DAY_SECONDS)
    for play in (striker, mistaken):
        with rejects(Reject.RESULT_AHEAD):
            play.move("reward_without_result")
    striker.reward(final)
    assert arena.owed(HONEST) == arena.owed(MALICE) == BOND_WEI + LEAF_BOND_WEI // 4
    arena.check_coins()


def test_result_after_parts_were_given_without_one_changes_no_part(arena: Arena) -> None:
    """Nobody is paid twice, and the pot is enough for all that were counted."""
    job = arena.post_runs(deadline=arena.now + 300 * DAY_SECONDS)
    batch = arena.claim_runs(LIE, job=job)
    striker, other = arena.open(batch, LIE, TRUTH), arena.open(batch, LIE, TRUTH, MALICE)
    mistaken = arena.open(batch, LIE, TRUTH, BOB, shown_hash=OTHER_END)
    striker.strike()
    striker.show()
    for play in (other, mistaken):
        play.settle()
        play.show()
    late = arena.claim_runs(TRUTH, job=job)
    without_result(arena, job)
    striker.move("reward_without_result")
    arena.finalize(late)
    with rejects(Reject.GAME_UNKNOWN):
        striker.reward(late)
    with rejects(Reject.GAME_NOT_WON):
        mistaken.reward(late)
    other.reward(late)
    mistaken.move("reward_without_result")
    parts = sorted(map(arena.owed, (HONEST, MALICE, BOB)))
    assert parts == [
        BOND_WEI + third // 2 for third in (LEAF_BOND_WEI // 3, LEAF_BOND_WEI // 3, -(-LEAF_BOND_WEI // 3))
    ]
    assert arena.claim_word(batch.claim_id(0))["pot_wei"] == 0
    arena.check_coins()


def test_struck_task_is_done_again_and_may_be_challenged_again(arena: Arena) -> None:
    job = arena.post_runs()
    arena.open(arena.claim_runs(LIE, job=job), LIE, TRUTH).strike()
    again = arena.claim_runs(OTHER_LIE, job=job)
    assert arena.open(again, OTHER_LIE, TRUTH).game_id == again.claim_id(0) << 32 | 1


def test_payment_cannot_reenter(arena: Arena) -> None:
    """A challenger that is a contract tries to withdraw twice, and to settle while it is paid."""
    batch = arena.claim_runs(LIE)
    other = arena.open(batch, LIE, TRUTH)
    glutton = deploy_caller(arena.evm, "Glutton")
    play = replace(other, challenger=glutton.address)
    opening = (play.claim_id, _nothing(play)[0], play.proof(), bytes(32))
    message = message_of(arena.disputes, "open", *opening)
    glutton.transact("relay", arena.disputes.address, message, BOND_WEI + 7)
    assert arena.owed(glutton.address) == 7
    withdrawal = message_of(arena.disputes, "withdraw_to", glutton.address)
    glutton.transact("plan", arena.disputes.address, withdrawal, True)
    with rejects(Reject.PAYMENT_REFUSED):
        glutton.transact("relay", arena.disputes.address, withdrawal, 0)
    before_wei = arena.evm.chain.get_balance(glutton.address)
    glutton.transact("plan", arena.disputes.address, withdrawal, False)
    glutton.transact("relay", arena.disputes.address, withdrawal, 0)
    assert (glutton.call("calls_back"), glutton.call("last_call_succeeded")) == (1, False)
    assert arena.evm.chain.get_balance(glutton.address) == before_wei + 7


def test_anybody_settles_for_nothing(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    arena.pass_time(CLOCK + RESCUE + 1)
    assert outcome_of(play.move("settle", sender=KEEPER)) is GameOutcome.CHALLENGER_WON
    assert arena.owed(KEEPER) == 0
