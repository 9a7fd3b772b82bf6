from dataclasses import replace
from typing import Any

import pytest

from tests.roles.views import (
    BOND_WEI,
    CHALLENGER,
    CLAIM_ID,
    CLAIMED,
    GAME,
    GAME_ID,
    JOB,
    NOW,
    PARAMETERS,
    TASK_ID,
    WORKER,
    claimed_view,
    task_view,
    view,
)
from truestep.base.ids import Bytes32
from truestep.engine.analysis import CODE_LIMIT_WORDS
from truestep.engine.translation import CompilePolicy
from truestep.protocol.calls import (
    ExpireTask,
    FinalizeTask,
    RevealGame,
    SettleGame,
    SubmitClaim,
    SubmitSplit,
    TakeTask,
    WithdrawRewards,
)
from truestep.protocol.records import GameStage, TaskStage
from truestep.protocol.state_numbers import micro_number
from truestep.roles.actions import BuildReveal, ComputeHashes, Decline, Declined, Fetch, Run, Send
from truestep.roles.estimates import (
    COLD_STEPS,
    COMPILED_LIMIT_INSTRUCTIONS,
    FREE_INSTRUCTIONS,
    Speed,
    round_count,
)
from truestep.roles.views import Material, MaterialStage, OwnRun, Reveal, View
from truestep.roles.worker import HELD_FACTOR, WorkerPolicy, decide, is_worth_taking

HASHING = Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1, hashed_pages_per_second=20_000)
MICRO_ROUNDS = round_count(2_000, PARAMETERS.arity)
"""Splits of a micro-run, after a reveal."""
POLICY = WorkerPolicy(speed=Speed(cycles_per_second=1e6, start_seconds=1, send_seconds=1))
LARGE_PROGRAM = Material(stage=MaterialStage.READY, code_bytes=2 << 20)
TAKEN = {"stage": TaskStage.TAKEN, "attempt": 1, "operator": WORKER, "until": NOW + 100}
OWN_RUN = OwnRun(claimed=CLAIMED)


def sent(seen: View, policy: WorkerPolicy = POLICY) -> dict[str, Any]:
    """What it sends: call by intent."""
    return {action.intent: action.call for action in decide(seen, policy) if isinstance(action, Send)}


def test_an_open_task_is_fetched_then_taken() -> None:
    missing = task_view(material=Material(stage=MaterialStage.MISSING))
    assert decide(view(missing), POLICY) == [Fetch(task_id=TASK_ID)]
    assert sent(view(task_view())) == {
        f"take/{TASK_ID}/1": TakeTask(job_id=missing.job.job_id, shard_index=0)
    }


@pytest.mark.parametrize(
    ("task", "policy", "seen", "reason"),
    [
        ({"job": {"reward_wei": 9}}, {"reward_min_wei": 10}, {}, Declined.REWARD),
        ({"job": {"max_cycles": 11}}, {"cycles_limit": 10}, {}, Declined.CYCLES),
        ({"job": {"input_size": 11}}, {"input_limit_bytes": 10}, {}, Declined.INPUT_SIZE),
        ({"job": {"lease_seconds": 3}}, {}, {}, Declined.LEASE),
        ({"job": {"deadline": NOW + 3}}, {}, {}, Declined.DEADLINE),
        ({"material": LARGE_PROGRAM, "job": {"lease_seconds": 13}}, {}, {}, Declined.LEASE),
        ({"material": LARGE_PROGRAM, "job": {"deadline": NOW + 13}}, {}, {}, Declined.DEADLINE),
        ({"job": {"max_cycles": 10**8, "lease_seconds": 1_000}}, {}, {}, Declined.CLOCK),
        ({"material": Material(stage=MaterialStage.WRONG)}, {}, {}, Declined.MATERIAL_WRONG),
        ({"material": Material(stage=MaterialStage.UNREACHABLE)}, {}, {}, Declined.MATERIAL),
        ({"run_failure": "out of memory"}, {}, {}, Declined.RUN_FAILED),
        ({}, {}, {"free_stake_wei": BOND_WEI - 1}, Declined.STAKE),
        ({}, {"active_limit": 0}, {}, Declined.CAPACITY),
        ({}, {}, {"has_room": False}, Declined.CAPACITY),
        ({}, {}, {"struck_count": 1}, Declined.STRUCK),
    ],
)
def test_a_task_is_left_for_a_stated_reason(
    task: dict[str, Any], policy: dict[str, Any], seen: dict[str, Any], reason: Declined
) -> None:
    actions = decide(view(task_view(**task), **seen), replace(POLICY, **policy))
    declined = [action for action in actions if isinstance(action, Decline)]
    assert [action.reason for action in declined] == [reason]
    assert "job 1 shard 0" in declined[0].message
    assert ("truestep worker --stake" in declined[0].message) == (reason is Declined.STAKE)
    assert not any(isinstance(action, Send) for action in actions)


