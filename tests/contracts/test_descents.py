"""Disputes.vy: games over float instructions go on in their micro-run (docs/protocol.md P4.9, P4.10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.division import FALSE, INDEX, LOW, MICRO, TRUTH
from tests.contracts.evm import Event, Reverted
from tests.contracts.micro_runs import ROM_IMAGE, end_hash, template_of
from tests.contracts.network import (
    BOB,
    HONEST,
    LIAR,
    MALICE,
    PARAMETERS,
    Network,
    deploy_network,
    rejects,
)
from tests.contracts.runs import FLOAT_STEPS, FLOATS, Run, run
from tests.contracts.scenes import (
    Play,
    claimed,
    float_lie_challenged,
    float_truth_challenged,
    lie_challenged,
    open_game,
)
from tests.machine.encode import encode, encode_float
from truestep.base.errors import Reject
from truestep.commitments.keccak import keccak256
from truestep.machine.memory import Memory
from truestep.machine.state import MachineState
from truestep.protocol.records import GameStage
from truestep.protocol.state_numbers import micro_number

CLOCK = PARAMETERS.clock_seconds


@pytest.fixture
def net() -> Network:
    return deploy_network()


def test_rom_is_the_one_that_ships(net: Network) -> None:
    memory = Memory()
    memory.write(0, ROM_IMAGE.read_bytes())
    assert net.step.call("rom_root") == memory.root()


# --- descend ---------------------------------------------------------------------------------------


def test_descend(net: Network) -> None:
    play = float_lie_challenged(net)
    play.to_last_step()
    before = net.game(play.game_id)
    assert (before.low, before.high) == (INDEX, INDEX + 1)
    net.pass_time(50)
    receipt = play.descend()
    rd = FLOAT_STEPS[INDEX]
    fields = {
        "game_id": play.game_id,
        "low": LOW,
        "micro_start": MICRO.hashes[0],
        "template": template_of(TRUTH.states[INDEX + 1], rd),
    }
    assert receipt.events == [Event(name="Descended", fields=fields)]
    changes = {
        "stage": GameStage.REVEAL_DUE,
        "low": LOW,
        "low_hash": MICRO.hashes[0],
        "challenger_clock_seconds": before.challenger_clock_seconds - 50,
        "moved_at": net.now,
    }
    assert vars(net.game(play.game_id)) == vars(before) | changes


def test_step_leaves_floats_alone(net: Network) -> None:
    play = float_lie_challenged(net)
    play.to_last_step()
    with rejects(Reject.STEP_IS_FLOAT):
        play.step()
    assert net.game(play.game_id).stage == GameStage.STEP_DUE


def test_integer_instructions_are_not_descended_into(net: Network) -> None:
    play = lie_challenged(net)
    play.to_last_step()
    with rejects(Reject.STEP_NOT_FLOAT):
        play.descend()
    play.step()


def test_float_without_a_result_is_a_step(net: Network) -> None:
    """Instruction 7 of `FLOATS` writes x0: whoever lies about it is caught by its one step."""
    claim_id = claimed(net, TRUTH, FLOATS)
    game_id = open_game(net, claim_id, TRUTH.claimed)
    hashes = tuple(h if i <= 7 else keccak256(h) for i, h in enumerate(TRUTH.hashes))
    liar = replace(TRUTH, hashes=hashes)
    play = Play(net=net, game_id=game_id, asserted=TRUTH, believed=liar)
    play.to_last_step()
    assert play.interval().low == 7
    with rejects(Reject.STEP_NOT_FLOAT):
        play.descend()
    play.step()
    assert net.game(game_id).stage == GameStage.OPERATOR_WON


def test_descent_begins_at_the_agreed_state(net: Network) -> None:
    """Another state's float instruction, and the same one with another operand, lead nowhere."""
    play = float_lie_challenged(net)
    play.to_last_step()
    other_operands = run(FLOATS, 1).witness_at(INDEX)
    for witness in (TRUTH.witness_at(INDEX + 2), other_operands):
        with rejects(Reject.STEP_OTHER_STATE):
            net.disputes.transact("descend", play.game_id, witness)
    with rejects(Reject.WITNESS_LENGTH):
        net.disputes.transact("descend", play.game_id, TRUTH.witness_at(INDEX)[:-1])


