"""One kernel as a guest in the engine and compiled by Numba for this computer, in turn."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from truestep.guest import build_python

KERNELS = Path(__file__).parent / "kernels"
BENCHMARKS = Path(__file__).parents[1]
CLOSE_ENOUGH = 1e-6
"""Native sums have another order, and the last bits of libm's functions differ."""
COLD_SHARE = 1e-3
WARM_UP_LIMIT_SECONDS = 120.0
WARM_UP_CPU_SECONDS, SETTLE_SECONDS = 4.0, 2.0
"""A kernel takes 0.01 to 0.1 s: its code is optimised after some runs, as it would be in a longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One kernel's."""

    name: str
    about: str
    native_seconds: float
    guest_seconds: float
    ratio: float
    """The median over the rounds of the ratio in the same round."""
    cycles: int
    build_cpu_seconds: float
    is_alike: bool
    """Whether both computed the same numbers, but for the last digits of floats."""


class NotNative(Exception):
    """Numba for this computer does not run a kernel: it has not all of what guests have."""


def measure(kernel: Path, folder: Path, rounds: int) -> Figures:
    """Build the kernel and run it in turn: native, guest, native, guest. Raises `NotNative`."""
    guest, nothing = folder / f"{kernel.stem}.elf", folder / "input"
    nothing.write_bytes(b"")
    started = time.process_time() + _children_seconds()
    build_python(kernel, guest)
    build_cpu_seconds = time.process_time() + _children_seconds() - started
    with (
        _native_worker(kernel) as native,
        _Worker(str(BENCHMARKS / "_worker.py"), "jit", str(guest), str(nothing)) as engine,
    ):
        engine.warm_up()
        pairs = [(native.run(), engine.run()) for _ in range(rounds)]
        is_alike = _are_alike(native.first["output"], engine.first["output"])
    times = [(first["run_cpu_seconds"], second["run_cpu_seconds"]) for first, second in pairs]
    return Figures(
        name=kernel.stem,
        about=kernel.read_text(encoding="utf-8").split('"""')[1],
        native_seconds=statistics.median(first for first, _ in times),
        guest_seconds=statistics.median(second for _, second in times),
        ratio=statistics.median(second / first for first, second in times),
        cycles=engine.first["cycles"],
        build_cpu_seconds=build_cpu_seconds,
        is_alike=is_alike,
    )


def _native_worker(kernel: Path) -> _Worker:
    try:
        return _Worker(str(BENCHMARKS / "_numba_worker.py"), str(kernel))
    except ChildProcessError as error:
        raise NotNative(kernel.stem) from error


def _children_seconds() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _are_alike(native: str, guest: str) -> bool:
    """Whether outputs in hex are equal, or equal as float64 but for the last digits."""
    if native == guest:
        return True
    first, second = (np.frombuffer(bytes.fromhex(each), np.float64) for each in (native, guest))
    return first.shape == second.shape and np.allclose(first, second, rtol=CLOSE_ENOUGH, atol=CLOSE_ENOUGH)


class _Worker:
    """A process that keeps the compiled kernel and runs it once for each line on its standard input."""

    def __init__(self, *command: str) -> None:
        self._cache = tempfile.TemporaryDirectory(prefix="truestep-bench-cache-")
        self._process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # An empty cache, so that the first run compiles.
            env={**os.environ, "XDG_CACHE_HOME": self._cache.name},
        )
        self.first = self._answer()
        """The first run, which also compiles."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()
        self._cache.cleanup()

    def warm_up(self) -> None:
        """Run until what runs long is optimised, and nearly all of a run is in compiled code."""
        deadline, spent_seconds = time.monotonic() + WARM_UP_LIMIT_SECONDS, 0.0
        while time.monotonic() < deadline:
            answer = self.run()
            spent_seconds += answer["run_cpu_seconds"]
            is_cold = answer["stepped"] + answer["walked"] >= answer["cycles"] * COLD_SHARE
            if spent_seconds >= WARM_UP_CPU_SECONDS and not is_cold:
                break
        # What was asked for last is still compiled.
        time.sleep(SETTLE_SECONDS)

    def run(self) -> dict[str, Any]:
        """Run once more. Raises ChildProcessError if the process has ended."""
        if self._process.stdin is not None:
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise ChildProcessError(f"expected a worker's answer, it ended with {self._process.wait()}")
        return json.loads(line)
