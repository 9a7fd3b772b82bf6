"""Attacks on the clocks of games: time that comes back, rescues without end (S6.5 to S6.8)."""

from __future__ import annotations

import pytest

from tests.contracts.division import FALSE as FALSE_FLOAT
from tests.contracts.evm import rejects
from tests.contracts.playing import (
    BOND_WEI,
    CLOCK,
    HONEST,
    LEAF_BOND_WEI,
    LIAR,
    MALICE,
    RULES,
    SPONSOR,
    Arena,
    outcome_of,
    redo,
    stranger,
)
from tests.contracts.runs import FLOATS, SUM, falsified_run, run
from truestep.base.errors import Reject
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage

LIE, TRUTH = falsified_run(SUM), run(SUM)
RESCUE = RULES.rescue_seconds
LONG_RESCUE = RULES.but(rescue_seconds=CLOCK)


@pytest.fixture
def arena() -> Arena:
    return Arena()


@pytest.mark.parametrize("values", [RULES, LONG_RESCUE])
@pytest.mark.parametrize("has_picked", [False, True])
def test_a_late_split_stays_late_when_a_game_is_opened(values: object, has_picked: bool) -> None:
    """The challenger has won; a friend of the liar opens a game in front of its `settle`."""
    arena = Arena(values)  # type: ignore[arg-type]
    rescue_seconds = arena.values.rescue_seconds
    batch = arena.claim_runs(LIE)
    honest = arena.open(batch, LIE, TRUTH)
    if has_picked:
        honest.split()
        arena.pass_time(CLOCK - rescue_seconds)
        honest.pick()
    arena.pass_time(CLOCK + 1)
    honest.split()
    arena.pass_time(rescue_seconds)
    arena.open(batch, LIE, TRUTH, MALICE)
    assert honest.settle() is GameOutcome.CHALLENGER_WON
    assert arena.owed(HONEST) == BOND_WEI
    arena.check_coins()


@pytest.mark.parametrize("friends", [1, 2])
def test_a_lost_game_is_not_revived_by_more_games(arena: Arena, friends: int) -> None:
    batch = arena.claim_runs(LIE)
    honest = arena.open(batch, LIE, TRUTH)
    for number in range(friends - 1):
        arena.open(batch, LIE, TRUTH, stranger(number))
    arena.pass_time(friends * CLOCK + RESCUE + 1)
    arena.open(batch, LIE, TRUTH, MALICE)
    assert honest.settle() is GameOutcome.CHALLENGER_WON


@pytest.mark.parametrize("early", [0, 1])
def test_a_rise_counts_until_the_last_second(arena: Arena, early: int) -> None:
    """In it the second clock is the defender's; a second later it has none."""
    batch = arena.claim_runs(LIE)
    honest = arena.open(batch, LIE, TRUTH)
    arena.pass_time(CLOCK + 1 - early)
    arena.open(batch, LIE, TRUTH, MALICE)
    assert arena.disputes.call("risen", honest.claim_id) == arena.now
    arena.pass_time(RESCUE)
    if early:
        arena.pass_time(CLOCK)
        with rejects(Reject.GAME_UNDECIDED):
            honest.settle()
        arena.pass_time(1)
    assert honest.settle() is GameOutcome.CHALLENGER_WON


@pytest.mark.parametrize("early", [0, 1])
def test_a_third_game_counts_until_the_second_clock_has_run(arena: Arena, early: int) -> None:
    batch = arena.claim_runs(LIE)
    honest = arena.open(batch, LIE, TRUTH)
    arena.open(batch, LIE, TRUTH, MALICE)
    second = arena.now
    arena.pass_time(2 * CLOCK + 1 - early)
    arena.open(batch, LIE, TRUTH, stranger(0))
    assert arena.disputes.call("risen", honest.claim_id) == arena.now << 40 | second
    arena.open(batch, LIE, TRUTH, stranger(1))
    assert arena.disputes.call("risen", honest.claim_id) == arena.now << 40 | second
    arena.pass_time(RESCUE)
    if early:
        arena.pass_time(CLOCK - RESCUE)
        with rejects(Reject.GAME_UNDECIDED):
            honest.settle()
        arena.pass_time(1)
    assert honest.settle() is GameOutcome.CHALLENGER_WON


def test_a_sponsor_that_is_late_does_not_escape_by_another_game(arena: Arena) -> None:
    """Neither by more time nor by the fall of the claim in the same block."""
    batch = arena.claim_runs(LIE)
    honest = arena.open(batch, LIE, TRUTH)
    arena.pass_time(CLOCK + 1)
    honest.adopt()
    arena.pass_time(CLOCK + 1)
    friend = arena.open(batch, LIE, TRUTH, MALICE)
    friend.strike()
    assert honest.settle() is GameOutcome.CHALLENGER_WON
    assert arena.owed(SPONSOR) == 0
    arena.check_coins()


def test_nobody_adopts_what_was_lost_before_another_game(arena: Arena) -> None:
    batch = arena.claim_runs(LIE)
    honest = arena.open(batch, LIE, TRUTH)
    arena.pass_time(CLOCK + RESCUE + 1)
    arena.open(batch, LIE, TRUTH, MALICE)
    with rejects(Reject.RESCUE_OVER):
        honest.adopt()


