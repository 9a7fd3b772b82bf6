"""Runs in a pool of processes."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.engine.compare import END
from tests.engine.test_memory import script
from tests.engine.test_replay import PROGRAM, SPREAD, hashes_of
from truestep.engine.jobs import HashesJob, run_job
from truestep.engine.runtime.memory import MemoryLimitReached
from truestep.machine.layout import PAGE_SIZE_BYTES

CYCLES = (77, 200, 501, END)


def test_jobs_in_a_pool_of_processes(tmp_path: Path) -> None:
    tasks = [script([(8, 0x2000_0000 + 8 * number, number + 1), *SPREAD]) for number in range(4)]
    jobs = [
        HashesJob(program=PROGRAM, task=task, cycles=CYCLES, objects_directory=tmp_path) for task in tasks
    ]
    small = HashesJob(program=PROGRAM, task=tasks[0], cycles=CYCLES, memory_limit_bytes=2 * PAGE_SIZE_BYTES)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        failing = pool.submit(run_job, small)
        assert list(pool.map(run_job, jobs)) == [
            list(hashes_of(PROGRAM, task, CYCLES).values()) for task in tasks
        ]
        with pytest.raises(MemoryLimitReached, match="at most 8192 bytes"):
            failing.result()
    assert any(tmp_path.iterdir()), "compiled code is shared"
