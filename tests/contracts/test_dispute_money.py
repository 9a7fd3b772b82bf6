"""Disputes.vy: who is paid what when a game ends (docs/protocol.md P5, P6)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.compiled import deploy_caller, message_of
from tests.contracts.evm import Event, Receipt
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
    rejects,
)
from tests.contracts.runs import SUM, falsified_run, run
from tests.contracts.scenes import REWARD_WEI, STAKE_WEI, Play, claim, finalize, open_game, post_program, take
from truestep.base.errors import Reject
from truestep.base.ids import ClaimId, task_of_claim
from truestep.protocol.records import GameStage, TaskStage

LIE = falsified_run(SUM)
CLOCK = PARAMETERS.clock_seconds
OPERATOR_BOND_WEI, BOND_WEI = PARAMETERS.operator_bond_wei, PARAMETERS.challenger_bond_wei
OPERATOR_SHARE_WEI, CHALLENGER_SHARE_WEI = BOND_WEI // 2, OPERATOR_BOND_WEI // 2
GWEI = 10**9

# The units of gas that Disputes repays (P5.2).
OPEN_GAS, PICK_GAS, STEP_GAS = 170_000, 40_000, 60_000
SPLIT_GAS, SPLIT_GAS_PER_HASH = 40_000, 1_000


@pytest.fixture
def net() -> Network:
    return deploy_network_with_base_fee()


def false_claim(net: Network) -> ClaimId:
    """A claim that every game can bring down."""
    return claim(net, take(net, post_program(net), 0, LIAR), LIE, LIAR)


def game_on_lie(net: Network, claim_id: ClaimId, challenger: str) -> Play:
    """A game that its challenger would win."""
    game_id = open_game(net, claim_id, LIE.claimed, challenger)
    return Play(net=net, game_id=game_id, asserted=LIE, believed=run(SUM), challenger=challenger)


def game_on_truth(net: Network, challenger: str = MALICE) -> Play:
    """A game that its operator would win."""
    claim_id = claim(net, take(net, post_program(net)), run(SUM))
    game_id = open_game(net, claim_id, run(SUM).claimed, challenger)
    return Play(
        net=net, game_id=game_id, asserted=run(SUM), operator=ALICE, believed=LIE, challenger=challenger
    )


def credit(net: Network, account: str) -> int:
    """What Disputes owes."""
    return net.disputes.call("credits", account)


def settled(
    play: Play, stage: GameStage, *, operator: int = 0, challenger: int = 0, burned: int = 0
) -> Event:
    """The event of an end."""
    fields = {"game_id": play.game_id, "claim_id": play.game_id >> 32, "stage": stage}
    amounts = {"operator_wei": operator, "challenger_wei": challenger, "burned_wei": burned}
    return Event(name="Settled", fields=fields | amounts)


def win_by_clock(play: Play) -> Receipt:
    """Whoever is to move lets its time run out."""
    play.net.pass_time(CLOCK + 1)
    return play.settle()


# --- the operator wins -----------------------------------------------------------------------------


def test_operator_wins_by_step(net: Network) -> None:
    play = game_on_truth(net)
    play.split()
    play.pick(5)
    play.split()
    play.pick(0)
    play.step(run(SUM))
    receipt = play.settle()
    burned_wei = BOND_WEI - OPERATOR_SHARE_WEI
    assert receipt.events == [
        settled(play, GameStage.OPERATOR_WON, operator=OPERATOR_SHARE_WEI, burned=burned_wei)
    ]
    assert (credit(net, ALICE), credit(net, MALICE)) == (OPERATOR_SHARE_WEI, 0)
    assert net.disputes.call("burned_wei") == burned_wei
    assert vars(net.account(ALICE)) == {"stake": STAKE_WEI, "locked": OPERATOR_BOND_WEI}
    with rejects(Reject.GAME_STAGE):
        play.settle()
    net.disputes.transact("withdraw", sender=ALICE)
    assert net.balance(net.disputes.address) == burned_wei


def test_claim_is_final_after_a_won_game_that_nobody_settled(net: Network) -> None:
    play = game_on_truth(net)
    play.split()
    play.pick(5)
    play.split()
    play.pick(0)
    play.step(run(SUM))
    net.pass_time(PARAMETERS.window_seconds + 1)
    finalize(net, task_of_claim(ClaimId(play.game_id >> 32)), run(SUM).claimed)
    play.settle()
    assert credit(net, ALICE) == OPERATOR_SHARE_WEI


def test_operator_gas_is_repaid(net: Network) -> None:
    """Units for each split, more for the hashes of all but the last, at the lowest base fee of the moves."""
    net.set_base_fee(30 * GWEI)
    play = game_on_truth(net)
    play.split()
    net.set_base_fee(20 * GWEI)
    play.pick(5)
    net.set_base_fee(50 * GWEI)
    play.split()
    play.pick(0)
    play.step(run(SUM))
    net.set_base_fee(90 * GWEI)
    play.settle()
    units = 2 * SPLIT_GAS + (PARAMETERS.arity - 1) * SPLIT_GAS_PER_HASH
    assert credit(net, ALICE) == OPERATOR_SHARE_WEI + units * 20 * GWEI


def test_operator_gas_without_and_with_one_split(net: Network) -> None:
    """A split whose pick never came is paid as well."""
    net.set_base_fee(GWEI)
    play = game_on_truth(net)
    play.split()
    win_by_clock(play)
    assert credit(net, ALICE) == OPERATOR_SHARE_WEI + SPLIT_GAS * GWEI


def test_gas_price_is_capped() -> None:
    net = deploy_network_with_base_fee(replace(PARAMETERS, gas_price_cap_wei=3 * GWEI))
    net.set_base_fee(1_000 * GWEI)
    play = game_on_truth(net)
    play.split()
    win_by_clock(play)
    assert credit(net, ALICE) == OPERATOR_SHARE_WEI + SPLIT_GAS * 3 * GWEI


def test_gas_is_at_most_half_the_bond() -> None:
    """Share and gas together never exceed it: the contract never pays what it does not have."""
    net = deploy_network_with_base_fee(replace(PARAMETERS, gas_price_cap_wei=10**14))
    net.set_base_fee(10**14)
    play = game_on_truth(net)
    play.split()
    receipt = win_by_clock(play)
    assert receipt.events == [settled(play, GameStage.OPERATOR_WON, operator=BOND_WEI)]
    assert (credit(net, ALICE), net.disputes.call("burned_wei")) == (BOND_WEI, 0)


# --- the challenger wins ---------------------------------------------------------------------------


def test_challenger_wins_by_step(net: Network) -> None:
    """The claim is struck: bond seized, share paid, the rest burned, the task open again with its reward."""
    claim_id = false_claim(net)
    play = game_on_lie(net, claim_id, HONEST)
    play.to_last_step()
    play.step()
    receipt = play.settle()
    owed_wei = BOND_WEI + CHALLENGER_SHARE_WEI
    burned_wei = OPERATOR_BOND_WEI - CHALLENGER_SHARE_WEI
    assert receipt.events == [settled(play, GameStage.CHALLENGER_WON, challenger=owed_wei, burned=burned_wei)]
    assert credit(net, HONEST) == owed_wei
    assert vars(net.account(LIAR)) == {"stake": STAKE_WEI - OPERATOR_BOND_WEI, "locked": 0}
    task = net.task(task_of_claim(claim_id))
    assert (task.state, task.attempt, task.claim_hash) == (TaskStage.OPEN, 1, bytes(32))
    net.disputes.transact("withdraw", sender=HONEST)
    assert net.balance(net.disputes.address) == net.disputes.call("burned_wei") == burned_wei
    assert net.balance(net.jobs.address) == 4 * REWARD_WEI


def test_struck_task_is_done_again(net: Network) -> None:
    claim_id = false_claim(net)
    win_by_clock(game_on_lie(net, claim_id, HONEST))
    task_id = take(net, 1, 0, BOB)  # type: ignore[arg-type]
    assert task_id == task_of_claim(claim_id)
    assert claim(net, task_id, run(SUM), BOB) == claim_id + 1
    net.pass_time(PARAMETERS.window_seconds + 1)
    finalize(net, task_id, run(SUM).claimed)
    assert net.jobs.call("credits", BOB) == REWARD_WEI
    assert net.disputes.call("game_of", claim_id + 1, HONEST) == 0


def test_challenger_gas_is_repaid(net: Network) -> None:
    net.set_base_fee(20 * GWEI)
    play = game_on_lie(net, false_claim(net), HONEST)
    play.to_last_step()
    rounds = net.game(play.game_id).rounds
    play.step()
    play.settle()
    gas_wei = (OPEN_GAS + rounds * PICK_GAS + STEP_GAS) * 20 * GWEI
    assert credit(net, HONEST) == BOND_WEI + CHALLENGER_SHARE_WEI + gas_wei
    assert net.disputes.call("burned_wei") == OPERATOR_BOND_WEI - CHALLENGER_SHARE_WEI - gas_wei


def test_challenger_gas_without_a_step(net: Network) -> None:
    net.set_base_fee(GWEI)
    win_by_clock(game_on_lie(net, false_claim(net), HONEST))
    assert credit(net, HONEST) == BOND_WEI + CHALLENGER_SHARE_WEI + OPEN_GAS * GWEI


def test_share_goes_to_the_oldest_open_game(net: Network) -> None:
    """A liar that sees the challenge, then challenges itself and gives up gets only its bond back."""
    claim_id = false_claim(net)
    honest = game_on_lie(net, claim_id, HONEST)
    honest.split()
    accomplice = game_on_lie(net, claim_id, MALICE)
    accomplice.to_last_step()
    accomplice.step()
    receipt = accomplice.settle()
    share = {"game_id": honest.game_id, "claim_id": claim_id, "challenger": HONEST}
    assert receipt.events == [
        Event(name="Shared", fields=share | {"amount_wei": CHALLENGER_SHARE_WEI}),
        settled(accomplice, GameStage.CHALLENGER_WON, challenger=BOND_WEI),
    ]
    assert (credit(net, HONEST), credit(net, MALICE)) == (CHALLENGER_SHARE_WEI, BOND_WEI)
    burned_wei = OPERATOR_BOND_WEI - CHALLENGER_SHARE_WEI
    assert net.disputes.call("pots_wei", claim_id) == burned_wei
    assert honest.settle().events == [
        settled(honest, GameStage.CLOSED, challenger=BOND_WEI, burned=burned_wei)
    ]
    assert credit(net, HONEST) == BOND_WEI + CHALLENGER_SHARE_WEI
    assert net.disputes.call("pots_wei", claim_id) == 0
    assert net.balance(net.disputes.address) == credit(net, HONEST) + credit(net, MALICE) + burned_wei


def test_oldest_game_out_of_time_gets_no_share(net: Network) -> None:
    """Even if nobody has settled it: the winner takes the share; the other's bond comes back all the same."""
    claim_id = false_claim(net)
    stalled, honest = game_on_lie(net, claim_id, MALICE), game_on_lie(net, claim_id, HONEST)
    stalled.split()
    honest.to_last_step()
    net.pass_time(CLOCK)
    honest.step()
    net.pass_time(1)
    honest.settle()
    stalled.settle()
    assert (credit(net, HONEST), credit(net, MALICE)) == (BOND_WEI + CHALLENGER_SHARE_WEI, BOND_WEI)


