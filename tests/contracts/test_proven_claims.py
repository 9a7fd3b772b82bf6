"""Proven claims: final at once, open to games; what a wrong verifier brings (docs/validity.md V4 to V6)."""

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
    Play,
    leaf_of,
)
from tests.contracts.proving import POLICY, SELECTOR, SOUND, UNSOUND, ProvingArena
from tests.contracts.runs import MAX_CYCLES, SUM, falsified_run, run
from tests.contracts.settings import ALICE, BOB, DAY_SECONDS, GUARDIAN
from tests.contracts.settlement import TakenBatch
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.protocol.settlement.contracts.disputes import GameOutcome
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.validity.verifiers import REOPEN_LIMIT_SECONDS

LIE, TRUTH = falsified_run(SUM), run(SUM)
WINDOW_SECONDS = 30_000
PENALTY_WEI = LEAF_BOND_WEI * RULES.lease_penalty_bps // 10_000


@pytest.fixture
def arena() -> ProvingArena:
    return ProvingArena()


def proven_lie(arena: ProvingArena) -> TakenBatch:
    """A lie that an unsound verifier has proven."""
    arena.set_mood(UNSOUND)
    batch = arena.claimed(LIE)
    arena.prove(batch, seal=SELECTOR)
    return batch


# --- final at once -----------------------------------------------------------------------------------


def test_a_proven_claim_is_final_for_consumers_at_once(arena: ProvingArena) -> None:
    """What they read by proof; what is written out and paid waits for the window, and so does the bond."""
    batch = arena.claimed(TRUTH)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.result_by_proof(batch)
    arena.prove(batch)
    task_id, result = arena.result_by_proof(batch)
    assert (task_id & 2**32 - 1, result[0], result[1], result[6]) == (
        0,
        True,
        True,
        leaf_of(TRUTH).output_root,
    )
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.results.transact("write_out", *arena.call_arguments(batch))
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    assert arena.stake(LIAR)[1] == LEAF_BOND_WEI
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.finalize(batch)
    assert arena.stake(LIAR)[1] == 0
    arena.results.transact("write_out", *arena.call_arguments(batch))
    assert arena.result_by_proof(batch)[1][0]


def test_a_false_proof_of_a_place_is_refused_by_results(arena: ProvingArena) -> None:
    """A proven claim makes no other leaf of its batch final, and no proof of another one."""
    batch, other = arena.claimed(TRUTH, LIE), arena.claimed(TRUTH)
    arena.prove(batch)
    for foreign in (arena.call_arguments(batch, 1), arena.call_arguments(other)):
        with rejects(Reject.LEAF_NOT_FINAL):
            arena.results.call("check_leaf", *foreign)
    claim_id, terms, proof = arena.call_arguments(batch)
    with rejects(Reject.ITEM_OTHER_LEAF):
        arena.results.call("check_leaf", claim_id, terms, (proof[0] + 5, *proof[1:]))


def test_games_on_a_proven_claim_keep_nothing_from_consumers(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH)
    arena.prove(batch)
    play = arena.open(batch, TRUTH, LIE, MALICE)
    assert arena.result_by_proof(batch)[1][0]
    play.to_last_step()
    assert play.step(TRUTH).events[-1].fields["outcome"] == GameOutcome.DEFENDER_WON
    assert arena.result_by_proof(batch)[1][0]
    arena.check_coins()


def test_nothing_is_proven_while_the_guardian_stops_finalize(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH)
    play = arena.open(batch, TRUTH, LIE, MALICE)
    arena.prove(batch)
    arena.assurances.transact("stop", 60, sender=GUARDIAN)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.result_by_proof(batch)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    arena.pass_time(61)
    assert arena.result_by_proof(batch)[1][0]
    assert play.settle() is GameOutcome.DEFENDER_WON


def test_a_stopped_entry_s_claims_wait_for_their_window(arena: ProvingArena) -> None:
    """They are final for nobody at once any more, and for everybody after the window."""
    batch = arena.claimed(TRUTH)
    arena.prove(batch)
    arena.verifiers.transact("stop", 1, sender=GUARDIAN)
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.result_by_proof(batch)
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.finalize(batch)
    assert arena.result_by_proof(batch)[1][0]


