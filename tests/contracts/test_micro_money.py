"""Disputes.vy: the gas of descents and reveals, and where the coins are meanwhile (P5.2, P6.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.network import (
    ALICE,
    BOB,
    HONEST,
    KEEPER,
    LIAR,
    MALICE,
    PARAMETERS,
    Network,
    deploy_network_with_base_fee,
)
from tests.contracts.runs import FLOATS, falsified_float_run, run
from tests.contracts.scenes import (
    Play,
    claimed,
    float_lie_challenged,
    float_truth_challenged,
    open_game,
)
from truestep.protocol.records import GameStage

CLOCK = PARAMETERS.clock_seconds
BOND_WEI, OPERATOR_BOND_WEI = PARAMETERS.challenger_bond_wei, PARAMETERS.operator_bond_wei
GWEI = 10**9
FIRST_CLAIM = 1 << 64 | 1
"""Of the only task that is taken here."""

# The units of gas that Disputes repays (P5.2).
OPEN_GAS, PICK_GAS, STEP_GAS, DESCEND_GAS = 170_000, 40_000, 60_000, 70_000
SPLIT_GAS, SPLIT_GAS_PER_HASH, REVEAL_GAS = 40_000, 1_000, 40_000


@pytest.fixture
def net() -> Network:
    network = deploy_network_with_base_fee()
    network.set_base_fee(GWEI)
    return network


def repaid(net: Network, account: str, besides_wei: int) -> int:
    """The units of gas that an account was credited."""
    units, rest = divmod(net.disputes.call("credits", account) - besides_wei, GWEI)
    assert rest == 0
    return units


def check_coins(net: Network, bonds: int) -> None:
    """What Disputes has is what it owes: bonds of games not yet settled, pot, credits; and what is burned."""
    pot = net.disputes.call("pots_wei", FIRST_CLAIM)
    accounts = (LIAR, ALICE, BOB, MALICE, HONEST, KEEPER)
    owed = bonds * BOND_WEI + pot + sum(net.disputes.call("credits", account) for account in accounts)
    assert net.balance(net.disputes.address) == owed + net.disputes.call("burned_wei")


def test_challenger_is_repaid_for_the_descent(net: Network) -> None:
    """Whoever sent it: moves are paid, not transactions."""
    play = float_lie_challenged(net)
    play.to_micro_run()
    play.to_last_step()
    rounds = net.game(play.game_id).rounds
    play.step()
    play.settle()
    units = OPEN_GAS + rounds * PICK_GAS + DESCEND_GAS + STEP_GAS
    assert repaid(net, HONEST, BOND_WEI + OPERATOR_BOND_WEI // 2) == units
    check_coins(net, 0)


def test_challenger_is_repaid_if_nothing_was_revealed(net: Network) -> None:
    play = float_lie_challenged(net)
    play.to_last_step()
    rounds = net.game(play.game_id).rounds
    play.descend()
    check_coins(net, 1)
    net.pass_time(CLOCK + 1)
    play.settle()
    units = OPEN_GAS + rounds * PICK_GAS + DESCEND_GAS
    assert repaid(net, HONEST, BOND_WEI + OPERATOR_BOND_WEI // 2) == units
    check_coins(net, 0)


@pytest.mark.parametrize("by", ["step", "clock"])
def test_operator_is_repaid_for_the_reveal(net: Network, by: str) -> None:
    """On both levels all splits but the last are paid for their hashes; one that is short costs less."""
    play = float_truth_challenged(net)
    play.to_last_step()
    splits = net.game(play.game_id).rounds
    play.descend()
    play.reveal()
    if by == "step":
        play.to_last_step()
        splits = net.game(play.game_id).rounds
        play.step(run(FLOATS))
    else:
        play.split()
        splits += 1
        net.pass_time(CLOCK + 1)
    play.settle()
    units = splits * SPLIT_GAS + (splits - 2) * (PARAMETERS.arity - 1) * SPLIT_GAS_PER_HASH + REVEAL_GAS
    assert repaid(net, ALICE, BOND_WEI // 2) == units
    check_coins(net, 0)


def test_operator_that_was_never_asked_is_not_repaid_for_a_reveal(net: Network) -> None:
    play = float_truth_challenged(net)
    play.to_last_step()
    splits = net.game(play.game_id).rounds
    net.pass_time(CLOCK + 1)
    play.settle()
    units = splits * SPLIT_GAS + (splits - 1) * (PARAMETERS.arity - 1) * SPLIT_GAS_PER_HASH
    assert repaid(net, ALICE, BOND_WEI // 2) == units


def test_micro_run_of_one_step_repays_the_reveal(net: Network) -> None:
    """A short one has no split on the second level, and the one of the first counts as the last."""
    play = float_truth_challenged(net)
    play.to_last_step()
    splits = net.game(play.game_id).rounds
    play.descend()
    play.reveal(replace(play.revelation(), cycles=1))
    assert net.game(play.game_id).stage == GameStage.STEP_DUE
    net.pass_time(CLOCK + 1)
    play.settle()
    full = max(0, splits - 2) * (PARAMETERS.arity - 1) * SPLIT_GAS_PER_HASH
    assert repaid(net, ALICE, BOND_WEI // 2) == splits * SPLIT_GAS + full + REVEAL_GAS


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_games_of_both_levels_close_when_the_claim_falls(net: Network, order: tuple[int, ...]) -> None:
    """Bonds back and every descent repaid, at whatever stage the game is; the last one burns the rest."""
    false, challengers = falsified_float_run(6), (MALICE, HONEST, ALICE, BOB)
    claim_id = claimed(net, false, FLOATS)
    games = [
        Play(
            net=net,
            game_id=open_game(net, claim_id, false.claimed, challenger),
            asserted=false,
            believed=run(FLOATS),
            challenger=challenger,
        )
        for challenger in challengers
    ]
    for play in games:
        play.to_last_step()
    units = [OPEN_GAS + PICK_GAS * net.game(play.game_id).rounds + DESCEND_GAS for play in games]
    units[3] -= DESCEND_GAS
    for play in games[:3]:
        play.descend()
    for play in games[1:3]:
        play.reveal()
    games[2].to_last_step()
    rounds = net.game(games[2].game_id).rounds - net.game(games[0].game_id).rounds
    units[2] += rounds * PICK_GAS + STEP_GAS
    games[2].step()
    games[2].settle()
    check_coins(net, 3)
    for index in order:
        if index != 2:
            games[index].settle()
    paid = [repaid(net, challenger, BOND_WEI) for challenger in challengers]
    assert paid == [units[0] + OPERATOR_BOND_WEI // 2 // GWEI, *units[1:]]
    assert net.disputes.call("pots_wei", claim_id) == 0
    check_coins(net, 0)