@pytest.mark.parametrize("by", ["step", "clock"])
def test_lost_games_get_no_share(net: Network, by: str) -> None:
    """The oldest game counts only while its challenger has not lost it."""
    claim_id = false_claim(net)
    lost = replace(game_on_lie(net, claim_id, MALICE), believed=LIE)
    honest = game_on_lie(net, claim_id, HONEST)
    lost.split()
    if by == "step":
        lost.pick(0)
        lost.split()
        lost.pick(0)
        lost.step()
        honest.to_last_step()
    else:
        honest.to_last_step()
        net.pass_time(CLOCK)
        honest.step()
        net.pass_time(1)
        lost.settle()
    if by == "step":
        honest.step()
    honest.settle()
    assert credit(net, HONEST) == BOND_WEI + CHALLENGER_SHARE_WEI
    if by == "step":
        lost.settle()
    assert credit(net, MALICE) == 0
    assert credit(net, LIAR) == OPERATOR_SHARE_WEI  # it did win that game


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)])
def test_other_games_close_in_any_order(net: Network, order: tuple[int, ...]) -> None:
    """Bonds back and gas repaid to all; the last one burns the rest."""
    net.set_base_fee(10 * GWEI)
    claim_id = false_claim(net)
    challengers = (MALICE, HONEST, ALICE, BOB)
    games = [game_on_lie(net, claim_id, challenger) for challenger in challengers]
    for play in games[:2]:
        play.split()
        play.pick()
    games[3].split()
    games[2].to_last_step()
    games[2].step()
    net.pass_time(CLOCK + 1)
    for index in order:
        games[index].settle()
    rounds = [net.game(play.game_id).rounds for play in games]
    gas_units = [OPEN_GAS + PICK_GAS * count for count in rounds]
    gas_units[2] += STEP_GAS
    winner = next(index for index in order if index != 3)  # game 3 was lost on time: bond and share to LIAR
    is_lost = order[0] == 3
    paid = [BOND_WEI + units * 10 * GWEI for units in gas_units]
    paid[0] += CHALLENGER_SHARE_WEI
    if is_lost:
        paid[3] = 0
    assert winner in range(3)
    assert [credit(net, challenger) for challenger in challengers] == paid
    assert net.disputes.call("open_games", claim_id) == 0
    assert net.disputes.call("pots_wei", claim_id) == 0
    debts = sum(paid) + credit(net, LIAR)
    assert net.balance(net.disputes.address) == debts + net.disputes.call("burned_wei")


