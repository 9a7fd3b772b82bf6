"""Disputes.vy: claims of a run that goes on, whose last step, or only one, is a float instruction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.network import ALICE, HONEST, LIAR, MALICE, Network, deploy_network
from tests.contracts.runs import MAX_CYCLES, T1, T2, Run, run
from tests.contracts.scenes import Order, Play, claim, open_game, post, register, take
from tests.machine.encode import encode_float
from truestep.protocol.records import GameStage

WORDS = (encode_float("fcvt.d.l", rd=T1, rs1=T2),) * MAX_CYCLES
LENGTHS = pytest.mark.parametrize("cycles", [1, 2, MAX_CYCLES])


@pytest.fixture
def net() -> Network:
    return deploy_network()


def endless(cycles: int, *, mask: int) -> Run:
    """The first cycles of the run; the last result is falsified where the mask has a bit."""
    honest = run(WORDS)
    last = honest.states[cycles]
    registers = list(last.registers)
    registers[T1] ^= mask
    states = (*honest.states[:cycles], replace(last, registers=tuple(registers)))
    hashes = tuple(state.hash() for state in states)
    return replace(
        honest,
        states=states,
        hashes=hashes,
        running_state=states[-1].pack(),
        claimed=replace(honest.claimed, cycle=cycles, running_state=hashes[-1]),
    )


def challenged(net: Network, cycles: int, *, is_lie: bool) -> Play:
    """A game on such a claim, whose challenger believes the contrary; it goes down to the last step."""
    asserted, believed = (endless(cycles, mask=mask) for mask in (is_lie, not is_lie))
    operator, challenger = (LIAR, HONEST) if is_lie else (ALICE, MALICE)
    job_id = post(net, Order(program_id=register(net, WORDS, cycles)))
    claim_id = claim(net, take(net, job_id, 0, operator), asserted, operator)
    game_id = open_game(net, claim_id, asserted.claimed, challenger)
    play = Play(
        net=net,
        game_id=game_id,
        asserted=asserted,
        operator=operator,
        believed=believed,
        challenger=challenger,
    )
    play.to_last_step()
    assert net.game(game_id).low == cycles - 1
    return play


@LENGTHS
@pytest.mark.parametrize("is_lie", [True, False])
def test_the_last_step_is_played_out(net: Network, cycles: int, is_lie: bool) -> None:
    play = challenged(net, cycles, is_lie=is_lie)
    play.descend()
    play.reveal()
    play.to_last_step()
    play.step(run(WORDS))
    assert net.game(play.game_id).stage == (GameStage.CHALLENGER_WON if is_lie else GameStage.OPERATOR_WON)
