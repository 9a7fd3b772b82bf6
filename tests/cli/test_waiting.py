"""Waiting for a job: what is said meanwhile; and Ctrl-C ends the command, not the job."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from tests.cli.test_status import JOB, _task
from truestep.cli import following
from truestep.cli.screen import Screen, guarded
from truestep.client.job_status import JobStatus
from truestep.protocol.records import TaskRecord, TaskStage


def _interrupted(on_event: Callable[[Any], None], on_status: Callable[[Any], None]) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_says_that_the_job_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    job: Any = SimpleNamespace(job_id=7, wait=_interrupted, record=lambda: SimpleNamespace(shard_count=2))
    with pytest.raises(typer.Exit):
        guarded(lambda: following.follow(Screen(as_json=False), job, None))()
    assert "job 7 goes on without this command: truestep wait 7" in capsys.readouterr().err


def _status(*tasks: TaskRecord, now: int = 1_000, confirmed: int = 0) -> JobStatus:
    """The first `confirmed` tasks are confirmed by a quorum."""
    ids = frozenset(task.task_id for task in tasks[:confirmed])
    return JobStatus(job=JOB, tasks=tasks, time_seconds=now, confirmed=ids)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (_status(_task(0, TaskStage.OPEN)), "0 of 1 shard final, 1 waiting for a worker"),
        (
            _status(_task(0, TaskStage.TAKEN, 1_100), _task(1, TaskStage.FINAL)),
            "1 of 2 shards final, 1 running",
        ),
        (
            _status(_task(0, TaskStage.CLAIMED, 1_100), _task(1, TaskStage.CLAIMED, 1_090)),
            "0 of 2 shards final, 2 claimed, can be disputed for 1 min 40 s more",
        ),
        (
            _status(_task(0, TaskStage.CLAIMED, 1_100), confirmed=1),
            "0 of 1 shard final, 1 claimed, final for consumers, can be disputed for 1 min 40 s more",
        ),
        (
            _status(_task(0, TaskStage.CLAIMED, 1_100), _task(1, TaskStage.CLAIMED, 1_100), confirmed=1),
            "0 of 2 shards final, 2 claimed, 1 of them final for consumers, can be disputed for 1 min 40 s"
            " more",
        ),
        (
            _status(_task(0, TaskStage.CLAIMED, 999)),
            "0 of 1 shard final, 1 claimed, nobody has disputed in time: to be finalized",
        ),
    ],
)
def test_progress_counts_down_to_the_end(status: JobStatus, words: str) -> None:
    assert following.progress_in_words(status) == words


def test_after_a_minute_it_says_why_nobody_may_take_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    advise = following.adviser(Screen(as_json=False))
    for now in (1_000, 1_059):
        advise(_status(_task(0, TaskStage.OPEN), now=now))
    assert capsys.readouterr().err == ""
    for now in (1_060, 1_200):
        advise(_status(_task(0, TaskStage.OPEN), now=now))
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("no worker has taken a shard so far") == 1
    assert "0.01 ETH" in said and "truestep top-up 7 AMOUNT" in said


def test_a_job_that_somebody_has_taken_needs_no_advice(capsys: pytest.CaptureFixture[str]) -> None:
    advise = following.adviser(Screen(as_json=False))
    for now in (1_000, 2_000):
        advise(_status(_task(0, TaskStage.OPEN), _task(1, TaskStage.TAKEN, 3_000), now=now))
    assert capsys.readouterr().err == ""
