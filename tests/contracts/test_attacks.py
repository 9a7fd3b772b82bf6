"""Attacks that won against games as they once were (docs/protocol.md S6, S7)."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.evm import rejects
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
    leaf_of,
    outcome_of,
    redo,
    stranger,
)
from tests.contracts.runs import SUM, falsified_run, run
from truestep.base.errors import Reject
from truestep.protocol.settlement.contracts.disputes import GameOutcome
from truestep.protocol.settlement.games import OPEN_GAS, PICK_GAS, STEP_GAS

LIE, TRUTH = falsified_run(SUM), run(SUM)
RESCUE = RULES.rescue_seconds
SYBILS = 64
GWEI = 10**9


@pytest.fixture
def arena() -> Arena:
    return Arena()


def test_statements_that_a_reorganisation_moves_are_refused(arena: Arena) -> None:
    """The same ids stand for another job, lie or game then; what was signed is about none of these."""
    arena.post_runs()
    chain = arena.evm.chain
    fork = chain.snapshot()
    batch = arena.claim_runs(LIE)
    play = Play(arena=arena, batch=batch, asserted=LIE, believed=TRUTH, challenger=HONEST)
    opening = (play.claim_id, astuple(batch.terms), play.proof(), bytes(32))
    play.open()
    split, pick = play.split_arguments(), play.pick_arguments()
    play.split()
    picking = (play.game_id, astuple(play.game), *pick)
    chain.revert(fork)
    other = arena.claim_runs(TRUTH, job=arena.post_runs(reward=3))
    assert other.claim_id(0) == play.claim_id
    with rejects(Reject.BATCH_TERMS_OTHER):
        arena.disputes.transact("open", *opening, sender=HONEST, value=BOND_WEI)
    again = arena.open(other, TRUTH, LIE, HONEST)
    assert again.game_id == play.game_id
    arena.disputes.transact("split", *split, sender=LIAR)
    assert not again.is_split()
    with rejects(Reject.GAME_OTHER):
        arena.disputes.transact("pick", *picking, sender=HONEST)


def test_bonds_of_lost_games_do_not_come_back_with_a_missed_one(arena: Arena) -> None:
    """Many games on a true claim: the operator misses one, their challengers lose all others on time."""
    batch = arena.claim_runs(TRUTH)
    missed = arena.open(batch, TRUTH, LIE, MALICE)
    idle = [arena.open(batch, TRUTH, LIE, stranger(number)) for number in range(30)]
    missed.split()
    missed.pick(4)  # a node of its own, which the operator misses
    arena.pass_time(3 * CLOCK + RESCUE + 1)
    assert missed.settle() is GameOutcome.CHALLENGER_WON
    assert [play.settle() for play in idle] == [GameOutcome.DEFENDER_WON] * 30
    assert [arena.owed(play.challenger) for play in idle] == [0] * 30
    lost_wei = sum(play.game.bond_wei for play in idle)
    assert arena.owed(LIAR) == lost_wei // 2
    assert lost_wei >= LEAF_BOND_WEI  # striking it cost more than it destroyed
    arena.check_coins()


def test_sybils_do_not_outrun_an_operator_that_can_just_sustain_one_game(arena: Arena) -> None:
    """It replays the run once, in nearly a clock, and then splits node after node, each in 1/16 of that."""
    batch = arena.claim_runs(TRUTH)
    plays = [arena.open(batch, TRUTH, LIE, stranger(number)) for number in range(SYBILS)]
    paid_wei = sum(play.game.bond_wei for play in plays)
    replay_seconds = CLOCK - 100
    arena.pass_time(replay_seconds)
    splits = 0
    while any(play.interval().length > 1 for play in plays):
        for number, play in enumerate(plays):
            if play.interval().length > 1 and not play.is_split():
                arena.pass_time(replay_seconds // 16)
                play.split()
                splits += 1
            if play.interval().length > 1:
                parts = play.interval().part_count(play.arity)
                play.pick((number // 8 if play.game.low else number) % parts)
    assert splits > 8  # one game has two
    arena.pass_time(CLOCK + 1)
    assert {play.settle() for play in plays} == {GameOutcome.DEFENDER_WON}
    assert [arena.owed(play.challenger) for play in plays] == [0] * SYBILS
    assert arena.owed(LIAR) == sum(play.game.bond_wei // 2 for play in plays)
    assert arena.burned_wei() == paid_wei - arena.owed(LIAR)
    assert arena.operators.call("accounts", LIAR) == (STAKE_WEI, LEAF_BOND_WEI)
    arena.check_coins()
    arena.pass_time(batch.terms.window_seconds)
    arena.finalize(batch)


def test_friends_of_a_liar_do_not_keep_the_honest_one_out(arena: Arena) -> None:
    """Struck within a window and two games; idle copies of the challenger's opening win nothing."""
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    claimed_at = arena.now
    copies = [arena.open(batch, LIE, LIE, stranger(number)) for number in range(SYBILS)]
    arena.pass_time(batch.terms.window_seconds)
    arena.set_base_fee(GWEI)
    honest = arena.open(batch, LIE, TRUTH)
    assert honest.game.bond_wei == 8 * BOND_WEI
    while honest.interval().length > 1:  # the liar makes every move in its last second
        used_seconds = honest.game.defender_used_seconds
        if not honest.is_split():
            arena.pass_time(3 * CLOCK - used_seconds if honest.game.low == 0 else 0)
            honest.split()
        honest.pick()
    assert outcome_of(honest.step()) is GameOutcome.CHALLENGER_WON
    game_seconds = 4 * CLOCK
    assert arena.now - claimed_at <= batch.terms.window_seconds + 2 * game_seconds
    for copy in copies:
        assert copy.settle() is GameOutcome.CHALLENGER_WON  # the liar made no move there
        copy.show()
    honest.show()
    final = redo(arena, job)
    for copy in copies:
        with rejects(Reject.GAME_NOT_WON):
            copy.reward(final)
    honest.reward(final)
    units = OPEN_GAS + 2 * PICK_GAS + STEP_GAS
    assert arena.owed(HONEST) == 8 * BOND_WEI + LEAF_BOND_WEI // 2 + units * GWEI
    arena.check_coins()


