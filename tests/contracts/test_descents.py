"""Disputes.vy: games over float instructions go on in their micro-run (docs/protocol.md S11.9, S11.10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.division import FALSE, INDEX, LOW, MICRO, TRUTH
from tests.contracts.evm import Reverted, rejects
from tests.contracts.micro_runs import after_of, end_hash, first_state, template_of
from tests.contracts.playing import BOND_WEI, CLOCK, HONEST, LIAR, MALICE, RULES, Arena, Play, outcome_of
from tests.contracts.runs import (
    FLOAT_STEPS,
    FLOATS,
    MAX_CYCLES,
    T1,
    T2,
    Run,
    falsified_float_run,
    run,
)
from tests.contracts.settings import ALICE, BOB
from tests.machine.encode import encode, encode_float
from tests.machine.trees import LeafTree, nothing, state_on
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.state import MachineState
from truestep.machine.witness import build_witness
from truestep.protocol.bisection import Interval, part_siblings
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage
from truestep.protocol.settlement.games import DESCEND_GAS
from truestep.protocol.settlement.ids import Role
from truestep.protocol.state_numbers import micro_number

ENDLESS = (encode_float("fcvt.d.l", rd=T1, rs1=T2),) * MAX_CYCLES


@pytest.fixture
def arena() -> Arena:
    return Arena()


def disputed(arena: Arena, asserted: Run, believed: Run, words: tuple[int, ...] = FLOATS) -> Play:
    """A game on a run with float instructions."""
    return arena.open(arena.claim_runs(asserted, job=arena.post_runs(words)), asserted, believed)


def lie(arena: Arena, index: int = INDEX, micro_lie_at: int | None = None) -> Play:
    """An honest game on a run in which the float result after state `index` is false."""
    return disputed(arena, replace(falsified_float_run(index), micro_lie_at=micro_lie_at), TRUTH)


def truth(arena: Arena, index: int = INDEX) -> Play:
    """A malicious game on a true run, about the result after state `index`."""
    return disputed(arena, TRUTH, falsified_float_run(index))


def revealing(arena: Arena) -> Play:
    """A game that waits for a reveal."""
    play = lie(arena)
    play.to_last_step()
    play.descend()
    return play


# --- descend ---------------------------------------------------------------------------------------


def test_descend(arena: Arena) -> None:
    play = lie(arena)
    play.to_last_step()
    before = play.game
    assert (before.low, before.high) == (INDEX, INDEX + 1)
    arena.pass_time(50)
    with rejects(Reject.STEP_IS_FLOAT):
        play.step()
    play.descend(sender=BOB)
    rd = FLOAT_STEPS[INDEX]
    assert play.game == replace(
        before,
        stage=GameStage.REVEAL_DUE,
        low=LOW,
        low_hash=Bytes32(MICRO.hashes[0]),
        template=template_of(TRUTH.states[INDEX + 1], rd),
        rd=rd,
        gas_units=before.gas_units + DESCEND_GAS,
        challenger_used_seconds=50,
        moved_at=arena.now,
    )


def test_float_without_a_result_is_a_step(arena: Arena) -> None:
    """Instruction 7 of `FLOATS` writes x0: whoever lies about it is caught by its one step."""
    hashes = tuple(h if i <= 7 else keccak256(h) for i, h in enumerate(TRUTH.hashes))
    play = disputed(arena, TRUTH, replace(TRUTH, hashes=hashes))
    play.to_last_step()
    assert play.game.low == 7
    with rejects(Reject.STEP_NOT_FLOAT):
        play.descend()
    assert outcome_of(play.step()) is GameOutcome.DEFENDER_WON


def test_descent_begins_at_the_agreed_state(arena: Arena) -> None:
    """Another state's float instruction, and the same one with another operand, lead nowhere."""
    play = lie(arena)
    play.to_last_step()
    for witness in (TRUTH.witness_at(INDEX + 2), run(FLOATS, 1).witness_at(INDEX)):
        with rejects(Reject.STEP_OTHER_STATE):
            play.move("descend", witness)
    with rejects(Reject.WITNESS_LENGTH):
        play.move("descend", TRUTH.witness_at(INDEX)[:-1])
    arena.pass_time(CLOCK + 1)
    with rejects(Reject.CLOCK_OVER):
        play.descend()


