"""What a long history costs a node: memory, a tick's processor time, and the start, printed as JSON.

A chain of events in memory takes the node's place; everything else is a real challenger and its SQLite store.
The histories: many tasks that are finished, of which only rows in a file should remain; many claims that
stand and were found to be true; many that could not be checked yet, because nobody has their input. Each is
measured in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from truestep.adapters.blobs.outputs import OutputDirectory
from truestep.adapters.clock import SystemClock
from truestep.adapters.store.sqlite import SqliteStore
from truestep.base.errors import Unavailable
from truestep.base.ids import (
    Address,
    BatchId,
    Bytes32,
    JobId,
    ProgramId,
    TaskId,
    claim_of,
    job_of_task,
    task_of,
)
from truestep.commitments.keccak import keccak256
from truestep.machine.state import Status
from truestep.node.chain.indexer import Indexer, ReadingPast
from truestep.node.chain.outbox import Refresh
from truestep.node.challenger import challenger_node
from truestep.node.tasks.agent import Daemon
from truestep.node.tasks.items import Found
from truestep.node.tasks.results import Results
from truestep.node.tasks.terms import task_terms
from truestep.node.tasks.world import World
from truestep.ports.chain import Balances, Blocks, Counters, Head, Inquiry, Records, Transaction
from truestep.ports.executor import Finished
from truestep.protocol import events
from truestep.protocol.availability.contracts.keepers import Keeper
from truestep.protocol.calls import NATIVE
from truestep.protocol.claims import ClaimedState
from truestep.protocol.events import ChainEvent, LogPosition
from truestep.protocol.records import Parameters, TaskRecord, TaskStage
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.ids import NOBODY
from truestep.protocol.settlement.state import Deployment
from truestep.protocol.settlement.tasks.duties import Duty
from truestep.roles.challenger import ChallengerPolicy

FINISHED_TASKS = 20_000
STANDING_CLAIMS = 3_000
SHARDS_EACH_JOB = 100
"""A batch of the size that people post; the same number of single jobs is measured too."""
TASKS_EACH_BLOCK = 10
TICKS = 50
CHANGES_EACH_TICK = 2
"""Tasks that move on between two heads."""
OPERATORS = [Address(f"0x{number:040x}") for number in range(1, 40)]
HASH = Bytes32(bytes(range(32)))
BATCH = BatchId(1)
"""Nodes look at tasks one by one, whatever batch they are in."""
CLAIMED = ClaimedState(
    status=Status.EXITED, code=0, cycle=5, output_size=8, output_root=HASH, left_root=HASH, inner_root=HASH,
    running_state=Bytes32(bytes(32)),
)  # fmt: skip
BARS = {
    "finished": {"memory_mib": 10.0, "tick_seconds": 0.02, "start_seconds": 1.0},
    "standing": {"tick_seconds": 0.1},
    "unchecked": {"tick_seconds": 0.1},
}
PARAMETERS = Parameters(
    operator_bond_wei=10**18,
    challenger_bond_wei=10**16,
    window_seconds=2**40,
    clock_seconds=3_600,
    rescue_seconds=1_200,
    lease_penalty_bps=1_000,
    release_penalty_bps=100,
    winner_share_bps=5_000,
    gas_price_cap_wei=10**9,
    arity=64,
)


WITHOUT_KEEPERS = Facts(
    deployment=Deployment(
        chain_id=1,
        operators=NOBODY,
        jobs=NOBODY,
        disputes=NOBODY,
        assurances=NOBODY,
        owner=NOBODY,
        guardian=NOBODY,
        guardian_until=0,
    )
)


@dataclass
class Chain:
    """The reading part of the chain port, over blocks of events that are made when they are asked for."""

    told: dict[int, list[ChainEvent]] = field(default_factory=dict)
    head_number: int = 0
    job_count: int = 0
    tasks_now: dict[TaskId, TaskRecord] = field(default_factory=dict)
    first_block: int = 0
    account: Address = OPERATORS[0]

    def parameters(self) -> Parameters:
        """The rules."""
        return PARAMETERS

    def balances(self, _: Address) -> Balances:
        """Enough of everything."""
        return Balances(wallet_wei=10**20, stake_wei=0, locked_wei=0, rewards_wei=0, winnings_wei=0)

    def gas_price_wei(self) -> int:
        """Next to nothing."""
        return 1

    def refresh(self) -> tuple[Transaction, ...]:
        """Nothing was sent."""
        return ()

    def alarms(self) -> tuple[str, ...]:
        """Nothing went wrong."""
        return ()

    def add(self, kind: Any, **fields: Any) -> None:
        """An event in the newest block."""
        block = self.told.setdefault(self.head_number, [])
        at = LogPosition(block_number=self.head_number, log_index=len(block), transaction_hash=HASH)
        block.append(kind(at=at, **fields))

    def head(self) -> Head:
        """The newest block."""
        return Head(number=self.head_number, hash=self._hash(self.head_number), time_seconds=self.head_number)

    def block_hash(self, number: int) -> Bytes32:
        """Blocks never change."""
        return self._hash(number)

    def _hash(self, number: int) -> Bytes32:
        return keccak256(str(number).encode())

    def events(self, from_block: int, to_block: int) -> tuple[ChainEvent, ...]:
        """The events of a range."""
        numbers = range(from_block, to_block + 1)
        return tuple(event for number in numbers for event in self.told.get(number, ()))

    def blocks(self, from_block: int, to_block: int) -> Blocks:
        """The events of a range, with some hashes."""
        found = self.events(from_block, to_block)
        return Blocks(events=found, hashes={number: self._hash(number) for number in (from_block, to_block)})

    def records(self, inquiry: Inquiry, _: int) -> Records:
        """What the contracts would say."""
        return Records(
            tasks=self.tasks(inquiry.tasks),
            games={},
            open_game_counts=self.open_game_counts(inquiry.claims),
            balances=self.balances(self.account),
            counters=self.counters(),
        )

    def counters(self) -> Counters:
        """One program, and every job."""
        return Counters(program_count=1, job_count=self.job_count, batch_count=1)

    def tasks(self, task_ids: Any) -> dict[TaskId, TaskRecord]:
        """Tasks as they stand."""
        return {task_id: self.tasks_now[task_id] for task_id in task_ids if task_id in self.tasks_now}

    def games(self, _: Any, now: int = 0) -> dict[Any, Any]:
        """There are none."""
        return {}

    def duties(self, _: int) -> tuple[Duty, ...]:
        """There is nothing left to do."""
        return ()

    def facts(self) -> Facts:
        """Of a network without keepers: nothing of them is asked for."""
        return WITHOUT_KEEPERS

    def keeper(self, _: Any) -> Keeper:
        """There is none."""
        return Keeper(account=NOBODY, signer=NOBODY, shares=0, locked=0, listed=0)

    def stopped_until(self) -> int:
        """Nobody has stopped anything."""
        return 0

    def open_game_counts(self, claim_ids: Any) -> dict[Any, int]:
        """There are none."""
        return dict.fromkeys(claim_ids, 0)

    # --- what happens -------------------------------------------------------------------------------------

    def register(self) -> None:
        """The program of every job."""
        self.add(events.ProgramRegistered, program_id=ProgramId(1), owner=OPERATORS[0], image_root=HASH,
                 entry=4, max_cycles=10**6, digest=HASH, uri="blob:" + "ab" * 32)  # fmt: skip

    def post(self, shard_count: int) -> JobId:
        """One more job."""
        self.job_count += 1
        self.add(events.JobPosted, job_id=JobId(self.job_count), program_id=ProgramId(1),
                 requester=OPERATORS[0], input_root=HASH, input_size=100, input_uri="blob:" + "cd" * 32,
                 seed=HASH, shard_count=shard_count, max_cycles=10**6, reward=10**15, asset=NATIVE,
                 lease_seconds=300, deadline=2**40, policy=1, parameters=PARAMETERS, reducer_of=None,
                 slot_level=0, is_ready=True)  # fmt: skip
        return JobId(self.job_count)

    def take(self, task_id: TaskId) -> None:
        """An operator takes a task and claims it."""
        operator = OPERATORS[task_id % len(OPERATORS)]
        self.add(events.TaskTaken, task_id=task_id, operator=operator, batch_id=BATCH, until=2**40)
        self.add(events.TaskClaimed, task_id=task_id, operator=operator, claim_id=claim_of(task_id, BATCH),
                 until=2**40, claimed=CLAIMED)  # fmt: skip
        self._stand(task_id, TaskStage.CLAIMED)

    def finish(self, task_id: TaskId) -> None:
        """A claim is final."""
        self.add(events.TaskFinalized, task_id=task_id, operator=OPERATORS[task_id % len(OPERATORS)],
                 claim_id=claim_of(task_id, BATCH), claimed=CLAIMED, is_accepted=True)  # fmt: skip
        self._stand(task_id, TaskStage.FINAL)

    def _stand(self, task_id: TaskId, stage: TaskStage) -> None:
        operator = OPERATORS[task_id % len(OPERATORS)]
        self.tasks_now[task_id] = TaskRecord(
            task_id=task_id, stage=stage, batch_id=BATCH, operator=operator, until=2**40
        )

    def history(self, task_count: int, shard_count: int, *, is_finished: bool) -> None:
        """So many tasks are claimed, and finished or not, a few in each block."""
        self.register()
        for number in range(task_count):
            job_id = self.post(shard_count) if number % shard_count == 0 else JobId(self.job_count)
            task_id = task_of(job_id, number % shard_count)
            self.take(task_id)
            if is_finished:
                self.finish(task_id)
            if number % TASKS_EACH_BLOCK == TASKS_EACH_BLOCK - 1:
                self.head_number += 1


class Quiet:
    """A reporter that nobody listens to."""

    def report(self, kind: str, message: str, **fields: Any) -> None:
        """Nothing."""


@dataclass
class NoBlobs:
    """Nobody has any input: what cannot be had does not begin. An executor that fails each item at once."""

    finished: list[Finished] = field(default_factory=list)

    def has_room(self) -> bool:
        """Always."""
        return True

    def start(self, key: Any, item: object) -> bool:
        """It ends at once."""
        value = () if isinstance(item, Refresh) else None
        error = None if isinstance(item, Refresh) else Unavailable("nobody has it")
        self.finished.append(Finished(key=key, value=value, error=error))
        return True

    def running(self) -> frozenset[Any]:
        """Nothing."""
        return frozenset()

    def ask_to_stop(self, key: Any) -> None:
        """Nothing runs."""

    def collect(self) -> list[Finished]:
        """What was begun."""
        finished, self.finished = self.finished, []
        return finished

    def stop(self, deadline_seconds: float) -> None:
        """Nothing runs."""


def world_of(chain: Chain, store: SqliteStore, folder: Path) -> World:
    """A challenger's, with the scripted chain."""
    return World(
        chain=cast(Any, chain),
        store=store,
        outputs=OutputDirectory(folder),
        executor=NoBlobs(),
        sends=NoBlobs(),
        offers=NoBlobs(),
        clock=SystemClock(),
        reporter=Quiet(),
        secret=bytes(32),
    )