def test_a_large_program_needs_a_longer_lease_because_its_code_is_slow_at_first() -> None:
    speed, job = POLICY.speed, replace(JOB, max_cycles=10**7, lease_seconds=60)
    assert speed.cold_seconds(job, 0) == speed.cold_seconds(job, 4 * FREE_INSTRUCTIONS) == 0
    assert speed.cold_seconds(job, 4 * FREE_INSTRUCTIONS + 4_000) == 1_000 * COLD_STEPS / 100e3
    assert speed.cold_seconds(job, 2 << 20) == 100, "no more than all its steps"
    endless = replace(JOB, max_cycles=2**40)
    assert speed.cold_seconds(endless, 4 * COMPILED_LIMIT_INSTRUCTIONS) < 2**40 / 100e3
    assert speed.cold_seconds(endless, 4 * COMPILED_LIMIT_INSTRUCTIONS + 4) == 2**40 / 100e3
    assert is_worth_taking(job, 0, PARAMETERS, NOW, POLICY)
    assert not is_worth_taking(job, 2 << 20, PARAMETERS, NOW, POLICY), "or it hides jobs that can be taken"
    (declined,) = decide(view(task_view(material=LARGE_PROGRAM, job={"lease_seconds": 13})), POLICY)
    assert isinstance(declined, Decline)
    assert "may take 14 s here, 10 s of it to compile 2,097,152 bytes of code" in declined.message


def test_estimates_of_cold_code_are_those_of_the_engine() -> None:
    policy = CompilePolicy()
    assert policy.hot_steps_per_cost == COLD_STEPS
    assert policy.free_cost == 4 * FREE_INSTRUCTIONS
    assert CODE_LIMIT_WORDS == COMPILED_LIMIT_INSTRUCTIONS


def test_large_programs_are_not_taken_ahead() -> None:
    large = [
        task_view(task={"task_id": TASK_ID + number}, material=LARGE_PROGRAM, job={"lease_seconds": 20})
        for number in range(8)
    ]
    assert len(sent(view(*large, free_stake_wei=100 * BOND_WEI), replace(POLICY, active_limit=2))) == 2
    small = [task_view(task={"task_id": TASK_ID + number}, job={"lease_seconds": 20}) for number in range(8)]
    assert len(sent(view(*small, free_stake_wei=100 * BOND_WEI), replace(POLICY, active_limit=2))) > 2


def test_a_lapsed_task_of_its_own_is_expired_and_not_taken_in_the_same_look() -> None:
    lapsed = task_view(task=TAKEN | {"until": NOW - 1})
    assert [intent.partition("/")[0] for intent in sent(view(lapsed))] == ["expire"]
    another = task_view(task=TAKEN | {"until": NOW - 1, "operator": CHALLENGER})
    assert [intent.partition("/")[0] for intent in sent(view(another))] == ["take"]


def test_stake_and_capacity_are_shared_by_all_tasks_of_a_tick() -> None:
    # Of tasks whose runs may be long, as many are taken as run at a time; short ones are taken ahead.
    long = {"lease_seconds": 10}
    tasks = [task_view(task={"task_id": TASK_ID + number}, job=long) for number in range(4)]
    assert len(sent(view(*tasks), replace(POLICY, active_limit=3))) == 3
    assert len(sent(view(*tasks, free_stake_wei=2 * BOND_WEI), replace(POLICY, active_limit=3))) == 2
    under_way = frozenset({f"take/{TASK_ID + 9}/1"})
    assert len(sent(view(*tasks, in_flight=under_way), replace(POLICY, active_limit=3))) == 2