def test_a_late_reveal_stays_late_when_a_game_is_opened(arena: Arena) -> None:
    batch = arena.claim_runs(FALSE_FLOAT, job=arena.post_runs(FLOATS))
    honest = arena.open(batch, FALSE_FLOAT, run(FLOATS))
    honest.to_last_step()
    honest.descend()
    arena.pass_time(CLOCK + 1)
    arena.open(batch, FALSE_FLOAT, run(FLOATS), MALICE)
    with rejects(Reject.CLOCK_OVER):
        honest.reveal()
    arena.pass_time(RESCUE)
    assert honest.settle() is GameOutcome.CHALLENGER_WON


def test_an_operator_in_its_rescue_may_still_reveal_at_once(arena: Arena) -> None:
    """It split late, and its challenger went on: no time is left, but this second is."""
    batch = arena.claim_runs(FALSE_FLOAT, job=arena.post_runs(FLOATS))
    honest = arena.open(batch, FALSE_FLOAT, run(FLOATS))
    arena.pass_time(CLOCK + 10)
    honest.to_last_step()
    honest.descend()
    snapshot, game = arena.evm.chain.snapshot(), honest.game
    honest.reveal()
    assert honest.game.defender_used_seconds == CLOCK + 10
    arena.evm.chain.revert(snapshot)
    honest.game = game
    arena.pass_time(1)
    with rejects(Reject.CLOCK_OVER):
        honest.reveal()


@pytest.mark.parametrize("values", [RULES.but(arity=2), LONG_RESCUE.but(arity=2)])
def test_all_rounds_of_a_game_share_one_rescue(values: object) -> None:
    """An operator and its friend split late and pick at once, round after round: no more than four clocks."""
    arena = Arena(values)  # type: ignore[arg-type]
    play = arena.disputed(TRUTH, LIE, MALICE)
    started_at, rescue_seconds = arena.now, arena.values.rescue_seconds
    arena.pass_time(CLOCK + rescue_seconds)
    while play.game.stage == GameStage.ON_NODE:
        with rejects(Reject.GAME_UNDECIDED):
            play.settle()
        play.split()
        play.pick()
        assert play.game.defender_used_seconds == CLOCK + rescue_seconds
    assert arena.now == started_at + CLOCK + rescue_seconds
    arena.pass_time(CLOCK)
    assert outcome_of(play.step()) is GameOutcome.DEFENDER_WON
    assert arena.owed(LIAR) == BOND_WEI // 2


def test_rescue_ends_for_good(arena: Arena) -> None:
    """Half of it in each of two rounds; then the game is lost, and no sponsor may come."""
    play = arena.disputed(TRUTH, LIE, MALICE)
    arena.pass_time(CLOCK + RESCUE // 2)
    play.split()
    play.pick()
    arena.pass_time(RESCUE - RESCUE // 2)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    arena.pass_time(1)
    with rejects(Reject.RESCUE_OVER):
        play.adopt()
    assert play.settle() is GameOutcome.CHALLENGER_WON


def test_a_node_that_was_split_before_is_not_late(arena: Arena) -> None:
    """A game comes there in its rescue: nothing is due from the defender."""
    batch = arena.claim_runs(TRUTH)
    first, second = arena.open(batch, TRUTH, LIE), arena.open(batch, TRUTH, LIE, MALICE)
    arena.pass_time(2 * CLOCK + 1)
    first.split()
    for play in (first, second):
        play.pick(1)
        arena.pass_time(1)
        if not play.is_split():
            play.split()
    arena.pass_time(CLOCK - 2)
    with rejects(Reject.GAME_UNDECIDED):
        second.settle()
    arena.pass_time(1)
    assert second.settle() is GameOutcome.DEFENDER_WON


def test_keeping_sponsors_out_costs_the_whole_bond(arena: Arena) -> None:
    """The challenger of a true claim adopts its own game and idles; it destroys no more than it loses."""
    job = arena.post_runs()
    bad = arena.open(arena.claim_runs(TRUTH, job=job), TRUTH, LIE, MALICE)
    arena.pass_time(CLOCK + 1)
    bad.adopt(MALICE)
    arena.pass_time(CLOCK + 1)
    assert bad.settle() is GameOutcome.CHALLENGER_WON
    bad.reward(redo(arena, job))
    assert arena.owed(MALICE) == BOND_WEI
    assert arena.burned_wei() == 2 * LEAF_BOND_WEI
    arena.check_coins()


@pytest.mark.parametrize("is_paid_out", [False, True])
def test_sponsors_that_lose_late_pay_into_what_is_left_of_the_pot(arena: Arena, is_paid_out: bool) -> None:
    """Lost on time before the strike, settled after it: once parts were given, its bond is burned."""
    job = arena.post_runs()
    batch = arena.claim_runs(LIE, job=job)
    late = arena.open(batch, LIE, TRUTH, MALICE)
    arena.pass_time(CLOCK + 1)
    late.adopt()
    arena.pass_time(CLOCK + 1)
    striker = arena.open(batch, LIE, TRUTH)
    striker.strike()
    striker.show()
    final = redo(arena, job)
    if is_paid_out:
        striker.reward(final)
    assert late.settle() is GameOutcome.CHALLENGER_WON
    pot_wei = LEAF_BOND_WEI + (0 if is_paid_out else LEAF_BOND_WEI // 2)
    if not is_paid_out:
        assert arena.claim_word(batch.claim_id(0))["pot_wei"] == pot_wei
        striker.reward(final)
    assert arena.owed(HONEST) == BOND_WEI + pot_wei // 2
    assert (arena.owed(MALICE), arena.owed(SPONSOR)) == (BOND_WEI, 0)
    assert arena.burned_wei() == 2 * LEAF_BOND_WEI - pot_wei // 2
    arena.check_coins()
