from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.test_float_steps import DIVISION, witness_before
from tests.roles.views import (
    BATCH_ID,
    BOND_WEI,
    CHALLENGER,
    CLAIM_ID,
    CLAIMED,
    GAME,
    GAME_ID,
    JOB,
    NOW,
    PARAMETERS,
    REQUESTER,
    TASK_ID,
    WORKER,
    claimed_view,
    duty,
    view,
)
from truestep.base.ids import BatchId, Bytes32, ClaimId, JobId, claim_of, game_of, task_of
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.protocol.calls import (
    DescendGame,
    FinalizeBatch,
    OpenGame,
    RefuteClaim,
    RewardGame,
    SettleGame,
    ShowGame,
    SubmitPick,
    SubmitStep,
)
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.records import GameStage, TaskStage
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.state_numbers import micro_number
from truestep.roles.actions import Agree, BuildWitness, ComputeHashes, Decline, Declined, Fetch, Send
from truestep.roles.challenger import OPEN_SECONDS, ChallengerPolicy, decide, salt_of
from truestep.roles.views import Material, MaterialStage, OwnRun, TaskView

POLICY = ChallengerPolicy(salt=b"secret")
TRUE_HASH = Bytes32(b"t" * 32)
TRUE_END = Bytes32(b"e" * 32)
OTHER_END = Bytes32(b"E" * 32)
DISPUTED = (CLAIM_ID, CLAIMED.state_hash())
FALSE = {1_000: TRUE_HASH, JOB.max_cycles: TRUE_END}
"""Own hashes by which the claim is false; and the run's end, which is later."""
GAME_BOND_WEI = PARAMETERS.challenger_bond_wei
HALTED = b"packed state that has halted"
RUNNING = replace(
    CLAIMED,
    status=Status.RUNNING,
    cycle=JOB.max_cycles,
    output_size=0,
    output_root=ZERO_HASH,
    left_root=ZERO_HASH,
    inner_root=ZERO_HASH,
    running_state=keccak256(HALTED),
)


def opening(
    state_hash: Bytes32 = TRUE_END, claim_id: ClaimId = CLAIM_ID, claimed: ClaimedState = CLAIMED
) -> dict[str, Any]:
    """That it disputes the claim, committed to a final state."""
    call = OpenGame(
        claim_id=claim_id,
        claimed_hash=claimed.state_hash(),
        state_hash=state_hash,
        salt=keccak256(b"secret" + claim_id.to_bytes(32, "big")),
    )
    return {f"open/{claim_id}": call}


def decided(*tasks: TaskView, policy: ChallengerPolicy = POLICY, **seen: Any) -> list[Any]:
    return list(decide(view(*tasks, **({"account": CHALLENGER} | seen)), policy))


def sent(*tasks: TaskView, policy: ChallengerPolicy = POLICY, **seen: Any) -> dict[str, Any]:
    """What it sends: call by intent."""
    actions = decided(*tasks, policy=policy, **seen)
    return {action.intent: action.call for action in actions if isinstance(action, Send)}


# --- checks ---------------------------------------------------------------------------------------


def test_a_claim_is_checked_at_its_own_cycle() -> None:
    assert decided(claimed_view()) == [ComputeHashes(task_id=TASK_ID, cycles=(1_000,), is_check=True)]
    assert decided(claimed_view(is_computing=True)) == []
    missing = claimed_view(material=Material(stage=MaterialStage.MISSING))
    assert decided(missing) == [Fetch(task_id=TASK_ID)]


def test_only_a_false_claim_is_disputed() -> None:
    (agreed,) = decided(claimed_view(hashes={1_000: CLAIMED.state_hash()}))
    assert isinstance(agreed, Agree) and agreed.task_id == TASK_ID
    assert sent(claimed_view(hashes=FALSE)) == opening()


def test_a_window_that_is_over_an_own_claim_and_a_struck_one_are_left_alone() -> None:
    assert sent(claimed_view(hashes=FALSE, task={"until": NOW})) == opening()
    assert sent(claimed_view(hashes=FALSE, task={"until": NOW - 1})) == {}
    assert sent(claimed_view(hashes=FALSE), account=WORKER) == {}
    assert sent(claimed_view(hashes=FALSE), operator=WORKER) == {}, "a delegate does not dispute its operator"
    assert sent(claimed_view(hashes=FALSE, task={"stage": TaskStage.OPEN})) == {}