def test_descends_only_once(arena: Arena) -> None:
    play = revealing(arena)
    with rejects(Reject.GAME_STAGE):
        play.move("descend", TRUTH.witness_at(INDEX))
    play.reveal()
    play.to_last_step()
    assert play.game.stage == GameStage.STEP_DUE
    with rejects(Reject.GAME_DESCENDED):
        play.move("descend", TRUTH.witness_at(INDEX))
    play.step()


# --- reveal ----------------------------------------------------------------------------------------


def test_reveal(arena: Arena) -> None:
    play = revealing(arena)
    before = play.game
    arena.pass_time(70)
    play.reveal()
    result = FALSE.states[INDEX + 1].registers[FLOAT_STEPS[INDEX]]
    assert result == MICRO.result ^ 1
    assert play.game == replace(
        before,
        stage=GameStage.ON_NODE,
        high=LOW + MICRO.cycles,
        high_hash=Bytes32(end_hash(MICRO.memory_root, MICRO.cycles, result)),
        defender_used_seconds=70,
        moved_at=arena.now,
    )


def test_only_the_defender_or_its_delegate_reveals(arena: Arena) -> None:
    play = revealing(arena)
    for sender in (HONEST, BOB, MALICE):
        with rejects(Reject.NOT_DEFENDER):
            play.reveal(sender=sender)
    arena.operators.transact("set_delegate", BOB, Role.MOVE, sender=LIAR)
    play.reveal(sender=BOB)


@pytest.mark.parametrize("cycles", [0, 4_096, 2**12 + MICRO.cycles, 2**63, 2**256 - 1])
def test_micro_runs_are_short(arena: Arena, cycles: int) -> None:
    play = revealing(arena)
    after, _, memory_root = play.revelation()
    with rejects(Reject.REVEAL_CYCLES):
        play.reveal(after, cycles, memory_root)


def test_reveal_opens_the_hash_at_high(arena: Arena) -> None:
    """Not the true state, nor the claimed one changed, cut or extended."""
    play = revealing(arena)
    after, cycles, memory_root = play.revelation()
    with pytest.raises(Reverted):  # longer than the contract reads at all
        play.reveal(after + bytes(1), cycles, memory_root)
    others = [after[:-1], after[:-1] + bytes([after[-1] ^ 1]), b"", bytes(305)]
    others += [TRUTH.states[INDEX + 1].pack(), FALSE.states[INDEX + 2].pack()]
    for other in others:
        with rejects(Reject.REVEAL_STATE):
            play.reveal(other, cycles, memory_root)


AFTER = FALSE.states[INDEX + 1]


def forged(**changes: object) -> Run:
    """The run of an operator whose state after the division is another one in more than its result."""
    after: MachineState = replace(AFTER, **changes)
    states = (*FALSE.states[: INDEX + 1], after, *FALSE.states[INDEX + 2 :])
    return replace(FALSE, states=states, hashes=tuple(state.hash() for state in states))