def test_short_tasks_are_taken_ahead_as_far_as_leases_and_deadlines_allow() -> None:
    tasks = [task_view(task={"task_id": TASK_ID + number}) for number in range(20)]
    policy = replace(POLICY, active_limit=2)
    ahead = view(*tasks, free_stake_wei=100 * BOND_WEI)
    assert len(sent(ahead, policy)) == 2 * HELD_FACTOR
    claim_seconds = POLICY.speed.claim_seconds(JOB)
    for job in ({"lease_seconds": int(4 * claim_seconds)}, {"deadline": NOW + int(4 * claim_seconds)}):
        tight = [task_view(task={"task_id": TASK_ID + number}, job=job) for number in range(20)]
        assert len(sent(view(*tight, free_stake_wei=100 * BOND_WEI), policy)) == 4
    done = [
        task_view(task=TAKEN | {"task_id": TASK_ID + 100 + number}, own_run=OWN_RUN) for number in range(9)
    ]
    busy = view(*done, *tasks, free_stake_wei=100 * BOND_WEI)
    takes = [intent for intent in sent(busy, policy) if intent.startswith("take/")]
    assert len(takes) == 2 * HELD_FACTOR, "what was run and waits for its claim to land takes no room"


def test_games_under_way_count_in_the_decision_to_take() -> None:
    job = {"max_cycles": 10**7, "lease_seconds": 1_000}
    disputed = claimed_view(GAME, job=job, is_computing=True)
    another = task_view(job=job, task={"task_id": TASK_ID + 1})
    assert f"take/{TASK_ID + 1}/1" in sent(view(another))
    policy = replace(POLICY, active_limit=1)
    actions = decide(view(*[disputed] * 9, another), policy)
    assert [action.reason for action in actions if isinstance(action, Decline)] == [Declined.CLOCK]


def test_the_games_that_one_machine_can_answer() -> None:
    speed = POLICY.speed
    for seconds in (0.1, 1.0, 10.0):
        games = speed.games_limit(seconds, 10**6, PARAMETERS)
        assert speed.defence_seconds(seconds, 10**6, PARAMETERS, games) <= PARAMETERS.clock_seconds
        assert speed.defence_seconds(seconds, 10**6, PARAMETERS, games + 1) > PARAMETERS.clock_seconds
    assert speed.games_limit(600.0, 10**6, PARAMETERS) == 0


def test_an_abandoned_task_may_be_taken_a_taken_one_not() -> None:
    taken = {"stage": TaskStage.TAKEN, "attempt": 1, "until": NOW}
    assert sent(view(task_view(task=taken))) == {}
    abandoned = task_view(task=taken | {"until": NOW - 1})
    assert list(sent(view(abandoned))) == [f"take/{TASK_ID}/2"]


def test_a_taken_task_is_run_then_claimed_from_the_journal() -> None:
    assert decide(view(task_view(task=TAKEN)), POLICY) == [Run(task_id=TASK_ID)]
    assert decide(view(task_view(task=TAKEN, is_computing=True)), POLICY) == []
    call = SubmitClaim(task_id=TASK_ID, claimed=CLAIMED)
    assert sent(view(task_view(task=TAKEN, own_run=OWN_RUN))) == {f"claim/{CLAIM_ID}": call}


def test_a_run_that_was_too_slow_to_be_defended_is_neither_claimed_nor_taken_again() -> None:
    rounds = round_count(CLAIMED.cycle, PARAMETERS.arity)
    sends = rounds + 1 + MICRO_ROUNDS
    within = (PARAMETERS.clock_seconds - sends * POLICY.speed.send_seconds) / (rounds + 1)
    quick, slow = replace(OWN_RUN, seconds=within - 0.1), replace(OWN_RUN, seconds=within + 0.1)
    assert quick == slow == OWN_RUN
    assert list(sent(view(task_view(task=TAKEN, own_run=quick)))) == [f"claim/{CLAIM_ID}"]
    for task in (TAKEN, {}):
        actions = decide(view(task_view(task=task, own_run=slow)), POLICY)
        assert [action.reason for action in actions if isinstance(action, Decline)] == [Declined.CLOCK]
        assert not any(isinstance(action, Send) for action in actions)


