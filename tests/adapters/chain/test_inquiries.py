"""What the contracts say of tasks and games counts, whatever logs have been read of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.network import Network, open_network
from truestep.adapters.chain.devnet import EmbeddedDevnet
from truestep.adapters.chain.web3_chain import Memory, Web3Chain
from truestep.base.ids import BatchId, Bytes32, ClaimId, GameId, JobId, TaskId, claim_of, game_of, task_of
from truestep.machine.state import Status
from truestep.ports.chain import Counters, Inquiry, Records
from truestep.protocol.calls import (
    ExpireBatch,
    OpenGame,
    SubmitClaims,
    SubmitSplit,
    TakeTasks,
)
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.records import GameStage, JobRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.claims import inner_root
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.records import Work

BATCH = BatchId(1)
CYCLE = 1_000


@pytest.fixture
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    opened = open_network(EmbeddedDevnet(), tmp_path_factory.mktemp("network"))
    opened.post(shard_count=3)
    yield opened
    opened.close()


def person(network: Network, name: str) -> Web3Chain:
    chain = network.chain(name, network.store(name))
    network.stake(name, chain)
    return chain


def watcher(network: Network) -> Web3Chain:
    """A daemon's chain, which has read what there is now."""
    chain = network.chain("watcher", network.store("watcher"), memory=Memory(keeps_finished=False))
    read_on(chain)
    return chain


def read_on(chain: Web3Chain) -> None:
    chain.blocks(0, chain.head().number)


def records(chain: Web3Chain, *tasks: TaskId, games: list[GameId] | None = None) -> Records:
    claims = [ClaimId(claim_of(task_id, BATCH)) for task_id in tasks]
    inquiry = Inquiry(tasks=tasks, games=games or [], claims=claims, has_counters=True)
    return chain.records(inquiry, chain.head().number)


def state_for(job: JobRecord, network: Network, task_id: TaskId) -> ClaimedState:
    """Some state that has the shape of a task's."""
    program = network.requester.program(job.program_id)
    work = Work(
        image_root=program.image_root,
        entry=program.entry,
        max_cycles=job.max_cycles,
        input_root=job.input_root,
        input_size=job.input_size,
        seed=job.seed,
        shard_count=job.shard_count,
    )
    return ClaimedState(
        status=Status.EXITED,
        code=0,
        cycle=CYCLE,
        output_size=8,
        output_root=Bytes32(b"o" * 32),
        left_root=Bytes32(b"l" * 32),
        inner_root=inner_root(task_id, work),
        running_state=ZERO_HASH,
    )


def test_tasks_are_as_the_contracts_have_them_before_their_logs_are_read(network: Network) -> None:
    job = network.requester.job(JobId(1))
    first, second, third = (task_of(job.job_id, shard) for shard in range(3))
    worker, chain = person(network, "worker"), watcher(network)

    def stages() -> list[tuple[TaskStage, BatchId]]:
        found = records(chain, first, second, third).tasks
        return [(found[task_id].stage, found[task_id].batch_id) for task_id in (first, second, third)]

    worker.transact(TakeTasks(tasks=(first, second)), intent="take")
    unknown = BatchId(0)
    assert stages() == [(TaskStage.TAKEN, unknown)] * 2 + [(TaskStage.OPEN, unknown)]
    assert records(chain, first).tasks[first] == TaskRecord(
        task_id=first, stage=TaskStage.TAKEN, batch_id=unknown, operator=NOBODY, until=0
    )
    assert records(chain).counters == Counters(program_count=1, job_count=1, batch_count=1)
    read_on(chain)
    assert stages() == [(TaskStage.TAKEN, BATCH)] * 2 + [(TaskStage.OPEN, unknown)]
    claims = tuple((task_id, state_for(job, network, task_id)) for task_id in (first, second))
    worker.transact(SubmitClaims(batch_id=BATCH, claims=claims), intent="claim")
    assert stages() == [(TaskStage.CLAIMED, BATCH)] * 2 + [(TaskStage.OPEN, unknown)]
    worker.transact(TakeTasks(tasks=(third,)), intent="take 2")
    read_on(chain)
    network.devnet.advance(job.lease_seconds + 1)
    worker.transact(ExpireBatch(batch_id=BatchId(2)), intent="expire")
    assert stages() == [(TaskStage.CLAIMED, BATCH)] * 2 + [(TaskStage.OPEN, BatchId(2))]


def test_a_game_counts_only_as_the_contracts_have_it(network: Network) -> None:
    job = network.requester.job(JobId(1))
    task_id = task_of(job.job_id, 0)
    game_id = game_of(claim_of(task_id, BATCH), 1)
    worker, challenger = person(network, "worker"), person(network, "challenger")
    worker.transact(TakeTasks(tasks=(task_id,)), intent="take")
    claims = ((task_id, state_for(job, network, task_id)),)
    worker.transact(SubmitClaims(batch_id=BATCH, claims=claims), intent="claim")
    chain = watcher(network)
    open_game = OpenGame(
        claim_id=claim_of(task_id, BATCH),
        claimed_hash=claims[0][1].state_hash(),
        state_hash=Bytes32(b"s" * 32),
        salt=ZERO_HASH,
    )
    challenger.transact(open_game, intent="open")
    found = records(chain, task_id, games=[game_id])
    assert (found.games, found.open_game_counts) == ({}, {claim_of(task_id, BATCH): 1})
    read_on(chain)
    game = records(chain, task_id, games=[game_id]).games[game_id]
    assert (game.stage, game.operator, game.challenger) == (
        GameStage.OPERATOR_TURN,
        worker.account,
        challenger.account,
    )
    hashes = tuple(Bytes32(bytes([index]) * 32) for index in range(game.arity - 1))
    worker.transact(SubmitSplit(game_id=game_id, low=game.low, high=game.high, hashes=hashes), intent="split")
    assert records(chain, task_id, games=[game_id]).games == {}, "its split is not known"
    read_on(chain)
    game = records(chain, task_id, games=[game_id]).games[game_id]
    assert (game.stage, game.split_hashes) == (GameStage.CHALLENGER_TURN, hashes)
