from dataclasses import replace
from typing import Any

import pytest

from tests.protocol.test_float_steps import DIVISION, witness_before
from tests.roles.views import (
    BOND_WEI,
    CHALLENGER,
    CLAIM_ID,
    CLAIMED,
    GAME,
    GAME_ID,
    NOW,
    TASK_ID,
    WORKER,
    claimed_view,
    view,
)
from truestep.base.ids import Bytes32
from truestep.protocol.bisection import part_siblings
from truestep.protocol.calls import DescendGame, OpenGame, SettleGame, SubmitPick, SubmitStep
from truestep.protocol.claims import ZERO_HASH
from truestep.protocol.records import GameStage, TaskStage
from truestep.protocol.state_numbers import micro_number
from truestep.roles.actions import Agree, BuildWitness, ComputeHashes, Decline, Declined, Fetch, Send
from truestep.roles.challenger import ChallengerPolicy, decide
from truestep.roles.views import Material, MaterialStage, TaskView

POLICY = ChallengerPolicy()
TRUE_HASH = Bytes32(b"t" * 32)
OPENING = {f"open/{CLAIM_ID}": OpenGame(claim_id=CLAIM_ID, claimed=CLAIMED, bond_wei=BOND_WEI // 10)}


def sent(task: TaskView, policy: ChallengerPolicy = POLICY, **seen: Any) -> dict[str, Any]:
    """What it sends: call by intent."""
    actions = decide(view(task, **({"account": CHALLENGER} | seen)), policy)
    return {action.intent: action.call for action in actions if isinstance(action, Send)}


def decided(task: TaskView, policy: ChallengerPolicy = POLICY, **seen: Any) -> list[Any]:
    return list(decide(view(task, **({"account": CHALLENGER} | seen)), policy))


def test_a_claim_is_checked_at_its_own_cycle() -> None:
    assert decided(claimed_view()) == [ComputeHashes(task_id=TASK_ID, cycles=(1_000,), is_check=True)]
    assert decided(claimed_view(is_computing=True)) == []
    missing = claimed_view(material=Material(stage=MaterialStage.MISSING))
    assert decided(missing) == [Fetch(task_id=TASK_ID)]


def test_only_a_false_claim_is_disputed() -> None:
    (agreed,) = decided(claimed_view(hashes={1_000: CLAIMED.state_hash()}))
    assert isinstance(agreed, Agree) and agreed.task_id == TASK_ID
    assert sent(claimed_view(hashes={1_000: TRUE_HASH})) == OPENING


def test_a_window_that_is_over_an_own_claim_and_a_struck_one_are_left_alone() -> None:
    false = {1_000: TRUE_HASH}
    assert sent(claimed_view(hashes=false, task={"until": NOW})) == OPENING
    assert sent(claimed_view(hashes=false, task={"until": NOW - 1})) == {}
    assert sent(claimed_view(hashes=false), account=WORKER) == {}
    assert sent(claimed_view(hashes=false, task={"stage": TaskStage.OPEN})) == {}


@pytest.mark.parametrize(
    ("policy", "wallet_wei", "reason"),
    [
        (ChallengerPolicy(bonds_limit_wei=BOND_WEI // 10 - 1), BOND_WEI, Declined.BUDGET),
        (ChallengerPolicy(gas_reserve_wei=10), BOND_WEI // 10 + 9, Declined.FUNDS),
    ],
)
def test_a_false_claim_beyond_the_budget_is_declined_aloud(
    policy: ChallengerPolicy, wallet_wei: int, reason: Declined
) -> None:
    actions = decided(claimed_view(hashes={1_000: TRUE_HASH}), policy, wallet_wei=wallet_wei)
    assert [type(action) for action in actions] == [Decline]
    assert actions[0].reason is reason


def test_the_budget_counts_open_games_and_those_on_their_way() -> None:
    policy = ChallengerPolicy(bonds_limit_wei=2 * (BOND_WEI // 10))
    false = claimed_view(hashes={1_000: TRUE_HASH})
    playing = claimed_view(GAME, is_computing=True)
    assert sent(false, policy) == OPENING
    two = view(playing, false, account=CHALLENGER, in_flight=frozenset({"open/5"}))
    assert [type(action) for action in decide(two, policy)] == [Decline]


def test_a_pick_is_the_first_part_whose_end_differs() -> None:
    own = {cycle: Bytes32(bytes([cycle // 250]) * 32) for cycle in (0, 250, 500, 750, 1_000)}
    game = replace(GAME, stage=GameStage.CHALLENGER_TURN, low_hash=own[0])
    split = (own[250], TRUE_HASH, own[750])
    task = claimed_view(game, hashes=own, split_hashes=split)
    claimed = [own[0], *split, game.high_hash]
    siblings = tuple(Bytes32(sibling) for sibling in part_siblings(claimed, 4, 1))
    call = SubmitPick(game_id=GAME_ID, part=1, start=own[250], end=TRUE_HASH, siblings=siblings)
    assert sent(task) == {f"pick/{GAME_ID}/0": call}
    partly = claimed_view(game, hashes={0: own[0]}, split_hashes=split)
    assert decided(partly) == [ComputeHashes(task_id=TASK_ID, cycles=(250, 500, 750, 1_000))]
    unseen = claimed_view(game, hashes=own)
    assert decided(unseen) == []


def test_hashes_are_computed_while_the_operator_thinks() -> None:
    assert decided(claimed_view(GAME)) == [ComputeHashes(task_id=TASK_ID, cycles=(0, 250, 500, 750, 1_000))]


def test_the_last_move_is_a_witness() -> None:
    game = replace(GAME, stage=GameStage.STEP_DUE, low=7, high=8)
    assert decided(claimed_view(game)) == [BuildWitness(task_id=TASK_ID, cycle=7)]
    assert decided(claimed_view(game, is_computing=True)) == []
    call = SubmitStep(game_id=GAME_ID, witness=b"w")
    assert sent(claimed_view(game, witnesses={7: b"w"})) == {f"step/{GAME_ID}": call}


def test_a_float_instruction_is_played_on_over_its_micro_run() -> None:
    game = replace(GAME, stage=GameStage.STEP_DUE, low=7, high=8)
    witness = witness_before(DIVISION)
    (send,) = decided(claimed_view(game, witnesses={7: witness}))
    assert (send.intent, send.call) == (
        f"descend/{GAME_ID}/7",
        DescendGame(game_id=GAME_ID, witness=witness),
    )
    assert "step 8 is fdiv.d" in send.message


def test_a_game_descends_only_once_and_ends_in_an_integer_step() -> None:
    """Whatever the witness: the chain lets no game descend from a micro-run."""
    low = micro_number(7, 30)
    game = replace(GAME, stage=GameStage.STEP_DUE, low=low, high=low + 1)
    assert decided(claimed_view(game)) == [BuildWitness(task_id=TASK_ID, cycle=low)]
    (send,) = decided(claimed_view(game, witnesses={low: witness_before(DIVISION)}))
    assert (send.intent, type(send.call)) == (f"step/{GAME_ID}", SubmitStep)
    assert "step 31 of the micro-run of step 8" in send.message
    assert str(low) not in send.message


def test_a_reveal_is_waited_for_as_long_as_the_operator_has_time() -> None:
    game = replace(GAME, stage=GameStage.REVEAL_DUE, low=micro_number(7, 0), high=8)
    assert decided(claimed_view(replace(game, moved_at=NOW - 500))) == []
    settled = {f"settle/{GAME_ID}": SettleGame(game_id=GAME_ID)}
    assert sent(claimed_view(replace(game, moved_at=NOW - 501))) == settled


def test_a_pick_in_a_micro_run_that_is_not_ones_own_is_declined() -> None:
    low = micro_number(7, 0)
    game = replace(GAME, stage=GameStage.CHALLENGER_TURN, low=low, high=low + 4)
    own = dict.fromkeys(range(low, low + 5), ZERO_HASH)
    (declined,) = decided(claimed_view(game, hashes=own, split_hashes=(TRUE_HASH,) * 3))
    assert isinstance(declined, Decline)
    assert declined.reason is Declined.GAME_OF_ANOTHER


def test_games_are_settled_when_won_or_overtaken() -> None:
    settled = {f"settle/{GAME_ID}": SettleGame(game_id=GAME_ID)}
    assert sent(claimed_view(replace(GAME, stage=GameStage.CHALLENGER_WON))) == settled
    assert sent(claimed_view(replace(GAME, moved_at=NOW - 501))) == settled
    struck_elsewhere = claimed_view(GAME, task={"stage": TaskStage.OPEN})
    assert sent(struck_elsewhere) == settled
    again = claimed_view(GAME, task={"attempt": 2})
    assert sent(again) == settled
    for stage in (GameStage.OPERATOR_WON, GameStage.CLOSED):
        assert sent(claimed_view(replace(GAME, stage=stage), task={"stage": TaskStage.OPEN})) == {}


def test_a_game_of_another_computation_stops_nothing_else() -> None:
    """Opened by hand, or by a node that computed wrongly: there is nothing to pick."""
    game = replace(GAME, stage=GameStage.CHALLENGER_TURN)
    split = (TRUE_HASH,) * 3
    same = {0: game.low_hash, 250: TRUE_HASH, 500: TRUE_HASH, 750: TRUE_HASH, 1_000: game.high_hash}
    for own in (same, same | {0: TRUE_HASH, 1_000: TRUE_HASH}):
        (declined,) = decided(claimed_view(game, hashes=own, split_hashes=split))
        assert isinstance(declined, Decline)
        assert declined.reason is Declined.GAME_OF_ANOTHER
