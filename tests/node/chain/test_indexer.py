"""The indexer against a chain that forgets blocks, and restarts at any point."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from tests.e2e.network import Log, Network
from truestep.adapters.chain.web3_chain import Web3Chain
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.base.ids import BatchId, claim_of, task_of
from truestep.machine.interpreter import ReferenceEngine
from truestep.node.chain.history import CHECKPOINT_LIMIT
from truestep.node.chain.indexer import Indexer
from truestep.node.chain.rows import CHECKPOINTS, EVENTS, POSITIONS, from_row, to_row
from truestep.ports.chain import Blocks
from truestep.protocol.calls import TakeTasks
from truestep.protocol.events import ChainEvent, GameSettled, JobPosted
from truestep.protocol.records import TaskStage
from truestep.simulation.faulty_engine import Fault, FaultyEngine


def reader(network: Network, name: str = "reader") -> tuple[Web3Chain, SqliteStore]:
    store = network.store(name)
    return network.chain(name, store), store


def chain_itself(network: Network) -> Any:
    """The chain itself."""
    return getattr(network.devnet.node, "ethereum_tester")  # noqa: B009 - only eth-tester's provider has it


class Grudging:
    """A chain whose node gives the events of few blocks at a time."""

    def __init__(self, chain: Web3Chain, limit_blocks: int) -> None:
        self._chain, self._limit_blocks = chain, limit_blocks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        if to_block - from_block >= self._limit_blocks:
            raise Unavailable("query returned more than 10000 results")
        return self._chain.blocks(from_block, to_block)


def test_blocks_full_of_events_are_read_in_smaller_ranges(network: Network) -> None:
    job_id = network.post()
    for _ in range(20):
        network.devnet.advance(1)
    chain, store = reader(network)
    indexer: Any = Indexer(cast(Any, Grudging(chain, 3)), store)
    for _ in range(20):
        with suppress(Unavailable):
            indexer.sync()
    assert job_id in indexer.ledger.jobs
    indexer.sync()
    assert indexer.ledger.jobs[job_id] == chain.job(job_id)


class Lagging:
    """A chain whose node knows the newest head but, for a while, none of its events."""

    def __init__(self, chain: Web3Chain, shows: tuple[type[ChainEvent], ...] = ()) -> None:
        self._chain, self.shows = chain, shows
        self.lags = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        found = self._chain.blocks(from_block, to_block)
        shown = tuple(event for event in found.events if not self.lags or isinstance(event, self.shows))
        return replace(found, events=shown)


def test_events_that_a_lagging_node_left_out_are_found_at_the_next_block(network: Network) -> None:
    chain, store = reader(network)
    lagging = Lagging(chain)
    indexer = Indexer(cast(Any, lagging), store)
    lagging.lags = False
    indexer.sync()
    lagging.lags = True
    job_id = network.post()
    indexer.sync()
    assert job_id not in indexer.ledger.jobs
    lagging.lags = False
    network.devnet.advance(1)
    indexer.sync()
    assert indexer.ledger.jobs[job_id] == chain.job(job_id)
    assert Indexer(chain, store).ledger.jobs == indexer.ledger.jobs


def test_effects_whose_cause_is_missing_wait_for_it(network: Network) -> None:
    chain, store = reader(network)
    lagging = Lagging(chain, shows=(JobPosted,))
    job_id = network.post()
    Indexer(cast(Any, lagging), store).sync()
    indexer = Indexer(cast(Any, lagging), store)
    assert indexer.ledger.jobs == {}
    lagging.lags = False
    network.devnet.advance(1)
    indexer.sync()
    assert indexer.ledger.jobs == {job_id: chain.job(job_id)}


def test_a_game_settled_before_its_opening_is_known(network: Network) -> None:
    chain, store = reader(network)
    play_a_dispute(network)
    Indexer(cast(Any, Lagging(chain, shows=(GameSettled,))), store).sync()
    assert Indexer(chain, store).ledger.games == {}


def play_a_dispute(network: Network) -> None:
    """Every kind of event happens."""
    job_id, log = network.post(), Log()
    liar = network.worker("liar", network.store("liar"), log, FaultyEngine(ReferenceEngine(), Fault(cycle=5)))
    challenger = network.challenger("challenger", network.store("challenger"), log)
    network.drive([liar, challenger], lambda: bool(network.told(GameSettled)))
    worker = network.worker("worker", network.store("worker"), log)
    network.drive([worker], lambda: network.is_final(job_id))


def test_events_survive_the_store_and_the_ledger_agrees_with_the_chain(network: Network) -> None:
    play_a_dispute(network)
    chain, store = reader(network)
    history = chain.events(chain.first_block, chain.head().number)
    assert len({type(event) for event in history}) >= 11
    assert tuple(from_row(to_row(event)) for event in history) == history
    ledger = first = Indexer(chain, store)
    first.sync()
    again = Indexer(chain, store)
    task_id = task_of(1, 0)  # pyright: ignore[reportArgumentType]
    for indexer in (ledger, again):
        task = indexer.ledger.task(task_id)
        assert task == replace(chain.task(task_id), until=0)
        assert task.stage is TaskStage.FINAL
        assert set(indexer.ledger.struck) == {claim_of(task_id, BatchId(1))}
        assert (indexer.ledger.games, indexer.ledger.claims, indexer.ledger.busy_tasks()) == ({}, {}, [])
        assert indexer.ledger.live_jobs() == []


def test_every_job_and_program_is_read_as_the_chain_has_it(network: Network) -> None:
    job_id = network.post(shard_count=3)
    chain, store = reader(network)
    indexer = Indexer(chain, store)
    indexer.sync()
    assert indexer.ledger.jobs[job_id] == chain.job(job_id)
    program_id = chain.job(job_id).program_id
    assert indexer.ledger.programs[program_id] == chain.program(program_id)
    shards = [task.task_id & 0xFF for task in indexer.ledger.open_tasks(chain.job(job_id), 2)]
    assert shards == [2, 0, 1]


def test_a_reorganisation_is_unlearnt_and_the_other_branch_learnt(network: Network) -> None:
    job_id = network.post(shard_count=2)
    chain, store = reader(network)
    network.worker("ann", network.store("ann"), Log())
    operator = network.chain("ann", network.store("ann"))
    indexer = Indexer(chain, store)
    indexer.sync()
    snapshot = chain_itself(network).take_snapshot()
    operator.transact(TakeTasks(tasks=(task_of(job_id, 0),)), intent="take 0")
    indexer.sync()
    assert indexer.ledger.task(task_of(job_id, 0)).stage is TaskStage.TAKEN
    chain_itself(network).revert_to_snapshot(snapshot)
    forgetful = network.chain("ann", SqliteStore())  # the journal of `operator` would send the first again
    forgetful.transact(TakeTasks(tasks=(task_of(job_id, 1),)), intent="take 1")
    network.devnet.advance(5)
    for present in (indexer, Indexer(chain, store)):
        present.sync()
        stages = [present.ledger.task(task_of(job_id, shard)).stage for shard in (0, 1)]
        assert stages == [TaskStage.OPEN, TaskStage.TAKEN]
    assert len(store.rows(EVENTS)) == len(chain.events(chain.first_block, chain.head().number))


def test_checkpoints_are_bounded_and_reading_twice_changes_nothing(network: Network) -> None:
    network.post()
    chain, store = reader(network)
    indexer = Indexer(chain, store)
    for _ in range(CHECKPOINT_LIMIT + 5):
        network.devnet.advance(1)
        indexer.sync()
    rows = store.rows(EVENTS)
    assert len(store.rows(CHECKPOINTS)) == CHECKPOINT_LIMIT
    indexer.sync()
    Indexer(chain, store).sync()
    assert store.rows(EVENTS) == rows
    assert len(store.rows(POSITIONS)) == len(rows)
