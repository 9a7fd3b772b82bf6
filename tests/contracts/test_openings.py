"""Disputes.vy: how games begin, and leaves that need none (docs/protocol.md S5.4, S6.1, S6.2)."""

from __future__ import annotations

from dataclasses import astuple, replace

import pytest

from tests.contracts.compiled import deploy_caller
from tests.contracts.evm import Event, rejects
from tests.contracts.playing import (
    BOND_WEI,
    HONEST,
    LEAF_BOND_WEI,
    LIAR,
    MALICE,
    RULES,
    SALT,
    Arena,
    Play,
    leaf_of,
)
from tests.contracts.runs import ENDLESS, FAIL, SHARD_COUNT, SUM, TRAP, falsified_run, run
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, GUARDIAN, NOBODY
from truestep.base.errors import Reject
from truestep.base.ids import Address, Bytes32
from truestep.commitments.keccak import keccak256
from truestep.protocol.settlement.contracts.disputes import GameOutcome, GameStage
from truestep.protocol.settlement.disputes import commitment_of
from truestep.protocol.settlement.games import bond_wei, packed_rules
from truestep.protocol.settlement.parameters import Parameters
from truestep.protocol.settlement.records import Leaf

LIE = falsified_run(SUM)
TRUTH = run(SUM)
PACKED_RULES = packed_rules(Parameters(**RULES.fields))


@pytest.fixture
def arena() -> Arena:
    return Arena()


# --- deployment ------------------------------------------------------------------------------------


def test_contracts_belong_together(arena: Arena) -> None:
    """Leaves must prove leaves of the Jobs that are struck."""
    others = Arena()
    jobs, leaves, step = (contract.address for contract in (arena.jobs, arena.leaves, arena.step))
    for arguments in ((NOBODY, leaves, step), (jobs, ALICE, step), (jobs, leaves, BOB)):
        with rejects(Reject.NO_CONTRACT):
            arena.deploy("Disputes", *arguments)
    stranger = others.deploy("Leaves", step)  # has code there as here: Step
    assert stranger.address != leaves
    with rejects(Reject.NO_CONTRACT):
        arena.deploy("Leaves", ALICE)
    elsewhere = arena.deploy("Leaves", step)
    with rejects(Reject.WIRING):
        arena.deploy("Disputes", jobs, elsewhere.address, step)
    assert arena.disputes.call("jobs") == jobs


def test_only_operators_sends_coins(arena: Arena) -> None:
    with rejects(Reject.NOT_OPERATORS):
        deploy_caller(arena.evm, "Relay").transact("relay", arena.disputes.address, b"", 1)


# --- open ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [SUM, FAIL, TRAP, ENDLESS])
def test_open(arena: Arena, words: tuple[int, ...]) -> None:
    """The contract computes both ends of the interval from what it knows itself."""
    made = run(words)
    batch = arena.claim_runs(made, job=arena.post_runs(words, bond_multiple=3))
    arena.set_base_fee(7)
    play = Play(arena=arena, batch=batch, asserted=made, believed=LIE, challenger=HONEST)
    receipt = play.open()
    game_id = batch.claim_id(0) << 32 | 1
    ids = {"game_id": game_id, "claim_id": batch.claim_id(0), "challenger": HONEST}
    assert [(e.name, {k: e.fields[k] for k in ids}) for e in receipt.events] == [("Opened", ids)]
    assert receipt.result == game_id
    game = play.game
    assert (game.stage, game.task_id, game.defender) == (GameStage.ON_NODE, batch.task_id(0), LIAR)
    assert (game.low, game.high) == (0, made.claimed.cycle)
    assert (game.low_hash, game.high_hash) == (made.hashes[0], made.claimed.state_hash())
    assert (game.template, game.rd, game.sponsor_bond_wei) == (bytes(32), 0, 0)
    assert (game.bond_wei, game.leaf_bond_wei, game.price_wei) == (BOND_WEI, 3 * LEAF_BOND_WEI, 7)
    assert (game.defender_used_seconds, game.challenger_used_seconds) == (0, 0)
    assert (game.moved_at, game.claimed_hash, game.rules) == (arena.now, game.high_hash, PACKED_RULES)
    assert game.commitment == commitment_of(Address(HONEST), LIE.claimed.state_hash(), SALT)
    assert arena.disputes.call("ordinals", play.claim_id, HONEST) == 1
    assert arena.disputes.call("held", batch.batch_id) == 1
    assert arena.evm.chain.get_balance(arena.disputes.address) == BOND_WEI


