"""Disputes.vy: how a game ends: by its step, by a clock, with its claim (docs/protocol.md P4, P5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.compiled import deploy_caller
from tests.contracts.evm import Event
from tests.contracts.network import (
    ALICE,
    BOB,
    HONEST,
    MALICE,
    PARAMETERS,
    Network,
    deploy_network,
    disputes_arguments,
    jobs_arguments,
    rejects,
)
from tests.contracts.runs import (
    ENDLESS,
    ONE_STEP,
    SUM,
    run,
)
from tests.contracts.scenes import (
    LIE,
    Play,
    claimed,
    lie_challenged,
    loses_on_time,
    open_game,
    truth_challenged,
)
from truestep.base.errors import Reject
from truestep.base.ids import ClaimId, GameId, JobId, task_of_claim
from truestep.protocol.records import GameStage, TaskStage

CLOCK = PARAMETERS.clock_seconds
BOND_WEI = PARAMETERS.challenger_bond_wei


@pytest.fixture
def net() -> Network:
    return deploy_network()


# --- the step --------------------------------------------------------------------------------------


def test_lie_is_struck_down_by_one_step(net: Network) -> None:
    play = lie_challenged(net)
    play.to_last_step()
    low = play.interval().low
    assert low == 8  # the register was changed between state 8 and state 9
    receipt = net.disputes.transact("step", play.game_id, run(SUM).witness_at(low), sender=BOB)
    fields = {
        "before": run(SUM).hashes[low],
        "after": run(SUM).hashes[low + 1],
        "expected": LIE.hashes[low + 1],
    }
    assert receipt.events == [Event(name="Stepped", fields=fields | {"game_id": play.game_id})]
    assert net.game(play.game_id).stage == GameStage.CHALLENGER_WON


@pytest.mark.parametrize("part", range(PARAMETERS.arity))
def test_truth_survives_every_pick(net: Network, part: int) -> None:
    play = truth_challenged(net)
    play.split()
    play.pick(part)
    while play.interval().length > 1:
        play.split()
        play.pick(0)
    play.step(run(SUM))
    assert net.game(play.game_id).stage == GameStage.OPERATOR_WON
    assert net.disputes.call("open_games", play.game_id >> 32) == 0


def test_run_of_one_step(net: Network) -> None:
    """There is nothing to split: the step is due at once, on the challenger's clock."""
    made = run(ONE_STEP)
    false = replace(made, claimed=replace(made.claimed, code=1))
    for words, shown, outcome in ((ONE_STEP, made, "OPERATOR_WON"), (ONE_STEP, false, "CHALLENGER_WON")):
        game_id = open_game(net, claimed(net, shown, words), shown.claimed)
        assert net.game(game_id).stage == GameStage.STEP_DUE
        net.disputes.transact("step", game_id, made.witnesses[0])
        assert net.game(game_id).stage == GameStage[outcome]


def test_witness_must_be_of_the_agreed_state(net: Network) -> None:
    play = lie_challenged(net)
    play.to_last_step()
    low = play.interval().low
    with rejects(Reject.STEP_OTHER_STATE):
        net.disputes.transact("step", play.game_id, run(SUM).witness_at(low + 1))
    with rejects(Reject.STEP_OTHER_STATE):
        net.disputes.transact("step", play.game_id, run(SUM, 1).witness_at(low))
    with rejects(Reject.WITNESS_LENGTH):
        net.disputes.transact("step", play.game_id, run(SUM).witness_at(low)[:-1])
    flipped = bytearray(run(SUM).witness_at(low))
    flipped[-1] ^= 1
    with rejects(Reject.STEP_OTHER_STATE):
        net.disputes.transact("step", play.game_id, bytes(flipped))


def test_halted_run_passed_off_as_endless(net: Network) -> None:
    """A running state made up for the maximum cycle loses: the run has halted before."""
    honest = run(SUM)
    packed = bytearray(run(ENDLESS).running_state)
    made_up = replace(run(ENDLESS), running_state=bytes(packed))
    play = Play(
        net=net,
        game_id=open_game(net, claimed(net, made_up), made_up.claimed, HONEST),
        asserted=replace(run(ENDLESS), hashes=(*honest.hashes[:30], *run(ENDLESS).hashes[30:])),
        believed=honest,
        challenger=HONEST,
    )
    play.to_last_step()
    play.step()
    assert net.game(play.game_id).stage == GameStage.CHALLENGER_WON


def test_lie_after_the_end(net: Network) -> None:
    """The right final state, but said to come later: a final state does not count on (machine M2.4)."""
    honest = run(SUM)
    late = replace(honest, claimed=replace(honest.claimed, cycle=honest.claimed.cycle + 7))
    play = Play(
        net=net,
        game_id=open_game(net, claimed(net, late), late.claimed, HONEST),
        asserted=honest,
        believed=honest,
        challenger=HONEST,
    )
    play.to_last_step()
    assert play.interval().low >= honest.claimed.cycle
    play.step()
    assert net.game(play.game_id).stage == GameStage.CHALLENGER_WON


