"""The events of many finished tasks, and what the facts of them take in memory and time.

`python -m tests.protocol.settlement.facts.finished_tasks --tasks 20000` measures.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace

from tests.protocol.settlement.facts.chains import log_at
from tests.protocol.settlement.world import DEPLOYMENT, OPERATORS, PARAMETERS, REQUESTERS, START_TIME
from truestep.base.ids import BatchId, Bytes32, JobId, ProgramId, task_of
from truestep.protocol.settlement.batches import ZERO_HASH
from truestep.protocol.settlement.contracts import jobs, operators, parameters, programs, results
from truestep.protocol.settlement.facts.fold import fold
from truestep.protocol.settlement.facts.records import Event, Facts, Logged
from truestep.protocol.settlement.ids import NATIVE, NOBODY, Item, LeafId
from truestep.protocol.settlement.records import BatchTerms, JobTerms, Work
from truestep.protocol.settlement.results import FINAL_BIT
from truestep.protocol.settlement.trees import claims_root, tasks_root

OPERATOR, REQUESTER = OPERATORS[0], REQUESTERS[0]
BOND_WEI = PARAMETERS.operator_bond_wei
BLOCK_TASKS = 10
"""Tasks that are posted, taken, claimed or finalized in a block."""
TERMS = JobTerms(
    requester=REQUESTER,
    consumer=NOBODY,
    callback_gas=0,
    asset=NATIVE,
    policy=1,
    parameters_id=1,
    bond_multiple=1,
    window_seconds=300,
    lease_seconds=60,
    reducer_of=0,
)
PROGRAM = programs.Registered(
    program_id=ProgramId(1),
    image_root=Bytes32(bytes(31) + b"\1"),
    entry=0,
    max_cycles=10**6,
    workload=0,
    digest=Bytes32(bytes(32)),
    owner=REQUESTER,
    uri="ipfs://program",
)
FIRST = (parameters.Added(parameters_id=1, parameters=PARAMETERS), PROGRAM)


def _hash(*numbers: int) -> Bytes32:
    return Bytes32(b"".join(number.to_bytes(8, "big") for number in numbers).rjust(32, b"\1"))


def life_of(number: int, shard_count: int = 1) -> Iterator[Event]:
    """A job, all tasks of which are one batch, from its posting to the end, but for writing it out."""
    yield from claimed_job(number, shard_count)
    batch_id, bond_wei = BatchId(number), BOND_WEI * shard_count
    yield jobs.Finalized(batch_id=batch_id, operator=OPERATOR, reward=shard_count, held=0)
    yield operators.Unlocked(operator=OPERATOR, batch_id=batch_id, amount_wei=bond_wei)


def claimed_job(number: int, shard_count: int) -> Iterator[Event]:
    """A job, all tasks of which are one batch, until that is claimed."""
    job_id, batch_id, bond_wei = JobId(number), BatchId(number), BOND_WEI * shard_count
    work = Work(
        image_root=_hash(1),
        entry=0,
        max_cycles=10**6,
        input_root=_hash(number, 2),
        input_size=10,
        seed=_hash(number, 3),
        shard_count=shard_count,
    )
    yield jobs.Posted(
        job_id=job_id,
        program_id=ProgramId(1),
        requester=REQUESTER,
        job_digest=_hash(number, 4),
        reward=1,
        deadline=START_TIME + 10**6,
        work=work,
        terms=TERMS,
        input_uri=f"ipfs://{number}",
    )
    items = (Item(job_id=job_id, first_shard=0, count=shard_count, offset=0).pack(),)
    terms = BatchTerms(
        tasks_root=tasks_root([(items[0], _hash(number, 4))]),
        claims_root=ZERO_HASH,
        reward=shard_count,
        bond_wei=bond_wei,
        asset=NATIVE,
        window_seconds=300,
        lease_seconds=60,
    )
    until = START_TIME + number
    yield jobs.Taken(batch_id=batch_id, operator=OPERATOR, until=until, terms=terms, items=items)
    yield operators.Locked(operator=OPERATOR, batch_id=batch_id, amount_wei=bond_wei)
    head = Bytes32((1 << 192 | 9 << 64).to_bytes(32, "big"))
    words = (head, _hash(number, 6), _hash(number, 7)) * shard_count
    root = claims_root(words)
    yield jobs.Claimed(batch_id=batch_id, operator=OPERATOR, until=until, claims_root=root, leaves=words)


def standing_batches(count: int, shard_count: int) -> Iterator[Logged]:
    """The events of so many jobs, each taken and claimed as one batch, a block each."""
    stake = operators.Deposited(operator=OPERATOR, sender=OPERATOR, amount_wei=BOND_WEI * shard_count * count)
    for index, event in enumerate((*FIRST, stake)):
        yield log_at(0, index, event, START_TIME)
    for number in range(1, count + 1):
        for index, event in enumerate(claimed_job(number, shard_count)):
            yield log_at(number, index, event, START_TIME)


def finished_tasks(count: int, *, is_written: bool = False) -> Iterator[Logged]:
    """The events of so many jobs of one task, one life after the other, several in a block."""
    stake = operators.Deposited(operator=OPERATOR, sender=OPERATOR, amount_wei=BOND_WEI)
    for index, event in enumerate((*FIRST, stake)):
        yield log_at(0, index, event, START_TIME)
    index = 0
    for number in range(1, count + 1):
        events = [*life_of(number)]
        if is_written:
            outcome, claim_id = FINAL_BIT | 1 << 192 | 9 << 64, LeafId(number << 8)
            task_id, root = task_of(JobId(number), 0), _hash(number, 6)
            events.append(
                results.WrittenOut(task_id=task_id, claim_id=claim_id, outcome=outcome, output_root=root)
            )
        for event in events:
            index += 1
            yield log_at(1 + number // BLOCK_TASKS, index, event, START_TIME + number)


def _size_bytes(start: Facts, logs: Iterator[Logged]) -> int:
    """The memory that the facts take."""
    tracemalloc.start()
    facts = fold(start, logs)
    size_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del facts
    return size_bytes


def _next_block(tasks: int) -> list[Logged]:
    """Another task's whole life, in a block of its own."""
    return [log_at(10**9, index, event, START_TIME) for index, event in enumerate(life_of(tasks + 1))]


def main() -> None:
    """Measure finished tasks that nobody wants, that all are written out, and that wait for that."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    tasks: int = parser.parse_args().tasks
    everything = Facts(deployment=DEPLOYMENT)
    nothing = replace(everything, keeps=frozenset())
    for label, start, is_written in (
        ("not wanted", nothing, False),
        ("written out", everything, True),
        ("to be written out", everything, False),
    ):
        size_bytes = _size_bytes(start, finished_tasks(tasks, is_written=is_written))
        logs = [*finished_tasks(tasks, is_written=is_written)]
        started = time.perf_counter()
        facts = fold(start, logs)
        seconds = time.perf_counter() - started
        print(
            f"{tasks:,} finished tasks, {label}: {size_bytes / 2**20:.2f} MiB,"
            f" {len(facts.jobs):,} jobs and {len(facts.batches):,} batches are left;"
            f" {len(logs) / seconds:,.0f} events a second"
        )
        block, started = _next_block(tasks), time.perf_counter()
        fold(facts, block)
        print(f"  the next block: {1_000 * (time.perf_counter() - started):.1f} ms")


if __name__ == "__main__":
    main()
