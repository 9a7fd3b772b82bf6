"""Disputes.vy: whole games over float instructions, their clocks and the numbers of their states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.division import FALSE, INDEX, LOW, MICRO, TRUTH
from tests.contracts.evm import Event
from tests.contracts.micro_runs import after_of, end_hash, first_state
from tests.contracts.network import (
    ALICE,
    BOB,
    HONEST,
    LIAR,
    MALICE,
    PARAMETERS,
    Network,
    deploy_network,
    rejects,
)
from tests.contracts.runs import FLOAT_STEPS, FLOATS
from tests.contracts.scenes import (
    Order,
    Play,
    Revelation,
    claim,
    claimed,
    float_lie_challenged,
    float_truth_challenged,
    loses_on_time,
    open_game,
    post,
    register,
    take,
)
from tests.machine.encode import encode_float
from tests.machine.trees import LeafTree, nothing, state_on
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.witness import build_witness
from truestep.protocol.bisection import Interval, split_root
from truestep.protocol.records import GameStage
from truestep.protocol.state_numbers import micro_number

CLOCK = PARAMETERS.clock_seconds


@pytest.fixture
def net() -> Network:
    return deploy_network()


# --- whole games -----------------------------------------------------------------------------------


@pytest.mark.parametrize("micro_lie_at", [None, 1, 2, 40, MICRO.cycles - 1])
def test_false_result_is_struck_down_by_one_integer_step(net: Network, micro_lie_at: int | None) -> None:
    play = float_lie_challenged(net, INDEX, micro_lie_at)
    play.to_micro_run()
    play.to_last_step()
    step = MICRO.cycles - 1 if micro_lie_at is None else micro_lie_at - 1
    assert play.interval().low == LOW + step
    receipt = play.step()
    fields = {
        "game_id": play.game_id,
        "before": MICRO.hashes[step],
        "after": MICRO.hashes[step + 1],
        "expected": play.asserted.hash_at(LOW + step + 1),
    }
    assert receipt.events == [Event(name="Stepped", fields=fields)]
    assert net.game(play.game_id).stage == GameStage.CHALLENGER_WON
    assert play.settle().events[-1].fields["stage"] == GameStage.CHALLENGER_WON
    assert net.account(LIAR).stake == net.parameters.operator_bond_wei * 99


@pytest.mark.parametrize("index", FLOAT_STEPS)
def test_every_float_instruction_can_be_disputed(net: Network, index: int) -> None:
    """Liars about each of them are caught, whoever lies."""
    play = float_lie_challenged(net, index)
    play.to_micro_run()
    play.to_last_step()
    play.step()
    assert net.game(play.game_id).stage == GameStage.CHALLENGER_WON
    play = float_truth_challenged(net, index)
    play.to_micro_run()
    play.to_last_step()
    play.step(TRUTH)
    assert net.game(play.game_id).stage == GameStage.OPERATOR_WON


@pytest.mark.parametrize("part", range(PARAMETERS.arity))
def test_truth_survives_every_pick(net: Network, part: int) -> None:
    play = float_truth_challenged(net)
    play.to_micro_run()
    play.split()
    play.pick(part)
    while play.interval().length > 1:
        play.split()
        play.pick(part % play.interval().part_count(PARAMETERS.arity))
    play.step(TRUTH)
    assert net.game(play.game_id).stage == GameStage.OPERATOR_WON
    assert net.disputes.call("open_games", play.game_id >> 32) == 0


@pytest.mark.parametrize("cycles", [1, 2, MICRO.cycles - 1, MICRO.cycles + 1, 4_095])
@pytest.mark.parametrize("is_true", [False, True])
def test_micro_run_of_another_length_loses(net: Network, cycles: int, is_true: bool) -> None:
    """Too short, it has not ended by then; too long, its end does not count on. Whatever result it gives."""
    play = float_truth_challenged(net) if is_true else float_lie_challenged(net)
    play.to_last_step()
    play.descend()
    play.believed = TRUTH
    shown = play.revelation()
    play.reveal(replace(shown, cycles=cycles))
    assert net.game(play.game_id).high == LOW + cycles
    if cycles == 1:
        assert net.game(play.game_id).stage == GameStage.STEP_DUE
    play.to_last_step()
    play.step()
    assert net.game(play.game_id).stage == GameStage.CHALLENGER_WON


def test_wrong_memory_at_the_end_loses(net: Network) -> None:
    """Even with the right result and length."""
    play = float_truth_challenged(net)
    play.to_last_step()
    play.descend()
    play.believed = TRUTH
    play.reveal(replace(play.revelation(), memory_root=keccak256(b"memory")))
    play.to_last_step()
    play.step()
    assert net.game(play.game_id).stage == GameStage.CHALLENGER_WON


# --- clocks ----------------------------------------------------------------------------------------


def test_challenger_that_does_not_descend_loses(net: Network) -> None:
    play = float_truth_challenged(net)
    play.to_last_step()
    loses_on_time(play, play.descend)


def test_operator_that_does_not_reveal_loses(net: Network) -> None:
    """Although the other's time is up, too: only its own runs."""
    play = float_lie_challenged(net)
    play.to_last_step()
    net.pass_time(CLOCK)
    play.descend()
    assert net.game(play.game_id).challenger_clock_seconds == 0
    net.pass_time(CLOCK)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    net.pass_time(1)
    with rejects(Reject.CLOCK_OVER):
        play.reveal()
    assert play.settle().events[-1].fields["stage"] == GameStage.CHALLENGER_WON


