"""The open tasks that a worker looks at, out of all that strangers post."""

from collections.abc import Callable, Iterable
from heapq import nsmallest
from itertools import islice

from truestep.base.ids import Address, JobId
from truestep.commitments.keccak import keccak256
from truestep.node.chain.ledger import Ledger
from truestep.node.tasks.queue import TaskQueue
from truestep.node.tasks.terms import SourceKey, source_of
from truestep.protocol.calls import NATIVE
from truestep.protocol.records import JobRecord, TaskRecord
from truestep.roles.shortlist import Candidate, shortlist
from truestep.roles.views import MaterialStage

OPEN_JOBS_LIMIT = 64
"""Open jobs looked at, so that what a look costs does not depend on how many strangers post."""

IsWanted = Callable[[JobRecord, int], bool]
"""Whether a node would take a job whose program has so many bytes of code; 0 if that is not known."""


def open_tasks(
    ledger: Ledger, queue: TaskQueue, account: Address, now: int, each_job_limit: int, is_wanted: IsWanted
) -> list[TaskRecord]:
    """Some tasks to take, each job's from a shard on that differs from node to node.

    Jobs whose material is here come first, the best paid before all. Jobs that this node would not or cannot
    run now come last: else a few of them, well paid, hide all others.
    """
    jobs = {job.job_id: job for job in ledger.live_jobs() if ledger.has_open_task(job, now)}
    candidates: list[Candidate] = []
    for job in jobs.values():
        program = ledger.programs[job.program_id]
        source = source_of(job, program)
        is_possible = not (queue.is_resting(source) or queue.refusal(program, job.lease_seconds))
        if is_possible and is_wanted(job, queue.material(source).code_bytes):
            candidates.append(_candidate(job, queue, source))
    chosen = shortlist(candidates, OPEN_JOBS_LIMIT, now, account)
    chosen += _best_paid(jobs.values(), OPEN_JOBS_LIMIT, without=set(chosen))
    tasks: list[TaskRecord] = []
    for job_id in _ready_first(chosen[:OPEN_JOBS_LIMIT], ledger, queue, account):
        found = ledger.open_tasks(jobs[job_id], _first_shard(account, jobs[job_id]))
        tasks += islice(found, each_job_limit)
    return tasks


def _candidate(job: JobRecord, queue: TaskQueue, source: SourceKey) -> Candidate:
    return Candidate(
        job_id=job.job_id,
        requester=job.requester,
        reward_wei=_reward_wei(job),
        attempts=queue.attempts(source),
    )


def _best_paid(jobs: Iterable[JobRecord], limit: int, without: set[JobId]) -> list[JobId]:
    others = [(-_reward_wei(job), job.job_id) for job in jobs if job.job_id not in without]
    return [job_id for _, job_id in nsmallest(limit, others)]


def _ready_first(chosen: list[JobId], ledger: Ledger, queue: TaskQueue, account: Address) -> list[JobId]:
    """What can be taken at once, by reward, equals in another order on each node; then the others."""

    def rank(job_id: JobId) -> tuple[bool, int, int]:
        job = ledger.jobs[job_id]
        source = source_of(job, ledger.programs[job.program_id])
        if queue.material(source).stage is not MaterialStage.READY:
            return True, 0, 0
        return False, -_reward_wei(job), _lot(account, job)

    return sorted(chosen, key=rank)


def _reward_wei(job: JobRecord) -> int:
    """By which jobs are compared. What a token is worth, nobody here knows."""
    return job.reward if job.asset == NATIVE else 0


def _first_shard(account: Address, job: JobRecord) -> int:
    """Where this node begins to look, so that nodes do not race for the same shards."""
    return _lot(account, job) % job.shard_count


def _lot(account: Address, job: JobRecord) -> int:
    """Of a job, for a node: others have others."""
    return int.from_bytes(keccak256(f"{account.lower()}/{job.job_id}".encode())[:8], "big")