@given(moves=st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=14), winner=st.integers(0, 20))
def test_oldest_open_game_is_known(moves: list[tuple[bool, int]], winner: int) -> None:
    """However games are opened and lost: the share goes to the oldest of the others."""
    net = deploy_network_with_base_fee(replace(PARAMETERS, arity=64))
    claim_id, open_games = false_claim(net), list[Play]()
    for number, (is_loss, which) in enumerate([*[(False, 0)] * 3, *moves, (False, 0)]):
        if is_loss and open_games:
            lost = open_games.pop(which % len(open_games))
            lost.split()
            lost.pick(0)  # the claim is true here
            lost.step()
        else:
            challenger = f"0x{number + 1:040x}"
            net.evm.chain.set_balance(challenger, 10**20)
            open_games.append(game_on_lie(net, claim_id, challenger))
        assert net.disputes.call("open_games", claim_id) == len(open_games)
    striking = open_games[winner % len(open_games)]
    striking.to_last_step()
    striking.step()
    striking.settle()
    for play in open_games:
        if play is not striking:
            play.settle()
    paid = [credit(net, play.challenger) for play in open_games]
    assert paid == [BOND_WEI + CHALLENGER_SHARE_WEI, *[BOND_WEI] * (len(open_games) - 1)]
    assert net.disputes.call("open_games", claim_id) == 0


