"""A posted job as its requester sees it: watch it, wait for it, fetch its results."""

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import JobId, job_of_task, task_of, task_of_claim, task_of_game
from truestep.base.text import counted
from truestep.client import job_calls
from truestep.client.job_status import (
    JobStage,
    JobStatus,
    known_job,
    lost,
    read_status,
    unfinished,
)
from truestep.client.receipt import Receipt
from truestep.client.settlement import make_receipt
from truestep.ports.blobs import Blobs
from truestep.ports.chain import Chain, ChainReader
from truestep.protocol.events import (
    ChainEvent,
    ClaimFailed,
    ClaimRefuted,
    ClaimStruck,
    GameAdopted,
    GameDescended,
    GameOpened,
    GamePicked,
    GameRevealed,
    GameRewarded,
    GameSettled,
    GameSplit,
    GameStepped,
    JobChanged,
    JobPosted,
    LeaseExpired,
    ProgramRegistered,
    TaskClaimed,
    TaskFinalized,
    TaskReclaimed,
    TaskTaken,
    WindowExtended,
)
from truestep.protocol.records import JobRecord, TaskStage
from truestep.protocol.settlement.facts.evidence import Evidence

EVENT_RANGE_BLOCKS = 2_000
"""Public nodes refuse to return events from more blocks in one call."""
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardResult:
    """The result of one shard. `output` counts only if `is_accepted`."""

    shard_index: int
    is_accepted: bool
    status: int
    code: int
    cycles: int
    output: bytes


class Job:
    """A handle on a posted job. It holds nothing that is not on the chain. Methods that send take a chain."""

    def __init__(
        self, chain: ChainReader, blobs: Blobs, deployment: Deployment, job_id: JobId, first_block: int
    ) -> None:
        self._chain = chain
        self._blobs = blobs
        self._deployment = deployment
        self._first_block = first_block
        self.job_id = job_id

    def record(self) -> JobRecord:
        """The job itself, with its rules. Raises Unavailable if no node answers."""
        return known_job(self._chain, self.job_id)

    def status(self) -> JobStatus:
        """The present status of the job. Raises Unavailable if no node answers."""
        return read_status(self._chain, self.job_id)

    def is_complete(self) -> bool:
        """Whether every shard is final."""
        return self.status().is_complete

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
        on_status: Callable[[JobStatus], None] | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> JobStatus:
        """Wait until every shard is final and return the status.

        `on_event` is called once for each event, and after the new ones `on_status` each time it has looked.

        Raises Rejected if the job can no longer complete because its deadline has passed or shards were
        cancelled, and Unavailable after `deadline_seconds` (the job goes on; wait again).
        """
        give_up_at = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        next_block = self._first_block
        while True:
            status = self.status()  # before the events, so that they tell all of it
            head = self._chain.head().number
            for event in self.events(next_block, head):
                if on_event:
                    on_event(event)
            if on_status:
                on_status(status)
            next_block = max(next_block, head + 1)
            if status.stage is JobStage.COMPLETE:
                return status
            if status.stage is JobStage.EXPIRED:
                raise lost(status)
            if give_up_at is not None and time.monotonic() >= give_up_at:
                raise Unavailable(
                    f"job {self.job_id} is not final after {deadline_seconds:g} s:"
                    f" {status.count(TaskStage.FINAL)} of {counted(status.job.shard_count, 'shard')}; wait"
                    " again"
                )
            time.sleep(poll_seconds)

    # --- results --------------------------------------------------------------------------------------

    def outputs(self, shards: Collection[int] | None = None) -> tuple[ShardResult, ...]:
        """The results of these shards, else of all; every output is checked against its root on the chain.

        Raises Rejected if a wanted shard is not final or does not exist, Unavailable if no store has an
        output.
        """
        status = self.status()
        known = range(status.job.shard_count)
        wanted = known if shards is None else sorted(shards)
        for shard in wanted:
            if shard not in known:
                raise Rejected(
                    Reject.SHARD_RANGE, f"expected a shard from 0 to {known.stop - 1}, got {shard}"
                )
        if any(status.tasks[shard].stage is not TaskStage.FINAL for shard in wanted):
            raise unfinished(status)
        return tuple(self._result(shard) for shard in wanted)

    def receipt(self) -> Receipt:
        """The receipt: everything needed to check the result again. Raises as `outputs` does."""
        status = self.status()  # first, so that an unfinished job is refused before all blocks are searched
        if not status.is_complete:
            raise unfinished(status)
        final_events = [event for event in self.events() if isinstance(event, TaskFinalized)]
        return make_receipt(self._chain, self._blobs, self._deployment, self.job_id, final_events)

    def evidence(self, shard_index: int) -> Evidence:
        """The proof of a final shard, for contracts (docs/consumers.md). Rejected before it is final."""
        return self._chain.evidence(task_of(self.job_id, shard_index))

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

    # --- calls ----------------------------------------------------------------------------------------

    def top_up(self, chain: Chain, reward_wei: int) -> JobRecord:
        """Let each shard earn so much more; refused once a shard is taken. Returns the job as it is then."""
        return job_calls.top_up(chain, self.job_id, reward_wei)

    def close(self, chain: Chain) -> None:
        """Let nobody take a shard any more; what is taken goes on. Only the requester can."""
        job_calls.close(chain, self.job_id)

    def reclaim(self, chain: Chain, *, is_now: bool = False) -> int:
        """Take back the rewards of shards that nobody has. Returns the amount in wei, perhaps 0.

        Before the deadline only if `is_now`: then these shards are cancelled. Raises Rejected if the chain
        refuses, Unavailable if no node answers.
        """
        return job_calls.reclaim(chain, self.job_id, is_now=is_now)

    def write_out(self, chain: Chain) -> int:
        """Write out the final results, for contracts that cannot carry proofs. Returns how many."""
        return job_calls.write_out(chain, self.job_id)

    def call_back(self, chain: Chain) -> bool:
        """Tell the job's consumer that all results are written out. Returns whether that was left to do.

        Raises Rejected if the consumer fails; it can be called again.
        """
        return job_calls.call_back(chain, self.job_id)

    def feed(self, chain: Chain) -> bytes:
        """Give this reducer the outputs of its job as input, which is returned; empty if it was refunded."""
        return job_calls.feed(chain, self._blobs, self.job_id)


def job_of_event(event: ChainEvent) -> JobId | None:
    """The job that an event is about; None if it is not about a job."""
    match event:
        case JobPosted() | JobChanged():
            return event.job_id
        case (
            TaskTaken()
            | TaskClaimed()
            | WindowExtended()
            | LeaseExpired()
            | ClaimStruck()
            | ClaimFailed()
            | TaskFinalized()
            | TaskReclaimed()
        ):
            return job_of_task(event.task_id)
        case (
            GameOpened()
            | GameSplit()
            | GamePicked()
            | GameStepped()
            | GameDescended()
            | GameRevealed()
            | GameAdopted()
            | GameSettled()
            | GameRewarded()
        ):
            return job_of_task(task_of_game(event.game_id))
        case ClaimRefuted():
            return job_of_task(task_of_claim(event.claim_id))
        case ProgramRegistered():
            return None
