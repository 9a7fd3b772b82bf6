"""Rounds of A B C A B C over the runners of one kernel; their outputs must be equal."""

from __future__ import annotations

import hashlib
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from _builds import Builds
from _kernels import Kernel, Scale
from _runners import (
    MeasurementFailed,
    Run,
    RunnerName,
    Sample,
    WorkerRun,
    open_run,
    open_worker,
    worker_sample,
)

TIMED = (RunnerName.NATIVE, RunnerName.ENGINE, RunnerName.QEMU, RunnerName.WASMTIME)
"""The reference interpreter is too slow for the rounds: it runs once, at Scale.CHECK."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFigures:
    """One runner on one kernel."""

    cpu_seconds: float
    """The median of the rounds; of the reference: what its time for an instruction comes to."""
    ratio: float
    """The median of each round's ratio to native: what slows a whole round down cancels out."""
    least_ratio: float
    greatest_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFigures:
    """One kernel in all runners."""

    kernel: Kernel
    output_sha256: str
    cycles: int | None
    """Instructions that the guest takes."""
    compile_cpu_seconds: float | None
    """Of the engine: start and compilation, in the background too, with an empty cache."""
    reference_cycles: int | None
    reference_cpu_seconds: float | None
    """Of the scaled-down run that `cpu_seconds` of the reference is worked out from."""
    runners: dict[RunnerName, RunnerFigures]

    def instructions_per_second(self, name: RunnerName) -> float | None:
        """The guest's instructions in a CPU second of this runner."""
        if self.cycles is None or name not in self.runners:
            return None
        return self.cycles / self.runners[name].cpu_seconds


def compare(
    workshop: Builds,
    kernel: Kernel,
    scale: Scale,
    rounds: int,
    names: Sequence[RunnerName],
    tell: Callable[[str], None],
) -> KernelFigures:
    """Measure one kernel in the runners `names`, native always among them."""
    runs: dict[RunnerName, Run] = {}
    try:
        for name in (each for each in TIMED if each in names):
            tell(f"{kernel.name}: {name} is made ready")
            runs[name] = open_run(workshop, name, kernel, scale)
        samples: dict[RunnerName, list[Sample]] = {name: [] for name in runs}
        for number in range(rounds):
            tell(f"{kernel.name}: round {number + 1} of {rounds}")
            for name, run in runs.items():
                samples[name].append(run.sample())
                _require_equal(kernel, name, samples[name][-1], samples[RunnerName.NATIVE][0])
        reference = None
        if RunnerName.REFERENCE in names:
            tell(f"{kernel.name}: reference interpreter, scaled down")
            reference = _reference_sample(workshop, kernel)
        compile_seconds = _compile_seconds(workshop, kernel, runs.get(RunnerName.ENGINE), scale)
        return _figures(kernel, samples, reference, compile_seconds)
    finally:
        for run in runs.values():
            run.close()


def geometric_mean(ratios: Sequence[float]) -> float:
    """The mean that treats twice as fast and half as fast alike."""
    return math.exp(statistics.fmean(map(math.log, ratios)))


def _require_equal(kernel: Kernel, name: RunnerName, sample: Sample, native: Sample) -> None:
    if sample.output != native.output:
        got, expected = sample.output.hex()[:64], native.output.hex()[:64]
        raise MeasurementFailed(f"{kernel.name}: expected {name} to output {expected} like native, got {got}")


def _reference_sample(workshop: Builds, kernel: Kernel) -> Sample:
    native = open_run(workshop, RunnerName.NATIVE, kernel, Scale.CHECK)
    run = open_worker(workshop, RunnerName.REFERENCE, kernel, Scale.CHECK)
    try:
        sample = worker_sample(run.first)
        _require_equal(kernel, RunnerName.REFERENCE, sample, native.sample())
        return sample
    finally:
        run.close()


def _compile_seconds(workshop: Builds, kernel: Kernel, run: Run | None, scale: Scale) -> float | None:
    """A first run of next to no work is start and compilation alone."""
    if not isinstance(run, WorkerRun):
        return None
    if scale is not Scale.CHECK:
        run = open_worker(workshop, RunnerName.ENGINE, kernel, Scale.CHECK)
        run.close()
    return run.first["warm_up_cpu_seconds"]


def _figures(
    kernel: Kernel,
    samples: dict[RunnerName, list[Sample]],
    reference: Sample | None,
    compile_seconds: float | None,
) -> KernelFigures:
    native = [sample.cpu_seconds for sample in samples[RunnerName.NATIVE]]
    runners = {
        name: _runner_figures([each.cpu_seconds for each in own], native) for name, own in samples.items()
    }
    cycles = samples[RunnerName.ENGINE][0].cycles if RunnerName.ENGINE in samples else None
    if reference is not None and reference.cycles and cycles:
        whole_seconds = reference.cpu_seconds / reference.cycles * cycles
        runners[RunnerName.REFERENCE] = _runner_figures([whole_seconds] * len(native), native)
    return KernelFigures(
        kernel=kernel,
        output_sha256=hashlib.sha256(samples[RunnerName.NATIVE][0].output).hexdigest(),
        cycles=cycles,
        compile_cpu_seconds=compile_seconds,
        reference_cycles=reference.cycles if reference else None,
        reference_cpu_seconds=reference.cpu_seconds if reference else None,
        runners=runners,
    )


def _runner_figures(own: Sequence[float], native: Sequence[float]) -> RunnerFigures:
    ratios = [mine / base for mine, base in zip(own, native, strict=True)]
    return RunnerFigures(
        cpu_seconds=statistics.median(own),
        ratio=statistics.median(ratios),
        least_ratio=min(ratios),
        greatest_ratio=max(ratios),
    )