def test_anybody_descends(net: Network) -> None:
    for sender in (BOB, HONEST, LIAR):
        play = float_lie_challenged(net)
        play.to_last_step()
        play.descend(sender=sender)
        assert net.game(play.game_id).stage == GameStage.REVEAL_DUE


def test_descends_only_once(net: Network) -> None:
    """Not in any stage of the second level, its last step included."""
    play = float_lie_challenged(net)
    play.to_last_step()
    witness = TRUTH.witness_at(INDEX)

    def refuses(reason: Reject) -> None:
        with rejects(reason):
            net.disputes.transact("descend", play.game_id, witness)

    play.descend()
    refuses(Reject.GAME_STAGE)
    play.reveal()
    refuses(Reject.GAME_STAGE)
    play.split()
    refuses(Reject.GAME_STAGE)
    play.pick()
    play.to_last_step()
    assert net.game(play.game_id).stage == GameStage.STEP_DUE
    refuses(Reject.GAME_DESCENDED)
    play.step()
    refuses(Reject.GAME_STAGE)


def test_no_descent_before_its_time(net: Network) -> None:
    play = float_lie_challenged(net)
    witness = TRUTH.witness_at(INDEX)
    for move in (play.split, play.pick):
        with rejects(Reject.GAME_STAGE):
            net.disputes.transact("descend", play.game_id, witness)
        with rejects(Reject.GAME_STAGE):
            net.disputes.transact("reveal", play.game_id, LOW, b"", 1, bytes(32), sender=LIAR)
        move()
    with rejects(Reject.GAME_UNKNOWN):
        net.disputes.transact("descend", play.game_id + 1, witness)
    with rejects(Reject.GAME_UNKNOWN):
        net.disputes.transact("reveal", play.game_id + 1, LOW, b"", 1, bytes(32), sender=LIAR)


# --- reveal ----------------------------------------------------------------------------------------


def test_reveal(net: Network) -> None:
    play = float_lie_challenged(net)
    play.to_last_step()
    play.descend()
    before = net.game(play.game_id)
    net.pass_time(70)
    receipt = play.reveal()
    result = FALSE.states[INDEX + 1].registers[FLOAT_STEPS[INDEX]]
    assert result == MICRO.result ^ 1
    high_hash = end_hash(MICRO.memory_root, MICRO.cycles, result)
    moved = {"low": LOW, "high": LOW + MICRO.cycles, "high_hash": high_hash}
    assert receipt.events == [Event(name="Revealed", fields=moved | {"game_id": play.game_id})]
    changes = moved | {
        "stage": GameStage.OPERATOR_TURN,
        "operator_clock_seconds": before.operator_clock_seconds - 70,
        "moved_at": net.now,
    }
    assert vars(net.game(play.game_id)) == vars(before) | changes


def test_truth_is_revealed_as_the_end_of_the_micro_run(net: Network) -> None:
    """What an honest operator reveals is the very state that the ROM ends in."""
    play = float_truth_challenged(net)
    play.to_micro_run()
    game = net.game(play.game_id)
    assert (game.low_hash, game.high_hash) == (MICRO.hashes[0], MICRO.hashes[-1])


def revealing(net: Network) -> Play:
    """A game that waits for a reveal."""
    play = float_lie_challenged(net)
    play.to_last_step()
    play.descend()
    return play


def test_only_the_operator_or_its_delegate_reveals(net: Network) -> None:
    play = revealing(net)
    for sender in (HONEST, BOB, MALICE):
        with rejects(Reject.NOT_ASSERTER):
            play.reveal(sender=sender)
    net.operators.transact("set_delegate", BOB, sender=LIAR)
    play.reveal(sender=BOB)
    play.send_split(play.asserted_hashes()[1:-1], BOB)


def test_reveal_names_its_micro_run(net: Network) -> None:
    """What is true of one micro-run would be false of another: after a reorganisation it is refused."""
    play = revealing(net)
    shown = play.revelation()
    for low in (0, INDEX, LOW + 1, LOW - 1, micro_number(INDEX + 1, 0), 2**64 - 1):
        with rejects(Reject.REVEAL_MICRO_RUN):
            play.reveal(replace(shown, low=low))


@pytest.mark.parametrize("cycles", [0, 4_096, 4_097, 2**12 + MICRO.cycles, 2**63, 2**64 - 1])
def test_micro_runs_are_short(net: Network, cycles: int) -> None:
    play = revealing(net)
    with rejects(Reject.REVEAL_CYCLES):
        play.reveal(replace(play.revelation(), cycles=cycles))


