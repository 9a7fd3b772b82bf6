"""A liar refutes itself to take from its challengers what they have won (docs/protocol.md S5.4, S7.5)."""

from __future__ import annotations

from dataclasses import astuple

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
    Arena,
    Play,
    redo,
    stranger,
)
from tests.contracts.runs import MAX_CYCLES, SUM, Run, falsified_run, run
from tests.contracts.settings import DAY_SECONDS
from tests.contracts.settlement import PostedJob, TakenBatch
from truestep.base.errors import Reject
from truestep.base.ids import Bytes32
from truestep.commitments.keccak import keccak256
from truestep.machine.state import STATE_SIZE_BYTES
from truestep.protocol.settlement.contracts.disputes import GameOutcome
from truestep.protocol.settlement.games import OPEN_GAS, PICK_GAS
from truestep.protocol.settlement.records import Leaf

TRUTH, OTHER = run(SUM), falsified_run(SUM)
GWEI = 10**9
STATUS_AT = 48
SECRET = bytes(1 if place == STATUS_AT else 0x5A for place in range(STATE_SIZE_BYTES))
"""A packed state that has halted, which only the liar knows."""
LEAF = Leaf(head=MAX_CYCLES << 64, output_root=keccak256(SECRET), left_root=Bytes32(bytes(32)))
POT_WEI = LEAF_BOND_WEI - BOND_WEI


class SecretEnd:
    """True states but for the last."""

    def hash_at(self, number: int) -> Bytes32:
        """The hash of a state."""
        return Bytes32(LEAF.output_root if number >= MAX_CYCLES else TRUTH.hash_at(number))


@pytest.fixture
def arena() -> Arena:
    return Arena()


def claimed(arena: Arena, job: PostedJob) -> TakenBatch:
    """The secret state, said to run."""
    batch = arena.take((job, 0, 1), operator=LIAR)
    arena.claim(batch, [LEAF], sender=LIAR)
    return batch


def challenge(arena: Arena, batch: TakenBatch, challenger: str = HONEST, believed: Run = TRUTH) -> Play:
    """A game on that claim."""
    return arena.open(batch, SecretEnd(), believed, challenger)  # type: ignore[arg-type]


def refute(arena: Arena, play: Play) -> None:
    """The liar's friend shows the secret."""
    opening = play.claim_id, astuple(play.batch.terms), play.proof()
    arena.disputes.transact("refute", *opening, SECRET, sender=MALICE)


@pytest.mark.parametrize("is_late", [False, True])
def test_challengers_of_a_refuted_lie_are_paid(arena: Arena, is_late: bool) -> None:
    """The refutation comes in front of the step, or of the settlement."""
    arena.set_base_fee(GWEI)
    job = arena.post_runs()
    honest = challenge(arena, claimed(arena, job))
    if is_late:
        arena.pass_time(CLOCK + RULES.rescue_seconds + 1)
    else:
        honest.to_last_step()
    picks = 0 if is_late else (honest.game.gas_units - OPEN_GAS) // PICK_GAS
    refute(arena, honest)
    assert honest.settle() is (GameOutcome.CHALLENGER_WON if is_late else GameOutcome.CLAIM_FELL)
    honest.show()
    arena.pass_time(RULES.reveal_seconds + 1)
    honest.reward(redo(arena, job))
    gas_wei = (OPEN_GAS + picks * PICK_GAS) * GWEI
    assert arena.owed(HONEST) == BOND_WEI + POT_WEI // 2 + gas_wei
    assert arena.owed(MALICE) == BOND_WEI
    assert arena.burned_wei() == POT_WEI - POT_WEI // 2 - gas_wei
    assert arena.claim_word(honest.claim_id)["pot_wei"] == 0


def test_challengers_of_a_refuted_lie_share_equally(arena: Arena) -> None:
    """Nobody has struck it: each must show. The liar's own loss is half of the bond but for a 50th."""
    job = arena.post_runs()
    batch = claimed(arena, job)
    plays = [challenge(arena, batch, stranger(number)) for number in range(3)]
    wrong = challenge(arena, batch, believed=OTHER)
    refute(arena, wrong)
    for play in (*plays, wrong):
        play.settle()
        play.show()
    arena.pass_time(RULES.reveal_seconds + 1)
    final = redo(arena, job)
    with rejects(Reject.GAME_NOT_WON):
        wrong.reward(final)
    for play in plays:
        play.reward(final)
    won_wei = [arena.owed(play.challenger) - BOND_WEI for play in plays]
    assert max(won_wei) - min(won_wei) <= 1
    assert arena.owed(MALICE) + sum(won_wei) <= LEAF_BOND_WEI * 52 // 100
    assert arena.claim_word(wrong.claim_id)["pot_wei"] == 0


def test_a_refuted_lie_without_a_result_pays_all_that_denied_it(arena: Arena) -> None:
    batch = claimed(arena, arena.post_runs())
    plays = [challenge(arena, batch), challenge(arena, batch, stranger(0), OTHER)]
    silent = challenge(arena, batch, stranger(1))
    refute(arena, silent)
    for play in (*plays, silent):
        play.settle()
    for play in plays:
        play.show()
    arena.pass_time(500 * DAY_SECONDS)
    with rejects(Reject.GAME_NOT_WON):
        silent.move("reward_without_result")
    for play in plays:
        play.move("reward_without_result")
    assert [arena.owed(play.challenger) for play in plays] == [BOND_WEI + POT_WEI // 4] * 2
    assert arena.burned_wei() == POT_WEI - 2 * (POT_WEI // 4)


def test_a_pot_that_nobody_won_is_burned(arena: Arena) -> None:
    """Refuted, so that nobody struck it, and nobody shows what it found."""
    batch = claimed(arena, arena.post_runs())
    silent, open_still = challenge(arena, batch), challenge(arena, batch, stranger(0))
    refute(arena, silent)
    arena.pass_time(500 * DAY_SECONDS)
    with rejects(Reject.GAME_NOT_WON):
        silent.move("reward_without_result")
    assert silent.settle() is GameOutcome.CLAIM_FELL
    silent.move("reward_without_result")
    assert (arena.owed(HONEST), arena.burned_wei()) == (BOND_WEI, POT_WEI)
    with rejects(Reject.NOTHING_TO_WIN):
        open_still.move("reward_without_result")
    assert open_still.settle() is GameOutcome.CLAIM_FELL


def test_games_that_are_over_leave_no_pot(arena: Arena) -> None:
    """Whoever challenged it and lost on time has no part; the rest of the bond is burned."""
    idle = challenge(arena, claimed(arena, arena.post_runs()))
    idle.split()
    arena.pass_time(CLOCK + 1)
    assert idle.settle() is GameOutcome.DEFENDER_WON
    refute(arena, idle)
    assert arena.claim_word(idle.claim_id)["pot_wei"] == 0
    assert arena.burned_wei() == POT_WEI + BOND_WEI // 2