def test_every_leaf_of_a_batch_has_games_of_its_own(arena: Arena) -> None:
    """Of several jobs, each with its shard's initial state; only those that are challenged are held."""
    first, second = arena.post_runs(), arena.post_runs()
    batch = arena.take((first, 1, 3), (second, 0, 2), operator=LIAR)
    shards = [1, 2, 3, 0, 1]
    runs = [run(SUM, shard) for shard in shards]
    arena.claim(batch, [leaf_of(one) for one in runs], sender=LIAR)
    held = 0
    for index in (4, 0, 2):
        play = arena.open(batch, runs[index], LIE, MALICE, leaf_index=index)
        held |= 1 << index
        assert (play.game.low_hash, play.game.task_id) == (runs[index].hashes[0], batch.task_id(index))
        assert arena.disputes.call("held", batch.batch_id) == held
    assert max(shards) < SHARD_COUNT
    arena.check_coins()


def test_only_standing_claims_are_challenged(arena: Arena) -> None:
    """Not before the claim, not another number, not once it is struck or its window is over."""
    job = arena.post_runs()
    batch = arena.take((job, 0, 1), operator=LIAR)
    batch.leaves = [leaf_of(LIE)]
    play = Play(arena=arena, batch=batch, asserted=LIE, believed=TRUTH, challenger=HONEST)
    with rejects(Reject.CLAIM_NOT_STANDING):
        play.open()
    arena.claim(batch, batch.leaves, sender=LIAR)
    for wrong in (batch.claim_id(0) + 256, 0, batch.claim_id(0) | 1 << 255):
        arguments = (wrong, astuple(batch.terms), play.proof(), bytes(32))
        with rejects(Reject.CLAIM_NOT_STANDING):
            arena.disputes.transact("open", *arguments, sender=HONEST, value=BOND_WEI)
    arena.pass_time(batch.terms.window_seconds)
    play.open()
    arena.pass_time(1)
    with rejects(Reject.WINDOW_OVER):
        replace(play, challenger=MALICE).open()


def test_stop_of_the_ends_gives_time_to_challenge(arena: Arena) -> None:
    """Whether it comes in the window or after it: whoever may not end a batch may still challenge it."""
    batch = arena.claim_runs(LIE)
    arena.pass_time(batch.terms.window_seconds + 1)
    with rejects(Reject.WINDOW_OVER):
        arena.open(batch, LIE, TRUTH)
    arena.assurances.transact("stop", 7 * DAY_SECONDS, sender=GUARDIAN)
    arena.open(batch, LIE, TRUTH)
    arena.pass_time(7 * DAY_SECONDS)
    play = arena.open(batch, LIE, TRUTH, MALICE)
    arena.pass_time(1)
    with rejects(Reject.WINDOW_OVER):
        arena.open(batch, LIE, TRUTH, BOB)
    play.strike()
    arena.check_coins()


def test_struck_leaf_cannot_be_challenged_though_its_batch_stands(arena: Arena) -> None:
    batch = arena.claim_runs(LIE, run(SUM, 1))
    arena.open(batch, LIE, TRUTH).strike()
    with rejects(Reject.CLAIM_NOT_STANDING):
        arena.open(batch, LIE, TRUTH, MALICE)
    arena.open(batch, run(SUM, 1), LIE, MALICE, leaf_index=1)