# --- clocks ----------------------------------------------------------------------------------------


def test_operator_clock(net: Network) -> None:
    """The last second is still in time, and all moves draw on one clock."""
    play = lie_challenged(net)
    net.pass_time(1_000)
    play.split()
    net.pass_time(500)
    play.pick()
    net.pass_time(CLOCK - 1_000)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    play.split()
    assert net.game(play.game_id).operator_clock_seconds == 0
    play.pick()
    assert net.game(play.game_id).stage == GameStage.STEP_DUE


def test_operator_out_of_time(net: Network) -> None:
    play = lie_challenged(net)
    net.pass_time(CLOCK + 1)
    with rejects(Reject.CLOCK_OVER):
        play.split()
    assert play.settle().events[-1].fields["stage"] == GameStage.CHALLENGER_WON
    assert net.game(play.game_id).stage == GameStage.CLOSED
    assert net.task(task_of_claim(ClaimId(play.game_id >> 32))).state == TaskStage.OPEN


def test_challenger_out_of_time_to_pick(net: Network) -> None:
    play = truth_challenged(net)
    play.split()
    net.pass_time(CLOCK)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    net.pass_time(1)
    with rejects(Reject.CLOCK_OVER):
        play.pick()
    assert play.settle().events[-1].fields["stage"] == GameStage.OPERATOR_WON
    assert net.disputes.call("open_games", play.game_id >> 32) == 0
    with rejects(Reject.GAME_STAGE):
        play.settle()


def test_challenger_out_of_time_to_step(net: Network) -> None:
    """Nobody may execute the step any more, so that the outcome does not depend on who is quick."""
    play = lie_challenged(net)
    play.to_last_step()
    loses_on_time(play, play.step)


def test_moves_stop_when_the_claim_falls(net: Network) -> None:
    """Every stage of the other games: no move counts any more, nobody's clock runs."""
    claim_id = claimed(net, LIE)
    games = [
        Play(
            net=net,
            game_id=open_game(net, claim_id, LIE.claimed, challenger),
            asserted=LIE,
            believed=run(SUM),
            challenger=challenger,
        )
        for challenger in (HONEST, MALICE, ALICE, BOB)
    ]
    games[0].to_last_step()
    games[1].split()
    games[2].to_last_step()
    games[0].step()
    games[0].settle()
    with rejects(Reject.GAME_CLAIM_STRUCK):
        games[1].pick()
    with rejects(Reject.GAME_CLAIM_STRUCK):
        games[2].step()
    with rejects(Reject.GAME_CLAIM_STRUCK):
        games[3].split()
    net.pass_time(10 * CLOCK)
    for play in games[1:]:
        assert play.settle().events[-1].fields["stage"] == GameStage.CLOSED
    assert net.disputes.call("open_games", claim_id) == 0


def test_struck_claim_cannot_be_challenged(net: Network) -> None:
    play = lie_challenged(net)
    net.pass_time(CLOCK + 1)
    play.settle()
    with rejects(Reject.CLAIM_NOT_STANDING):
        open_game(net, ClaimId(play.game_id >> 32), LIE.claimed)


def test_open_game_delays_the_result(net: Network) -> None:
    play = truth_challenged(net)
    task_id = task_of_claim(ClaimId(play.game_id >> 32))
    play.split()
    net.pass_time(PARAMETERS.window_seconds + 1)
    with rejects(Reject.GAMES_OPEN):
        net.jobs.transact("finalize", task_id, run(SUM).claimed.as_struct())
    play.settle()
    net.jobs.transact("finalize", task_id, run(SUM).claimed.as_struct())


def test_only_operators_sends_coins(net: Network) -> None:
    with rejects(Reject.NOT_OPERATORS):
        deploy_caller(net.evm, "Relay").transact("relay", net.disputes.address, b"", 1)


def test_games_and_jobs_stay_apart(net: Network) -> None:
    """Two jobs with the same program: a game on one says nothing about the other."""
    first, second = claimed(net, LIE), claimed(net, LIE)
    open_game(net, first, LIE.claimed, HONEST)
    assert net.disputes.call("open_games", second) == 0
    assert net.disputes.call("game_of", second, HONEST) == 0
    assert open_game(net, second, LIE.claimed, HONEST) == GameId(second << 32 | 1)
    assert JobId(first >> 64) != JobId(second >> 64)


def test_jobs_of_other_rules(net: Network) -> None:
    """P5.7 and P4.7 bind Disputes to the Jobs that it is deployed for."""
    rules = replace(PARAMETERS, operator_bond_wei=10**17, window_seconds=100)
    jobs = net.evm.deploy("Jobs", *jobs_arguments(net.operators, net.programs, rules))
    with rejects(Reject.PARAMETER_BOND):
        net.evm.deploy("Disputes", *disputes_arguments(net.operators, jobs, net.step, PARAMETERS))
    weaker = replace(PARAMETERS, challenger_bond_wei=10**16)
    with rejects(Reject.PARAMETER_CLOCK):
        net.evm.deploy("Disputes", *disputes_arguments(net.operators, jobs, net.step, weaker))