@pytest.mark.parametrize("stage", [GameStage.OPERATOR_TURN, GameStage.CHALLENGER_TURN, GameStage.STEP_DUE])
def test_stalling_in_a_micro_run(net: Network, stage: GameStage) -> None:
    """One clock for both levels; whose turn it is loses."""
    play = float_lie_challenged(net)
    net.pass_time(10)
    play.to_last_step()
    net.pass_time(20)
    play.descend()
    net.pass_time(40)
    play.reveal()
    assert net.game(play.game_id).operator_clock_seconds == CLOCK - 50
    assert net.game(play.game_id).challenger_clock_seconds == CLOCK - 20
    if stage == GameStage.STEP_DUE:
        play.to_last_step()
    elif stage == GameStage.CHALLENGER_TURN:
        play.split()
    assert net.game(play.game_id).stage == stage
    is_operators = stage == GameStage.OPERATOR_TURN
    net.pass_time(CLOCK - 50 if is_operators else CLOCK - 20)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    net.pass_time(1)
    end = GameStage.CHALLENGER_WON if is_operators else GameStage.OPERATOR_WON
    assert play.settle().events[-1].fields["stage"] == end


def test_moves_stop_when_the_claim_falls(net: Network) -> None:
    """At every stage of the second level: no move counts any more, nobody's clock runs."""
    claim_id = claimed(net, FALSE, FLOATS)
    parties = [BOB, ALICE, MALICE, HONEST, *(f"0x{n:040x}" for n in (1_001, 1_002))]
    games: list[Play] = []
    for challenger in parties:
        net.evm.chain.set_balance(challenger, 10**20)
        game_id = open_game(net, claim_id, FALSE.claimed, challenger)
        games.append(Play(net=net, game_id=game_id, asserted=FALSE, believed=TRUTH, challenger=challenger))
    due, revealed, split, last, winner, undescended = games
    for play in games:
        play.to_last_step()
    for play in (due, revealed, split, last, winner):
        play.descend()
    for play in (revealed, split, last, winner):
        play.reveal()
    split.split()
    last.to_last_step()
    winner.to_last_step()
    winner.step()
    winner.settle()
    moves = (due.reveal, revealed.split, split.pick, last.step, undescended.descend)
    for move in moves:
        with rejects(Reject.GAME_CLAIM_STRUCK):
            move()
    net.pass_time(10 * CLOCK)
    for play in (undescended, last, split, revealed, due):
        assert play.settle().events[-1].fields["stage"] == GameStage.CLOSED
        assert net.game(play.game_id).stage == GameStage.CLOSED
    assert net.disputes.call("open_games", claim_id) == 0
    assert net.disputes.call("pots_wei", claim_id) == 0