def test_nothing_is_claimed_when_the_lease_is_ending_and_the_bond_is_freed_after_it() -> None:
    ending = task_view(task=TAKEN | {"until": NOW + 1}, own_run=OWN_RUN)
    assert sent(view(ending)) == {}
    over = task_view(task=TAKEN | {"until": NOW - 1}, own_run=OWN_RUN, job={"deadline": NOW - 1})
    assert sent(view(over)) == {f"expire/{CLAIM_ID}": ExpireTask(task_id=TASK_ID)}


def test_a_claim_is_made_final_only_after_its_window_and_its_games() -> None:
    ended = {"until": NOW - 1}
    final = {f"finalize/{CLAIM_ID}": FinalizeTask(task_id=TASK_ID, claimed=CLAIMED)}
    assert sent(view(claimed_view(task=ended))) == final
    assert sent(view(claimed_view(task={"until": NOW}))) == {}
    waiting = replace(GAME, stage=GameStage.CHALLENGER_TURN)
    assert sent(view(claimed_view(waiting, task=ended))) == {}


def test_a_split_needs_all_inner_hashes_and_survives_a_restart_without_material() -> None:
    hashes = {cycle: Bytes32(bytes([cycle % 251]) * 32) for cycle in (250, 500, 750)}
    partly = claimed_view(GAME, hashes={250: hashes[250]})
    assert decide(view(partly), POLICY) == [ComputeHashes(task_id=TASK_ID, cycles=(500, 750))]
    restarted = claimed_view(GAME, material=Material(stage=MaterialStage.MISSING))
    assert decide(view(restarted), POLICY) == [Fetch(task_id=TASK_ID)]
    known = claimed_view(GAME, hashes=hashes, material=Material(stage=MaterialStage.WRONG))
    call = SubmitSplit(game_id=GAME_ID, low=0, high=1_000, hashes=tuple(hashes.values()))
    assert sent(view(known)) == {f"split/{GAME_ID}/0": call}
    assert sent(view(known, in_flight=frozenset({f"split/{GAME_ID}/0"}))) == {}


def test_a_reveal_is_found_out_then_sent() -> None:
    low = micro_number(123, 0)
    game = replace(GAME, stage=GameStage.REVEAL_DUE, low=low, high=124, rounds=5)
    assert decide(view(claimed_view(game)), POLICY) == [BuildReveal(task_id=TASK_ID, low=low)]
    assert decide(view(claimed_view(game, is_computing=True)), POLICY) == []
    restarted = claimed_view(game, material=Material(stage=MaterialStage.MISSING))
    assert decide(view(restarted), POLICY) == [Fetch(task_id=TASK_ID)]
    reveal = Reveal(after=b"a" * 305, cycles=77, memory_root=Bytes32(b"m" * 32))
    known = claimed_view(game, reveals={low: reveal}, material=Material(stage=MaterialStage.WRONG))
    call = RevealGame(game_id=GAME_ID, low=low, after=b"a" * 305, cycles=77, memory_root=reveal.memory_root)
    assert sent(view(known)) == {f"reveal/{GAME_ID}/123": call}
    of_another_place = claimed_view(replace(game, low=micro_number(122, 0)), reveals={low: reveal})
    assert sent(view(of_another_place)) == {}
    late = claimed_view(replace(game, moved_at=NOW - 501), reveals={low: reveal})
    assert decide(view(late), POLICY) == []


def test_a_micro_run_is_split_as_a_run_is() -> None:
    low, high = micro_number(123, 0), micro_number(123, 4)
    hashes = {number: Bytes32(bytes([number % 256]) * 32) for number in range(low + 1, high)}
    game = replace(GAME, low=low, high=high, rounds=5)
    assert decide(view(claimed_view(game)), POLICY) == [ComputeHashes(task_id=TASK_ID, cycles=tuple(hashes))]
    (send,) = decide(view(claimed_view(game, hashes=hashes)), POLICY)
    assert isinstance(send, Send)
    assert send.call == SubmitSplit(game_id=GAME_ID, low=low, high=high, hashes=tuple(hashes.values()))
    assert "steps 0 to 4 of the micro-run of step 124" in send.message
    assert str(low) not in send.message


