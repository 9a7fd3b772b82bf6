"""A posted job as its requester sees it: watch it, wait for it, fetch its results."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import (
    JobId,
    job_of_task,
    shard_of_task,
    task_of,
    task_of_game,
)
from truestep.client.receipt import Receipt
from truestep.client.settlement import make_receipt, unfinished
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.calls import ReclaimTasks, WithdrawRewards
from truestep.protocol.events import (
    BondSeized,
    ChainEvent,
    ClaimStruck,
    GameDescended,
    GameOpened,
    GamePicked,
    GameRevealed,
    GameSettled,
    GameSplit,
    GameStepped,
    JobPosted,
    LeaseExpired,
    ProgramRegistered,
    TaskClaimed,
    TaskFinalized,
    TaskReclaimed,
    TaskTaken,
)
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage

EVENT_RANGE_BLOCKS = 2_000
"""Public nodes refuse to return events from more blocks in one call."""
POLL_SECONDS = 1.0
RECLAIM_BATCH = 100
"""Shards in one reclaim transaction: about 3 million gas, a tenth of a block."""


class JobStage(StrEnum):
    """The stage of a job as a whole."""

    RUNNING = "running"
    COMPLETE = "complete"
    EXPIRED = "expired"
    """The deadline has passed and at least one shard can never become final."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job and its tasks at one moment."""

    job: JobRecord
    tasks: tuple[TaskRecord, ...]
    time_seconds: int

    def count(self, stage: TaskStage) -> int:
        """How many tasks are in `stage`."""
        return sum(task.stage is stage for task in self.tasks)

    @property
    def stage(self) -> JobStage:
        """The stage of the job as a whole."""
        if all(task.stage is TaskStage.FINAL for task in self.tasks):
            return JobStage.COMPLETE
        if self.time_seconds >= self.job.deadline and any(map(self._is_lost, self.tasks)):
            return JobStage.EXPIRED
        return JobStage.RUNNING

    @property
    def reclaimable(self) -> tuple[int, ...]:
        """The shards whose reward the requester can reclaim now (docs/protocol.md P2.6)."""
        if self.time_seconds < self.job.deadline:
            return ()
        lost = (task for task in self.tasks if self._is_lost(task) and task.stage is not TaskStage.REFUNDED)
        return tuple(shard_of_task(task.task_id) for task in lost)

    def _is_lost(self, task: TaskRecord) -> bool:
        """Whether a task can no longer become final, given that the deadline has passed."""
        lease_is_over = task.stage is TaskStage.TAKEN and task.until < self.time_seconds
        return task.stage in (TaskStage.OPEN, TaskStage.REFUNDED) or lease_is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardResult:
    """The result of one shard. `output` counts only if `is_accepted`."""

    shard_index: int
    is_accepted: bool
    status: int
    code: int
    cycles: int
    output: bytes


def read_status(chain: ChainReader, job_id: JobId) -> JobStatus:
    """The present status of a job. Raises Rejected for an unknown job, Unavailable if no node answers."""
    record = known_job(chain, job_id)
    task_ids = [task_of(job_id, shard) for shard in range(record.shard_count)]
    found = chain.tasks(task_ids)
    if len(found) < len(task_ids):
        raise Unavailable(
            f"expected {len(task_ids)} shards of job {job_id}, the node answered for {len(found)}; ask again"
        )
    tasks = tuple(found[task_id] for task_id in task_ids)
    return JobStatus(job=record, tasks=tasks, time_seconds=chain.head().time_seconds)


def known_job(chain: ChainReader, job_id: JobId) -> JobRecord:
    """The job. Raises Rejected with the numbers that exist if there is none of this number."""
    try:
        return chain.job(job_id)
    except Rejected as error:
        if error.reason is not Reject.JOB_UNKNOWN:
            raise
        job_count = chain.counters().job_count
        known = f"a job from 1 to {job_count}" if job_count else "a posted job, but there is none yet"
        raise Rejected(error.reason, f"expected {known}, got {job_id}; check the deployment file") from error