def test_pot_may_run_dry() -> None:
    """Gas is repaid while the pot lasts, first to who struck the claim; bonds come back in any case."""
    net = deploy_network_with_base_fee(replace(PARAMETERS, gas_price_cap_wei=10**13))
    net.set_base_fee(10**12)
    claim_id = false_claim(net)
    games = [game_on_lie(net, claim_id, challenger) for challenger in (HONEST, MALICE, ALICE, BOB)]
    win_by_clock(games[1])
    for play in (games[0], games[2], games[3]):
        play.settle()
    gas_wei = OPEN_GAS * 10**12
    pot_wei = OPERATOR_BOND_WEI - CHALLENGER_SHARE_WEI
    assert 2 * gas_wei < pot_wei < 3 * gas_wei
    paid = [credit(net, challenger) - BOND_WEI for challenger in (MALICE, HONEST, ALICE, BOB)]
    assert paid == [gas_wei, gas_wei + CHALLENGER_SHARE_WEI, pot_wei - 2 * gas_wei, 0]
    assert net.disputes.call("burned_wei") == 0


def test_lying_to_oneself_does_not_pay(net: Network) -> None:
    """Operator and only challenger are one: at least half of the bond is lost."""
    net.set_base_fee(GWEI)
    win_by_clock(game_on_lie(net, false_claim(net), MALICE))
    net.disputes.transact("withdraw", sender=MALICE)
    spent_wei = OPEN_GAS * GWEI
    lost_wei = STAKE_WEI - net.account(LIAR).stake - (credit(net, LIAR) + CHALLENGER_SHARE_WEI)
    assert lost_wei - spent_wei <= OPERATOR_BOND_WEI // 2 <= lost_wei