def test_a_stop_keeps_a_claim_open_to_challenges_after_its_window() -> None:
    late = {"until": NOW - 1}
    stop_end = NOW + 500
    assert sent(claimed_view(hashes=FALSE, task=late), stopped_until=stop_end) == opening()
    assert sent(claimed_view(hashes=FALSE, task=late), stopped_until=NOW - 1) == {}
    check = ComputeHashes(task_id=TASK_ID, cycles=(1_000,), is_check=True)
    assert check in decided(claimed_view(task=late), stopped_until=stop_end)
    (agreed,) = decided(claimed_view(hashes={1_000: CLAIMED.state_hash()}, task=late), stopped_until=stop_end)
    assert isinstance(agreed, Agree)
    ended = {"has_batch_ended": True}
    assert decided(claimed_view(hashes=FALSE, task=late, claim=ended), stopped_until=stop_end) == []


def test_during_a_stop_the_true_end_is_waited_for_until_the_stop_is_nearly_over() -> None:
    ending = NOW + PARAMETERS.clock_seconds + OPEN_SECONDS
    short = {1_000: TRUE_HASH}
    task = claimed_view(hashes=short, task={"until": NOW - 1})
    assert sent(task, stopped_until=ending) == opening(TRUE_HASH)
    assert decided(task, stopped_until=ending + 1) == [
        ComputeHashes(task_id=TASK_ID, cycles=(JOB.max_cycles,))
    ]


def test_distrust_of_its_own_runs_disputes_nothing() -> None:
    (declined,) = decided(claimed_view(hashes=FALSE, distrust="a self-check failed"))
    assert isinstance(declined, Decline) and declined.reason is Declined.DISTRUSTED


# --- false by themselves --------------------------------------------------------------------------


def test_a_malformed_claim_is_refuted_at_once_without_a_run_or_a_bond() -> None:
    refuted = {f"refute/{CLAIM_ID}": RefuteClaim(claim_id=CLAIM_ID)}
    malformed = {"is_malformed": True}
    nothing = Material(stage=MaterialStage.UNREACHABLE)
    (send,) = decided(claimed_view(claim=malformed, material=nothing), wallet_wei=0)
    assert {send.intent: send.call} == refuted
    late = claimed_view(claim=malformed, task={"until": NOW - 1})
    assert sent(late) == refuted, "until its batch ends, it can be"
    assert sent(claimed_view(claim=malformed), account=WORKER) == {}
    assert sent(claimed_view(claim=malformed, task={"stage": TaskStage.OPEN})) == {}
    assert decided(claimed_view(claim=malformed), in_flight=frozenset(refuted)) == []


def test_a_claim_that_a_halted_state_runs_is_refuted_with_that_state() -> None:
    same = {JOB.max_cycles: RUNNING.running_state}
    assert decided(claimed_view(claimed=RUNNING)) == [
        ComputeHashes(task_id=TASK_ID, cycles=(JOB.max_cycles,), is_check=True)
    ]
    false = claimed_view(claimed=RUNNING, hashes=same, halted_state=HALTED)
    assert sent(false) == {f"refute/{CLAIM_ID}": RefuteClaim(claim_id=CLAIM_ID, packed_state=HALTED)}
    (agreed,) = decided(claimed_view(claimed=RUNNING, hashes=same))
    assert isinstance(agreed, Agree), "it runs here too"
    late = {"until": NOW - 1}
    assert sent(replace(false, task=replace(false.task, until=NOW - 1))) == sent(false), "its batch stands"
    assert decided(claimed_view(claimed=RUNNING, task=late)) == [
        ComputeHashes(task_id=TASK_ID, cycles=(JOB.max_cycles,), is_check=True)
    ]
    assert decided(claimed_view(claimed=RUNNING, hashes=FALSE, task=late)) == [], "that needs a game"
    assert decided(claimed_view(claimed=RUNNING, claim={"has_batch_ended": True}, task=late)) == []
    (declined,) = decided(replace(false, distrust="a self-check failed"))
    assert isinstance(declined, Decline)