# --- what nobody proves --------------------------------------------------------------------------------


def test_what_nobody_proves_is_dropped(arena: ProvingArena) -> None:
    """The rest of the batch is paid; the operator loses what a missed lease costs, and the shard is free."""
    job = arena.post_runs(policy=POLICY, reward=10)
    batch = arena.claim_runs(TRUTH, TRUTH, job=job)
    arena.prove(batch, 1)
    with rejects(Reject.PROOF_EARLY):
        arena.drop(batch)
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.finalize(batch, has_items=True)
    assert arena.credit(LIAR) == 10
    with rejects(Reject.LEAF_HELD):
        arena.finalize_leaf(batch, 0)
    with rejects(Reject.CLAIM_PROVEN):
        arena.drop(batch, 1)
    stake_wei = arena.stake(LIAR)[0]
    (event,) = arena.drop(batch).events
    assert event.fields["penalty_wei"] == PENALTY_WEI
    assert arena.stake(LIAR) == (stake_wei - LEAF_BOND_WEI, 0)
    assert arena.verifiers.call("burned_wei") == PENALTY_WEI
    before = arena.evm.chain.get_balance(LIAR)
    arena.verifiers.transact("withdraw_to", LIAR, sender=LIAR)
    assert arena.evm.chain.get_balance(LIAR) - before == LEAF_BOND_WEI - PENALTY_WEI
    assert arena.evm.chain.get_balance(arena.verifiers.address) == PENALTY_WEI
    with rejects(Reject.CLAIM_NOT_STANDING):
        arena.drop(batch)
    arena.redo_proven(job, TRUTH, LIAR)


def test_a_stop_after_the_claim_costs_the_operator_nothing(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH)
    arena.pass_time(1)
    arena.verifiers.transact("stop", 1, sender=GUARDIAN)
    arena.pass_time(WINDOW_SECONDS)
    (event,) = arena.drop(batch).events
    assert event.fields["penalty_wei"] == 0
    assert arena.stake(LIAR)[1] == 0
    late = arena.claimed(TRUTH)
    arena.pass_time(WINDOW_SECONDS + 1)
    assert arena.drop(late).events[0].fields["penalty_wei"] == PENALTY_WEI


def test_a_game_decides_before_a_leaf_is_dropped(arena: ProvingArena) -> None:
    """So a liar cannot save its bond by not proving."""
    batch = arena.claimed(LIE)
    arena.pass_time(WINDOW_SECONDS)
    play = arena.open(batch, LIE, TRUTH)
    arena.pass_time(1)
    with rejects(Reject.LEAF_HELD):
        arena.drop(batch)
    play.strike()
    with rejects(Reject.CLAIM_NOT_STANDING):
        arena.drop(batch)


# --- a wrong verifier -----------------------------------------------------------------------------------


def test_a_lie_that_was_proven_is_beaten_and_its_verifier_stopped(arena: ProvingArena) -> None:
    batch = proven_lie(arena)
    assert arena.result_by_proof(batch)[1][6] == leaf_of(LIE).output_root  # consumers believe it
    with rejects(Reject.CLAIM_STANDS):
        arena.verifiers.transact("contradict", batch.claim_id(0))
    play = arena.open(batch, LIE, TRUTH)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()  # opened after the proof: only clocks and steps end it
    play.strike()
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.result_by_proof(batch)  # at once, before anybody has said a word
    events = arena.verifiers.transact("contradict", batch.claim_id(0), sender=BOB).events
    assert [event.name for event in events] == ["Contradicted", "Stopped"]
    with rejects(Reject.ENTRY_STOPPED):
        arena.verifiers.transact("contradict", batch.claim_id(0))
    with rejects(Reject.ENTRY_STOPPED):
        arena.prove(arena.claimed(LIE), seal=SELECTOR)
    arena.check_coins()