def test_copies_that_know_the_truth_leave_the_honest_one_its_part(arena: Arena) -> None:
    """Neither the share nor the pot for gas can be emptied before it: parts are equal, in whatever order."""
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    arena.set_base_fee(GWEI)
    copies = [arena.open(batch, LIE, TRUTH, stranger(number)) for number in range(SYBILS)]
    honest = arena.open(batch, LIE, TRUTH)
    copies[0].strike()
    for play in (*copies, honest):
        if play is not copies[0]:
            assert play.settle() is GameOutcome.CLAIM_FELL
        play.show()
    final = redo(arena, job)
    for play in (*copies, honest):
        play.reward(final)
    part_wei = LEAF_BOND_WEI // (SYBILS + 1)
    assert arena.owed(HONEST) >= honest.game.bond_wei + part_wei // 2 + OPEN_GAS * GWEI
    assert part_wei // 2 > OPEN_GAS * GWEI
    taken_wei = sum(arena.owed(play.challenger) - play.game.bond_wei for play in (*copies, honest))
    assert arena.burned_wei() == LEAF_BOND_WEI - taken_wei
    arena.check_coins()


@pytest.mark.parametrize("socks", [1, 3, 20])
@pytest.mark.parametrize("by", ["step", "clock", "refute"])
def test_lying_to_oneself_does_not_pay(arena: Arena, by: str, socks: int) -> None:
    """Operator and challengers are one: at least half of the bond is gone, and no unspent gas is repaid."""
    job = arena.post_runs()
    arena.set_base_fee(GWEI)
    if by == "refute":
        batch = arena.take((job, 0, 1), operator=LIAR)
        arena.claim(batch, [replace(leaf_of(TRUTH), head=1 << 192)], sender=LIAR)
        proof = astuple(batch.proof(0, arena.posted))
        arena.disputes.transact("refute", batch.claim_id(0), astuple(batch.terms), proof, b"", sender=MALICE)
        assert (arena.owed(MALICE), arena.burned_wei()) == (BOND_WEI, LEAF_BOND_WEI - BOND_WEI)
        return
    batch = arena.claim_runs(LIE, job=job)
    plays = [arena.open(batch, LIE, TRUTH, stranger(number)) for number in range(socks)]
    if by == "step":
        plays[0].strike()
    else:
        arena.pass_time(3 * CLOCK + RESCUE + 1)
    for play in plays[by == "step" :]:
        play.settle()
    for play in plays:
        play.show()
    final = redo(arena, job)
    for play in plays:
        play.reward(final)
    units = socks * OPEN_GAS + (2 * PICK_GAS + STEP_GAS if by == "step" else 0)
    won_wei = sum(arena.owed(play.challenger) - play.game.bond_wei for play in plays)
    assert won_wei <= LEAF_BOND_WEI // 2 + units * GWEI
    assert arena.burned_wei() >= LEAF_BOND_WEI // 2 - units * GWEI
    arena.check_coins()