class Job:
    """A handle on a posted job. It holds nothing that is not on the chain."""

    def __init__(
        self, chain: ChainReader, blobs: Blobs, deployment: Deployment, job_id: JobId, first_block: int
    ) -> None:
        self._chain = chain
        self._blobs = blobs
        self._deployment = deployment
        self._first_block = first_block
        self.job_id = job_id

    def status(self) -> JobStatus:
        """The present status of the job. Raises Unavailable if no node answers."""
        return read_status(self._chain, self.job_id)

    def is_complete(self) -> bool:
        """Whether every shard is final; cheaper than `status`."""
        record = known_job(self._chain, self.job_id)
        return record.final_count == record.shard_count

    def events(self, from_block: int | None = None, to_block: int | None = None) -> Iterator[ChainEvent]:
        """The job's events since it was posted, or from `from_block` on, in the chain's order."""
        start = self._first_block if from_block is None else from_block
        end = self._chain.head().number if to_block is None else to_block
        for low in range(start, end + 1, EVENT_RANGE_BLOCKS):
            for event in self._chain.events(low, min(low + EVENT_RANGE_BLOCKS - 1, end)):
                if job_of_event(event) == self.job_id:
                    yield event

    def wait(
        self,
        *,
        deadline_seconds: float | None = None,
        on_event: Callable[[ChainEvent], None] | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> JobStatus:
        """Wait until every shard is final and return the status; `on_event` is called once per event.

        Raises Rejected if the job can no longer complete because its deadline has passed, and Unavailable
        after `deadline_seconds` (the job goes on; wait again).
        """
        give_up_at = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        next_block = self._first_block
        while True:
            status = self.status()  # before the events, so that they tell all of it
            head = self._chain.head().number
            for event in self.events(next_block, head):
                if on_event:
                    on_event(event)
            next_block = max(next_block, head + 1)
            if status.stage is JobStage.COMPLETE:
                return status
            if status.stage is JobStage.EXPIRED:
                raise _expired(status)
            if give_up_at is not None and time.monotonic() >= give_up_at:
                raise Unavailable(
                    f"job {self.job_id} is not final after {deadline_seconds:g} s:"
                    f" {status.job.final_count} of {status.job.shard_count} shards are; wait again"
                )
            time.sleep(poll_seconds)

    def outputs(self) -> tuple[ShardResult, ...]:
        """The result of each shard, by shard index; every output is checked against its root on the chain.

        Raises Rejected if the job is not complete, Unavailable if no store has an output.
        """
        record = known_job(self._chain, self.job_id)
        if record.final_count != record.shard_count:
            raise unfinished(record)
        return tuple(self._result(shard) for shard in range(record.shard_count))

    def receipt(self) -> Receipt:
        """The receipt: everything needed to check the result again. Raises as `outputs` does."""
        final_events = [event for event in self.events() if isinstance(event, TaskFinalized)]
        return make_receipt(self._chain, self._blobs, self._deployment, self.job_id, final_events)

    def reclaim(self, chain: Chain) -> int:
        """Take back the rewards of shards that cannot become final. Returns the amount in wei, perhaps 0.

        Raises Rejected if the chain refuses, Unavailable if no node answers.
        """
        status = self.status()
        shards = status.reclaimable
        for low in range(0, len(shards), RECLAIM_BATCH):
            batch = shards[low : low + RECLAIM_BATCH]
            call = ReclaimTasks(job_id=self.job_id, shard_indices=batch)
            chain.transact(call, intent=f"reclaim:{self.job_id}:{','.join(map(str, batch))}")
        rewards_wei = chain.balances(chain.account).rewards_wei
        if rewards_wei:
            intent = f"withdraw rewards:{chain.account}:{chain.head().hash.hex()}"
            chain.transact(WithdrawRewards(), intent=intent)
        return len(shards) * status.job.reward_wei

    def _result(self, shard: int) -> ShardResult:
        result = self._chain.result(task_of(self.job_id, shard))
        is_there = result.is_accepted and result.output_size > 0
        output = self._blobs.get_output(result.output_root, result.output_size) if is_there else b""
        return ShardResult(
            shard_index=shard,
            is_accepted=result.is_accepted,
            status=result.status,
            code=result.code,
            cycles=result.cycle,
            output=output,
        )


def job_of_event(event: ChainEvent) -> JobId | None:
    """The job that an event is about; None if it is not about a job."""
    match event:
        case JobPosted():
            return event.job_id
        case TaskTaken() | TaskClaimed() | LeaseExpired() | ClaimStruck() | TaskFinalized() | TaskReclaimed():
            return job_of_task(event.task_id)
        case (
            GameOpened()
            | GameSplit()
            | GamePicked()
            | GameStepped()
            | GameDescended()
            | GameRevealed()
            | GameSettled()
        ):
            return job_of_task(task_of_game(event.game_id))
        case ProgramRegistered() | BondSeized():
            return None


def _expired(status: JobStatus) -> Rejected:
    lost = status.job.shard_count - status.count(TaskStage.FINAL) - status.count(TaskStage.CLAIMED)
    return Rejected(
        Reject.DEADLINE_OVER,
        f"{lost} of {status.job.shard_count} shards of job {status.job.job_id} were not finished in time;"
        f" take their rewards back: truestep reclaim {status.job.job_id}",
    )
