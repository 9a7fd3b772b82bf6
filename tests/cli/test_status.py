"""`truestep status` in words: equal shards take one line, and a claim says what it waits for."""

from dataclasses import replace

import pytest

from truestep.base.ids import Address, Bytes32, JobId, ProgramId, TaskId, task_of
from truestep.cli.commands.reclaim import why_nothing
from truestep.cli.commands.status import _fields, _shown
from truestep.client.job import JobStatus
from truestep.protocol.records import JobRecord, TaskRecord, TaskStage

OPERATOR = Address("0x" + "ab" * 20)
ZEROS = Bytes32(bytes(32))
JOB = JobRecord(
    job_id=JobId(7),
    program_id=ProgramId(1),
    input_root=ZEROS,
    input_size=0,
    input_uri="",
    seed=ZEROS,
    shard_count=6,
    reward_wei=10**16,
    lease_seconds=300,
    deadline=10_000,
    max_cycles=1_000,
    requester=OPERATOR,
    final_count=1,
)


def _task(shard: int, stage: TaskStage, until: int = 0) -> TaskRecord:
    operator = Address("0x" + "00" * 20) if stage is TaskStage.OPEN else OPERATOR
    task_id: TaskId = task_of(JOB.job_id, shard)
    return TaskRecord(
        task_id=task_id, stage=stage, attempt=1, operator=operator, until=until, claim_hash=ZEROS
    )


def test_every_stage_in_words() -> None:
    tasks = (
        _task(0, TaskStage.FINAL),
        _task(1, TaskStage.OPEN),
        _task(2, TaskStage.OPEN),
        _task(3, TaskStage.TAKEN, until=1_100),
        _task(4, TaskStage.CLAIMED, until=1_100),
        _task(5, TaskStage.CLAIMED, until=900),
    )
    now = JobStatus(job=JOB, tasks=tasks, time_seconds=1_000)
    disputes = {tasks[4].claim_id: 2}
    name = "0xabab…abab"
    assert _shown(now, disputes).splitlines()[1:] == [
        f"  shard 0: final by {name}",
        "  shards 1 to 2: open, waiting for a worker",
        f"  shard 3: taken by {name}, lease ends in 1 min 40 s",
        f"  shard 4: claimed by {name}, can be challenged for 1 min 40 s, 2 open disputes",
        f"  shard 5: claimed by {name}, challenge window is over",
    ]
    assert [task["open_disputes"] for task in _fields(now, disputes)["tasks"]] == [0, 0, 0, 0, 2, 0]


def test_after_the_deadline_no_worker_is_waited_for() -> None:
    tasks = (_task(0, TaskStage.OPEN), _task(1, TaskStage.TAKEN, until=900))
    now = JobStatus(job=JOB, tasks=tasks, time_seconds=JOB.deadline)
    assert _shown(now, {}).splitlines()[1:] == [
        "  shard 0: open, too late for a worker",
        "  shard 1: taken by 0xabab…abab, lease is over: too late for another worker",
        "2 shards can be reclaimed: truestep reclaim 7",
    ]


@pytest.mark.parametrize(
    ("stage", "time_seconds", "words"),
    [
        (TaskStage.FINAL, 1_000, "nothing to reclaim: every shard of job 7 is final"),
        (TaskStage.OPEN, 8_000, "nothing to reclaim yet: the deadline of job 7 is in 2,000 s"),
        (
            TaskStage.REFUNDED,
            10_000,
            "nothing to reclaim: every shard of job 7 is final, reclaimed or still being worked on",
        ),
    ],
)
def test_why_nothing_is_reclaimed(stage: TaskStage, time_seconds: int, words: str) -> None:
    assert why_nothing(JobStatus(job=JOB, tasks=(_task(0, stage),), time_seconds=time_seconds)) == words


def test_the_largest_job_takes_two_lines() -> None:
    count = 2**16 - 1
    tasks = tuple(_task(shard, TaskStage.OPEN) for shard in range(count))
    now = JobStatus(job=replace(JOB, shard_count=count), tasks=tasks, time_seconds=1_000)
    assert _shown(now, {}).splitlines()[1:] == ["  shards 0 to 65534: open, waiting for a worker"]
