"""What a role sees of the chain: records of jobs, tasks, claims and games, made of the model's state."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from truestep.base import ids
from truestep.base.errors import Bug
from truestep.base.ids import BatchId, Bytes32, GameId, JobId, ProgramId, TaskId
from truestep.base.records import changed
from truestep.protocol import records
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import LogPosition
from truestep.protocol.records import GameRecord, JobRecord, ProgramRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.facts.records import Facts, KnownBatch, KnownDispute, KnownSplit
from truestep.protocol.settlement.facts.rehearsal import node_of_game
from truestep.protocol.settlement.ids import NOBODY, LeafGameId, LeafId, batch_of_claim
from truestep.protocol.settlement.parameters import Parameters, whole_minutes
from truestep.protocol.settlement.records import BatchStage, Job
from truestep.protocol.settlement.tasks.records import game_record, job_rules, program_record
from truestep.roles.views import ClaimView, GameView, Material, MaterialStage, OwnRun, TaskView
from truestep.simulation.economy.chain import Chain, deployment_of

PROGRAM = ProgramId(1)
READY = Material(stage=MaterialStage.READY)
NONE_KNOWN: Mapping[int, Any] = {}
_NOWHERE = LogPosition(block_number=0, log_index=0, transaction_hash=Bytes32(bytes(32)))
_NOTHING = Facts(deployment=deployment_of())
_STAGES = {
    BatchStage.TAKEN: TaskStage.TAKEN,
    BatchStage.CLAIMED: TaskStage.CLAIMED,
    BatchStage.FINAL: TaskStage.CLAIMED,
}


@lru_cache(maxsize=64)
def _rules(rules: Parameters, window_seconds: int, multiple: int, max_cycles: int) -> records.Parameters:
    least = whole_minutes(rules.window_for(max_cycles))
    return replace(job_rules(rules, window_seconds, multiple), least_window_seconds=least)


def program_of(chain: Chain) -> ProgramRecord:
    """The only program of a simulation."""
    facts = Facts(deployment=chain.deployment, programs=chain.life.programs, program_uris=("",))
    found = program_record(facts, PROGRAM)
    if found is None:
        raise Bug("expected the program to be registered before anybody looks at it")
    return found


def job_of(chain: Chain, job_id: JobId) -> JobRecord:
    """A job as a role reads it. One that has not changed is read once."""
    job: Job = chain.life.jobs[job_id]
    known = chain.records.get(job_id)
    if known is not None and (known.reward, known.deadline, known.is_ready) == (
        job.reward,
        job.deadline,
        job.is_ready,
    ):
        return known
    record = _record(chain, job_id, job)
    chain.records[job_id] = record
    return record


def _record(chain: Chain, job_id: JobId, job: Job) -> JobRecord:
    terms, work = job.terms, job.work
    rules = _rules(chain.rules, terms.window_seconds, terms.bond_multiple, work.max_cycles)
    return JobRecord(
        job_id=job_id,
        program_id=PROGRAM,
        input_root=work.input_root,
        input_size=work.input_size,
        input_uri="",
        seed=work.seed,
        shard_count=work.shard_count,
        reward=job.reward,
        asset=terms.asset,
        lease_seconds=terms.lease_seconds,
        deadline=job.deadline,
        max_cycles=work.max_cycles,
        requester=terms.requester,
        policy=terms.policy,
        parameters=rules,
        is_ready=job.is_ready,
    )


def task_of(chain: Chain, task_id: TaskId, batch_id: BatchId | None) -> TaskRecord:
    """A task that is open, or in the batch that is given."""
    batch = chain.life.batches.get(batch_id) if batch_id is not None else None
    shard = ids.shard_of_task(task_id)
    stands = bool(chain.life.jobs[ids.job_of_task(task_id)].standing >> shard & 1)
    if batch is None or batch_id is None or not stands or batch.stage not in _STAGES:
        last = batch_id if batch_id is not None else BatchId(0)
        return TaskRecord(task_id=task_id, stage=TaskStage.OPEN, batch_id=last, operator=NOBODY, until=0)
    return TaskRecord(
        task_id=task_id,
        stage=_STAGES[batch.stage],
        batch_id=batch_id,
        operator=batch.operator,
        until=batch.until,
    )


def task_view(
    chain: Chain,
    program: ProgramRecord,
    task_id: TaskId,
    batch_id: BatchId | None,
    own: ClaimedState | None = None,
    claims: tuple[ClaimView, ...] = (),
    hashes: Mapping[int, Bytes32] = NONE_KNOWN,
    witnesses: Mapping[int, bytes] = NONE_KNOWN,
) -> TaskView:
    """A task whose program and input are here, and perhaps the end of one's own run."""
    end = OwnRun(claimed=own) if own is not None else None
    return TaskView(
        program=program,
        job=job_of(chain, ids.job_of_task(task_id)),
        task=task_of(chain, task_id, batch_id),
        claims=claims,
        material=READY,
        own_run=end,
        hashes=hashes,
        witnesses=witnesses,
        is_proven=True,
    )


def claim_view(
    chain: Chain, leaf_id: LeafId, task_id: TaskId, told: ClaimedState, games: tuple[GameView, ...]
) -> ClaimView:
    """A claim, and those of its games in which somebody has a part."""
    batch = chain.life.batches[batch_of_claim(leaf_id)]
    challenged = chain.games.claims.get(leaf_id)
    return ClaimView(
        claim_id=ids.claim_of(task_id, batch_of_claim(leaf_id)),
        operator=batch.operator,
        claimed=told,
        open_game_count=challenged.open_count if challenged is not None else 0,
        games=games,
        has_batch_ended=batch.stage is BatchStage.FINAL,
    )


def game_id_of(task_id: TaskId, game_id: LeafGameId) -> GameId:
    """A game as roles name it."""
    batch_id = batch_of_claim(LeafId(game_id >> ids.PART_BITS))
    return ids.game_of(ids.claim_of(task_id, batch_id), game_id & ids.PART_MASK)


def leaf_game_of(chain: Chain, game_id: GameId) -> LeafGameId:
    """A game as the contracts name it."""
    claim_id = ids.claim_of_game(game_id)
    leaf = chain.leaf_of(ids.batch_of_claim(claim_id), ids.task_of_claim(claim_id))
    return LeafGameId(leaf << ids.PART_BITS | game_id & ids.PART_MASK)


def facts_of(chain: Chain, game_id: LeafGameId) -> Facts:
    """What a node would know of one game, and of nothing else."""
    leaf_id = LeafId(game_id >> ids.PART_BITS)
    batch_id, game = batch_of_claim(leaf_id), chain.games.games[game_id]
    node = node_of_game(game_id, game)
    kept = chain.games.splits.get(node) if node is not None else None
    splits = (
        {node: KnownSplit(claim_id=leaf_id, hashes=chain.splits[node], time=kept.at)}
        if node is not None and kept is not None
        else {}
    )
    return changed(
        _NOTHING,
        deployment=chain.deployment,
        batches={batch_id: KnownBatch(batch=chain.life.batches[batch_id], at=_NOWHERE)},
        disputes={leaf_id: KnownDispute(task_id=game.task_id, claim=chain.games.claims[leaf_id])},
        games={game_id: game},
        splits=splits,
    )


def is_split(chain: Chain, game_id: LeafGameId) -> bool:
    """Whether the node on which a game stands is split, so that its challenger is to move."""
    node = node_of_game(game_id, chain.games.games[game_id])
    return node is not None and node in chain.games.splits


def game_seen(chain: Chain, game_id: LeafGameId) -> GameRecord | None:
    """A game as its sides see it now; None if it is over."""
    game = chain.games.games.get(game_id)
    if game is None:
        return None
    return game_record(facts_of(chain, game_id), game_id_of(game.task_id, game_id), chain.now)
