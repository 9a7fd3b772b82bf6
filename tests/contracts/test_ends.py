"""Disputes.vy: how games end, by clocks, strikes and sponsors (docs/protocol.md S6.5 to S7.4)."""

from __future__ import annotations

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
    SPONSOR,
    Arena,
    Play,
    settled,
)
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.settings import BOB
from truestep.base.errors import Reject
from truestep.protocol.settlement.contracts.disputes import GameOutcome

LIE, TRUTH = falsified_run(SUM), run(SUM)
OTHER_LIE = falsified_run(SUM, at_cycle=12)
RESCUE, REVEAL = RULES.rescue_seconds, RULES.reveal_seconds
SHARE_WEI, HALF_WEI = BOND_WEI // 2, LEAF_BOND_WEI // 2
GWEI = 10**9


@pytest.fixture
def arena() -> Arena:
    return Arena()


# --- clocks ----------------------------------------------------------------------------------------


def test_defender_out_of_time(arena: Arena) -> None:
    """The last second is still in time; then a sponsor may come, and only after that it is decided."""
    play = arena.disputed(LIE, TRUTH)
    arena.pass_time(CLOCK)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    with rejects(Reject.DEFENDER_IN_TIME):
        play.adopt()
    arena.pass_time(RESCUE)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    arena.pass_time(1)
    with rejects(Reject.RESCUE_OVER):
        play.adopt()
    assert play.settle() is GameOutcome.CHALLENGER_WON
    assert arena.owed(HONEST) == BOND_WEI
    arena.check_coins()


