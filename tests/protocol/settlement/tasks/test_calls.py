"""Calls of nodes that the facts do not allow, and how tasks are gathered to items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.settlement.facts.finished_tasks import OPERATOR, finished_tasks, standing_batches
from tests.protocol.settlement.world import DEPLOYMENT, KEEPER, PARAMETERS, START_TIME
from truestep.base.errors import Reject
from truestep.base.ids import (
    BatchId,
    Bytes32,
    ClaimId,
    GameId,
    JobId,
    TaskId,
    claim_of,
    game_of,
    task_of,
)
from truestep.machine.state import Status
from truestep.protocol import calls
from truestep.protocol.calls import Call
from truestep.protocol.claims import ClaimedState
from truestep.protocol.settlement.claims import inner_root
from truestep.protocol.settlement.contracts.jobs import Claimed
from truestep.protocol.settlement.facts.batch_calls import Shards
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts, KnownDispute
from truestep.protocol.settlement.facts.rehearsal import Caller, Ready
from truestep.protocol.settlement.facts.views import claim_view
from truestep.protocol.settlement.games import ChallengedClaim
from truestep.protocol.settlement.ids import LeafGameId
from truestep.protocol.settlement.ids import claim_of as leaf_claim_of
from truestep.protocol.settlement.tasks.calls import prepared_call, ranges_of
from truestep.protocol.settlement.tasks.ids import (
    claim_of_leaf,
    game_of_leaf,
    leaf_game_of,
    leaf_of,
    task_of_leaf,
)

HASH = Bytes32(b"\1" * 32)
STANDING = fold(Facts(deployment=DEPLOYMENT), standing_batches(3, 4))
OVER = fold(Facts(deployment=DEPLOYMENT, keeps=frozenset()), finished_tasks(3))
TAKEN = fold(
    Facts(deployment=DEPLOYMENT),
    [logged for logged in standing_batches(1, 4) if not isinstance(logged.event, Claimed)],
)
OF_FIRST = claim_of(task_of(JobId(1), 0), BatchId(1))
OF_NO_BATCH = claim_of(task_of(JobId(1), 0), BatchId(9))
OF_OTHER_BATCH = claim_of(task_of(JobId(1), 0), BatchId(2))
OPENING = calls.OpenGame(claim_id=OF_NO_BATCH, claimed_hash=HASH, state_hash=HASH, salt=HASH)
CALLER = Caller(account=OPERATOR, now=START_TIME)


@pytest.mark.parametrize(
    ("facts", "call", "reason"),
    [
        (STANDING, calls.FinalizeClaim(claim_id=OF_NO_BATCH), Reject.CLAIM_UNKNOWN),
        (STANDING, calls.WriteOut(claim_id=OF_OTHER_BATCH), Reject.CLAIM_UNKNOWN),
        (STANDING, OPENING, Reject.CLAIM_UNKNOWN),
        (OVER, replace(OPENING, claim_id=OF_FIRST), Reject.OVER),
        (OVER, calls.WriteOut(claim_id=OF_FIRST), Reject.OVER),
        (STANDING, calls.SettleGame(game_id=game_of(OF_FIRST, 1)), Reject.GAME_UNKNOWN),
        (OVER, calls.RewardGame(game_id=game_of(OF_FIRST, 1)), Reject.GAME_UNKNOWN),
        (
            STANDING,
            calls.SubmitSplit(game_id=game_of(OF_FIRST, 1), low=0, high=9, hashes=()),
            Reject.GAME_STAGE,
        ),
        (STANDING, calls.SubmitClaims(batch_id=BatchId(9), claims=()), Reject.BATCH_STAGE),
        (STANDING, calls.SubmitClaims(batch_id=BatchId(1), claims=()), Reject.CLAIM_OTHER_JOB),
        (STANDING, calls.TakeTasks(tasks=()), Reject.BATCH_EMPTY),
        (STANDING, calls.TakeTasks(tasks=(task_of(JobId(9), 0),)), Reject.JOB_UNKNOWN),
        (OVER, calls.TakeTasks(tasks=(task_of(JobId(1), 0),)), Reject.OVER),
        (STANDING, calls.CancelTasks(job_id=JobId(1), shards=(0,)), Reject.DEADLINE_AHEAD),
    ],
)
def test_calls_that_the_facts_do_not_allow_are_refused(facts: Facts, call: Call, reason: Reject) -> None:
    assert prepared_call(facts, CALLER, call) is reason


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 5)), max_size=12))
def test_ranges_are_the_tasks_in_their_order(pairs: list[tuple[int, int]]) -> None:
    tasks = tuple(task_of(JobId(job), shard) for job, shard in pairs)
    ranges = [*ranges_of(tasks)]
    expanded = [
        task_of(each.job_id, each.first_shard + number) for each in ranges for number in range(each.count)
    ]
    assert tuple(expanded) == tasks
    assert not any(_continues(ranges[index : index + 2]) for index in range(len(ranges) - 1))


def _continues(pair: Sequence[Shards]) -> bool:
    """Whether two ranges should have been one."""
    before, after = pair
    return (before.job_id, before.first_shard + before.count) == (after.job_id, after.first_shard)


@given(st.integers(1, 3), st.integers(0, 3), st.integers(1, 2**24 - 1))
def test_ids_are_turned_into_those_of_the_contracts_and_back(number: int, shard: int, ordinal: int) -> None:
    task_id, batch_id = task_of(JobId(number), shard), BatchId(number)
    claim_id, leaf_id = claim_of(task_id, batch_id), leaf_claim_of(batch_id, shard)
    assert leaf_of(STANDING, claim_id) == leaf_id
    assert task_of_leaf(STANDING, leaf_id) == task_id
    assert claim_of_leaf(task_id, leaf_id) == claim_id
    game_id, leaf_game_id = game_of(claim_id, ordinal), LeafGameId(leaf_id << 32 | ordinal)
    assert leaf_game_of(STANDING, game_id) == leaf_game_id
    assert game_of_leaf(task_id, leaf_game_id) == game_id


@pytest.mark.parametrize(("has_spare_coins", "bonds"), [(False, 1), (True, 2)])
def test_a_game_is_opened_with_spare_coins_or_with_its_bond_alone(has_spare_coins: bool, bonds: int) -> None:
    leaf_id = leaf_claim_of(BatchId(1), 0)
    claim = ChallengedClaim(opened=16, open_count=16, peak=3)
    crowded = replace(STANDING, disputes={leaf_id: KnownDispute(task_id=task_of(JobId(1), 0), claim=claim)})
    found = claim_view(crowded, leaf_id)
    assert found is not None and found.state_hash is not None
    call = replace(OPENING, claim_id=OF_FIRST, claimed_hash=found.state_hash, has_spare_coins=has_spare_coins)
    answer = prepared_call(crowded, Caller(account=KEEPER, now=START_TIME), call)
    assert isinstance(answer, Ready) and answer.value_wei == bonds * PARAMETERS.challenger_bond_wei


def test_ids_of_nothing_are_none() -> None:
    assert leaf_of(STANDING, OF_NO_BATCH) is None
    assert leaf_of(STANDING, OF_OTHER_BATCH) is None
    assert leaf_of(STANDING, ClaimId(0)) is None
    assert leaf_game_of(STANDING, GameId(1)) is None
    assert task_of_leaf(STANDING, leaf_claim_of(BatchId(1), 4)) is None
    assert task_of_leaf(STANDING, leaf_claim_of(BatchId(9), 0)) is None


def test_a_claim_states_each_task_of_its_batch_once() -> None:
    states = [_state(task_of(JobId(1), shard)) for shard in range(4)]
    claims = tuple((task_of(JobId(1), shard), state) for shard, state in enumerate(states))
    for stated in (claims[:3], (*claims, claims[0]), (*claims[:3], claims[0])):
        call = calls.SubmitClaims(batch_id=BatchId(1), claims=stated)
        assert prepared_call(TAKEN, CALLER, call) is Reject.CLAIM_OTHER_JOB
    in_any_order = calls.SubmitClaims(batch_id=BatchId(1), claims=claims[::-1])
    assert isinstance(prepared_call(TAKEN, CALLER, in_any_order), Ready)


def _state(task_id: TaskId) -> ClaimedState:
    return ClaimedState(
        status=Status.EXITED,
        code=0,
        cycle=9,
        output_size=0,
        output_root=HASH,
        left_root=HASH,
        inner_root=inner_root(task_id, TAKEN.jobs[JobId(1)].job.work),
        running_state=Bytes32(bytes(32)),
    )