def test_challenge_proves_the_leaf(arena: Arena) -> None:
    """What is challenged is what was claimed: not other terms, jobs, items, paths or leaves."""
    first, second = arena.post_runs(), arena.post_runs(reward=5)
    batch = arena.take((first, 0, 2), (second, 0, 1), operator=LIAR)
    arena.claim(batch, [leaf_of(LIE), leaf_of(run(SUM, 1)), leaf_of(TRUTH)], sender=LIAR)
    proof = batch.proof(0, arena.posted)
    other = batch.proof(2, arena.posted)
    zero = Bytes32(bytes(32))
    terms = batch.terms
    wrong = {
        Reject.BATCH_TERMS_OTHER: [
            (replace(terms, bond_wei=1), proof),
            (replace(terms, claims_root=zero), proof),
        ],
        Reject.JOB_OTHER: [
            (terms, replace(proof, work=replace(proof.work, seed=zero))),
            (terms, replace(proof, job_terms=replace(proof.job_terms, bond_multiple=2))),
            (terms, replace(proof, job_terms=other.job_terms, item=other.item + (1 << 64))),
        ],
        Reject.ITEM_OTHER_LEAF: [(terms, other)],
        Reject.ITEM_PROOF: [
            (terms, replace(proof, item_path=(zero,))),
            (terms, replace(proof, item=proof.item + (1 << 32))),
            (terms, replace(proof, item_index=1)),
        ],
        Reject.LEAF_PROOF: [
            (terms, replace(proof, leaf=leaf_of(TRUTH))),
            (terms, replace(proof, leaf_path=proof.leaf_path[1:])),
        ],
    }
    for reason, cases in wrong.items():
        for stated, shown in cases:
            with rejects(reason):
                arena.disputes.transact(
                    "open",
                    *(batch.claim_id(0), astuple(stated), astuple(shown), bytes(32)),
                    sender=HONEST,
                    value=BOND_WEI,
                )


def test_one_game_each_and_none_against_oneself(arena: Arena) -> None:
    batch = arena.claim_runs(LIE)
    with rejects(Reject.OWN_CLAIM):
        arena.open(batch, LIE, TRUTH, LIAR)
    assert arena.open(batch, LIE, TRUTH, HONEST).game_id == batch.claim_id(0) << 32 | 1
    with rejects(Reject.ALREADY_CHALLENGED):
        arena.open(batch, LIE, TRUTH, HONEST)
    assert arena.open(batch, LIE, TRUTH, MALICE).game_id == batch.claim_id(0) << 32 | 2