def test_defender_s_moves_draw_on_one_clock(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    arena.pass_time(1_000)
    play.split()
    arena.pass_time(500)
    play.pick()
    assert play.interval().length > 1
    arena.pass_time(CLOCK - 1_000)
    play.split()
    play.pick()
    assert (play.game.defender_used_seconds, play.game.challenger_used_seconds) == (CLOCK, 500)


@pytest.mark.parametrize("peak", [1, 2, 3, 4])
def test_clocks_grow_with_the_games(arena: Arena, peak: int) -> None:
    """By the most that were open at once, up to three less the rescue; also in older games."""
    batch = arena.claim_runs(LIE)
    plays = [arena.open(batch, LIE, TRUTH, f"0x{n + 1:040x}") for n in range(peak)]
    seconds = min(CLOCK * peak, 3 * CLOCK - RESCUE)
    arena.pass_time(seconds)
    plays[0].split()
    plays[0].pick()
    assert plays[0].game.defender_used_seconds == seconds
    arena.pass_time(1 + RESCUE)
    assert plays[0].settle() is GameOutcome.CHALLENGER_WON


def test_late_split_may_be_answered_or_not(arena: Arena) -> None:
    """The challenger has won on time; picking all the same, it goes on against a defender without time."""
    batch = arena.claim_runs(LIE)
    play = arena.open(batch, LIE, TRUTH)
    arena.pass_time(CLOCK + 1)
    play.split()
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    arena.pass_time(RESCUE - 1)
    snapshot, game = arena.evm.chain.snapshot(), play.game
    play.pick()
    assert play.game.defender_used_seconds == CLOCK + 1
    play.split()
    play.pick()
    arena.evm.chain.revert(snapshot)
    play.game = game
    arena.pass_time(2)
    assert play.settle() is GameOutcome.CHALLENGER_WON


def test_challenger_out_of_time_to_pick(arena: Arena) -> None:
    play = arena.disputed(TRUTH, LIE, MALICE)
    arena.pass_time(100)
    play.split()
    arena.pass_time(CLOCK)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    arena.pass_time(1)
    with rejects(Reject.CLOCK_OVER):
        play.pick()
    receipt = play.move("settle")
    amounts = {"defender_wei": SHARE_WEI, "burned_wei": BOND_WEI - SHARE_WEI}
    assert receipt.events == [settled(play, GameOutcome.DEFENDER_WON, **amounts)]
    with rejects(Reject.GAME_UNKNOWN):
        play.settle()
    assert (arena.owed(LIAR), arena.owed(MALICE)) == (SHARE_WEI, 0)
    assert arena.disputes.call("held", play.batch.batch_id) == 0
    arena.check_coins()


def test_challenger_out_of_time_to_step(arena: Arena) -> None:
    """Nobody may execute the step any more, so that the outcome does not depend on who is quick."""
    play = arena.disputed(LIE, TRUTH)
    play.to_last_step()
    arena.pass_time(CLOCK)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    arena.pass_time(1)
    with rejects(Reject.CLOCK_OVER):
        play.step()
    assert play.settle() is GameOutcome.DEFENDER_WON


def test_games_are_judged_as_of_the_second_of_the_strike(arena: Arena) -> None:
    """Whose clock had run out by then has lost, whoever settles when; all others get their bonds back."""
    batch = arena.claim_runs(LIE)
    names = ("striker", "idle", "last", "late", "fresh")
    games = {name: arena.open(batch, LIE, TRUTH, f"0x{n + 1:040x}") for n, name in enumerate(names)}
    games["striker"].to_last_step()
    games["idle"].to_last_step()
    arena.pass_time(1)
    games["last"].to_last_step()
    arena.pass_time(CLOCK - 1)
    games["late"].pick()  # the split was there, so this was the last second to pick
    assert games["late"].game.challenger_used_seconds == CLOCK
    games["striker"].step()
    struck_at = arena.now
    arena.pass_time(1)
    assert arena.claim_word(batch.claim_id(0))["struck_at"] == struck_at
    assert games["idle"].settle() is GameOutcome.CLAIM_FELL  # its last second was that of the strike
    arena.pass_time(10 * CLOCK)
    for name in ("last", "late", "fresh"):
        assert games[name].settle() is GameOutcome.CLAIM_FELL
    assert [arena.owed(play.challenger) for play in games.values()] == [BOND_WEI] * 5
    arena.check_coins()


def test_lost_games_stay_lost_when_the_claim_falls(arena: Arena) -> None:
    batch = arena.claim_runs(LIE)
    honest = arena.open(batch, LIE, TRUTH)
    idle = [arena.open(batch, LIE, TRUTH, f"0x{n + 1:040x}") for n in range(3)]
    honest.split()
    arena.pass_time(CLOCK)
    honest.pick()
    arena.pass_time(1)
    honest.strike()
    for play in idle:
        assert play.settle() is GameOutcome.DEFENDER_WON
        assert arena.owed(play.challenger) == 0
    assert arena.owed(LIAR) == 3 * SHARE_WEI  # it did win these games
    arena.check_coins()


def test_split_after_the_strike_changes_nothing(arena: Arena) -> None:
    """A struck liar cannot put its challengers' clocks in motion."""
    batch = arena.claim_runs(LIE)
    plays = [arena.open(batch, LIE, TRUTH), arena.open(batch, LIE, OTHER_LIE, MALICE)]
    plays[0].to_last_step()
    plays[1].pick(0)
    plays[0].step()
    arena.pass_time(1)
    plays[1].split()
    arena.pass_time(2 * CLOCK)
    assert plays[1].settle() is GameOutcome.CLAIM_FELL


# --- sponsors --------------------------------------------------------------------------------------


def late_truth(arena: Arena) -> Play:
    """A game on a true claim whose operator has gone."""
    play = arena.disputed(TRUTH, LIE, MALICE)
    arena.pass_time(CLOCK + RESCUE)
    return play


def test_sponsor_saves_a_true_claim(arena: Arena) -> None:
    """With a new clock, by its own splits; the challenger's share is its own, the operator gets nothing."""
    play = late_truth(arena)
    with rejects(Reject.WRONG_VALUE):
        play.adopt(value_wei=LEAF_BOND_WEI - 1)
    play.adopt()
    assert (play.game.defender, play.game.sponsor_bond_wei) == (SPONSOR, LEAF_BOND_WEI)
    assert (play.game.defender_used_seconds, play.game.moved_at) == (0, arena.now)
    arena.check_coins()
    with rejects(Reject.NOT_DEFENDER):
        play.split(sender=LIAR)
    arena.pass_time(CLOCK)
    play.split()
    arena.pass_time(CLOCK + 1)
    receipt = play.move("settle")
    amounts = {"defender_wei": LEAF_BOND_WEI + SHARE_WEI, "burned_wei": BOND_WEI - SHARE_WEI}
    assert receipt.events == [settled(play, GameOutcome.DEFENDER_WON, **amounts)]
    assert (arena.owed(SPONSOR), arena.owed(LIAR)) == (LEAF_BOND_WEI + SHARE_WEI, 0)
    arena.check_coins()


def test_sponsor_s_clock_is_new(arena: Arena) -> None:
    """What the operator used of its own does not count."""
    play = arena.disputed(TRUTH, LIE, MALICE)
    arena.pass_time(CLOCK - 10)
    play.split()
    play.pick()
    arena.pass_time(11)
    assert play.game.defender_used_seconds == CLOCK - 10
    play.adopt()
    assert play.game.defender_used_seconds == 0
    arena.pass_time(CLOCK)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()


def test_sponsor_that_loses_pays_into_the_pot(arena: Arena) -> None:
    """No second rescue: the game is lost with the last second of the sponsor's clock."""
    play = arena.disputed(LIE, TRUTH)
    arena.pass_time(CLOCK + 1)
    play.adopt()
    arena.pass_time(CLOCK)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    arena.pass_time(1)
    with rejects(Reject.GAME_SPONSORED):
        play.adopt(BOB)
    receipt = play.move("settle")
    amounts = {"challenger_wei": BOND_WEI, "burned_wei": LEAF_BOND_WEI - HALF_WEI}
    assert receipt.events[-1] == settled(play, GameOutcome.CHALLENGER_WON, **amounts)
    assert (arena.owed(HONEST), arena.owed(SPONSOR)) == (BOND_WEI, 0)
    assert arena.claim_word(play.claim_id)["pot_wei"] == LEAF_BOND_WEI + HALF_WEI
    arena.check_coins()


def test_sponsor_gets_its_bond_back_when_another_game_strikes(arena: Arena) -> None:
    batch = arena.claim_runs(LIE)
    play = arena.open(batch, LIE, TRUTH)
    arena.pass_time(CLOCK + 1)
    play.adopt()
    other = arena.open(batch, LIE, TRUTH, MALICE)
    other.strike()
    assert play.settle() is GameOutcome.CLAIM_FELL
    assert (arena.owed(SPONSOR), arena.owed(HONEST)) == (LEAF_BOND_WEI, BOND_WEI)
    arena.check_coins()


def test_sponsors_share_splits(arena: Arena) -> None:
    """One sponsor may adopt many games, each with a bond, and splits a node once for all."""
    batch = arena.claim_runs(TRUTH)
    plays = [arena.open(batch, TRUTH, LIE, f"0x{n + 1:040x}") for n in range(3)]
    arena.pass_time(3 * CLOCK - RESCUE + 1)
    for play in plays:
        play.adopt()
    plays[0].split()
    arena.pass_time(CLOCK + 1)
    assert [play.settle() for play in plays] == [GameOutcome.DEFENDER_WON] * 3
    assert arena.owed(SPONSOR) == 3 * (LEAF_BOND_WEI + SHARE_WEI)
    arena.check_coins()
