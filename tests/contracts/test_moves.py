"""Disputes.vy: the moves of a game, who may make them and when (docs/protocol.md S6.3 to S6.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.evm import Event, rejects
from tests.contracts.playing import (
    CLOCK,
    HONEST,
    LIAR,
    MALICE,
    RULES,
    Arena,
    Play,
    outcome_of,
)
from tests.contracts.runs import ENDLESS, FAIL, ONE_STEP, SUM, falsified_run, run
from tests.contracts.settings import BOB, KEEPER
from truestep.base.errors import Reject
from truestep.commitments.keccak import keccak256
from truestep.protocol.bisection import part_siblings, split_leaves, split_root
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage
from truestep.protocol.settlement.ids import ALL_ROLES, Role

LIE = falsified_run(SUM)
TRUTH = run(SUM)


@pytest.fixture
def arena() -> Arena:
    return Arena()


# --- split and pick --------------------------------------------------------------------------------


def test_split(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    arena.pass_time(100)
    hashes, node = play.hashes(), play.node()
    receipt = play.split()
    fields = {"claim_id": play.claim_id, "defender": LIAR, "node": node, "low": 0, "high": LIE.claimed.cycle}
    assert receipt.events == [Event(name="SplitMade", fields=fields | {"hashes": (*hashes[1:-1],)})]
    root = int.from_bytes(split_root(hashes, play.arity), "big")
    assert arena.disputes.call("splits", node) == root >> 40 << 40 | arena.now
    with rejects(Reject.NODE_SPLIT):
        play.split()


def test_pick(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    arena.set_base_fee(9)
    before, hashes, boundaries = play.game, play.hashes(), play.interval().boundaries(play.arity)
    arena.pass_time(50)
    play.split()
    arena.pass_time(70)
    play.pick(3)
    expected = {"low": boundaries[3], "high": boundaries[4], "low_hash": hashes[3], "high_hash": hashes[4]}
    used = {"defender_used_seconds": 50, "challenger_used_seconds": 70, "moved_at": arena.now}
    gas = {"gas_units": play.game.gas_units, "price_wei": 0}
    assert play.game == replace(before, **expected, **used, **gas)
    assert play.game.gas_units > before.gas_units


def test_one_split_serves_all_games_that_come_to_its_node(arena: Arena) -> None:
    """For those that come later nobody's clock has run before they came."""
    batch = arena.claim_runs(LIE)
    first = arena.open(batch, LIE, TRUTH)
    arena.pass_time(10)
    second = arena.open(batch, LIE, TRUTH, MALICE)
    arena.pass_time(20)
    first.split()
    arena.pass_time(40)
    third = arena.open(batch, LIE, TRUTH, BOB)
    arena.pass_time(80)
    for play in (first, second, third):
        assert play.is_split()
        play.pick(1)
    used = [(p.game.defender_used_seconds, p.game.challenger_used_seconds) for p in (first, second, third)]
    assert used == [(30, 120), (20, 120), (0, 80)]
    first.split()
    assert second.is_split() and third.is_split()


def test_nodes_of_other_intervals_claims_and_defenders_are_others(arena: Arena) -> None:
    """A split of what is not disputed helps nobody, so that anything may be split."""
    play = arena.disputed(LIE, TRUTH)
    claim_id, defender, arity, low, high, low_hash, high_hash, inner = play.split_arguments()
    others: list[tuple[Any, ...]] = [
        (claim_id + 256, defender, arity, low, high, low_hash, high_hash, inner),
        (claim_id, defender, 4, low, high, low_hash, high_hash, inner[:3]),
        (claim_id, defender, arity, low, high - 1, low_hash, high_hash, inner),
        (claim_id, defender, arity, low + 1, high, low_hash, high_hash, inner),
        (claim_id, defender, arity, low, high, high_hash, low_hash, inner),
    ]
    for other in others:
        arena.disputes.transact("split", *other, sender=LIAR)
        assert not play.is_split()
    arena.disputes.transact("split", claim_id, BOB, *play.split_arguments()[2:], sender=BOB)
    assert not play.is_split()
    play.split()
    assert play.is_split()