def test_a_claim_that_another_state_runs_is_disputed() -> None:
    """Its hash is not that of a halted state, so nothing but a game can strike it."""
    hashes = {JOB.max_cycles: keccak256(HALTED)}
    other = replace(RUNNING, running_state=TRUE_HASH)
    opened = opening(keccak256(HALTED), claimed=other)
    assert sent(claimed_view(claimed=other, hashes=hashes, halted_state=HALTED)) == opened


# --- commitments ----------------------------------------------------------------------------------


def test_the_true_end_is_found_before_a_game_is_opened() -> None:
    """A liar claims an early cycle: the state there is not the run's end."""
    early = claimed_view(hashes={1_000: TRUE_HASH}, task={"until": NOW + 1_000})
    assert decided(early) == [ComputeHashes(task_id=TASK_ID, cycles=(JOB.max_cycles,))]
    assert decided(replace(early, is_computing=True)) == []
    assert sent(replace(early, hashes=FALSE)) == opening(TRUE_END)
    own_run = OwnRun(claimed=replace(CLAIMED, cycle=2_000))
    assert sent(replace(early, own_run=own_run)) == opening(own_run.claimed.state_hash())
    halted = replace(early, halted_state=HALTED)
    assert sent(halted) == opening(keccak256(HALTED)), "a claim beyond the end: that is known already"


@pytest.mark.parametrize(("more_seconds", "is_ending"), [(0, True), (1, False)])
def test_a_window_that_is_ending_is_not_missed_for_the_true_end(more_seconds: int, is_ending: bool) -> None:
    until = NOW + PARAMETERS.clock_seconds + OPEN_SECONDS + more_seconds
    task = claimed_view(hashes={1_000: TRUE_HASH}, task={"until": until}, is_computing=True)
    assert sent(task) == (opening(TRUE_HASH) if is_ending else {})


def test_what_cannot_be_run_to_its_end_is_disputed_with_what_is_known() -> None:
    task = claimed_view(hashes={1_000: TRUE_HASH}, task={"until": NOW + 1_000}, run_failure="out of memory")
    assert sent(task) == opening(TRUE_HASH)
    restarted = replace(task, run_failure="", material=Material(stage=MaterialStage.MISSING))
    assert decided(restarted) == [Fetch(task_id=TASK_ID)]


def test_a_commitment_that_was_made_stays() -> None:
    """The game may be on the chain already, though the view does not have it yet."""
    task = claimed_view(hashes=FALSE)
    assert sent(task, commitments={DISPUTED: TRUE_HASH}) == opening(TRUE_HASH)


def test_what_was_committed_to_of_another_claim_of_the_same_id_is_not_used() -> None:
    """A reorganisation has put another claim in its place, which has another true end."""
    other = {(CLAIM_ID, TRUE_HASH): OTHER_END}
    assert sent(claimed_view(hashes=FALSE), commitments=other) == opening(TRUE_END)
    show = replace(duty(DutyKind.SHOW, None, CHALLENGER, CLAIM_ID, GAME_ID), claimed_hash=DISPUTED[1])
    assert sent(duties=(show,), commitments=other) == {}
    (send,) = sent(duties=(show,), commitments=other | {DISPUTED: TRUE_END}).values()
    assert send.state_hash == TRUE_END


def test_salts_are_secret_and_differ_from_claim_to_claim() -> None:
    assert salt_of(POLICY, CLAIM_ID) == salt_of(POLICY, CLAIM_ID)
    assert salt_of(POLICY, CLAIM_ID) != salt_of(POLICY, ClaimId(CLAIM_ID + 1))
    assert salt_of(POLICY, CLAIM_ID) != salt_of(replace(POLICY, salt=b"other"), CLAIM_ID)


def test_commitments_are_shown_when_the_claim_has_fallen() -> None:
    show = replace(duty(DutyKind.SHOW, None, CHALLENGER, CLAIM_ID, GAME_ID), claimed_hash=DISPUTED[1])
    call = ShowGame(game_id=GAME_ID, state_hash=TRUE_END, salt=salt_of(POLICY, CLAIM_ID))
    assert sent(duties=(show,), commitments={DISPUTED: TRUE_END}) == {f"show/{GAME_ID}": call}
    assert sent(duties=(show,)) == {}, "a game that another program opened with this key"


