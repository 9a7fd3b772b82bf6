"""Daemons and commands as processes of their own, through the real command line; their logs stay in files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-c", "from truestep.cli.start import main; main()")
"""The `truestep` script of the code under test."""
STOP_SECONDS = 30.0
RAW = "raw"
"""The kind of a line that is no report: a traceback, say."""

Line = dict[str, Any]


@dataclass
class Process:
    """One process that can be killed and started again; the log goes on in the same file."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    restarts: int = 0
    crashes: list[str] = field(default_factory=list)
    """What was last said before it ended by itself, each time."""
    is_wanted: bool = True
    """Whether it should be running now."""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None
        return self._process.pid

    def start(self, **options: Any) -> None:
        """Start it; `options` are of `subprocess.Popen`."""
        self.is_wanted = True
        with self.log.open("ab") as log:
            where: dict[str, Any] = {"stdout": log, "stderr": log, "cwd": self.folder} | options
            command = [*COMMAND, *self.arguments]
            environment = dict(self.environment)
            process: Any = subprocess.Popen(command, env=environment, start_new_session=True, **where)
            self._process = process

    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9, as a power failure would."""
        self.is_wanted = False
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ctrl-C, then harder; the exit code."""
        self.is_wanted = False
        self._end(signal.SIGINT)
        return self._process.returncode if self._process else 0

    def watch(self) -> None:
        """Note a process that ended by itself, and start it again as a supervisor would."""
        if self.is_wanted and not self.is_running():
            last = self.lines()[-1:]
            code = self._process.returncode if self._process else None
            said = str(last[0].get("message", ""))[-300:] if last else "nothing"
            self.crashes.append(f"exit code {code}; last line: {said}")
            self.restarts += 1
            self.start()

    def lines(self) -> list[Line]:
        """The log, parsed; lines that are no reports have the kind `raw`."""
        with suppress(FileNotFoundError):
            return [_line(text) for text in self.log.read_text("utf-8", "replace").splitlines()]
        return []

    def said(self, kind: str) -> list[Line]:
        """The reports of one kind."""
        return [line for line in self.lines() if line["kind"] == kind]

    def _end(self, number: int) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float
) -> subprocess.CompletedProcess[str]:
    """One command of the `truestep` script, to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=dict(environment),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@dataclass(frozen=True)
class Usage:
    """What a process has used."""

    cpu_seconds: float
    resident_bytes: int


def usage(pid: int) -> Usage:
    """From the kernel (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    ticks = sum(int(fields[place]) for place in (11, 12, 13, 14))
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def _line(text: str) -> Line:
    with suppress(ValueError):
        line = json.loads(text)
        if isinstance(line, dict) and "kind" in line:
            return line
    return {"kind": RAW, "message": text}