# --- numbers of states -----------------------------------------------------------------------------


def longest_claim(net: Network) -> Play:
    """A game on a claim of 2^48 cycles."""
    made = replace(TRUTH, claimed=replace(TRUTH.claimed, cycle=2**48))
    job_id = post(net, Order(program_id=register(net, FLOATS, 2**48)))
    claim_id = claim(net, take(net, job_id, 0, LIAR), made, LIAR)
    return Play(net=net, game_id=open_game(net, claim_id, made.claimed), asserted=made, believed=made)


def play_to(play: Play, hash_at: Callable[[int], bytes], choose: Callable[[Interval], int]) -> None:
    """Split with these hashes and pick these parts down to one step, each interval as in `protocol`."""
    net, arity = play.net, play.net.parameters.arity
    while (interval := play.interval()).length > 1:
        game = net.game(play.game_id)
        inner = [hash_at(number) for number in interval.boundaries(arity)[1:-1]]
        play.hashes = [game.low_hash, *inner, game.high_hash]
        play.send_split(inner)
        assert net.game(play.game_id).split_root == split_root(play.hashes, arity)
        part = choose(interval)
        play.pick(part)
        assert play.interval() == interval.part(part, arity)
        assert net.game(play.game_id).rounds == game.rounds + 1
    assert net.game(play.game_id).stage == GameStage.STEP_DUE


@settings(max_examples=settings().max_examples // 4)
@given(
    index=st.one_of(st.sampled_from((1, 2**48 - 2)), st.integers(1, 2**48 - 2)),
    cycles=st.one_of(st.sampled_from((1, 2, 4_095)), st.integers(1, 4_095)),
    path=st.lists(st.integers(0, 63), max_size=12),
    arity=st.sampled_from((2, 16, 64)),
    rd=st.integers(1, 31),
)
def test_state_numbers_equal_the_reference(
    index: int, cycles: int, path: list[int], arity: int, rd: int
) -> None:
    """On both levels, anywhere in the longest run and for every length of a micro-run."""
    net = deploy_network(replace(PARAMETERS, arity=arity))
    word = encode_float("fmadd.s", rd=rd, rs1=1, rs2=2, rs3=3)
    tree = LeafTree({0x1000 // 32: word.to_bytes(4, "little").ljust(32, b"\0")}, nothing)
    before = state_on(tree, pc=0x1000, registers={1: 5, 2: 6}, cycle=index)
    after = after_of(before, rd, 7)
    play = longest_claim(net)

    def hash_at(number: int) -> bytes:
        known = {index: before, index + 1: after}.get(number)
        return known.hash() if known else keccak256(number.to_bytes(8, "big"))

    def part_of_index(interval: Interval) -> int:
        starts = interval.boundaries(arity)[:-1]
        return max(part for part, start in enumerate(starts) if start <= index)

    net.pass_time(11)
    play_to(play, hash_at, part_of_index)
    game = net.game(play.game_id)
    net.disputes.transact("descend", play.game_id, build_witness(before, tree.node))
    start = first_state(word, before.registers, net.step.call("rom_root")).hash()
    low = micro_number(index, 0)
    descended = {"stage": GameStage.REVEAL_DUE, "low": low, "low_hash": start}
    assert vars(net.game(play.game_id)) == vars(game) | descended
    play.reveal(Revelation(low=low, after=after.pack(), cycles=cycles, memory_root=bytes(32)))
    assert play.interval() == Interval(low=low, high=micro_number(index, cycles))
    assert net.game(play.game_id).high_hash == end_hash(Bytes32(bytes(32)), cycles, 7)
    choices = iter([*path, *[0] * 64])
    play_to(play, hash_at, lambda interval: next(choices) % interval.part_count(arity))
    assert net.game(play.game_id).operator_clock_seconds == CLOCK - 11