def test_only_the_defender_or_its_delegate_splits(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    for sender in (HONEST, BOB, KEEPER):
        with rejects(Reject.NOT_DEFENDER):
            play.split(sender=sender)
    arena.operators.transact("set_delegate", BOB, ALL_ROLES - Role.MOVE, sender=LIAR)
    with rejects(Reject.NOT_DEFENDER):
        play.split(sender=BOB)
    arena.operators.transact("set_delegate", BOB, Role.MOVE, sender=LIAR)
    play.split(sender=BOB)


@pytest.mark.parametrize("change", [-1, 1])
def test_split_has_one_hash_less_than_parts(arena: Arena, change: int) -> None:
    play = arena.disputed(LIE, TRUTH)
    with rejects(Reject.SPLIT_COUNT):
        play.split([b"\1" * 32] * (play.arity - 1 + change))
    for arity, low, high in ((8, 5, 5), (8, 6, 5), (8, 2**255, 1), (0, 5, 6), (0, 0, 2**256 - 1)):
        ends = (low, high, bytes(32), bytes(32))
        with rejects(Reject.SPLIT_COUNT):
            arena.disputes.transact("split", play.claim_id, LIAR, arity, *ends, [], sender=LIAR)


def test_pick_is_proved(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    with rejects(Reject.GAME_STAGE):
        play.pick(2)
    play.split()
    part, start, end, siblings = play.pick_arguments(2)
    bad: dict[str, tuple[Any, ...]] = {
        "another part": (part + 1, start, end, siblings),
        "another start": (part, bytes(32), end, siblings),
        "another end": (part, start, bytes(32), siblings),
        "swapped": (part, end, start, siblings),
        "another sibling": (part, start, end, [bytes(32), *siblings[1:]]),
        "a sibling too few": (part, start, end, siblings[:-1]),
        "a sibling too many": (part, start, end, [*siblings, bytes(32)]),
    }
    for proof in bad.values():
        with rejects(Reject.PICK_PROOF):
            play.move("pick", *proof, sender=HONEST)
    for no_part in (play.arity, play.arity + part, 2**256 - 1):
        with rejects(Reject.PICK_PART):
            play.move("pick", no_part, start, end, siblings, sender=HONEST)
    for sender in (LIAR, MALICE):
        with rejects(Reject.NOT_CHALLENGER):
            play.move("pick", part, start, end, siblings, sender=sender)
    play.move("pick", part, start, end, siblings, sender=HONEST)


def test_node_of_the_tree_is_no_part(arena: Arena) -> None:
    """Two leaves side by side hash to their parent: with a sibling less it would climb to the same root."""
    play = arena.disputed(LIE, TRUTH)
    play.split()
    hashes = play.hashes()
    leaves = split_leaves(hashes)
    for part in range(play.arity // 2):
        siblings = part_siblings(hashes, play.arity, 2 * part)[1:]
        with rejects(Reject.PICK_PROOF):
            play.move("pick", part, leaves[2 * part], leaves[2 * part + 1], siblings, sender=HONEST)


def test_no_part_beyond_a_short_interval(arena: Arena) -> None:
    """An interval shorter than the arity has fewer parts; the zero leaves are none."""
    made = run(FAIL)
    play = arena.open(arena.claim_runs(made, job=arena.post_runs(FAIL)), made, made)
    play.split()
    with rejects(Reject.PICK_PART):
        play.move("pick", 3, bytes(32), bytes(32), part_siblings(play.hashes(), play.arity, 3), sender=HONEST)
    play.pick(2)
    assert play.game.stage == GameStage.STEP_DUE


@settings(max_examples=settings().max_examples // 16)
@given(seed=st.binary(min_size=1), length=st.integers(2, 64), path=st.lists(st.integers(0, 63)))
@pytest.mark.parametrize("arity", [2, 8, 64])
def test_intervals_and_roots_equal_the_reference(
    arity: int, seed: bytes, length: int, path: list[int]
) -> None:
    """Whatever is split and picked, contract and `protocol.bisection` agree on every interval and root."""
    arena = Arena(RULES.but(arity=arity))
    made = replace(TRUTH, claimed=replace(TRUTH.claimed, cycle=length))
    play = arena.disputed(made, made)
    choices = iter([*path, *[0] * 64])
    while (interval := play.interval()).length > 1:
        boundaries = interval.boundaries(arity)
        inner = [keccak256(seed + bytes([i])) for i in boundaries[1:-1]]
        hashes = [play.game.low_hash, *inner, play.game.high_hash]
        play.split(inner)
        root = int.from_bytes(split_root(hashes, arity), "big")
        assert arena.disputes.call("splits", play.node()) >> 40 == root >> 40
        part = next(choices) % interval.part_count(arity)
        siblings = part_siblings(hashes, arity, part)
        play.move("pick", part, hashes[part], hashes[part + 1], siblings, sender=HONEST)
        assert play.interval() == interval.part(part, arity)


@pytest.mark.parametrize("arity", [2, 4, 16, 32, 64])
def test_every_arity_plays(arity: int) -> None:
    play = Arena(RULES.but(arity=arity)).disputed(LIE, TRUTH)
    play.strike()
    assert play.game.stage == GameStage.CLOSED


# --- records ---------------------------------------------------------------------------------------


MOVES: dict[str, Callable[[Play], object]] = {
    "pick": lambda play: play.move("pick", 0, bytes(32), bytes(32), [], sender=HONEST),
    "step": lambda play: play.move("step", b""),
    "descend": lambda play: play.move("descend", b""),
    "reveal": lambda play: play.move("reveal", b"", 1, bytes(32), sender=LIAR),
    "adopt": lambda play: play.move("adopt"),
    "settle": lambda play: play.move("settle"),
    "show": lambda play: play.move("show", bytes(32), bytes(32)),
    "reward_without_result": lambda play: play.move("reward_without_result"),
}


@pytest.mark.parametrize("name", MOVES)
def test_every_call_is_about_the_game_as_it_is(arena: Arena, name: str) -> None:
    """Not one that nobody opened, not another state of it, nor another game's record."""
    batch = arena.claim_runs(LIE)
    play, other = arena.open(batch, LIE, TRUTH), arena.open(batch, LIE, TRUTH, MALICE)
    for game_id in (play.game_id + 2, play.game_id - 1, play.game_id >> 32, 0, play.game_id | 1 << 255):
        with rejects(Reject.GAME_UNKNOWN):
            MOVES[name](replace_record(play, game_id=game_id))
    changes: list[dict[str, Any]] = [
        {"stage": GameStage.STEP_DUE},
        {"challenger": MALICE},
        {"moved_at": play.game.moved_at + 1},
        {"leaf_bond_wei": 1},
        {"rules": 0},
    ]
    for change in changes:
        with rejects(Reject.GAME_OTHER):
            MOVES[name](replace_record(play, **change))
    with rejects(Reject.GAME_OTHER):
        MOVES[name](replace_record(other, game_id=play.game_id))


def replace_record(play: Play, *, game_id: int | None = None, **changes: Any) -> Play:
    """The same play with another record, or another game's id."""
    copy = replace(play, game_id=play.game_id if game_id is None else game_id)
    copy.game = replace(play.game, **changes)
    return copy


def test_turns(arena: Arena) -> None:
    """Each move has its stage."""
    play = arena.disputed(LIE, TRUTH)

    def refuses(*names: str) -> None:
        for name in names:
            with rejects(Reject.GAME_STAGE):
                MOVES[name](play)

    refuses("step", "descend", "reveal", "show")
    play.split()
    refuses("step", "descend", "reveal", "show")
    play.to_last_step()
    refuses("pick", "reveal", "adopt", "show")
    play.step()
    refuses("settle")
    for name in ("pick", "step", "descend", "reveal", "adopt"):
        with rejects(Reject.GAME_CLAIM_STRUCK):
            MOVES[name](play)


# --- the step --------------------------------------------------------------------------------------


def test_lie_is_struck_down_by_one_step(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    play.to_last_step()
    low = play.game.low
    assert low == 8  # the register was changed between state 8 and state 9
    receipt = play.step(sender=BOB)
    fields = {"before": TRUTH.hashes[low], "after": TRUTH.hashes[low + 1], "expected": LIE.hashes[low + 1]}
    assert receipt.events[0] == Event(name="Stepped", fields=fields | {"game_id": play.game_id})
    assert outcome_of(receipt) is GameOutcome.CHALLENGER_WON
    assert arena.batch(play.batch.batch_id).stage == 4  # its only leaf was struck


@pytest.mark.parametrize("part", range(8))
def test_truth_survives_every_pick(arena: Arena, part: int) -> None:
    play = arena.disputed(TRUTH, LIE, MALICE)
    play.split()
    play.pick(part)
    while play.interval().length > 1:
        play.split()
        play.pick(0)
    assert outcome_of(play.step(TRUTH)) is GameOutcome.DEFENDER_WON
    assert arena.disputes.call("held", play.batch.batch_id) == 0
    assert arena.disputes.call("games", play.game_id) == bytes(32)
    arena.check_coins()


def test_run_of_one_step(arena: Arena) -> None:
    """There is nothing to split: the step is due at once, on the challenger's clock."""
    made = run(ONE_STEP)
    false = replace(made, claimed=replace(made.claimed, code=1))
    for shown, outcome in ((made, GameOutcome.DEFENDER_WON), (false, GameOutcome.CHALLENGER_WON)):
        play = arena.open(arena.claim_runs(shown, job=arena.post_runs(ONE_STEP)), shown, made)
        assert play.game.stage == GameStage.STEP_DUE
        assert outcome_of(play.step(made)) is outcome


def test_witness_must_be_of_the_agreed_state(arena: Arena) -> None:
    play = arena.disputed(LIE, TRUTH)
    play.to_last_step()
    witness = play.witness()
    flipped = bytearray(witness)
    flipped[-1] ^= 1
    for other in (TRUTH.witness_at(play.game.low + 1), run(SUM, 1).witness_at(play.game.low), bytes(flipped)):
        with rejects(Reject.STEP_OTHER_STATE):
            play.move("step", other)
    with rejects(Reject.WITNESS_LENGTH):
        play.move("step", witness[:-1])
    with rejects(Reject.STEP_NOT_FLOAT):
        play.move("descend", witness)
    play.move("step", witness)


def test_halted_run_passed_off_as_endless(arena: Arena) -> None:
    """A running state made up for the maximum cycle loses: the run has halted before."""
    made_up = run(ENDLESS)
    asserted = replace(made_up, hashes=(*TRUTH.hashes[:30], *made_up.hashes[30:]))
    play = arena.open(arena.claim_runs(made_up), asserted, TRUTH)
    play.strike()


def test_lie_after_the_end(arena: Arena) -> None:
    """The right final state, but said to come later: a final state does not count on (machine M2.4)."""
    late = replace(TRUTH, claimed=replace(TRUTH.claimed, cycle=TRUTH.claimed.cycle + 7))
    play = arena.open(arena.claim_runs(late), TRUTH, TRUTH)
    play.to_last_step()
    assert play.game.low >= TRUTH.claimed.cycle
    assert outcome_of(play.step()) is GameOutcome.CHALLENGER_WON


def test_batches_and_jobs_stay_apart(arena: Arena) -> None:
    """Two jobs with the same program: a game on one says nothing about the other."""
    first, second = arena.claim_runs(LIE), arena.claim_runs(LIE)
    arena.open(first, LIE, TRUTH)
    assert arena.disputes.call("held", second.batch_id) == 0
    assert arena.disputes.call("ordinals", second.claim_id(0), HONEST) == 0
    assert arena.open(second, LIE, TRUTH).game_id == second.claim_id(0) << 32 | 1


def test_disputed_leaf_holds_up_only_itself(arena: Arena) -> None:
    """The batch ends without it; it is finalized by itself when its last game is over."""
    batch = arena.claim_runs(TRUTH, run(SUM, 1))
    arena.pass_time(batch.terms.window_seconds)
    games = [arena.open(batch, run(SUM, 1), LIE, who, leaf_index=1) for who in (MALICE, HONEST)]
    for play in games:
        if not play.is_split():
            play.split()
        play.pick(0)
    games[1].split()
    arena.pass_time(CLOCK + 1)
    arena.finalize(batch, has_items=True)
    final = [arena.jobs.call("is_leaf_final", batch.claim_id(index)) for index in range(2)]
    assert final == [True, False]
    for play in games:
        assert arena.disputes.call("held", batch.batch_id) == 2
        with rejects(Reject.LEAF_HELD):
            arena.finalize_leaf(batch, 1)
        assert play.settle() is GameOutcome.DEFENDER_WON
    assert arena.disputes.call("held", batch.batch_id) == 0
    arena.finalize_leaf(batch, 1)
    assert arena.jobs.call("is_leaf_final", batch.claim_id(1))
    arena.check_coins()
