"""Runs a tool with limits: time, memory, and nothing of it is left when it ends or is interrupted."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from truestep.base.errors import Unavailable
from truestep.circuits.errors import CircuitError
from truestep.ports.blobs import never
from truestep.ports.executor import ShouldStop, Stopped

POLL_SECONDS = 0.1
"""How often memory is looked at: a prover takes a hundred times longer to fill it."""
SAID_BYTES = 4_000
"""The end of what a tool said, for the message."""

_GUARD = (
    "import ctypes,os,signal,sys\n"
    "if sys.platform == 'linux':\n"
    "    ctypes.CDLL(None).prctl(1, signal.SIGKILL)\n"  # PR_SET_PDEATHSIG
    "    os.getppid() == int(sys.argv[1]) or os._exit(1)\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)
"""Becomes the tool. On Linux it ends with the process that started it, even if that is killed."""


@dataclass(slots=True)
class Meter:
    """What tools have computed."""

    cpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run of a tool may take."""

    seconds: float
    memory_bytes: int

    def within(self, other: "Limits") -> "Limits":
        """The lower of both."""
        return Limits(
            seconds=min(self.seconds, other.seconds), memory_bytes=min(self.memory_bytes, other.memory_bytes)
        )


def run_tool(
    name: str,
    command: Sequence[str | Path],
    folder: Path,
    limits: Limits,
    should_stop: ShouldStop = never,
    meter: Meter | None = None,
) -> str:
    """What the tool says on stderr. `meter` is told what it has computed.

    Raises `CircuitError` if it fails, `Unavailable` at a limit, `Stopped` if it was ended because it should.
    """
    words = [sys.executable, "-I", "-c", _GUARD, str(os.getpid()), *map(str, command)]
    log = folder / "tool.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            words,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(folder),
        )
        try:
            reason = _watch(process, limits, should_stop)
        finally:
            cpu_seconds = _end(process)
    if meter is not None:
        meter.cpu_seconds += cpu_seconds
    said = log.read_bytes()[-SAID_BYTES:].decode("utf-8", "replace").strip()
    if reason is not None:
        raise Unavailable(f"{name} was ended: {reason}")
    if process.returncode < 0:
        killer = signal.Signals(-process.returncode).name
        raise Unavailable(
            f"{name} was killed ({killer}) before it was done; if memory was short, close something,"
            " then do it again: nothing is lost"
        )
    if process.returncode != 0:
        raise CircuitError(f"{name} failed: {said or 'it said nothing'}")
    return said


def _environment(folder: Path) -> dict[str, str]:
    """Little of ours: no proxy that would let a tool fetch what was not asked for, no home to read."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    closed = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    return kept | closed | {"HOME": str(folder)}


def _watch(process: subprocess.Popen[bytes], limits: Limits, should_stop: ShouldStop) -> str | None:
    """Wait for the end; why it was not waited for, if it took too much. Raises `Stopped` when asked to."""
    end = time.monotonic() + limits.seconds
    with _EndedBySignal():
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(POLL_SECONDS)
            if should_stop():
                raise Stopped
            if time.monotonic() > end:
                return (
                    f"it took more than the {limits.seconds:.0f} s that it may; allow more (--prove-seconds"
                    " of a worker), or use a smaller model"
                )
            used = _memory_bytes(process.pid)
            if used > limits.memory_bytes:
                return (
                    f"it took {used >> 20} MiB of memory, more than the {limits.memory_bytes >> 20} MiB that"
                    " it may; allow more (--prove-memory of a worker), or use a smaller model"
                )
    return None


class _EndedBySignal:
    """SIGTERM becomes an exit while a tool runs, so that the tool is ended too."""

    def __enter__(self) -> None:
        self._before = None
        if threading.current_thread() is threading.main_thread():
            self._before = signal.getsignal(signal.SIGTERM)
            if self._before is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))

    def __exit__(self, *_: object) -> None:
        if self._before is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _memory_bytes(pid: int) -> int:
    """What the process holds in memory; 0 where the system does not say."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _end(process: subprocess.Popen[bytes]) -> float:
    """End what is left of its session, and take its exit code. Returns the CPU seconds that it took.

    `Popen.wait` is not used: an interrupt inside of it can leave its lock taken, and then it waits for ever.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime
