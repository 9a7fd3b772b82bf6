"""How a job stands: its record, its tasks, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.base.ids import Address, BatchId, JobId, TaskId, job_of_task, shard_of_task, task_of
from truestep.base.text import counted
from truestep.ports.chain import ChainReader
from truestep.protocol.lots.policy import UNDRAWN, is_open, is_turn_over, waits_since
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage
from truestep.protocol.settlement.facts.judging import is_proven
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.retention import items_of
from truestep.protocol.settlement.ids import NOBODY, claim_of
from truestep.protocol.settlement.records import BatchStage
from truestep.protocol.validity.contracts.verifiers import EntryNumber


class JobStage(StrEnum):
    """The stage of a job as a whole."""

    RUNNING = "running"
    COMPLETE = "complete"
    EXPIRED = "expired"
    """At least one shard can never become final: it was refunded, or nobody has it after the deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingTurn:
    """Whose turn it is to take a task, and until when; nobody's while its lot waits to be drawn."""

    holder: Address
    until: int
    """Of a lot that waits: when it is open to all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job and its tasks at one moment."""

    job: JobRecord
    tasks: tuple[TaskRecord, ...]
    time_seconds: int
    proven: Mapping[TaskId, EntryNumber] = field(default_factory=dict[TaskId, EntryNumber])
    """Whose claims are final for consumers by a proof, and by which entry (docs/validity.md V4.3)."""

    confirmed: frozenset[TaskId] = frozenset()
    """Whose claims are final for consumers because a quorum has confirmed them (docs/quorum.md Q4.5)."""

    turns: Mapping[TaskId, TakingTurn] = field(default_factory=dict[TaskId, TakingTurn])
    """Who may take open tasks of a job under *drawn* (docs/drawn.md T3)."""

    def is_final_for_consumers(self, task: TaskRecord) -> bool:
        """Whether consumers can rely on a claim before its window is over."""
        return task.task_id in self.proven or task.task_id in self.confirmed

    def count(self, stage: TaskStage) -> int:
        """How many tasks are in `stage`."""
        return sum(task.stage is stage for task in self.tasks)

    @property
    def stage(self) -> JobStage:
        """The stage of the job as a whole."""
        if self.is_complete:
            return JobStage.COMPLETE
        return JobStage.EXPIRED if any(map(self._is_lost, self.tasks)) else JobStage.RUNNING

    @property
    def is_complete(self) -> bool:
        """Whether every shard is final."""
        return all(task.stage is TaskStage.FINAL for task in self.tasks)

    @property
    def is_late(self) -> bool:
        """Whether the deadline has passed, so that nobody can take a shard."""
        return self.time_seconds >= self.job.deadline

    @property
    def idle(self) -> tuple[int, ...]:
        """The shards that no batch has: their rewards can be refunded (S3.3)."""
        return tuple(shard_of_task(task.task_id) for task in self.tasks if task.stage is TaskStage.OPEN)

    @property
    def missed_batches(self) -> tuple[BatchId, ...]:
        """The batches that have missed their lease: anybody can free their shards (S4.6)."""
        return tuple(sorted({task.batch_id for task in self.tasks if self._is_missed(task)}))

    @property
    def reclaimable(self) -> tuple[int, ...]:
        """The shards whose reward the requester can reclaim now, because nobody can finish them any more."""
        lost = (task for task in self.tasks if self._is_lost(task) and task.stage is not TaskStage.REFUNDED)
        return tuple(shard_of_task(task.task_id) for task in lost)

    def _is_lost(self, task: TaskRecord) -> bool:
        """Whether a task can no longer become final."""
        is_free = task.stage is TaskStage.OPEN or self._is_missed(task)
        return task.stage is TaskStage.REFUNDED or (self.is_late and is_free)

    def _is_missed(self, task: TaskRecord) -> bool:
        return task.stage is TaskStage.TAKEN and task.until < self.time_seconds


