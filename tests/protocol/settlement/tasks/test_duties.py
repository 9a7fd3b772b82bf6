"""What nobody gains by is no duty of those that pay gas for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.contracts.runs import SUM, Run, falsified_run, program_of, run
from tests.protocol.settlement.facts import beliefs
from tests.protocol.settlement.facts.chains import ModelChain, log_at
from tests.protocol.settlement.facts.episodes import new_players
from tests.protocol.settlement.facts.finished_tasks import (
    BOND_WEI,
    FIRST,
    OPERATOR,
    claimed_job,
    standing_batches,
)
from tests.protocol.settlement.facts.players import SALT, Players
from tests.protocol.settlement.facts.whole_dispute import HONEST, LIAR, ORDER
from tests.protocol.settlement.world import DEPLOYMENT, KEEPER, PARAMETERS, REQUESTERS, START_TIME
from truestep.base.ids import Address, BatchId, JobId, claim_of, game_of, task_of
from truestep.protocol import calls
from truestep.protocol.settlement.contracts import jobs, operators
from truestep.protocol.settlement.contracts.disputes import Rewarded
from truestep.protocol.settlement.facts import job_calls
from truestep.protocol.settlement.facts.due import Action
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.ids import claim_of as leaf_claim_of
from truestep.protocol.settlement.jobs import SHARD_LIMIT, program_hash
from truestep.protocol.settlement.tasks.calls import prepared_call
from truestep.protocol.settlement.tasks.duties import duties

SHARD = 2
TASK = task_of(JobId(1), SHARD)
GAME = game_of(claim_of(TASK, BatchId(1)), 1)


@pytest.mark.parametrize("struck_count", [0, 1, 2])
def test_a_batch_of_which_no_leaf_is_left_is_not_finalized(struck_count: int) -> None:
    """It would cost gas, and its operator has nothing to get back."""
    facts = fold(Facts(deployment=DEPLOYMENT), standing_batches(1, 2))
    for shard in range(struck_count):
        claim_id, task_id = leaf_claim_of(BatchId(1), shard), task_of(JobId(1), shard)
        found = (
            jobs.Struck(claim_id=claim_id, operator=OPERATOR, task_id=task_id, bond_wei=BOND_WEI),
            operators.Seized(operator=OPERATOR, batch_id=BatchId(1), amount_wei=BOND_WEI, receiver=NOBODY),
        )
        logs = [log_at(10 + shard, index, event, START_TIME) for index, event in enumerate(found)]
        facts = fold(facts, logs)
    listed = [duty.action for duty in duties(facts, OPERATOR, START_TIME + 10**5)]
    assert (Action.FINALIZE in listed) == (struck_count < 2)


@pytest.mark.parametrize(
    ("keeps", "reward", "shards"),
    [
        (None, 1, tuple(range(1, 257))),
        (frozenset({REQUESTERS[0]}), 1, tuple(range(1, 257))),
        (None, 0, None),
        (frozenset({KEEPER}), 1, None),
    ],
    ids=["a keeper's", "its requester's", "one that pays nothing", "a stranger's"],
)
def test_strangers_jobs_are_not_cancelled(
    keeps: frozenset[Address] | None, reward: int, shards: tuple[int, ...] | None
) -> None:
    """One call posts 65,535 shards, and 256 calls cancel them: who need not do it does not look at them."""
    posted = replace(next(_posted(claimed_job(1, SHARD_LIMIT))), reward=reward)
    logs = [log_at(1, index, event, START_TIME) for index, event in enumerate((*FIRST, posted))]
    facts = fold(Facts(deployment=DEPLOYMENT, keeps=keeps), logs)
    known = facts.jobs[JobId(1)]
    busy = replace(known, job=replace(known.job, refunded=1))
    found = duties(replace(facts, jobs={JobId(1): busy}), KEEPER, known.job.deadline)
    expected = [] if shards is None else [calls.CancelTasks(job_id=JobId(1), shards=shards)]
    assert [duty.call for duty in found] == expected


def _posted(events: Iterator[object]) -> Iterator[jobs.Posted]:
    return (event for event in events if isinstance(event, jobs.Posted))


def _call(players: Players, account: Address, call: calls.Call) -> None:
    answer = prepared_call(players.facts, players.caller(account), call)
    players.do("", account, answer, is_sure=True)


def _with_job(players: Players) -> None:
    owner = REQUESTERS[0]
    registration = beliefs.registration(program_of(SUM).root())
    players.do("", owner, job_calls.register(players.facts, players.caller(owner), registration))
    named = program_hash(players.facts.programs[0])
    order = replace(ORDER, program_hash=named, deadline=players.now + 86_400)
    players.do("", owner, job_calls.post(players.facts, players.caller(owner), order))
    for operator in (LIAR, HONEST):
        deposit = calls.Deposit(amount_wei=2 * PARAMETERS.operator_bond_wei, operator=operator)
        _call(players, KEEPER, deposit)


@pytest.mark.parametrize("claimed", [falsified_run(SUM, SHARD), run(SUM, SHARD)], ids=["a lie", "the truth"])
def test_a_reward_that_only_burns_coins_is_nobody_s(claimed: Run) -> None:
    """Whoever strikes a true claim because its operator sleeps has won nothing (S7.5)."""
    model, truth = ModelChain(), run(SUM, SHARD)
    players = new_players(model, model, 1)
    _with_job(players)
    _call(players, LIAR, calls.TakeTasks(tasks=(TASK,)))
    _call(players, LIAR, calls.SubmitClaims(batch_id=BatchId(1), claims=((TASK, claimed.claimed),)))
    state_hash = claimed.claimed.state_hash()
    claim_id = claim_of(TASK, BatchId(1))
    true_hash = truth.claimed.state_hash()
    opening = calls.OpenGame(claim_id=claim_id, claimed_hash=state_hash, state_hash=true_hash, salt=SALT)
    _call(players, KEEPER, opening)
    players.now += 4 * PARAMETERS.clock_seconds
    _call(players, KEEPER, calls.SettleGame(game_id=GAME))
    _call(players, KEEPER, calls.ShowGame(game_id=GAME, state_hash=true_hash, salt=SALT))
    _call(players, HONEST, calls.TakeTasks(tasks=(TASK,)))
    _call(players, HONEST, calls.SubmitClaims(batch_id=BatchId(2), claims=((TASK, truth.claimed),)))
    players.now = players.facts.batches[BatchId(2)].batch.until + 1
    _call(players, HONEST, calls.FinalizeBatch(batch_id=BatchId(2)))
    (duty,) = [each for each in duties(players.facts, KEEPER, players.now) if each.action is Action.REWARD]
    is_lie = state_hash != true_hash
    assert duty.beneficiary == (KEEPER if is_lie else NOBODY)
    assert duty.call == calls.RewardGame(game_id=GAME)
    _call(players, HONEST, calls.RewardGame(game_id=GAME))
    (rewarded,) = [logged.event for logged in players.logs if isinstance(logged.event, Rewarded)]
    assert (rewarded.amount_wei != 0) == is_lie