# --- ends -----------------------------------------------------------------------------------------


def test_own_ends_are_duties_and_so_are_games_that_keep_its_rewards_waiting() -> None:
    own = (
        duty(DutyKind.SETTLE, SettleGame(game_id=GAME_ID), CHALLENGER, CLAIM_ID, GAME_ID),
        duty(DutyKind.REWARD, RewardGame(game_id=GAME_ID), CHALLENGER, CLAIM_ID, GAME_ID),
    )
    assert sent(duties=own) == {
        f"settle/{GAME_ID}": SettleGame(game_id=GAME_ID),
        f"reward/{GAME_ID}": RewardGame(game_id=GAME_ID),
    }
    later = claim_of(TASK_ID, BatchId(13))
    waiting = duty(DutyKind.SETTLE, SettleGame(game_id=game_of(later, 1)), WORKER, later, game_of(later, 1))
    assert sent(duties=(waiting,)) == {}
    assert list(sent(duties=(waiting,), commitments={DISPUTED: TRUE_END})) == [f"settle/{game_of(later, 1)}"]
    others = duty(DutyKind.SETTLE, waiting.call, WORKER, later, game_of(later, 1), has_fallen=True)
    assert sent(duties=(others,), commitments={DISPUTED: TRUE_END}) == {}, "it keeps nobody waiting"
    friends = game_of(CLAIM_ID, 2)
    others = duty(DutyKind.SETTLE, SettleGame(game_id=friends), WORKER, CLAIM_ID, friends)
    others = replace(others, claimed_hash=DISPUTED[1])
    assert sent(duties=(others,), commitments={DISPUTED: TRUE_END}) == {}, "its own game decides this claim"
    others = duty(DutyKind.FINALIZE, FinalizeBatch(batch_id=BATCH_ID), WORKER)
    assert sent(duties=(others,), commitments={DISPUTED: TRUE_END}) == {}


def test_a_game_that_a_proof_has_ended_is_settled_and_another_opened() -> None:
    """Else the liar settles it when it is too late for another, or the challenger's clock runs out."""
    ended = replace(GAME, stage=GameStage.OPERATOR_WON)
    settle = duty(DutyKind.SETTLE, SettleGame(game_id=GAME_ID), WORKER, CLAIM_ID, GAME_ID)
    seen = {"duties": (replace(settle, claimed_hash=DISPUTED[1]),), "commitments": {DISPUTED: TRUE_END}}
    proven = {"is_proven": True}
    assert list(sent(claimed_view(ended, claim=proven, hashes=FALSE), **seen)) == [f"settle/{GAME_ID}"]
    assert sent(claimed_view(ended, hashes=FALSE), **seen) == {}, "a clock has ended it"
    late = {"until": NOW - 1}
    assert sent(claimed_view(ended, claim=proven, hashes=FALSE, task=late), **seen) == {}
    settled = claimed_view(claim=proven, hashes=FALSE)
    assert list(sent(settled)) == [f"open/{CLAIM_ID}/proven"]
    assert sent(settled, in_flight=frozenset(opening())) == {}, "it lands after the proof, which ends it not"


# --- budget ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "wallet_wei", "reason"),
    [
        (ChallengerPolicy(bonds_limit_wei=GAME_BOND_WEI - 1), BOND_WEI, Declined.BUDGET),
        (ChallengerPolicy(gas_reserve_wei=10), GAME_BOND_WEI + 9, Declined.FUNDS),
    ],
)
def test_a_false_claim_beyond_the_budget_is_declined_aloud(
    policy: ChallengerPolicy, wallet_wei: int, reason: Declined
) -> None:
    actions = decided(claimed_view(hashes=FALSE), policy=policy, wallet_wei=wallet_wei)
    assert [type(action) for action in actions] == [Decline]
    assert actions[0].reason is reason


def test_the_budget_counts_open_games_and_those_on_their_way() -> None:
    policy = replace(POLICY, bonds_limit_wei=2 * GAME_BOND_WEI)
    false = claimed_view(hashes=FALSE)
    playing = other_claim(1, claimed_view(GAME, is_computing=True))
    assert sent(false, policy=policy) == opening()
    opened = frozenset({f"open/{claim_of(task_of(JobId(1), 7), BATCH_ID)}"})
    actions = decided(playing, false, policy=policy, in_flight=opened)
    assert [type(action) for action in actions] == [Decline]


