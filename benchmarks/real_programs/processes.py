"""CPU time of a process together with all that it started, those that outlive it too."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIMIT_SECONDS = 900.0
"""Ten times the slowest cold run."""
_PR_SET_CHILD_SUBREAPER = 36


class Overtime(Exception):
    """A process did not end in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A process that has ended."""

    exit_code: int
    cpu_seconds: float
    """Of the process and of everything that it started, until the process itself ended."""
    left_cpu_seconds: float
    """Of what it left running, from then until the last of it ended."""


def run_family(
    command: Sequence[str], *, given: Path, output: Path, environment: Mapping[str, str] | None = None
) -> Finished:
    """Run a command and wait for it and for all its descendants. No other child of this process may live."""
    _adopt_orphans()
    with given.open("rb") as stdin, output.open("wb") as stdout:
        process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, env=environment, start_new_session=True
        )
    is_overtime = threading.Event()
    timer = threading.Timer(LIMIT_SECONDS, _kill_session, (process.pid, is_overtime))
    timer.start()
    try:
        exit_code, cpu_seconds = _end_of(process)
        left_since = sum(map(cpu_seconds_of, children_of()))
        left_cpu_seconds = max(0.0, _rest() - left_since)
    finally:
        timer.cancel()
    if is_overtime.is_set():
        raise Overtime(f"did not end within {LIMIT_SECONDS:.0f} s")
    return Finished(
        exit_code=exit_code, cpu_seconds=cpu_seconds + left_since, left_cpu_seconds=left_cpu_seconds
    )


def _end_of(process: subprocess.Popen[bytes]) -> tuple[int, float]:
    """Wait for a process. Its exit code, and the CPU seconds of all that have ended until then."""
    cpu_seconds = 0.0
    while True:
        process_id, status, usage = os.wait4(-1, 0)
        cpu_seconds += usage.ru_utime + usage.ru_stime
        if process_id == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, cpu_seconds


def _rest() -> float:
    """Wait for all orphans. Their CPU seconds."""
    cpu_seconds = 0.0
    with suppress(ChildProcessError):
        while True:
            usage = os.wait4(-1, 0)[2]
            cpu_seconds += usage.ru_utime + usage.ru_stime
    return cpu_seconds


def children_of(process: str = "self") -> list[str]:
    """The living children of a process."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [child for task in tasks for child in task.read_text(encoding="utf-8").split()]


def cpu_seconds_of(process_id: str) -> float:
    """User and system time, the 14th and 15th field; the second field may hold anything in parentheses."""
    try:
        status = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = status.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kill_session(process_id: int, is_overtime: threading.Event) -> None:
    is_overtime.set()
    with suppress(ProcessLookupError):
        os.killpg(process_id, signal.SIGKILL)


def _adopt_orphans() -> None:
    """Make this process the parent of orphans among its descendants, so that it can wait for them."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
