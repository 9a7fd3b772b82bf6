"""How long it takes to follow many standing batches, and to answer for them.

`python -m tests.protocol.settlement.facts.speed --batches 3000 --leaves 32 --games 64` measures.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

from tests.protocol.settlement.facts.chains import log_at
from tests.protocol.settlement.facts.finished_tasks import OPERATOR, life_of, standing_batches
from tests.protocol.settlement.world import DEPLOYMENT, KEEPER, PARAMETERS, REQUESTERS, START_TIME
from truestep.adapters.chain.facts_rows import facts_from_row, facts_to_row
from truestep.base.errors import Reject
from truestep.base.ids import BatchId, Bytes32, ClaimId, JobId, TaskId, claim_of, task_of, task_of_claim
from truestep.machine.state import Status
from truestep.protocol import calls
from truestep.protocol.claims import ClaimedState
from truestep.protocol.settlement import games
from truestep.protocol.settlement.claims import inner_root
from truestep.protocol.settlement.contracts import disputes, jobs, operators
from truestep.protocol.settlement.contracts.disputes import Game, GameStage
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.leaves import ZERO_HASH
from truestep.protocol.settlement.facts.records import Event, Facts, Logged
from truestep.protocol.settlement.facts.rehearsal import Caller, node_of_game
from truestep.protocol.settlement.ids import LeafGameId
from truestep.protocol.settlement.tasks.calls import prepared_call
from truestep.protocol.settlement.tasks.duties import duties
from truestep.protocol.settlement.tasks.ids import game_of_leaf
from truestep.protocol.settlement.tasks.records import game_record
from truestep.protocol.settlement.tasks.standing import Standing
from truestep.protocol.settlement.tasks.telling import fold_told

SALT = Bytes32(b"salt" * 8)
HIGH = 10**6
LATE = START_TIME + 10**7
"""When everything that can be done by anybody is due."""


def _game(number: int) -> tuple[LeafGameId, Game]:
    """A game of the keeper's on the first leaf of a batch."""
    game = Game(
        stage=GameStage.ON_NODE,
        task_id=task_of(JobId(number), 0),
        defender=OPERATOR,
        challenger=KEEPER,
        low=0,
        high=HIGH,
        low_hash=SALT,
        high_hash=SALT,
        template=ZERO_HASH,
        rd=0,
        gas_units=0,
        price_wei=0,
        defender_used_seconds=0,
        challenger_used_seconds=0,
        moved_at=START_TIME,
        bond_wei=PARAMETERS.challenger_bond_wei,
        leaf_bond_wei=PARAMETERS.operator_bond_wei,
        sponsor_bond_wei=0,
        commitment=SALT,
        claimed_hash=SALT,
        rules=games.packed_rules(PARAMETERS),
    )
    return LeafGameId(number << 40 | 1), game


def _dispute(number: int) -> Iterator[Event]:
    """Its opening, and the split of its node."""
    game_id, game = _game(number)
    claim_id, node = games.claim_of_game_id(game_id), node_of_game(game_id, game)
    assert node is not None
    yield disputes.Opened(game_id=game_id, claim_id=claim_id, challenger=KEEPER, credited_wei=0, game=game)
    yield disputes.SplitMade(
        claim_id=claim_id,
        defender=OPERATOR,
        node=node,
        low=0,
        high=HIGH,
        hashes=(SALT,) * (PARAMETERS.arity - 1),
    )


def standing(batches: int, leaves: int, games_count: int) -> Iterator[Logged]:
    """The events of standing batches and of games on some of them."""
    yield from standing_batches(batches, leaves)
    for number in range(1, games_count + 1):
        for index, event in enumerate(_dispute(number)):
            yield log_at(batches + number, index, event, START_TIME)


def _milliseconds(act: Callable[[], object], times: int = 20) -> float:
    """The mean of processor time over some repetitions."""
    started = time.process_time()
    for _ in range(times):
        act()
    return 1_000 * (time.process_time() - started) / times


