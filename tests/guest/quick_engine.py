"""The engine of tests that ask what a guest computes: the one that ships, with cheaper translations."""

from __future__ import annotations

import functools

from truestep.engine.compilation.compile_jobs import Heat, Job, no_heat
from truestep.engine.compilation.compiler_process import CompilerProcess
from truestep.engine.compilation.object_code import Tier, object_code
from truestep.engine.compilation.translation import CompilePolicy
from truestep.engine.jit import JitEngine
from truestep.ports.engine import Engine


class _AtOnce(CompilerProcess):
    """Translates without optimisation while the run waits: stepping meanwhile costs other tests time."""

    def submit(self, job: Job, heat: Heat = no_heat) -> None:
        del heat
        job(lambda ir, key=b"", heat=0.0, tier=Tier.BASELINE: object_code(ir, Tier.BASELINE))


@functools.cache
def quick_engine() -> Engine:
    """The engine of this process. Its translations are cheap, so that it makes them early."""
    policy = CompilePolicy(free_cost=0, hot_steps_per_cost=8_000, walk_after_steps=0, compiler=_AtOnce())
    return JitEngine(policy)