def test_other_claims_of_a_contradicted_entry_are_proven_no_longer(arena: ProvingArena) -> None:
    other, batch = proven_lie(arena), proven_lie(arena)
    arena.open(batch, LIE, TRUTH).strike()
    assert arena.result_by_proof(other)
    arena.verifiers.transact("contradict", batch.claim_id(0))
    with rejects(Reject.LEAF_NOT_FINAL):
        arena.result_by_proof(other)
    arena.open(other, LIE, TRUTH).strike()


def test_a_liar_that_lets_its_clock_run_out_does_not_save_its_verifier(arena: ProvingArena) -> None:
    batch = proven_lie(arena)
    play = arena.open(batch, LIE, TRUTH)
    arena.pass_time(CLOCK + RULES.rescue_seconds + 1)
    assert play.settle() is GameOutcome.CHALLENGER_WON
    arena.verifiers.transact("contradict", batch.claim_id(0))
    assert arena.verifiers.call("stopped_at", 1) == arena.now


def test_whoever_stops_a_sound_verifier_loses_half_a_bond(arena: ProvingArena) -> None:
    """An operator lets a friend beat its true and proven claim. The friend gets nothing for it (S7.5)."""
    job = arena.post_runs(policy=POLICY)
    batch = arena.claim_runs(TRUTH, job=job)
    arena.prove(batch)
    arena.add_entry(arena.entry())  # a spare one, as operators of networks should have
    batch_stake = arena.stake(LIAR)[0]
    batch = arena.claim_runs(TRUTH, job=arena.post_runs(policy=POLICY))
    arena.prove(batch)
    play = arena.open(batch, TRUTH, LIE, MALICE)
    arena.pass_time(CLOCK + RULES.rescue_seconds + 1)
    assert play.settle() is GameOutcome.CHALLENGER_WON
    arena.verifiers.transact("contradict", batch.claim_id(0))
    assert arena.stake(LIAR)[0] == batch_stake - LEAF_BOND_WEI
    again = arena.claim_runs(TRUTH, job=arena.posted[max(arena.posted)])
    with rejects(Reject.ENTRY_STOPPED):
        arena.prove(again)
    arena.prove(again, number=2)  # the spare one goes on
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.finalize(again)
    play.reward(again)
    assert arena.owed(MALICE) == BOND_WEI
    arena.check_coins()


def test_contradict_needs_a_proven_claim(arena: ProvingArena) -> None:
    batch = arena.claimed(LIE)
    arena.open(batch, LIE, TRUTH).strike()
    for claim_id in (batch.claim_id(0), 0, 2**256 - 1):
        with rejects(Reject.CLAIM_NOT_PROVEN):
            arena.verifiers.transact("contradict", claim_id)


def test_a_refuted_claim_contradicts_as_well(arena: ProvingArena) -> None:
    """A running leaf of a state that has halted, proven by an unsound verifier."""
    arena.set_mood(UNSOUND)
    halted = TRUTH.states[-1]
    batch = arena.take((arena.post_runs(policy=POLICY), 0, 1), operator=LIAR)
    leaf = Leaf(head=MAX_CYCLES << 64, output_root=halted.hash(), left_root=Bytes32(bytes(32)))
    arena.claim(batch, [leaf], sender=LIAR)
    arena.prove(batch, seal=SELECTOR)
    arena.disputes.transact("refute", *arena.call_arguments(batch), halted.pack(), sender=HONEST)
    arena.verifiers.transact("contradict", batch.claim_id(0))
    assert arena.verifiers.call("stopped_at", 1) == arena.now


# --- proofs against games ---------------------------------------------------------------------------------


def test_a_proof_ends_the_games_that_were_opened_before(arena: ProvingArena) -> None:
    """For the operator, in any stage; the challenger loses its bond."""
    batch = arena.claimed(TRUTH)
    first, second = arena.open(batch, TRUTH, LIE, MALICE), arena.open(batch, TRUTH, LIE, ALICE)
    first.to_last_step()
    with rejects(Reject.GAME_UNDECIDED):
        first.settle()
    (event,) = arena.prove(batch).events
    assert event.fields["game_count"] == 2
    for play in (first, second):
        assert play.settle() is GameOutcome.DEFENDER_WON
    assert arena.owed(LIAR) == BOND_WEI
    assert (arena.owed(MALICE), arena.owed(ALICE)) == (0, 0)
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.finalize(batch)
    arena.check_coins()