def test_bonds_rise_with_the_games_that_are_open() -> None:
    crowded = claimed_view(hashes=FALSE, claim={"open_game_count": 32})
    enough = replace(POLICY, bonds_limit_wei=2 * GAME_BOND_WEI)
    assert sent(crowded, policy=enough) == opening()
    (declined,) = decided(crowded, policy=replace(enough, bonds_limit_wei=2 * GAME_BOND_WEI - 1))
    assert isinstance(declined, Decline) and declined.reason is Declined.BUDGET


@pytest.mark.parametrize(("wallet_bonds", "has_spare_coins"), [(1, False), (2, True)])
def test_a_wallet_that_is_just_enough_opens_a_game_without_spare_coins(
    wallet_bonds: int, has_spare_coins: bool
) -> None:
    crowded = claimed_view(hashes=FALSE, claim={"open_game_count": 16})
    (call,) = sent(crowded, wallet_wei=POLICY.gas_reserve_wei + wallet_bonds * GAME_BOND_WEI).values()
    assert call == replace(opening()[f"open/{CLAIM_ID}"], has_spare_coins=has_spare_coins)


def other_claim(shard: int, task: TaskView) -> TaskView:
    """The same about another shard."""
    task_id = task_of(JobId(1), shard)
    claim_id = claim_of(task_id, BATCH_ID)
    claims = tuple(replace(claim, claim_id=claim_id) for claim in task.claims)
    return replace(task, task=replace(task.task, task_id=task_id), claims=claims)