def test_games_are_settled_when_won_and_not_when_lost() -> None:
    settled = {f"settle/{GAME_ID}": SettleGame(game_id=GAME_ID)}
    won = replace(GAME, stage=GameStage.OPERATOR_WON)
    assert sent(view(claimed_view(won))) == settled
    silent = replace(GAME, stage=GameStage.CHALLENGER_TURN, moved_at=NOW - 501)
    assert sent(view(claimed_view(silent))) == settled
    thinking = replace(silent, moved_at=NOW - 500)
    late = replace(GAME, moved_at=NOW - 501)
    for game in (thinking, late, replace(GAME, stage=GameStage.CHALLENGER_WON)):
        assert sent(view(claimed_view(game))) == {}


def test_the_game_whose_clock_runs_out_first_comes_first() -> None:
    games = [replace(GAME, game_id=GAME_ID + late, moved_at=NOW - 400 + late) for late in (9, 0, 5)]
    hashes = dict.fromkeys((250, 500, 750), GAME.low_hash)
    in_order = [f"split/{GAME_ID + late}/0" for late in (0, 5, 9)]
    assert list(sent(view(claimed_view(*games, hashes=hashes)))) == in_order


def test_credits_are_withdrawn_one_at_a_time() -> None:
    rich = view(rewards_wei=10**17)
    assert sent(rich) == {f"withdraw-rewards/{NOW}": WithdrawRewards()}
    assert sent(view(rewards_wei=10**17, in_flight=frozenset({"withdraw-rewards/1"}))) == {}
    assert sent(view(rewards_wei=10**16)) == {}


def test_rounds_are_counted_as_the_game_plays_them() -> None:
    assert [round_count(cycles, 4) for cycles in (1, 2, 4, 5, 16, 17)] == [0, 1, 1, 2, 2, 3]
    assert round_count(2**40, 64) == 7


def test_a_program_that_may_write_all_the_memory_needs_a_long_clock() -> None:
    """Four parts of 250,000 steps each: as many pages may have to be hashed before every boundary."""
    policy = WorkerPolicy(speed=HASHING)
    micro_seconds = 1 + 1 + 1 + MICRO_ROUNDS
    assert HASHING.dispute_seconds(JOB, PARAMETERS) > 10 * (1 + 1 + 1) + micro_seconds + 1_000_000 / 20_000
    assert POLICY.speed.dispute_seconds(JOB, PARAMETERS) == 10 * (1 + 1 + 1) + micro_seconds
    (declined,) = decide(view(task_view(), parameters=replace(PARAMETERS, clock_seconds=100)), policy)
    assert isinstance(declined, Decline)
    assert declined.reason is Declined.CLOCK
    (taken,) = decide(view(task_view(), parameters=replace(PARAMETERS, clock_seconds=900)), policy)
    assert isinstance(taken, Send)


def test_a_program_that_may_write_all_the_memory_needs_a_long_lease() -> None:
    """It is hashed at the run's end, and before each segment of a self-check."""
    checking = replace(HASHING, checked_segments=10)
    assert POLICY.speed.claim_seconds(JOB) == 1 + 1 + 2
    assert HASHING.claim_seconds(JOB) > 1 + 1 + 2 + 500_000 / 20_000
    assert checking.claim_seconds(JOB) > 1 + 2 + 2 + 11 * 500_000 / 20_000
    large = replace(JOB, input_size=400 << 20)
    assert checking.claim_seconds(large) > checking.claim_seconds(JOB) + 2 * 100_000 / 20_000
    seen = view(task_view(), parameters=replace(PARAMETERS, clock_seconds=900))
    (declined,) = decide(seen, WorkerPolicy(speed=checking))
    assert isinstance(declined, Decline)
    assert declined.reason is Declined.LEASE
    patient = view(task_view(job={"lease_seconds": 450}), parameters=seen.parameters)
    (taken,) = decide(patient, WorkerPolicy(speed=checking))
    assert isinstance(taken, Send)