def test_reveal_opens_the_hash_at_high(net: Network) -> None:
    """Not the true state, nor the claimed one changed, cut or extended."""
    play = revealing(net)
    shown = play.revelation()
    after = shown.after
    with pytest.raises(Reverted):  # longer than the contract reads at all
        play.reveal(replace(shown, after=after + bytes(1)))
    others = [after[:-1], after[:-1] + bytes([after[-1] ^ 1]), b"", bytes(305)]
    others += [TRUTH.states[INDEX + 1].pack(), FALSE.states[INDEX + 2].pack()]
    for other in others:
        with rejects(Reject.REVEAL_STATE):
            play.reveal(replace(shown, after=other))


def forged(after: MachineState, **changes: object) -> Run:
    """The run of an operator whose state after the division is another one in more than its result."""
    states = (*FALSE.states[: INDEX + 1], replace(after, **changes), *FALSE.states[INDEX + 2 :])
    return replace(FALSE, states=states, hashes=tuple(state.hash() for state in states))


AFTER = FALSE.states[INDEX + 1]
FORGERIES = {
    "pc": forged(AFTER, pc=AFTER.pc + 4),
    "cycle": forged(AFTER, cycle=AFTER.cycle + 1),
    "status": forged(AFTER, status=2),
    "code": forged(AFTER, code=1),
    "memory": forged(AFTER, memory_root=keccak256(b"memory")),
    "x1": forged(AFTER, registers=(0, 1, *AFTER.registers[2:])),
    "x31": forged(AFTER, registers=(*AFTER.registers[:31], 1)),
    "rd + 1": forged(AFTER, registers=(*AFTER.registers[:11], 1, *AFTER.registers[12:])),
    "the result elsewhere": forged(
        TRUTH.states[INDEX],
        pc=AFTER.pc,
        cycle=AFTER.cycle,
        registers=(*TRUTH.states[INDEX].registers[:11], MICRO.result, *AFTER.registers[12:]),
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_states_that_no_result_explains_cannot_be_revealed(net: Network, what: str) -> None:
    """Their operator has no move left, and loses on time."""
    false = FORGERIES[what]
    game_id = open_game(net, claimed(net, false, FLOATS), false.claimed, HONEST)
    play = Play(net=net, game_id=game_id, asserted=false, believed=TRUTH, challenger=HONEST)
    play.to_last_step()
    play.descend()
    with rejects(Reject.REVEAL_TEMPLATE):
        play.reveal()
    net.pass_time(CLOCK + 1)
    with rejects(Reject.CLOCK_OVER):
        play.reveal()
    assert play.settle().events[-1].fields["stage"] == GameStage.CHALLENGER_WON


def test_end_of_a_run_passed_off_as_a_result(net: Network) -> None:
    """A claim of one step, which is a float's: it is due at once, and a final state cannot be revealed."""
    words = (encode_float("fadd.d", rd=5), encode("ebreak"))
    made = run(words)
    false = replace(made, claimed=replace(made.claimed, cycle=1), hashes=(made.hashes[0], made.hashes[-1]))
    play = Play(
        net=net,
        game_id=open_game(net, claimed(net, false, words), false.claimed, HONEST),
        asserted=replace(false, states=(made.states[0], replace(made.states[-1], cycle=1))),
        believed=made,
        challenger=HONEST,
    )
    assert net.game(play.game_id).stage == GameStage.STEP_DUE
    play.descend()
    with rejects(Reject.REVEAL_TEMPLATE):
        play.reveal()
    net.pass_time(CLOCK + 1)
    assert play.settle().events[-1].fields["stage"] == GameStage.CHALLENGER_WON


def test_only_packed_states_are_revealed(net: Network) -> None:
    """A hash at high of fewer bytes than a state has cannot be opened with these."""
    cut = AFTER.pack()[:-1]
    hashes = (*FALSE.hashes[: INDEX + 1], keccak256(cut), *FALSE.hashes[INDEX + 2 :])
    false = replace(FALSE, hashes=hashes)
    game_id = open_game(net, claimed(net, false, FLOATS), false.claimed, HONEST)
    play = Play(net=net, game_id=game_id, asserted=false, believed=TRUTH, challenger=HONEST)
    play.to_last_step()
    play.descend()
    with rejects(Reject.REVEAL_STATE):
        play.reveal(replace(play.revelation(), after=cut))