def test_an_honest_challenger_comes_again_when_a_proof_was_wrong(arena: ProvingArena) -> None:
    """The proof ends its first game; the second strikes the lie, and pays more than the first has cost."""
    batch = arena.claimed(LIE)
    arena.pass_time(WINDOW_SECONDS - 10)
    first = arena.open(batch, LIE, TRUTH)
    with rejects(Reject.ALREADY_CHALLENGED):
        arena.open(batch, LIE, TRUTH)
    arena.set_mood(UNSOUND)
    arena.pass_time(10)  # the last second, so that nobody could come again in the first window
    arena.prove(batch, seal=SELECTOR)
    assert first.settle() is GameOutcome.DEFENDER_WON
    arena.pass_time(WINDOW_SECONDS)
    second = arena.open(batch, LIE, TRUTH)
    with rejects(Reject.GAME_UNDECIDED):
        second.settle()
    second.strike()
    second.show()
    arena.verifiers.transact("contradict", batch.claim_id(0))
    arena.set_mood(SOUND)
    arena.add_entry(arena.entry())
    job = arena.posted[max(arena.posted)]
    final = arena.claim_runs(TRUTH, job=job)
    arena.prove(final, number=2)
    arena.pass_time(WINDOW_SECONDS + 1)
    arena.finalize(final)
    second.reward(final)
    assert arena.owed(HONEST) >= BOND_WEI + 10 * BOND_WEI
    arena.check_coins()


def test_a_batch_is_open_for_a_window_after_its_last_proof(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH, TRUTH)
    arena.pass_time(1_000)
    arena.prove(batch)
    arena.pass_time(WINDOW_SECONDS - 1_000)
    arena.prove(batch, 1)
    arena.pass_time(WINDOW_SECONDS)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    play = arena.open(batch, TRUTH, LIE, MALICE)
    arena.pass_time(1)
    with rejects(Reject.WINDOW_OVER):
        arena.open(batch, TRUTH, LIE, ALICE)
    arena.finalize(batch, has_items=True)
    play.to_last_step()
    play.step(TRUTH)
    arena.finalize_leaf(batch, 0)


def test_a_long_window_opens_again_for_twenty_days(arena: ProvingArena) -> None:
    """S7.5 counts on it: a task has its result within 120 days after the deadline."""
    batch = arena.claimed(TRUTH, window_seconds=45 * DAY_SECONDS)
    arena.pass_time(45 * DAY_SECONDS)
    (event,) = arena.prove(batch).events
    assert event.fields["open_until"] == arena.now + REOPEN_LIMIT_SECONDS
    arena.pass_time(REOPEN_LIMIT_SECONDS)
    with rejects(Reject.BATCH_NOT_DUE):
        arena.finalize(batch)
    arena.pass_time(1)
    arena.finalize(batch)


def test_a_clock_that_has_run_out_decides_before_a_proof(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH)
    play = arena.open(batch, TRUTH, LIE, MALICE)
    arena.pass_time(CLOCK + RULES.rescue_seconds + 1)
    arena.prove(batch)
    assert play.settle() is GameOutcome.CHALLENGER_WON


def test_a_stopped_entry_s_proof_ends_no_game(arena: ProvingArena) -> None:
    batch = arena.claimed(LIE)
    play = arena.open(batch, LIE, TRUTH)
    arena.set_mood(UNSOUND)
    arena.prove(batch, seal=SELECTOR)
    arena.verifiers.transact("stop", 1, sender=GUARDIAN)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    play.strike()


def test_a_proof_ends_no_game_of_another_claim(arena: ProvingArena) -> None:
    batch = arena.claimed(TRUTH, LIE)
    play: Play = arena.open(batch, LIE, TRUTH, leaf_index=1)
    arena.prove(batch)
    with rejects(Reject.GAME_UNDECIDED):
        play.settle()
    play.strike()
    with rejects(Reject.CLAIM_NOT_PROVEN):
        arena.verifiers.transact("contradict", batch.claim_id(1))
    assert arena.result_by_proof(batch)[1][0]
