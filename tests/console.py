"""Plays a console session of a page in a shell, and compares what it prints."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from truestep.adapters.chain.devnet import free_port

HEX = re.compile(r"0x[0-9a-fA-F]+(?:…[0-9a-fA-F]+)?")
VARYING = (
    re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?"),
    re.compile(r"\d\d:\d\d:\d\d"),
    re.compile(r"\d+ (?:d|h|min|s)\b"),
    re.compile(r"\b[0-9a-f]{64}\b"),
    re.compile(r"\d{1,3}(?:,\d{3})+|\d+\.\d+"),
)
"""Dates, times, digests, gas and prices."""
LEFT_OUT = re.compile(r"…|\[\d+\] ")
"""Lines of commands that take long, and of the shell about processes behind it."""


@dataclass(frozen=True, slots=True)
class Command:
    """A line after `$`, and what it prints."""

    line: str
    output: list[str] = field(default_factory=list[str])


def session(text: str) -> list[Command]:
    """The commands of the page's first console block."""
    match = re.search(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert match is not None
    found: list[Command] = []
    for line in match[1].splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:]))
        elif not LEFT_OUT.match(line):
            found[-1].output.append(line)
    return found


def plain(line: str) -> str:
    """A line without what differs from run to run."""
    line = HEX.sub("0x", line)
    for pattern in VARYING:
        line = pattern.sub("N", line)
    return re.sub(r"\s+", " ", line).strip()


class Shell:
    """A shell with the commands of this checkout. Its processes end with it."""

    def __init__(self, folder: Path, replaced: Mapping[str, str], limit_seconds: float = 600.0) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        columns = {"COLUMNS": "1000", "NO_COLOR": "1"}
        self._process = subprocess.Popen(
            ["bash"],
            cwd=folder,
            env={**os.environ, **columns, "PATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._known = dict(replaced)
        """What the page says, and what it is here."""
        self._watchdog = threading.Timer(limit_seconds, os.killpg, (self._process.pid, signal.SIGKILL))
        self._watchdog.start()

    def run(self, command: Command) -> list[str]:
        """What the command prints here; values in hex that the page has shown are known then."""
        line = command.line
        for shown, own in self._known.items():
            line = line.replace(shown, own)
        printed = self.say(line)
        for expected, found in zip(command.output, printed, strict=False):
            shown, own = HEX.findall(expected), HEX.findall(found)
            self._known |= {a: b for a, b in zip(shown, own, strict=False) if len(a) > 10}
        return printed

    def say(self, line: str) -> list[str]:
        """What a line prints, without its progress."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f'{line}\necho "end of $?"\n')
        self._process.stdin.flush()
        printed: list[str] = []
        for found in self._process.stdout:
            if found.startswith("end of "):
                return printed
            if not LEFT_OUT.match(found):
                printed.append(found.rstrip())
        raise AssertionError(f"the shell ended, or took too long, at {line!r}: {printed}")

    def close(self) -> None:
        """End the shell and what it has started."""
        self._watchdog.cancel()
        if self._process.poll() is None:
            with suppress(BrokenPipeError, subprocess.TimeoutExpired):
                self._process.communicate("kill $(jobs -p) 2>/dev/null; wait; exit\n", timeout=60)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def play(page: str, folder: Path, replaced: Mapping[str, str], left_out: tuple[str, ...] = ()) -> None:
    """Run the page's session, and compare what is printed, but for lines that begin like `left_out`."""
    shell = Shell(folder, {"truestep devnet >": f"truestep devnet --port {free_port()} >", **replaced})
    try:
        for command in session(page):
            printed = [line for line in shell.run(command) if not line.startswith(left_out or "\0")]
            shown, own = (
                [plain(line) for line in lines if plain(line)] for lines in (command.output, printed)
            )
            if "devnet/environment" not in command.line:
                assert own == shown, command.line
    finally:
        shell.close()


def named_commands(page: str) -> Iterator[list[str]]:
    """The words of each command of truestep in the page's session."""
    for command in session(page):
        if command.line.startswith("truestep "):
            yield shlex.split(command.line.split("; ")[0])[1:]
