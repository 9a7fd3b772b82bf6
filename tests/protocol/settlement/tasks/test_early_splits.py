"""An operator that splits before it takes surprises nobody (S6.4)."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.runs import SUM, falsified_run, program_of
from tests.protocol.settlement.facts import beliefs
from tests.protocol.settlement.facts.chains import ModelChain
from tests.protocol.settlement.facts.early_splits import early_split
from tests.protocol.settlement.facts.episodes import new_players
from tests.protocol.settlement.facts.players import SALT, Players
from tests.protocol.settlement.facts.whole_dispute import LIAR, ORDER
from tests.protocol.settlement.world import KEEPER, PARAMETERS, REQUESTERS
from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId, claim_of, game_of, task_of
from truestep.protocol import calls, events
from truestep.protocol.records import GameStage
from truestep.protocol.settlement.facts import job_calls
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller
from truestep.protocol.settlement.ids import claim_of as leaf_claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.tasks.calls import prepared_call
from truestep.protocol.settlement.tasks.records import game_record
from truestep.protocol.settlement.tasks.telling import fold_told
from truestep.roles.moves import boundaries

SHARD = 2
TASK = task_of(JobId(1), SHARD)
CLAIM = claim_of(TASK, BatchId(1))


def _do(players: Players, account: Address, answer: Answer) -> None:
    assert players.do("", account, answer, is_sure=True)


def _call(players: Players, account: Address, call: calls.Call) -> None:
    _do(players, account, prepared_call(players.facts, Caller(account=account, now=players.now), call))


def _with_job(players: Players) -> None:
    owner = REQUESTERS[0]
    registration = beliefs.registration(program_of(SUM).root())
    _do(players, owner, job_calls.register(players.facts, players.caller(owner), registration))
    named = program_hash(players.facts.programs[0])
    order = replace(ORDER, program_hash=named, deadline=players.now + 86_400)
    _do(players, owner, job_calls.post(players.facts, players.caller(owner), order))
    _call(players, KEEPER, calls.Deposit(amount_wei=2 * PARAMETERS.operator_bond_wei, operator=LIAR))


def test_a_split_before_the_take_is_told_when_a_game_opens() -> None:
    """The node that opens a game sees the challenger's turn at once, and can pick."""
    model, lie = ModelChain(), falsified_run(SUM, SHARD)
    players = new_players(model, model, 1)
    _with_job(players)
    leaf_id = leaf_claim_of(BatchId(1), 0)
    _do(players, LIAR, early_split(players.facts, leaf_id, LIAR, lie))
    _call(players, LIAR, calls.TakeTasks(tasks=(TASK,)))
    _call(players, LIAR, calls.SubmitClaims(batch_id=BatchId(1), claims=((TASK, lie.claimed),)))
    before, known = players.facts, len(players.logs)
    claimed_hash = lie.claimed.state_hash()
    opening = calls.OpenGame(claim_id=CLAIM, claimed_hash=claimed_hash, state_hash=SALT, salt=SALT)
    _call(players, KEEPER, opening)
    told = fold_told(before, players.logs[known:]).told
    game_id = game_of(CLAIM, 1)
    opened, split = (event for found in told for event in found)
    assert isinstance(opened, events.GameOpened)
    assert isinstance(split, events.GameSplit)
    assert opened.game_id == split.game_id == game_id
    record = game_record(players.facts, game_id, players.now)
    assert record is not None
    assert record.stage is GameStage.CHALLENGER_TURN
    assert record.split_hashes == split.hashes
    assert record.last_second == players.now + PARAMETERS.clock_seconds
    ends = ((record.low, record.low_hash), (boundaries(record)[1], split.hashes[0]))
    _call(players, KEEPER, calls.SubmitPick(game_id=game_id, part=0, ends=ends))


def test_what_was_decided_of_another_claim_or_split_is_refused() -> None:
    """A reorganisation has put other things under the ids that a node knows (S1.9)."""
    model, lie = ModelChain(), falsified_run(SUM, SHARD)
    players = new_players(model, model, 1)
    _with_job(players)

    def answer(call: calls.Call, account: Address = KEEPER) -> Answer:
        return prepared_call(players.facts, Caller(account=account, now=players.now), call)

    _call(players, LIAR, calls.TakeTasks(tasks=(TASK,)))
    _call(players, LIAR, calls.SubmitClaims(batch_id=BatchId(1), claims=((TASK, lie.claimed),)))
    claimed_hash = lie.claimed.state_hash()
    opening = calls.OpenGame(claim_id=CLAIM, claimed_hash=claimed_hash, state_hash=SALT, salt=SALT)
    assert answer(replace(opening, claimed_hash=SALT)) is Reject.CLAIM_UNKNOWN
    _call(players, KEEPER, opening)
    game_id = game_of(CLAIM, 1)
    game = game_record(players.facts, game_id, players.now)
    assert game is not None
    numbers = boundaries(game)
    hashes = tuple(Bytes32(lie.hash_at(number)) for number in numbers[1:-1])
    split = calls.SubmitSplit(game_id=game_id, low=game.low, high=game.high, hashes=hashes)
    assert answer(replace(split, ends=(game.low_hash, SALT)), LIAR) is Reject.GAME_STAGE
    _call(players, LIAR, replace(split, ends=(game.low_hash, game.high_hash)))
    pick = calls.SubmitPick(game_id=game_id, part=1)
    start, end = (numbers[1], hashes[0]), (numbers[2], hashes[1])
    others = ((start, (numbers[2], SALT)), ((numbers[1], SALT), end), (start, (numbers[3], hashes[1])))
    assert [answer(replace(pick, ends=ends)) for ends in others] == [Reject.GAME_STAGE] * 3
    _call(players, KEEPER, replace(pick, ends=(start, end)))


def test_splits_of_leaves_that_a_batch_does_not_get_are_forgotten() -> None:
    model, lie = ModelChain(), falsified_run(SUM, SHARD)
    players = new_players(model, model, 1)
    _with_job(players)
    for leaf_index in (0, 1, 255):
        claim_id = leaf_claim_of(BatchId(1), leaf_index)
        _do(players, LIAR, early_split(players.facts, claim_id, LIAR, lie))
    next_batch = leaf_claim_of(BatchId(2), 0)
    _do(players, LIAR, early_split(players.facts, next_batch, LIAR, lie))
    assert len(players.facts.splits) == 4
    _call(players, LIAR, calls.TakeTasks(tasks=(TASK,)))
    kept = {split.claim_id for split in players.facts.splits.values()}
    assert kept == {leaf_claim_of(BatchId(1), 0), next_batch}
    _call(players, LIAR, calls.ReleaseBatch(batch_id=BatchId(1)))
    assert {split.claim_id for split in players.facts.splits.values()} == {next_batch}