def test_anybody_settles(net: Network) -> None:
    play = game_on_lie(net, false_claim(net), HONEST)
    net.pass_time(CLOCK + 1)
    net.disputes.transact("settle", play.game_id, sender=KEEPER)
    assert credit(net, KEEPER) == 0
    assert credit(net, HONEST) > BOND_WEI


def test_nothing_to_settle_yet(net: Network) -> None:
    play = game_on_lie(net, false_claim(net), HONEST)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    play.split()
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()


# --- withdrawing -----------------------------------------------------------------------------------


def test_withdraw(net: Network) -> None:
    win_by_clock(game_on_lie(net, false_claim(net), HONEST))
    owed_wei, before_wei = credit(net, HONEST), net.balance(HONEST)
    receipt = net.disputes.transact("withdraw", sender=HONEST)
    assert receipt.events == [Event(name="Withdrawn", fields={"account": HONEST, "amount_wei": owed_wei})]
    assert net.balance(HONEST) == before_wei + owed_wei
    with rejects(Reject.NOTHING_TO_WITHDRAW):
        net.disputes.transact("withdraw", sender=HONEST)


def test_payment_cannot_reenter(net: Network) -> None:
    """A challenger that is a contract tries to withdraw twice, and to settle while it is paid."""
    claim_id = false_claim(net)
    glutton = deploy_caller(net.evm, "Glutton")
    game_on_lie(net, claim_id, HONEST)
    opening = message_of(net.disputes, "open", claim_id, LIE.claimed.as_struct())
    glutton.transact("relay", net.disputes.address, opening, BOND_WEI)
    other = claim_id << 32 | 1
    net.pass_time(CLOCK + 1)
    net.disputes.transact("settle", claim_id << 32 | 2)
    assert credit(net, glutton.address) == BOND_WEI
    before_wei = net.balance(glutton.address)
    for message in (message_of(net.disputes, "withdraw"), message_of(net.disputes, "settle", other)):
        glutton.transact("plan", net.disputes.address, message, True)
        with rejects(Reject.PAYMENT_REFUSED):
            glutton.transact("relay", net.disputes.address, message_of(net.disputes, "withdraw"), 0)
    glutton.transact("plan", net.disputes.address, message_of(net.disputes, "settle", other), False)
    glutton.transact("relay", net.disputes.address, message_of(net.disputes, "withdraw"), 0)
    assert (glutton.call("calls_back"), glutton.call("last_call_succeeded")) == (1, False)
    assert net.balance(glutton.address) == before_wei + BOND_WEI
    assert net.game(other).stage == GameStage.OPERATOR_TURN