def measure(facts: Facts, leaves: int) -> Iterator[tuple[str, float]]:
    """What a node does at each event, at each decision, and at each call, in milliseconds."""
    number = facts.batch_count + 1
    life = [log_at(10**9, index, event, START_TIME) for index, event in enumerate(life_of(number, leaves))]
    told = fold_told(facts, life).told
    yield "told and folded, a log, one at a time", _each(facts, life) / len(life)
    yield "  a told event", _each(facts, life) / sum(map(len, told))
    yield "  a log, a block at once", _milliseconds(lambda: fold_told(facts, life)) / len(life)
    dispute = [log_at(10**9, i, event, START_TIME) for i, event in enumerate(_dispute(facts.batch_count))]
    yield "  a log of a dispute, one at a time", _each(facts, dispute) / len(dispute)
    yield "duties, nothing due", _milliseconds(lambda: duties(facts, KEEPER, START_TIME))
    yield "duties, all batches due", _milliseconds(lambda: duties(facts, KEEPER, LATE), 3)
    own = [game_of_leaf(game.task_id, game_id) for game_id, game in facts.games.items()]
    yield f"{len(own)} game records", _milliseconds(lambda: [game_record(facts, g, START_TIME) for g in own])
    task_id = task_of(JobId(2), 0)
    yield "one standing task", _milliseconds(lambda: Standing(facts).task(task_id), 3)
    yield from _calls(facts, leaves)
    row = facts_to_row(facts)
    yield f"a checkpoint of {len(row) / 10**6:.1f} MB, written", _milliseconds(lambda: facts_to_row(facts), 2)
    yield "  and read", _milliseconds(lambda: facts_from_row(row, Facts(deployment=DEPLOYMENT)), 2)


def _opening(facts: Facts, claim_id: ClaimId) -> calls.OpenGame:
    claimed_hash = _state(facts, task_of_claim(claim_id)).state_hash()
    return calls.OpenGame(claim_id=claim_id, claimed_hash=claimed_hash, state_hash=SALT, salt=SALT)


def _each(facts: Facts, logs: list[Logged]) -> float:
    def act() -> None:
        now = facts
        for logged in logs:
            now = fold_told(now, [logged]).facts

    return _milliseconds(act)


def _calls(facts: Facts, leaves: int) -> Iterator[tuple[str, float]]:
    last = JobId(facts.job_count)
    claim_id = claim_of(task_of(last, 0), BatchId(facts.batch_count))
    game_id, game = next(iter(facts.games.items()))
    named = game_of_leaf(game.task_id, game_id)
    free = _with_free_job(facts, leaves)
    tasks = tuple(task_of(JobId(free.job_count), shard) for shard in range(leaves))
    taken = _with_taken_batch(free, leaves)
    batch_id = BatchId(taken.batch_count)
    claims = tuple((task_id, _state(taken, task_id)) for task_id in tasks)
    for state, caller, call in (
        (free, OPERATOR, calls.TakeTasks(tasks=tasks)),
        (taken, OPERATOR, calls.SubmitClaims(batch_id=batch_id, claims=claims)),
        (facts, REQUESTERS[1], _opening(facts, claim_id)),
        (facts, KEEPER, calls.SubmitPick(game_id=named, part=0)),
        (facts, KEEPER, calls.SettleGame(game_id=named)),
        (facts, KEEPER, calls.FinalizeBatch(batch_id=BatchId(facts.batch_count))),
        (facts, REQUESTERS[0], calls.TopUpJob(job_id=last, reward=1)),
    ):
        prepare = Caller(account=caller, now=START_TIME)
        answer = prepared_call(state, prepare, call)
        name = f"{type(call).__name__}: {answer if isinstance(answer, Reject) else 'ready'}"
        yield name, _milliseconds(lambda s=state, p=prepare, c=call: prepared_call(s, p, c), 5)


def _with_free_job(facts: Facts, leaves: int) -> Facts:
    """A job that nobody has taken, and stake for it."""
    number = facts.job_count + 1
    posted = next(event for event in life_of(number, leaves) if isinstance(event, jobs.Posted))
    stake_wei = PARAMETERS.operator_bond_wei * leaves
    stake = operators.Deposited(operator=OPERATOR, sender=OPERATOR, amount_wei=stake_wei)
    return fold(facts, [log_at(10**9, 0, posted, START_TIME), log_at(10**9, 1, stake, START_TIME)])


def _with_taken_batch(facts: Facts, leaves: int) -> Facts:
    number = facts.batch_count + 1
    taken = next(event for event in life_of(number, leaves) if isinstance(event, jobs.Taken))
    return fold(facts, [log_at(10**9, 2, taken, START_TIME)])


def _state(facts: Facts, task_id: TaskId) -> ClaimedState:
    work = facts.jobs[JobId(task_id >> 32)].job.work
    return ClaimedState(
        status=Status.EXITED,
        code=0,
        cycle=9,
        output_size=0,
        output_root=SALT,
        left_root=SALT,
        inner_root=inner_root(task_id, work),
        running_state=ZERO_HASH,
    )


def main() -> None:
    """Measure, and print milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=3_000)
    parser.add_argument("--leaves", type=int, default=1)
    parser.add_argument("--games", type=int, default=64)
    options = parser.parse_args()
    logs = [*standing(options.batches, options.leaves, options.games)]
    facts = fold(Facts(deployment=DEPLOYMENT), logs)
    print(f"{options.batches:,} standing batches of {options.leaves}, {options.games} games; milliseconds:")
    for name, milliseconds in measure(facts, options.leaves):
        print(f"{milliseconds:10.3f}  {name}")


if __name__ == "__main__":
    main()
