"""What a worker does about the batches that it has taken and the claims that it has made."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.roles.views import (
    BATCH_ID,
    CHALLENGER,
    CLAIM_ID,
    CLAIMED,
    GAME,
    GAME_ID,
    NOW,
    PARAMETERS,
    REQUESTER,
    TASK_ID,
    WORKER,
    claimed_view,
    duty,
    taken_view,
    task_view,
    view,
)
from truestep.base.ids import Address, BatchId, Bytes32, JobId, claim_of, game_of, task_of
from truestep.protocol.calls import (
    CallBack,
    CancelTasks,
    ExpireBatch,
    FinalizeBatch,
    FinalizeClaim,
    ReleaseBatch,
    RevealGame,
    RewardGame,
    SettleGame,
    SubmitClaims,
    SubmitSplit,
    WithdrawRewards,
    WriteOut,
)
from truestep.protocol.records import GameStage, TaskStage
from truestep.protocol.settlement.facts.due import Action as DutyKind
from truestep.protocol.state_numbers import micro_number
from truestep.roles.actions import BuildReveal, ComputeHashes, Decline, Declined, Fetch, Run, Send
from truestep.roles.estimates import Speed, round_count
from truestep.roles.intents import of_split
from truestep.roles.views import Material, MaterialStage, OwnRun, Reveal, TaskView, View
from truestep.roles.worker import TOKEN_REWARDS, WorkerPolicy, decide

MICRO_ROUNDS = round_count(2_000, PARAMETERS.arity)
"""Splits of a micro-run, after a reveal."""
POLICY = WorkerPolicy(speed=Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1))
OWN_RUN = OwnRun(claimed=CLAIMED)
TOKEN = Address("0x" + "0" * 38 + "Dd")


def sent(seen: View, policy: WorkerPolicy = POLICY) -> dict[str, Any]:
    """What it sends: call by intent."""
    return {action.intent: action.call for action in decide(seen, policy) if isinstance(action, Send)}


def reasons(seen: View, policy: WorkerPolicy = POLICY) -> list[Declined]:
    """Why it leaves things undone."""
    return [action.reason for action in decide(seen, policy) if isinstance(action, Decline)]


# --- batches: run, claim or give back -------------------------------------------------------------


def test_a_batch_is_claimed_when_all_its_tasks_have_run() -> None:
    ready, waiting = taken_view(0, own_run=OWN_RUN), taken_view(1)
    assert decide(view(ready, waiting), POLICY) == [Run(task_id=waiting.task.task_id)]
    assert decide(view(ready, replace(waiting, is_computing=True)), POLICY) == []
    other = OwnRun(claimed=replace(CLAIMED, cycle=77))
    call = SubmitClaims(
        batch_id=BATCH_ID,
        claims=((ready.task.task_id, CLAIMED), (waiting.task.task_id, other.claimed)),
    )
    assert sent(view(replace(waiting, own_run=other), ready)) == {"claim/12/2": call}


def test_batches_are_claimed_one_by_one_the_shortest_lease_first() -> None:
    late = taken_view(0, own_run=OWN_RUN)
    soon = taken_view(1, batch_id=BatchId(13), own_run=OWN_RUN, task={"until": NOW + 50})
    assert list(sent(view(late, soon))) == ["claim/13/1", "claim/12/1"]


def test_nothing_is_claimed_or_released_when_the_lease_is_ending() -> None:
    ending = taken_view(own_run=OWN_RUN, task={"until": NOW + 1})
    assert sent(view(ending)) == {}
    assert list(sent(view(replace(ending, task=replace(ending.task, until=NOW + 2))))) == ["claim/12/1"]
    failed = taken_view(run_failure="out of memory", task={"until": NOW + 1})
    assert sent(view(failed)) == {}
    assert decide(view(taken_view(task={"until": NOW - 1})), POLICY) == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"run_failure": "out of memory"}, Declined.RUN_FAILED),
        ({"distrust": "a self-check failed"}, Declined.DISTRUSTED),
        ({"own_run": OWN_RUN, "distrust": "a self-check failed"}, Declined.DISTRUSTED),
        ({"own_run": replace(OWN_RUN, seconds=1_000.0)}, Declined.CLOCK),
    ],
)
def test_a_batch_with_a_task_that_cannot_be_claimed_is_released_at_once(
    trouble: dict[str, Any], reason: Declined
) -> None:
    """Though others of it run, or have run: the price of giving back rises with time."""
    seen = view(taken_view(0, own_run=OWN_RUN), taken_view(1, **trouble), taken_view(2))
    assert sent(seen) == {"release/12": ReleaseBatch(batch_id=BATCH_ID)}
    assert reasons(seen) == [reason]
    assert not any(isinstance(action, Run) for action in decide(seen, POLICY))
    again = task_view(task={"task_id": task_of(JobId(1), 1), "batch_id": BATCH_ID}, **trouble)
    assert sent(view(again)) == {}, "open again, and not taken again"
    other = taken_view(3, batch_id=BatchId(13), own_run=OWN_RUN)
    assert list(sent(view(*seen.tasks, other))) == ["release/12", "claim/13/1"]


def test_a_run_that_ended_counts_though_later_work_on_it_failed() -> None:
    assert list(sent(view(taken_view(own_run=OWN_RUN, run_failure="no memory for a game")))) == ["claim/12/1"]


def test_lost_material_is_fetched_again() -> None:
    restarted = taken_view(material=Material(stage=MaterialStage.MISSING))
    assert decide(view(restarted), POLICY) == [Fetch(task_id=TASK_ID)]


def test_a_run_that_was_just_quick_enough_to_be_defended_is_claimed() -> None:
    rounds = round_count(CLAIMED.cycle, PARAMETERS.arity)
    sends = rounds + 1 + MICRO_ROUNDS
    within = (PARAMETERS.clock_seconds - sends * POLICY.speed.send_seconds) / (rounds + 1)
    quick, slow = replace(OWN_RUN, seconds=within - 0.1), replace(OWN_RUN, seconds=within + 0.1)
    assert quick == slow == OWN_RUN
    assert list(sent(view(taken_view(own_run=quick)))) == ["claim/12/1"]
    assert list(sent(view(taken_view(own_run=slow)))) == ["release/12"]


def test_a_delegate_works_for_its_operator() -> None:
    seen = view(taken_view(own_run=OWN_RUN), account=CHALLENGER, operator=WORKER)
    assert list(sent(seen)) == ["claim/12/1"]
    assert sent(replace(seen, operator=CHALLENGER)) == {}
    assert list(sent(view(known_split(GAME), account=CHALLENGER, operator=WORKER))) == [of_split(GAME)]


# --- duties ---------------------------------------------------------------------------------------

FINALIZE = duty(DutyKind.FINALIZE, FinalizeBatch(batch_id=BATCH_ID), WORKER)
EXPIRE = duty(DutyKind.EXPIRE, ExpireBatch(batch_id=BATCH_ID), WORKER)


def test_what_ends_for_its_operator_is_done() -> None:
    leaf = duty(DutyKind.FINALIZE_LEAF, FinalizeClaim(claim_id=CLAIM_ID), WORKER, CLAIM_ID)
    settle = duty(DutyKind.SETTLE, SettleGame(game_id=GAME_ID), WORKER, CLAIM_ID, GAME_ID)
    assert sent(view(duties=(FINALIZE, leaf, settle, EXPIRE))) == {
        "finalize/12": FinalizeBatch(batch_id=BATCH_ID),
        f"finalize-claim/{CLAIM_ID}": FinalizeClaim(claim_id=CLAIM_ID),
        f"settle/{GAME_ID}": SettleGame(game_id=GAME_ID),
        "expire/12": ExpireBatch(batch_id=BATCH_ID),
    }
    assert sent(view(duties=(FINALIZE,), in_flight=frozenset({"finalize/12"}))) == {}
    assert list(sent(view(duties=(FINALIZE,), account=CHALLENGER, operator=WORKER))) == ["finalize/12"]


def test_what_ends_for_others_is_a_keepers() -> None:
    others = (
        replace(FINALIZE, beneficiary=REQUESTER),
        duty(DutyKind.SETTLE, SettleGame(game_id=GAME_ID), CHALLENGER, CLAIM_ID, GAME_ID),
        duty(DutyKind.REWARD, RewardGame(game_id=GAME_ID), CHALLENGER, CLAIM_ID, GAME_ID),
        duty(DutyKind.WRITE_OUT, WriteOut(claim_id=CLAIM_ID), REQUESTER, CLAIM_ID),
        duty(DutyKind.CALL_BACK, CallBack(job_id=JobId(1)), REQUESTER),
        duty(DutyKind.CANCEL, CancelTasks(job_id=JobId(1), shards=(2, 5)), REQUESTER),
        duty(DutyKind.SHOW, None, CHALLENGER, CLAIM_ID, GAME_ID),
    )
    assert sent(view(duties=others)) == {}
    assert list(sent(view(duties=others), replace(POLICY, is_keeper=True))) == [
        "finalize/12",
        f"settle/{GAME_ID}",
        f"reward/{GAME_ID}",
        f"write-out/{CLAIM_ID}",
        "call-back/1",
        "cancel/1/2",
    ]


def test_a_worker_with_time_frees_the_tasks_of_others_that_missed_their_lease() -> None:
    others = replace(EXPIRE, beneficiary=REQUESTER)
    assert list(sent(view(duties=(others,)))) == ["expire/12"]
    busy = view(*[taken_view(shard, is_computing=True) for shard in range(2)], duties=(others,))
    assert sent(busy) == {}
    assert sent(view(duties=(others,), struck_count=1)) == {}


def test_credits_are_withdrawn_one_at_a_time() -> None:
    rich = view(rewards_wei=10**17)
    assert sent(rich) == {f"withdraw-rewards/{NOW}": WithdrawRewards()}
    assert sent(view(rewards_wei=10**17, in_flight=frozenset({"withdraw-rewards/1"}))) == {}
    assert sent(view(rewards_wei=10**16)) == {}


def test_tokens_are_withdrawn_if_they_are_worth_it() -> None:
    policy = replace(POLICY, rewards_min={TOKEN: 5})
    enough = {TOKEN: 5 * TOKEN_REWARDS + 1}
    call = WithdrawRewards(asset=TOKEN)
    assert sent(view(tokens=enough), policy) == {f"withdraw-tokens/{TOKEN}/{NOW}": call}
    assert sent(view(tokens=enough, in_flight=frozenset({f"withdraw-tokens/{TOKEN}/1"})), policy) == {}
    assert sent(view(tokens={TOKEN: 5 * TOKEN_REWARDS}), policy) == {}
    assert sent(view(tokens=enough)) == {}, "a token that nobody named may be anything"


# --- games ----------------------------------------------------------------------------------------


def known_split(*games: Any, **changes: Any) -> TaskView:
    """A disputed claim whose hashes at the first boundaries are known."""
    hashes = dict.fromkeys((250, 500, 750), GAME.low_hash)
    return claimed_view(*games, **({"hashes": hashes} | changes))


def test_a_split_needs_all_inner_hashes_and_survives_a_restart_without_material() -> None:
    hashes = {cycle: Bytes32(bytes([cycle % 251]) * 32) for cycle in (250, 500, 750)}
    partly = claimed_view(GAME, hashes={250: hashes[250]})
    assert decide(view(partly), POLICY) == [ComputeHashes(task_id=TASK_ID, cycles=(500, 750))]
    restarted = claimed_view(GAME, material=Material(stage=MaterialStage.MISSING))
    assert decide(view(restarted), POLICY) == [Fetch(task_id=TASK_ID)]
    known = claimed_view(GAME, hashes=hashes, material=Material(stage=MaterialStage.WRONG))
    call = SubmitSplit(
        game_id=GAME_ID,
        low=0,
        high=1_000,
        hashes=tuple(hashes.values()),
        ends=(GAME.low_hash, GAME.high_hash),
    )
    assert sent(view(known)) == {of_split(GAME): call}
    assert sent(view(known, in_flight=frozenset({of_split(GAME)}))) == {}


def test_all_games_on_a_node_share_one_split() -> None:
    games = [replace(GAME, game_id=game_of(CLAIM_ID, number)) for number in range(1, 6)]
    elsewhere = replace(GAME, game_id=game_of(CLAIM_ID, 6), low=250, high=500)
    inside = {312: GAME.low_hash, 375: GAME.low_hash, 437: GAME.low_hash}
    task = known_split(*games, elsewhere, hashes=dict.fromkeys((250, 500, 750), GAME.low_hash) | inside)
    assert sorted(sent(view(task))) == sorted([of_split(GAME), of_split(elsewhere)])


def test_a_game_that_is_lost_on_time_does_not_keep_another_from_its_split() -> None:
    """The earlier game comes first by its clock, and its split would be late."""
    late = replace(GAME, last_second=NOW - 1, rescue_end=NOW + 50)
    other = replace(GAME, game_id=game_of(CLAIM_ID, 2))
    split = sent(view(known_split(late, other)))
    assert [call.game_id for call in split.values()] == [other.game_id]
    assert sent(view(known_split(late))) == {}


def test_a_reveal_is_found_out_then_sent() -> None:
    low = micro_number(123, 0)
    game = replace(GAME, stage=GameStage.REVEAL_DUE, low=low, high=124)
    assert decide(view(claimed_view(game)), POLICY) == [BuildReveal(task_id=TASK_ID, low=low)]
    assert decide(view(claimed_view(game, is_computing=True)), POLICY) == []
    restarted = claimed_view(game, material=Material(stage=MaterialStage.MISSING))
    assert decide(view(restarted), POLICY) == [Fetch(task_id=TASK_ID)]
    reveal = Reveal(after=b"a" * 305, cycles=77, memory_root=Bytes32(b"m" * 32))
    known = claimed_view(game, reveals={low: reveal}, material=Material(stage=MaterialStage.WRONG))
    call = RevealGame(game_id=GAME_ID, after=b"a" * 305, cycles=77, memory_root=reveal.memory_root)
    assert sent(view(known)) == {f"reveal/{GAME_ID}/123": call}
    of_another_place = claimed_view(replace(game, low=micro_number(122, 0)), reveals={low: reveal})
    assert sent(view(of_another_place)) == {}
    late = claimed_view(replace(game, last_second=NOW - 1), reveals={low: reveal})
    assert decide(view(late), POLICY) == []


def test_a_micro_run_is_split_as_a_run_is() -> None:
    low, high = micro_number(123, 0), micro_number(123, 4)
    hashes = {number: Bytes32(bytes([number % 256]) * 32) for number in range(low + 1, high)}
    game = replace(GAME, low=low, high=high)
    assert decide(view(claimed_view(game)), POLICY) == [ComputeHashes(task_id=TASK_ID, cycles=tuple(hashes))]
    (send,) = decide(view(claimed_view(game, hashes=hashes)), POLICY)
    assert isinstance(send, Send)
    ends = (game.low_hash, game.high_hash)
    assert send.call == SubmitSplit(
        game_id=GAME_ID, low=low, high=high, hashes=tuple(hashes.values()), ends=ends
    )
    assert "steps 0 to 4 of the micro-run of step 124" in send.message
    assert str(low) not in send.message


def test_games_of_sponsors_and_on_claims_that_have_fallen_are_not_defended() -> None:
    sponsored = replace(GAME, operator=REQUESTER)
    assert decide(view(known_split(sponsored)), POLICY) == []
    assert decide(view(known_split(GAME, task={"stage": TaskStage.OPEN, "batch_id": BatchId(12)},
                                   job={"deadline": NOW})), POLICY) == []  # fmt: skip
    won = replace(GAME, stage=GameStage.OPERATOR_WON)
    for game in (won, replace(GAME, stage=GameStage.CHALLENGER_TURN)):
        assert decide(view(known_split(game)), POLICY) == []


def test_the_game_whose_clock_runs_out_first_comes_first() -> None:
    games = [
        replace(
            GAME, game_id=game_of(claim_of(task_of(JobId(1), shard), BATCH_ID), 1), last_second=NOW + left
        )
        for shard, left in enumerate((9, 1, 5))
    ]
    tasks = [
        known_split(
            game,
            task={"task_id": task_of(JobId(1), shard)},
            claim={"claim_id": claim_of(task_of(JobId(1), shard), BATCH_ID)},
        )
        for shard, game in enumerate(games)
    ]
    assert list(sent(view(*tasks))) == [of_split(games[1]), of_split(games[2]), of_split(games[0])]


# --- properties -----------------------------------------------------------------------------------


@st.composite
def taken_tasks(draw: st.DrawFn) -> list[TaskView]:
    """Tasks in up to three batches, each in some state of its work."""
    states = (
        {},
        {"is_computing": True},
        {"own_run": OWN_RUN},
        {"run_failure": "out of memory"},
        {"own_run": OWN_RUN, "distrust": "a self-check failed"},
        {"own_run": replace(OWN_RUN, seconds=1_000.0)},
        {"material": Material(stage=MaterialStage.MISSING)},
    )
    made: list[TaskView] = []
    for batch in range(draw(st.integers(1, 3))):
        until = NOW + draw(st.integers(-3, 100))
        for _ in range(draw(st.integers(1, 5))):
            state = draw(st.sampled_from(states))
            made.append(taken_view(len(made), batch_id=BatchId(batch), task={"until": until}, **state))
    return draw(st.permutations(made))


@given(tasks=taken_tasks(), duties=st.lists(st.sampled_from((FINALIZE, EXPIRE)), max_size=4))
def test_every_batch_is_claimed_or_released_whole_and_no_deed_is_sent_twice(
    tasks: list[TaskView], duties: list[Any]
) -> None:
    actions = decide(view(*tasks, duties=tuple(duties)), POLICY)
    intents = [action.intent for action in actions if isinstance(action, Send)]
    assert len(set(intents)) == len(intents)
    calls = [action.call for action in actions if isinstance(action, Send)]
    for batch_id in {task.task.batch_id for task in tasks}:
        batch = [task for task in tasks if task.task.batch_id == batch_id]
        is_bad = any(
            task.distrust
            or (task.run_failure and task.own_run is None)
            or (task.own_run is not None and task.own_run.seconds)
            for task in batch
        )
        is_run = all(task.own_run is not None for task in batch)
        can_send = batch[0].task.until >= NOW + 2
        claims = [call for call in calls if isinstance(call, SubmitClaims) and call.batch_id == batch_id]
        releases = [call for call in calls if isinstance(call, ReleaseBatch) and call.batch_id == batch_id]
        assert bool(releases) == (is_bad and can_send)
        assert bool(claims) == (not is_bad and is_run and can_send)
        for call in claims:
            stated = [task_id for task_id, _ in call.claims]
            assert stated == sorted(task.task.task_id for task in batch)