def read_status(chain: ChainReader, job_id: JobId) -> JobStatus:
    """The present status of a job. Raises Rejected for an unknown job, Unavailable if no node answers."""
    record = known_job(chain, job_id)
    task_ids = [task_of(job_id, shard) for shard in range(record.shard_count)]
    found = chain.tasks(task_ids)
    if len(found) < len(task_ids):
        raise Unavailable(
            f"expected {counted(len(task_ids), 'shard')} of job {job_id}, the node answered for"
            f" {len(found)}; ask again"
        )
    tasks = tuple(found[task_id] for task_id in task_ids)
    now, facts = chain.head().time_seconds, chain.facts()
    return JobStatus(
        job=record,
        tasks=tasks,
        time_seconds=now,
        proven=_proven(facts, job_id, now),
        confirmed=_confirmed(facts, job_id, now),
        turns=_turns(facts, job_id, now),
    )


def _turns(facts: Facts, job_id: JobId, now: int) -> dict[TaskId, TakingTurn]:
    """Who may take the open tasks of a job under *drawn*; those that are open to all are left out."""
    offered, dealing, known = facts.offers.get(job_id), facts.dealing, facts.jobs.get(job_id)
    found: dict[TaskId, TakingTurn] = {}
    if offered is None or dealing is None or known is None:
        return found
    for shard in range(known.job.work.shard_count):
        lot = facts.lots.get((job_id, offered.lot_of(shard)), UNDRAWN)
        if known.job.busy >> shard & 1 or is_open(dealing.rules, offered, lot, now):
            continue
        is_held = lot.holder != NOBODY and not is_turn_over(dealing.rules, lot, now)
        seconds = dealing.rules.turn_seconds if is_held else dealing.rules.open_seconds
        since = lot.since if lot.holder != NOBODY else waits_since(offered, lot)
        holder = lot.holder if is_held else NOBODY
        found[task_of(job_id, shard)] = TakingTurn(holder=holder, until=since + seconds)
    return found


def _proven(facts: Facts, job_id: JobId, now: int) -> dict[TaskId, EntryNumber]:
    """The tasks of a job whose claims stand and are proven."""
    return {
        proof.task_id: proof.number
        for leaf_id, proof in facts.proofs.items()
        if job_of_task(proof.task_id) == job_id and is_proven(facts, leaf_id, now)
    }


def final_for_consumers(facts: Facts, job_id: JobId, now: int) -> frozenset[TaskId]:
    """The tasks of a job whose claims consumers can rely on before their windows are over."""
    return frozenset(_proven(facts, job_id, now)) | _confirmed(facts, job_id, now)


def _confirmed(facts: Facts, job_id: JobId, now: int) -> frozenset[TaskId]:
    """The tasks of a job whose claims stand and were confirmed by a quorum."""
    judged = [batch_id for batch_id, sitting in facts.sittings.items() if sitting.is_proven]
    batches = [(batch_id, facts.batches.get(batch_id)) for batch_id in judged]
    return frozenset(
        task_of(job_id, shard)
        for batch_id, known in batches
        if known is not None and known.batch.stage is BatchStage.CLAIMED
        for item in items_of(known.batch)
        if item.job_id == job_id
        for shard in item.shards
        if is_proven(facts, claim_of(batch_id, item.offset + shard - item.first_shard), now)
    )


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


def unfinished(status: JobStatus) -> Rejected:
    """Why there is no result yet, or never will be."""
    job, refunded_count = status.job, status.count(TaskStage.REFUNDED)
    if refunded_count:
        final_count = status.count(TaskStage.FINAL)
        advice = (
            f"; {final_count} are final: `truestep outputs {job.job_id} --shard I` fetches one of them"
            if final_count
            else ""
        )
        return Rejected(
            Reject.JOB_UNFINISHED,
            f"{refunded_count} of {job.shard_count} shards of job {job.job_id} were refunded and will never"
            f" have a result{advice}",
        )
    return Rejected(
        Reject.JOB_UNFINISHED,
        f"{status.count(TaskStage.FINAL)} of {job.shard_count} shards of job {job.job_id} are final;"
        f" see its progress: truestep status {job.job_id}",
    )


def lost(status: JobStatus) -> Rejected:
    """Why a job can no longer become complete."""
    job, lost_count = status.job, len(status.reclaimable) + status.count(TaskStage.REFUNDED)
    are = f"{lost_count} of {job.shard_count} shards of job {job.job_id} were"
    if not status.reclaimable:
        return Rejected(Reject.DEADLINE_OVER, f"{are} cancelled, and their rewards were refunded")
    return Rejected(
        Reject.DEADLINE_OVER,
        f"{are} not finished in time; take their rewards back: truestep reclaim {job.job_id}",
    )