def catch_up(indexer: Indexer) -> Head:
    """Sync until there is nothing more to read."""
    while True:
        try:
            return indexer.sync()
        except ReadingPast:
            continue


def memory_mib() -> float:
    """Resident, after everything that can be freed was."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def fill(path: Path, task_count: int, shard_count: int, kind: str) -> None:
    """Read a history into a store, as a node did over time."""
    chain = Chain()
    chain.history(task_count, shard_count, is_finished=kind == "finished")
    with SqliteStore(path) as store:
        indexer = Indexer(cast(Any, chain), store)
        catch_up(indexer)
        if kind != "standing":
            return
        results, ledger = Results(store), indexer.ledger
        found = Found(hashes={CLAIMED.cycle: CLAIMED.state_hash()}, witnesses={}, reveals={})
        for task in ledger.claimed_tasks():
            job = ledger.jobs[job_of_task(task.task_id)]
            results.keep(task_terms(task.task_id, job, ledger.programs[job.program_id]).run, found)


def measure(path: Path, task_count: int, shard_count: int, kind: str) -> dict[str, float]:
    """Start on a store that has read everything, then see heads with a little news."""
    chain = Chain()
    if task_count:
        chain.history(task_count, shard_count, is_finished=kind == "finished")
        live = [] if kind == "finished" else list(chain.tasks_now)
        chain.told = {number: chain.told[number] for number in sorted(chain.told)[-20:]}
        chain.tasks_now = {task_id: chain.tasks_now[task_id] for task_id in live}
    else:
        chain.register()
        live = []
    before_mib = memory_mib()
    started = time.process_time()
    store = SqliteStore(path)
    daemon = challenger_node(world_of(chain, store, path.parent / "outputs"), ChallengerPolicy())
    daemon.tick()
    start_seconds = time.process_time() - started
    store_mib = memory_mib() - before_mib
    tick_seconds = sum(tick(chain, daemon, live) for _ in range(TICKS)) / TICKS
    store.close()
    return {
        "memory_mib": round(store_mib, 2),
        "start_seconds": round(start_seconds, 3),
        "tick_seconds": round(tick_seconds, 5),
    }


def tick(chain: Chain, daemon: Daemon, live: list[TaskId]) -> float:
    """A head with a little news: processor time of what follows, as a daemon asks for it."""
    chain.head_number += 1
    for task_id in live[-CHANGES_EACH_TICK:]:
        chain.finish(task_id)
    del live[-CHANGES_EACH_TICK:]
    for _ in range(CHANGES_EACH_TICK):
        task_id = task_of(chain.post(1), 0)
        chain.take(task_id)
        live.insert(0, task_id)
    started = time.process_time()
    daemon.tick()
    return time.process_time() - started


def in_process(kind: str, task_count: int, shard_count: int) -> dict[str, float]:
    """One measurement in a fresh process: filled by one, measured by another."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.sqlite"
        command = [sys.executable, __file__, "--kind", kind, "--tasks", str(task_count)]
        command += ["--shards", str(shard_count), "--store", str(path)]
        if task_count:
            subprocess.run([*command, "--fill"], check=True)
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        file_mib = path.stat().st_size / 2**20
    return {**json.loads(answer.stdout), "file_mib": round(file_mib, 1)}


def main() -> None:
    """Measure everything, or, as a child, one thing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--finished", type=int, default=FINISHED_TASKS, help="finished tasks")
    parser.add_argument("--standing", type=int, default=STANDING_CLAIMS, help="standing claims")
    parser.add_argument("--kind", choices=list(BARS), help=argparse.SUPPRESS)
    parser.add_argument("--tasks", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--shards", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.kind is None:
        empty = in_process("finished", 0, 1)
        results = {
            "empty": empty,
            "finished": in_process("finished", options.finished, SHARDS_EACH_JOB),
            "finished_single": in_process("finished", options.finished, 1),
            "standing": in_process("standing", options.standing, SHARDS_EACH_JOB),
            "standing_single": in_process("standing", options.standing, 1),
            "unchecked": in_process("unchecked", options.standing, SHARDS_EACH_JOB),
            "bars": BARS,
        }
        print(json.dumps(results, indent=2))
        return
    work = fill if options.fill else measure
    result = work(options.store, options.tasks, options.shards, options.kind)
    if result is not None:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