FORGERIES: dict[str, Run] = {
    "pc": forged(pc=AFTER.pc + 4),
    "cycle": forged(cycle=AFTER.cycle + 1),
    "status": forged(status=2),
    "memory": forged(memory_root=keccak256(b"memory")),
    "x1": forged(registers=(0, 1, *AFTER.registers[2:])),
    "rd + 1": forged(registers=(*AFTER.registers[:11], 1, *AFTER.registers[12:])),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_states_that_no_result_explains_cannot_be_revealed(arena: Arena, what: str) -> None:
    """Their operator has no move left, and loses on time; a sponsor could do no better."""
    play = disputed(arena, FORGERIES[what], TRUTH)
    play.to_last_step()
    play.descend()
    with rejects(Reject.REVEAL_TEMPLATE):
        play.reveal()
    arena.pass_time(CLOCK + 1)
    with rejects(Reject.CLOCK_OVER):
        play.reveal()
    play.adopt(ALICE)
    with rejects(Reject.REVEAL_TEMPLATE):
        play.reveal()
    arena.pass_time(CLOCK + 1)
    assert play.settle() is GameOutcome.CHALLENGER_WON
    assert (arena.owed(HONEST), arena.owed(ALICE)) == (BOND_WEI, 0)
    arena.check_coins()


# --- whole games -----------------------------------------------------------------------------------


@pytest.mark.parametrize("micro_lie_at", [None, 1, 40, MICRO.cycles - 1])
def test_false_result_is_struck_down_by_one_integer_step(arena: Arena, micro_lie_at: int | None) -> None:
    play = lie(arena, INDEX, micro_lie_at)
    play.to_micro_run()
    play.to_last_step()
    step = MICRO.cycles - 1 if micro_lie_at is None else micro_lie_at - 1
    assert play.game.low == LOW + step
    assert outcome_of(play.step()) is GameOutcome.CHALLENGER_WON


@pytest.mark.parametrize("index", FLOAT_STEPS)
def test_every_float_instruction_can_be_disputed(arena: Arena, index: int) -> None:
    """Liars about each of them are caught, whoever lies."""
    for play, outcome in (
        (lie(arena, index), GameOutcome.CHALLENGER_WON),
        (truth(arena, index), GameOutcome.DEFENDER_WON),
    ):
        play.to_micro_run()
        play.to_last_step()
        assert outcome_of(play.step(TRUTH)) is outcome
    arena.check_coins()


@pytest.mark.parametrize("part", range(0, 8, 3))
def test_truth_survives_every_pick(arena: Arena, part: int) -> None:
    play = truth(arena)
    play.to_micro_run()
    play.split()
    play.pick(part)
    while play.interval().length > 1:
        play.split()
        play.pick(part % play.interval().part_count(play.arity))
    assert outcome_of(play.step(TRUTH)) is GameOutcome.DEFENDER_WON


@pytest.mark.parametrize("cycles", [1, 2, MICRO.cycles - 1, MICRO.cycles + 1, 4_095])
def test_micro_run_of_another_length_loses(arena: Arena, cycles: int) -> None:
    """Too short, it has not ended by then; too long, its end does not count on. Whatever result it gives."""
    for play in (lie(arena), truth(arena)):
        play.to_last_step()
        play.descend()
        play.believed = TRUTH
        after, _, memory_root = play.revelation()
        play.reveal(after, cycles, memory_root)
        assert play.game.high == LOW + cycles
        play.to_last_step()
        assert outcome_of(play.step()) is GameOutcome.CHALLENGER_WON


def test_wrong_memory_at_the_end_loses(arena: Arena) -> None:
    """Even with the right result and length."""
    play = truth(arena)
    play.to_last_step()
    play.descend()
    play.believed = TRUTH
    after, cycles, _ = play.revelation()
    play.reveal(after, cycles, keccak256(b"memory"))
    play.to_last_step()
    assert outcome_of(play.step()) is GameOutcome.CHALLENGER_WON


def test_games_of_both_levels_close_when_the_claim_falls(arena: Arena) -> None:
    """Each keeps its bond: one that waits for its descent, one for its reveal, one inside the micro-run."""
    striker = lie(arena)
    others = [
        arena.open(striker.batch, striker.asserted, TRUTH, challenger=name) for name in (ALICE, BOB, MALICE)
    ]
    for play in (striker, *others):
        play.to_last_step()
    others[1].descend()
    others[2].to_micro_run()
    striker.to_micro_run()
    striker.to_last_step()
    assert outcome_of(striker.step()) is GameOutcome.CHALLENGER_WON
    for play in others:
        assert play.settle() is GameOutcome.CLAIM_FELL
    arena.check_coins()


def test_one_clock_for_both_levels(arena: Arena) -> None:
    play = lie(arena)
    arena.pass_time(10)
    play.to_last_step()
    arena.pass_time(20)
    play.descend()
    arena.pass_time(40)
    play.reveal()
    arena.pass_time(80)
    play.split()
    arena.pass_time(160)
    play.pick()
    assert (play.game.defender_used_seconds, play.game.challenger_used_seconds) == (130, 180)


@pytest.mark.parametrize("cycles", [1, 2, MAX_CYCLES])
@pytest.mark.parametrize("is_lie", [True, False])
def test_last_step_of_an_endless_run(arena: Arena, cycles: int, is_lie: bool) -> None:
    """Claims of a run that goes on, whose last step, or only one, is a float instruction."""
    asserted, believed = (endless(cycles, mask=mask) for mask in (is_lie, not is_lie))
    job = arena.post_runs(ENDLESS, cycles)
    play = arena.open(arena.claim_runs(asserted, job=job), asserted, believed)
    play.to_last_step()
    assert play.game.low == cycles - 1
    play.descend()
    play.reveal()
    play.to_last_step()
    outcome = outcome_of(play.step(run(ENDLESS)))
    assert outcome is (GameOutcome.CHALLENGER_WON if is_lie else GameOutcome.DEFENDER_WON)


def endless(cycles: int, *, mask: int) -> Run:
    """The first cycles of the run; the last result is falsified where the mask has a bit."""
    honest = run(ENDLESS)
    registers = list(honest.states[cycles].registers)
    registers[T1] ^= mask
    states = (*honest.states[:cycles], replace(honest.states[cycles], registers=tuple(registers)))
    hashes = tuple(state.hash() for state in states)
    claimed = replace(honest.claimed, cycle=cycles, running_state=hashes[-1])
    return replace(honest, states=states, hashes=hashes, running_state=states[-1].pack(), claimed=claimed)


# --- numbers of states -----------------------------------------------------------------------------


def play_to(play: Play, hash_at: Callable[[int], bytes], choose: Callable[[Interval], int]) -> None:
    """Split with these hashes and pick these parts down to one step, each interval as in `protocol`."""
    while (interval := play.interval()).length > 1:
        inner = [hash_at(number) for number in interval.boundaries(play.arity)[1:-1]]
        hashes = [play.game.low_hash, *inner, play.game.high_hash]
        play.split(inner)
        part = choose(interval)
        siblings = part_siblings(hashes, play.arity, part)
        play.move("pick", part, hashes[part], hashes[part + 1], siblings, sender=HONEST)
        assert play.interval() == interval.part(part, play.arity)


@settings(max_examples=settings().max_examples // 16)
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
    arena = Arena(RULES.but(arity=arity, cycles_per_second=10**12))
    word = encode_float("fmadd.s", rd=rd, rs1=1, rs2=2, rs3=3)
    tree = LeafTree({0x1000 // 32: word.to_bytes(4, "little").ljust(32, b"\0")}, nothing)
    before = state_on(tree, pc=0x1000, registers={1: 5, 2: 6}, cycle=index)
    after = after_of(before, rd, 7)
    made = replace(TRUTH, claimed=replace(TRUTH.claimed, cycle=2**48))
    play = arena.open(arena.claim_runs(made, job=arena.post_runs(FLOATS, 2**48)), made, made)

    def hash_at(number: int) -> bytes:
        known = {index: before, index + 1: after}.get(number)
        return known.hash() if known else keccak256(number.to_bytes(8, "big"))

    def part_of_index(interval: Interval) -> int:
        starts = interval.boundaries(arity)[:-1]
        return max(part for part, start in enumerate(starts) if start <= index)

    play_to(play, hash_at, part_of_index)
    play.move("descend", build_witness(before, tree.node))
    start = first_state(word, before.registers, arena.step.call("rom_root")).hash()
    low = micro_number(index, 0)
    assert (play.game.low, play.game.low_hash, play.game.rd) == (low, start, rd)
    play.reveal(after.pack(), cycles, bytes(32))
    assert play.interval() == Interval(low=low, high=micro_number(index, cycles))
    assert play.game.high_hash == end_hash(Bytes32(bytes(32)), cycles, 7)
    choices = iter([*path, *[0] * 64])
    play_to(play, hash_at, lambda interval: next(choices) % interval.part_count(arity))


def test_end_of_a_run_passed_off_as_a_result(arena: Arena) -> None:
    """A claim of one step, which is a float's: it is due at once, and a final state cannot be revealed."""
    words = (encode_float("fadd.d", rd=5), encode("ebreak"))
    made = run(words)
    false = replace(made, claimed=replace(made.claimed, cycle=1), hashes=(made.hashes[0], made.hashes[-1]))
    asserted = replace(false, states=(made.states[0], replace(made.states[-1], cycle=1)))
    play = arena.open(arena.claim_runs(false, job=arena.post_runs(words)), asserted, made)
    assert play.game.stage == GameStage.STEP_DUE
    play.descend()
    with rejects(Reject.REVEAL_TEMPLATE):
        play.reveal()
