"""The engines by name. They are loaded by the first run, because LLVM takes time and memory to import."""

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from truestep.guest.user_cache import user_cache
from truestep.machine.interpreter import ReferenceEngine
from truestep.machine.program import Program, Task
from truestep.ports.engine import Engine, Machine, Replay

if TYPE_CHECKING:
    from truestep.engine.jit import JitEngine

WARM_UP_STEPS = 1 << 22
"""About 40 ms of walking: most short runs are over by then and need no compilation."""
EVERYTHING = 1 << 40
"""More than any program costs to compile."""
JOINED_STEPS_PER_COST, HOT_STEPS_PER_COST = 600, 1_000
"""Walked instructions for each of a part's cost before it gets code: from templates, or from LLVM."""
PIECE_STEPS = 50_000
"""Compiling runs on another core, so it may begin before walking has cost as much."""
OPTIMISE_CYCLES_PER_COST = 3 << 18
"""Cycles in code of the first tier, in any process, in which better code saves what compiling it costs."""
BASELINE_CYCLES_PER_COST = 1 << 17
"""The same where LLVM makes the first tier, which is slower. It is half, because another core compiles."""
LEAVE_NOTHING = "TRUESTEP_LEAVE_NOTHING"
"""The environment variable with which no compiler outlives its run: for tests and for batch systems."""


class EngineName(StrEnum):
    """The engine that runs a program. All give the same results; they differ in speed."""

    JIT = "jit"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """The limits of an engine. None means its default."""

    memory_bytes: int | None = None
    """Memory that one run may write."""
    snapshots_bytes: int | None = None
    """Memory for the snapshots of one replayed run."""
    stride_cycles: int | None = None
    """Cycles between additional snapshots of a replayed run, besides those where it stops."""


def open_eager_engine(name: EngineName) -> Engine:
    """The engine called `name`, which translates everything it runs and keeps nothing on disk.

    For conformance tests: stepped code, or code translated by another version, says nothing about the
    translator.
    """
    if name is EngineName.REFERENCE:
        return ReferenceEngine()
    from truestep.engine.compilation.translation import CompilePolicy
    from truestep.engine.jit import JitEngine

    return JitEngine(CompilePolicy(free_cost=EVERYTHING))


def open_engine(name: EngineName, limits: EngineLimits | None = None) -> Engine:
    """The engine called `name`. Raises `ValueError` if it does not support limits."""
    limits = limits or EngineLimits()
    if name is EngineName.REFERENCE:
        if limits != EngineLimits():
            raise ValueError(
                "expected no limits for the reference engine, which does not support them; use the jit engine"
            )
        return ReferenceEngine()
    return _JitOnDemand(lambda: _open_jit(limits))


class _JitOnDemand:
    """Satisfies `truestep.ports.engine.ReplayingEngine`: the JIT engine, loaded by its first run.

    A daemon may wait for days; until then it uses 60 MiB less.
    """

    name = "jit"

    def __init__(self, load: "Callable[[], JitEngine]") -> None:
        self._load = load
        self._loaded: JitEngine | None = None
        self._loading = threading.Lock()

    def start(
        self, program: Program, task: Task, *, debug_sink: Callable[[bytes], None] | None = None
    ) -> Machine:
        """A machine in state number 0 of the run."""
        return self._engine().start(program, task, debug_sink=debug_sink)

    def replay(self, program: Program, task: Task) -> Replay:
        """A replay of the run."""
        return self._engine().replay(program, task)

    def _engine(self) -> "JitEngine":
        with self._loading:
            self._loaded = self._loaded or self._load()
            return self._loaded


def _open_jit(limits: EngineLimits) -> "JitEngine":
    from truestep.engine.compilation.compiler_process import CompilerProcess
    from truestep.engine.compilation.object_cache import ObjectCache
    from truestep.engine.compilation.translation import CompilePolicy
    from truestep.engine.host import has_templates
    from truestep.engine.jit import JitEngine
    from truestep.engine.runtime.replay import SNAPSHOTS_LIMIT_BYTES

    objects = ObjectCache(object_directory())
    policy = CompilePolicy(
        free_cost=0,
        hot_steps_per_cost=JOINED_STEPS_PER_COST if has_templates() else HOT_STEPS_PER_COST,
        piece_steps=PIECE_STEPS,
        warm_up_steps=WARM_UP_STEPS,
        optimise_cycles_per_cost=OPTIMISE_CYCLES_PER_COST if has_templates() else BASELINE_CYCLES_PER_COST,
        objects=objects,
        compiler=CompilerProcess(objects, outlives=not os.environ.get(LEAVE_NOTHING)),
    )
    return JitEngine(
        policy,
        memory_limit_bytes=limits.memory_bytes,
        snapshots_limit_bytes=SNAPSHOTS_LIMIT_BYTES
        if limits.snapshots_bytes is None
        else limits.snapshots_bytes,
        stride_cycles=limits.stride_cycles,
    )


def engine_build(name: EngineName) -> str:
    """The version of an engine; for the JIT, a digest of everything that its code depends on."""
    if name is EngineName.REFERENCE:
        from importlib.metadata import version  # takes 0.03 s, which runs need not spend

        return version("truestep")
    from truestep.engine.compilation.object_cache import build_id

    return build_id().hex()


def object_directory() -> Path:
    """The directory of this user's compiled code (the XDG base directories)."""
    return user_cache() / "objects"