@given(
    rows=st.lists(st.tuples(st.booleans(), st.integers(0, 200), st.integers(0, 10**18)), max_size=12),
    limit_bonds=st.integers(0, 40),
    wallet_bonds=st.integers(0, 40),
    reserve_wei=st.integers(0, 3 * GAME_BOND_WEI),
)
def test_bonds_are_never_more_than_limit_and_wallet_allow(
    rows: list[tuple[bool, int, int]], limit_bonds: int, wallet_bonds: int, reserve_wei: int
) -> None:
    policy = replace(POLICY, bonds_limit_wei=limit_bonds * GAME_BOND_WEI, gas_reserve_wei=reserve_wei)
    tasks = [
        other_claim(
            shard,
            claimed_view(
                *([GAME] if is_playing else []),
                hashes=FALSE,
                job={"reward": reward},
                claim={"open_game_count": open_count},
            ),
        )
        for shard, (is_playing, open_count, reward) in enumerate(rows)
    ]
    wallet_wei = wallet_bonds * GAME_BOND_WEI
    actions = decided(*tasks, policy=policy, wallet_wei=wallet_wei)
    factors = {
        claim_of(task_of(JobId(1), shard), BATCH_ID): min(10, 2 ** max(0, open_count // 16 - 1))
        for shard, (_, open_count, _) in enumerate(rows)
    }
    opened = [action.call.claim_id for action in actions if isinstance(getattr(action, "call", 0), OpenGame)]
    own = [claim_of(task_of(JobId(1), shard), BATCH_ID) for shard, row in enumerate(rows) if row[0]]
    locked_wei = GAME_BOND_WEI * sum(factors[claim_id] for claim_id in opened)
    assert locked_wei <= max(0, wallet_wei - reserve_wei)
    if opened:
        assert locked_wei + GAME_BOND_WEI * sum(factors[claim_id] for claim_id in own) <= (
            policy.bonds_limit_wei
        )
    assert len(set(opened)) == len(opened) and not set(opened) & set(own)


# --- games ----------------------------------------------------------------------------------------


def test_a_pick_is_the_first_part_whose_end_differs() -> None:
    own = {cycle: Bytes32(bytes([cycle // 250]) * 32) for cycle in (0, 250, 500, 750, 1_000)}
    split = (own[250], TRUE_HASH, own[750])
    game = replace(GAME, stage=GameStage.CHALLENGER_TURN, low_hash=own[0], split_hashes=split)
    call = SubmitPick(game_id=GAME_ID, part=1, ends=((250, split[0]), (500, split[1])))
    assert sent(claimed_view(game, hashes=own)) == {f"pick/{GAME_ID}/0/1000": call}
    partly = claimed_view(game, hashes={0: own[0]})
    assert decided(partly) == [ComputeHashes(task_id=TASK_ID, cycles=(250, 500, 750, 1_000))]
    unseen = claimed_view(replace(game, split_hashes=()), hashes=own)
    assert decided(unseen) == []


def test_a_split_that_came_too_late_is_not_picked_from() -> None:
    """A pick would let the game go on, which is won otherwise."""
    own = {cycle: Bytes32(bytes([cycle // 250]) * 32) for cycle in (0, 250, 500, 750, 1_000)}
    game = replace(
        GAME,
        stage=GameStage.CHALLENGER_TURN,
        low_hash=own[0],
        split_hashes=(own[250], TRUE_HASH, own[750]),
        rescue_end=NOW + 9,
    )
    assert decided(claimed_view(game, hashes=own)) == []


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


def test_a_reveal_is_waited_for_and_a_decided_game_asks_for_no_move() -> None:
    game = replace(GAME, stage=GameStage.REVEAL_DUE, low=micro_number(7, 0), high=8)
    assert decided(claimed_view(game)) == []
    for stage in (GameStage.OPERATOR_WON, GameStage.CHALLENGER_WON, GameStage.CLAIM_FELL, GameStage.CLOSED):
        assert decided(claimed_view(replace(GAME, stage=stage))) == []
    late = replace(GAME, stage=GameStage.STEP_DUE, low=7, high=8, last_second=NOW - 1)
    assert decided(claimed_view(late, witnesses={7: b"w"})) == []
    struck_elsewhere = claimed_view(GAME, task={"stage": TaskStage.OPEN})
    assert decided(struck_elsewhere) == []
    again = claimed_view(GAME, task={"batch_id": BatchId(13)})
    assert decided(again) == [], "the game is on the claim of another batch"


def test_a_pick_in_a_micro_run_that_is_not_ones_own_is_declined() -> None:
    low = micro_number(7, 0)
    split = (TRUE_HASH,) * 3
    game = replace(GAME, stage=GameStage.CHALLENGER_TURN, low=low, high=low + 4, split_hashes=split)
    own = dict.fromkeys(range(low, low + 5), ZERO_HASH)
    (declined,) = decided(claimed_view(game, hashes=own))
    assert isinstance(declined, Decline)
    assert declined.reason is Declined.GAME_OF_ANOTHER


def test_a_game_of_another_computation_stops_nothing_else() -> None:
    """Opened by hand, or by a node that computed wrongly: there is nothing to pick."""
    game = replace(GAME, stage=GameStage.CHALLENGER_TURN, split_hashes=(TRUE_HASH,) * 3)
    same = {0: game.low_hash, 250: TRUE_HASH, 500: TRUE_HASH, 750: TRUE_HASH, 1_000: game.high_hash}
    for own in (same, same | {0: TRUE_HASH, 1_000: TRUE_HASH}):
        (declined,) = decided(claimed_view(game, hashes=own))
        assert isinstance(declined, Decline)
        assert declined.reason is Declined.GAME_OF_ANOTHER


def test_the_game_whose_clock_runs_out_first_comes_first() -> None:
    tasks = [
        other_claim(
            shard,
            claimed_view(
                replace(GAME, game_id=game_of(claim_of(task_of(JobId(1), shard), BATCH_ID), 1),
                        stage=GameStage.STEP_DUE, low=7, high=8, last_second=NOW + left_seconds),
                witnesses={7: b"w"},
            ),
        )
        for shard, left_seconds in enumerate((90, 10, 50))
    ]  # fmt: skip
    shards = [1, 2, 0]
    in_order = [f"step/{game_of(claim_of(task_of(JobId(1), shard), BATCH_ID), 1)}" for shard in shards]
    assert list(sent(*tasks)) == in_order


def test_a_challenger_leaves_the_games_of_others_alone() -> None:
    game = replace(GAME, challenger=REQUESTER, stage=GameStage.STEP_DUE, low=7, high=8)
    assert sent(claimed_view(game, witnesses={7: b"w"}, hashes=FALSE)) == opening()
