"""Runs for a pool of processes: everything a run needs, in a picklable form."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from truestep.base.ids import Bytes32
from truestep.engine.compilation.object_cache import ObjectCache
from truestep.engine.compilation.translation import CompilePolicy
from truestep.engine.jit import JitEngine
from truestep.engine.runtime.replay import SNAPSHOTS_LIMIT_BYTES
from truestep.machine.program import Program, Task

ENGINES_LIMIT = 4
"""The engines of this process by their settings. Each keeps its translated programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HashesJob:
    """A request for state hashes of one run at rising cycles. `run_job` does it, in any process."""

    program: Program
    task: Task
    cycles: tuple[int, ...]
    snapshots_limit_bytes: int = SNAPSHOTS_LIMIT_BYTES
    memory_limit_bytes: int | None = None
    objects_directory: Path | None = None
    """Where processes share compiled code; with None, each compiles for itself."""


def run_job(job: HashesJob) -> list[Bytes32]:
    """The state hashes. Raises `MemoryLimitReached`."""
    engine = _engine(job.memory_limit_bytes, job.objects_directory)
    replay = engine.replay(job.program, job.task, snapshots_limit_bytes=job.snapshots_limit_bytes)
    return replay.hashes(job.cycles)


@lru_cache(maxsize=ENGINES_LIMIT)
def _engine(memory_limit_bytes: int | None, objects_directory: Path | None) -> JitEngine:
    objects = ObjectCache(objects_directory) if objects_directory else None
    return JitEngine(CompilePolicy(objects=objects), memory_limit_bytes=memory_limit_bytes)
