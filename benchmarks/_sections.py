"""Figures beside the kernels: starts, Keccak, splits. Each in fresh processes."""

from __future__ import annotations

import json
import os
import statistics
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _builds import Builds
from _kernels import KERNELS, Kernel, Scale
from _large_program import large_program
from _runners import MeasurementFailed, worker_command

from truestep.machine.elf import load_elf

STARTS = 3
"""Of each kind at full scale; the median counts."""
SPLITS = 3
"""Of each kernel at full scale, each in a process of its own; the median of each figure counts."""
SPLIT_PARTS = 64
SPLIT_CYCLES = {Scale.CHECK: 50_000, Scale.QUICK: 300_000_000, Scale.FULL: 10_000_000_000}
KECCAK_NODES = {Scale.CHECK: 1 << 12, Scale.QUICK: 1 << 16, Scale.FULL: 1 << 20}
START_PASSES = {Scale.CHECK: 1, Scale.QUICK: 200, Scale.FULL: 2_000}
LEAST_SECONDS = 1e-3
ENDLESS = 1 << 20
"""Repeats that outlast every split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFigures:
    """Medians of several fresh processes; imports of Python modules are apart."""

    program_words: int
    run_cycles: int
    import_seconds: float
    cold_first_seconds: float
    cold_first_cpu_seconds: float
    cold_end_seconds: float
    cold_end_cpu_seconds: float
    warm_first_seconds: float
    warm_first_cpu_seconds: float
    warm_end_seconds: float
    warm_end_cpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeccakFigures:
    """64-byte nodes hashed in a CPU second."""

    nodes_per_second: float
    plain_nodes_per_second: float
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitFigures:
    """The hashes of all inner states of a split, against the plain run; and of a later split of one part."""

    kernel: str
    cycles: int
    parts: int
    nodes: int
    plain_seconds: float
    plain_cpu_seconds: float
    split_seconds: float
    split_cpu_seconds: float
    later_seconds: float
    later_cpu_seconds: float
    witness_seconds: float
    witness_cpu_seconds: float
    snapshots_bytes: int

    @property
    def nodes_per_second(self) -> float:
        """Nodes above changed words in a second of what the split takes beyond the plain run, in CPU time.

        Looking for what changed, copying it and running slower for it are part of that.
        """
        return self.nodes / self._added_cpu_seconds

    @property
    def checkpoint_seconds(self) -> float:
        """CPU time of one stop with its snapshot and its root, hashing included."""
        return self._added_cpu_seconds / self.parts

    @property
    def _added_cpu_seconds(self) -> float:
        """Where next to nothing is added, the difference of two measurements may well be below zero."""
        return max(self.split_cpu_seconds - self.plain_cpu_seconds, LEAST_SECONDS)


def measure_starts(workshop: Builds, scale: Scale) -> StartFigures:
    """Cold: with an empty cache directory. Warm: with the one that a cold start has filled."""
    source = workshop.directory / "large_program.c"
    source.write_text(large_program())
    program, input_path = workshop.guest(source, {}), workshop.directory / "large_program.input"
    input_path.write_bytes(struct.pack("<Q", START_PASSES[scale]))
    cold: list[dict[str, Any]] = []
    warm: list[dict[str, Any]] = []
    for _ in range(STARTS if scale is Scale.FULL else 1):
        with tempfile.TemporaryDirectory(dir=workshop.directory) as cache:
            cold.append(_ask(worker_command("start", program, input_path), cache))
            warm.append(_ask(worker_command("start", program, input_path), cache))
    expected = _native_output(workshop, source, input_path)
    if any(bytes.fromhex(each["output"]) != expected for each in (*cold, *warm)):
        raise MeasurementFailed("expected the large program to output the same as natively, it did not")
    times = ("first_seconds", "first_cpu_seconds", "end_seconds", "end_cpu_seconds")
    return StartFigures(
        program_words=_code_words(program),
        run_cycles=cold[0]["cycles"],
        import_seconds=_median(warm, "import_seconds"),
        **{f"cold_{name}": _median(cold, name) for name in times},
        **{f"warm_{name}": _median(warm, name) for name in times},
    )


def measure_keccak(workshop: Builds, scale: Scale) -> KeccakFigures:
    """The engine's batches and the plain library, on one core."""
    nothing = workshop.directory
    return KeccakFigures(**_ask(worker_command("keccak", nothing, nothing, KECCAK_NODES[scale])))


def measure_split(workshop: Builds, scale: Scale, kernel_name: str) -> SplitFigures:
    """A kernel, repeated for long enough, cut into SPLIT_PARTS."""
    kernel = next(each for each in KERNELS if each.name == kernel_name)
    input_path = workshop.directory / f"{kernel_name}-split.input"
    input_path.write_bytes(_endless_input(kernel, scale))
    command = worker_command(
        "split",
        workshop.guest(kernel.source, kernel.defines(scale)),
        input_path,
        SPLIT_CYCLES[scale],
        SPLIT_PARTS,
    )
    answers = [_ask(command) for _ in range(SPLITS if scale is Scale.FULL else 1)]
    medians: dict[str, Any] = {name: _median(answers, name) for name in answers[0]}
    return SplitFigures(kernel=kernel_name, **medians)


def _endless_input(kernel: Kernel, scale: Scale) -> bytes:
    """The kernel's size as it is, if it has repeats; else a size that no split outlasts."""
    size, *repeats = kernel.parameters[scale]
    return struct.pack("<2Q", size, ENDLESS) if repeats else struct.pack("<Q", ENDLESS << 20)


def _ask(command: list[str], cache_directory: str | None = None) -> dict[str, Any]:
    """A worker's one answer; `cache_directory` is where it may keep what it compiled."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache_directory} if cache_directory else None
    process = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if process.returncode != 0:
        raise MeasurementFailed(
            f"expected figures of {command[2]}, its process ended with {process.returncode}"
        )
    return json.loads(process.stdout)


def _native_output(workshop: Builds, source: Path, input_path: Path) -> bytes:
    with input_path.open("rb") as stdin:
        return subprocess.run(
            [workshop.native(source, {})], stdin=stdin, capture_output=True, check=True
        ).stdout


def _code_words(program: Path) -> int:
    segments = load_elf(program.read_bytes()).segments
    return sum(len(segment.content) // 4 for segment in segments if segment.is_executable)


def _median(answers: list[dict[str, Any]], name: str) -> float:
    return statistics.median(answer[name] for answer in answers)
