"""What runs a kernel: this computer, truestep's two engines, qemu and wasmtime. CPU time of the run alone."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from _builds import Builds
from _kernels import BENCHMARKS, Kernel, Scale

WORKER = BENCHMARKS / "_worker.py"
SETTLE_SECONDS = 2.0
"""What was asked for last is compiled by then."""


class RunnerName(StrEnum):
    """The runners, in the order in which a round goes through them."""

    NATIVE = "native"
    ENGINE = "engine"
    QEMU = "qemu"
    WASMTIME = "wasmtime"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run."""

    cpu_seconds: float
    output: bytes
    cycles: int | None = None


WORKER_MODES = {
    RunnerName.ENGINE: "jit",
    RunnerName.WASMTIME: "wasm",
    RunnerName.REFERENCE: "reference",
}


class MeasurementFailed(Exception):
    """A runner did not do what it should; the message says which and what."""


class Run(Protocol):
    """A kernel made ready in one runner."""

    def sample(self) -> Sample:
        """Run it once more."""
        ...

    def close(self) -> None:
        """Let go of its process."""
        ...


class ProcessRun:
    """A process for each run; its start, a millisecond or so, counts."""

    def __init__(self, command: list[str], input_path: Path) -> None:
        self._command = command
        self._input_path = input_path

    def sample(self) -> Sample:
        """Run it once more; the kernel of the system counts its CPU time."""
        with self._input_path.open("rb") as stdin, tempfile.TemporaryFile() as stdout:
            process = subprocess.Popen(self._command, stdin=stdin, stdout=stdout)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                raise MeasurementFailed(f"expected {self._command} to exit with 0, got {process.returncode}")
            stdout.seek(0)
            return Sample(cpu_seconds=usage.ru_utime + usage.ru_stime, output=stdout.read())

    def close(self) -> None:
        """Nothing is kept."""


class WorkerRun:
    """A process that keeps the compiled kernel and runs it on demand; compiling it does not count."""

    def __init__(self, command: list[str]) -> None:
        self._cache = tempfile.TemporaryDirectory(prefix="truestep-bench-cache-")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # An empty cache, so that the first run compiles.
            env={**os.environ, "XDG_CACHE_HOME": self._cache.name},
        )
        self.first = self._answer()
        """The first run, compilation included."""

    def sample(self) -> Sample:
        """Run it once more."""
        if self._process.stdin is None:
            raise MeasurementFailed("expected a worker with standard input, got none")
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        return worker_sample(self._answer())

    def warm_up(self, cpu_seconds: float) -> None:
        """Run for so long, until what runs long is optimised, and let the compiler end."""
        while cpu_seconds > 0:
            cpu_seconds -= self.sample().cpu_seconds
        time.sleep(SETTLE_SECONDS)

    def close(self) -> None:
        """End the process: it stops at the end of its input."""
        self._process.communicate()
        self._cache.cleanup()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise MeasurementFailed(f"expected an answer of the worker, it ended with {self._process.wait()}")
        return json.loads(line)


def worker_command(mode: str, program: Path, input_path: Path, *numbers: int) -> list[str]:
    """How a process of `_worker.py` is started."""
    return [sys.executable, str(WORKER), mode, str(program), str(input_path), *map(str, numbers)]


def worker_sample(answer: dict[str, Any]) -> Sample:
    """A worker's answer as a sample."""
    return Sample(
        cpu_seconds=answer["run_cpu_seconds"],
        output=bytes.fromhex(answer["output"]),
        cycles=answer.get("cycles"),
    )


def why_missing(name: RunnerName) -> str | None:
    """What to install so that this runner can be measured; None if it is there."""
    if name is RunnerName.QEMU and find_qemu() is None:
        return "qemu-riscv64 is not installed (Debian's package qemu-user)"
    if name is RunnerName.WASMTIME and importlib.util.find_spec("wasmtime") is None:
        return "wasmtime is not installed (PyPI's package wasmtime, in the extra `dev`)"
    return None


def find_qemu() -> str | None:
    """Qemu's user mode for RISC-V."""
    return shutil.which("qemu-riscv64") or shutil.which("qemu-riscv64-static")


def input_file(workshop: Builds, kernel: Kernel, scale: Scale) -> Path:
    """The kernel's input on disk."""
    path = workshop.directory / f"{kernel.name}-{scale}.input"
    path.write_bytes(kernel.input(scale))
    return path


def open_run(workshop: Builds, name: RunnerName, kernel: Kernel, scale: Scale) -> Run:
    """Build the kernel for a runner and make it ready."""
    if name is RunnerName.NATIVE:
        command = [str(workshop.native(kernel.source, kernel.defines(scale)))]
    elif name is RunnerName.QEMU:
        command = [str(find_qemu()), str(workshop.linux_riscv(kernel.source, kernel.defines(scale)))]
    else:
        return open_worker(workshop, name, kernel, scale)
    return ProcessRun(command, input_file(workshop, kernel, scale))


def open_worker(workshop: Builds, name: RunnerName, kernel: Kernel, scale: Scale) -> WorkerRun:
    """The same for the runners that work in a process of `_worker.py`."""
    build = workshop.wasm if name is RunnerName.WASMTIME else workshop.guest
    program = build(kernel.source, kernel.defines(scale))
    return WorkerRun(worker_command(WORKER_MODES[name], program, input_file(workshop, kernel, scale)))
