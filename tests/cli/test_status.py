"""`truestep status` in words: equal shards take one line, and a claim says what it waits for."""

from dataclasses import replace

import pytest

from tests.roles.views import PARAMETERS
from truestep.base.ids import Address, BatchId, Bytes32, JobId, ProgramId, TaskId, game_of, task_of
from truestep.cli.commands.status import _fields, _shown
from truestep.client.job_calls import why_nothing
from truestep.client.job_status import JobStatus
from truestep.protocol.calls import NATIVE
from truestep.protocol.records import GameRecord, GameStage, JobRecord, TaskRecord, TaskStage
from truestep.protocol.validity.contracts.verifiers import EntryNumber

OPERATOR = Address("0x" + "ab" * 20)
CHALLENGER = Address("0x" + "cd" * 20)
ZEROS = Bytes32(bytes(32))
JOB = JobRecord(
    job_id=JobId(7),
    program_id=ProgramId(1),
    input_root=ZEROS,
    input_size=0,
    input_uri="",
    seed=ZEROS,
    shard_count=6,
    reward=10**16,
    asset=NATIVE,
    lease_seconds=300,
    deadline=10_000,
    max_cycles=1_000,
    requester=OPERATOR,
    policy=1,
    parameters=PARAMETERS,
)


def _task(shard: int, stage: TaskStage, until: int = 0) -> TaskRecord:
    is_open = stage is TaskStage.OPEN
    operator = Address("0x" + "00" * 20) if is_open else OPERATOR
    task_id: TaskId = task_of(JOB.job_id, shard)
    batch_id = BatchId(0 if is_open else 3)
    return TaskRecord(task_id=task_id, stage=stage, batch_id=batch_id, operator=operator, until=until)


def _game(task: TaskRecord, ordinal: int, stage: GameStage) -> GameRecord:
    return GameRecord(
        game_id=game_of(task.claim_id, ordinal),
        stage=stage,
        operator=OPERATOR,
        challenger=CHALLENGER,
        low=0,
        high=100,
        low_hash=ZEROS,
        high_hash=ZEROS,
        arity=4,
        split_hashes=(),
        last_second=1_090,
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
    stages = (GameStage.OPERATOR_TURN, GameStage.OPERATOR_WON)
    games = {tasks[4].claim_id: tuple(_game(tasks[4], 2 * i + 1, stage) for i, stage in enumerate(stages))}
    name, other = "0xabab…abab", "0xcdcd…cdcd"
    assert _shown(now, games).splitlines()[1:] == [
        f"  shard 0: final by {name} in batch 3",
        "  shards 1 to 2: open, waiting for a worker",
        f"  shard 3: taken by {name} in batch 3, lease ends in 1 min 40 s",
        f"  shard 4: claimed by {name} in batch 3, can be challenged for 1 min 40 s, 2 open disputes",
        f"    game 1 on job 7 shard 4 by {other}: the defender has to split within 1 min 30 s",
        f"    game 3 on job 7 shard 4 by {other}: the challenger is out of time, to be settled",
        f"  shard 5: claimed by {name} in batch 3, challenge window is over",
    ]
    told = _fields(now, games)["tasks"]
    assert [task["open_disputes"] for task in told] == [0, 0, 0, 0, 2, 0]
    assert [game["ordinal"] for game in told[4]["games"]] == [1, 3]


def test_after_the_deadline_no_worker_is_waited_for() -> None:
    tasks = (_task(0, TaskStage.OPEN), _task(1, TaskStage.TAKEN, until=900))
    now = JobStatus(job=JOB, tasks=tasks, time_seconds=JOB.deadline)
    assert _shown(now, {}).splitlines()[1:] == [
        "  shard 0: open, too late for a worker",
        "  shard 1: taken by 0xabab…abab in batch 3, lease is over: too late for another worker",
        "2 shards can be reclaimed: truestep reclaim 7",
    ]


def test_a_token_and_a_reducer_without_input() -> None:
    token = Address("0x" + "77" * 20)
    job = replace(JOB, shard_count=1, asset=token, reward=2_500, reducer_of=JobId(5), is_ready=False)
    now = JobStatus(job=job, tasks=(_task(0, TaskStage.OPEN),), time_seconds=1_000)
    assert _shown(now, {}).splitlines()[:2] == [
        f"job 7: running, 0 of 1 shard final, 2,500 of token {token} per shard, deadline in 2 h 30 min",
        "it has no input yet: truestep feed 7, once job 5 is complete",
    ]
    unsupplied = replace(now, job=replace(job, reducer_of=None))
    waits = "it waits until its requester has its data kept: truestep supply 7"
    assert _shown(unsupplied, {}).splitlines()[1] == waits


@pytest.mark.parametrize(
    ("stage", "time_seconds", "words"),
    [
        (TaskStage.FINAL, 1_000, "nothing to reclaim: every shard of job 7 is final"),
        (
            TaskStage.OPEN,
            8_000,
            "nothing to reclaim yet: the deadline of job 7 is in 33 min 20 s; --now cancels those that no"
            " worker has",
        ),
        (TaskStage.CLAIMED, 8_000, "nothing to reclaim yet: the deadline of job 7 is in 33 min 20 s"),
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


def test_a_proven_claim_is_final_for_consumers() -> None:
    claimed = _task(0, TaskStage.CLAIMED, 1_090)
    job = replace(JOB, shard_count=1)
    now = JobStatus(job=job, tasks=(claimed,), time_seconds=1_000, proven={claimed.task_id: EntryNumber(2)})
    assert "proven by entry 2: final for consumers, can be challenged for 1 min 30 s" in _shown(now, {})
    assert _fields(now, {})["tasks"][0]["proven_by"] == 2
    assert _fields(replace(now, proven={}), {})["tasks"][0]["proven_by"] is None


def test_a_claim_that_a_quorum_has_confirmed_is_final_for_consumers() -> None:
    claimed = _task(0, TaskStage.CLAIMED, 1_090)
    job, confirmed = replace(JOB, shard_count=1), frozenset({claimed.task_id})
    now = JobStatus(job=job, tasks=(claimed,), time_seconds=1_000, confirmed=confirmed)
    said = "confirmed by its quorum: final for consumers, can be challenged for 1 min 30 s"
    assert said in _shown(now, {})
    assert _fields(now, {})["tasks"][0]["confirmed"]
    unconfirmed = replace(now, confirmed=frozenset())
    assert (
        "consumers" not in _shown(unconfirmed, {}) and not _fields(unconfirmed, {})["tasks"][0]["confirmed"]
    )
