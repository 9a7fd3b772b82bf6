"""The challenge windows that a devnet may have: those with which a worker takes jobs at its defaults."""

from truestep.base.ids import Bytes32, JobId, ProgramId
from truestep.devnet.network import (
    HASHED_PAGES_PER_SECOND,
    SEND_SECONDS,
    START_SECONDS,
    WINDOW_MIN_SECONDS,
    devnet_parameters,
)
from truestep.protocol.calls import NATIVE, NOBODY
from truestep.protocol.records import JobRecord
from truestep.protocol.settlement.assurances import OPTIMISTIC
from truestep.protocol.settlement.parameters import MINUTE_SECONDS, Parameters
from truestep.protocol.settlement.tasks.records import job_rules
from truestep.roles.estimates import Speed
from truestep.roles.worker_policy import WorkerPolicy

SMALL_JOB_CYCLES = 1 << 20
"""What a devnet must be good for: what `truestep submit` allows a program of half a million steps."""
_SPEED = Speed(
    start_seconds=START_SECONDS,
    send_seconds=SEND_SECONDS,
    hashed_pages_per_second=HASHED_PAGES_PER_SECOND,
)
"""Of a worker with the devnet's environment; what it does before a claim does not count here."""


def least_window_seconds() -> int:
    """The shortest window that the contracts allow and in which a claim on a small job can be defended."""
    seconds = WINDOW_MIN_SECONDS
    while not _is_taken(SMALL_JOB_CYCLES, seconds):
        seconds += MINUTE_SECONDS
    return seconds


def largest_job_cycles(window_seconds: int) -> int:
    """The maximum cycles, a power of two, up to which jobs are taken; 0 if none are."""
    taken = [1 << power for power in range(49) if _is_taken(1 << power, window_seconds)]
    return max(taken, default=0)


def _is_taken(max_cycles: int, window_seconds: int) -> bool:
    job = _job(max_cycles, devnet_parameters(window_seconds))
    return _SPEED.hardest_dispute(job, job.parameters, WorkerPolicy().games_expected).is_possible


def _job(max_cycles: int, rules: Parameters) -> JobRecord:
    zeros = Bytes32(bytes(32))
    return JobRecord(
        job_id=JobId(1),
        program_id=ProgramId(1),
        input_root=zeros,
        input_size=0,
        input_uri="",
        seed=zeros,
        shard_count=1,
        reward=0,
        asset=NATIVE,
        lease_seconds=0,
        deadline=0,
        max_cycles=max_cycles,
        requester=NOBODY,
        policy=OPTIMISTIC,
        parameters=job_rules(rules, rules.window_for(max_cycles)),
    )