def test_bonds_rise_with_the_games_and_what_is_too_much_is_owed(arena: Arena) -> None:
    """Somebody else may open in between, so more than is due is not an error; less is."""
    batch = arena.claim_runs(LIE)
    parameters = Parameters(**RULES.fields)
    for number in range(100):
        play = Play(arena=arena, batch=batch, asserted=LIE, believed=TRUTH, challenger=f"0x{number + 1:040x}")
        due_wei = bond_wei(parameters, number)
        arena.evm.chain.set_balance(play.challenger, 10**24)
        with rejects(Reject.WRONG_VALUE):
            play.open(due_wei - 1)
        play.open(due_wei + 5)
        assert (play.game.bond_wei, arena.owed(play.challenger)) == (due_wei, 5)
        arena.plays.append(play)
    assert [play.game.bond_wei // BOND_WEI for play in arena.plays[31::16]] == [1, 2, 4, 8, 10]
    word = arena.claim_word(batch.claim_id(0))
    assert (word["opened"], word["open_count"], word["peak"]) == (100, 100, 3)
    arena.check_coins()


# --- refute ----------------------------------------------------------------------------------------


def shapes() -> dict[str, Leaf]:
    """Leaves that no run can end in."""
    usual, running = leaf_of(TRUTH), leaf_of(run(ENDLESS))
    cycle_mask = 2**64 - 1 << 64
    return {
        "no cycle": replace(usual, head=usual.head & ~cycle_mask),
        "too many cycles": replace(usual, head=usual.head & ~cycle_mask | 65 << 64),
        "running, too few cycles": replace(running, head=63 << 64),
        "running, a code": replace(running, head=running.head | 1 << 128),
        "running, an output": replace(running, head=running.head | 1),
        "running, a left root": replace(running, left_root=Bytes32(b"l" * 32)),
    }


@pytest.mark.parametrize("what", shapes())
def test_false_shapes_are_struck_at_once(arena: Arena, what: str) -> None:
    """A challenger's bond to whoever says so, the rest burned; no game can be opened."""
    job = arena.post_runs(bond_multiple=2)
    batch = arena.take((job, 0, 2), operator=LIAR)
    arena.claim(batch, [leaf_of(TRUTH), shapes()[what]], sender=LIAR)
    with rejects(Reject.LEAF_SHAPE):
        arena.open(batch, TRUTH, LIE, leaf_index=1)
    proofs = [astuple(batch.proof(index, arena.posted)) for index in range(2)]
    with rejects(Reject.LEAF_NOT_REFUTED):
        arena.disputes.transact("refute", batch.claim_id(0), astuple(batch.terms), proofs[0], b"")
    arguments = (batch.claim_id(1), astuple(batch.terms), proofs[1], b"")
    receipt = arena.disputes.transact("refute", *arguments, sender=HONEST)
    fields = {"claim_id": batch.claim_id(1), "caller": HONEST}
    burned_wei = 2 * LEAF_BOND_WEI - BOND_WEI
    amounts = {"amount_wei": BOND_WEI, "burned_wei": burned_wei}
    assert receipt.events == [Event(name="Refuted", fields=fields | amounts)]
    assert (arena.owed(HONEST), arena.burned_wei()) == (BOND_WEI, burned_wei)
    assert arena.evm.chain.get_balance(arena.disputes.address) == 2 * LEAF_BOND_WEI
    assert arena.locked(LIAR) == 2 * LEAF_BOND_WEI
    assert arena.batch(batch.batch_id).struck == 2
    with rejects(Reject.CLAIM_NOT_STANDING):
        arena.disputes.transact("refute", *arguments, sender=MALICE)


def test_halted_state_said_to_run_is_refuted_by_showing_it(arena: Arena) -> None:
    """Games on the claim end with it, bonds come back, and the rest of the leaf's bond is their pot."""
    packed = TRUTH.states[-1].pack()
    leaf = Leaf(head=64 << 64, output_root=keccak256(packed), left_root=Bytes32(bytes(32)))
    batch = arena.take((arena.post_runs(), 0, 1), operator=LIAR)
    arena.claim(batch, [leaf], sender=LIAR)
    asserted = replace(TRUTH, hashes=(*TRUTH.hashes, *[TRUTH.hashes[-1]] * 64))
    play = arena.open(batch, asserted, TRUTH)
    arguments = (batch.claim_id(0), astuple(batch.terms), play.proof())
    for nothing in (b"", run(ENDLESS).running_state, packed[:-1]):
        with rejects(Reject.LEAF_NOT_REFUTED):
            arena.disputes.transact("refute", *arguments, nothing)
    arena.disputes.transact("refute", *arguments, packed, sender=MALICE)
    assert (arena.owed(MALICE), arena.locked(LIAR)) == (BOND_WEI, 0)
    assert play.settle() is GameOutcome.CLAIM_FELL
    assert arena.owed(HONEST) == BOND_WEI
    word = arena.claim_word(play.claim_id)
    assert (word["pot_wei"], word["striker"]) == (LEAF_BOND_WEI - BOND_WEI, 0)
    assert arena.burned_wei() == 0
    assert arena.disputes.call("held", batch.batch_id) == 0


def test_running_leaf_is_not_refuted_by_its_own_state(arena: Arena) -> None:
    batch = arena.claim_runs(run(ENDLESS), job=arena.post_runs(ENDLESS))
    proof = astuple(batch.proof(0, arena.posted))
    with rejects(Reject.LEAF_NOT_REFUTED):
        arena.disputes.transact(
            "refute", batch.claim_id(0), astuple(batch.terms), proof, run(ENDLESS).running_state
        )
