"""A daemon's log: a line for each report, whatever becomes of whoever reads it."""

import io
import json
import queue
import sys
import threading
import time
from typing import TextIO

from rich.console import Console
from rich.markup import escape

from truestep.base.text import one_line
from truestep.cli.streams import silence, write_unbuffered

WAITING_LIMIT_LINES = 10_000
"""Some megabytes: what a reader may be behind before lines are dropped. A daemon never waits for its log."""
CLOSE_SECONDS = 2.0
"""How long the end of a daemon waits for the last lines to be read."""

_STYLES = {
    "_refused": "red",
    "_reverted": "red",
    "unavailable": "yellow",
    "waiting": "yellow",
    "declined": "dim",
    "_landed": "dim",
}

Field = int | float | str | bool


class LogLines:
    """Satisfies `truestep.ports.reporter.Reporter`. Lines are written by a thread of its own.

    Text of strangers cannot forge lines or steer the terminal. A reader that has gone is replaced by standard
    error, then by nobody; one that stands still, or a full disk, costs lines, and how many is said.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._streams: list[TextIO] = [sys.stdout, sys.stderr] if as_json else [sys.stderr]
        self._style = Console(stderr=True, highlight=False)
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING_LIMIT_LINES)
        self._lost_lines = 0
        self._writer = threading.Thread(target=self._keep_writing, name="log", daemon=True)
        self._writer.start()

    def report(self, kind: str, message: str, **fields: Field) -> None:
        """Have it printed with the time."""
        try:
            self._waiting.put_nowait(self._line(kind, message, fields))
        except queue.Full:
            self._lost_lines += 1

    def close(self) -> None:
        """Wait for the last lines, but not for ever."""
        try:
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        except queue.Full:
            return
        self._writer.join(CLOSE_SECONDS)

    def _line(self, kind: str, message: str, fields: dict[str, Field]) -> str:
        if self._as_json:
            shown = {"time": round(time.time(), 3), "kind": kind, "message": one_line(message), **fields}
            return f"{json.dumps(shown, default=str)}\n"
        style = next((style for end, style in _STYLES.items() if kind.endswith(end)), "default")
        text = escape(f"{_whole(kind, one_line(message), fields)}{_gas(fields)}")
        stamp = time.strftime("%H:%M:%S")
        canvas = io.StringIO()
        console = Console(
            file=canvas,
            highlight=False,
            force_terminal=self._style.is_terminal,
            color_system="auto" if self._style.color_system else None,
        )
        console.print(f"[dim]{stamp}[/]  {escape(one_line(kind)):<20} [{style}]{text}[/]", soft_wrap=True)
        return canvas.getvalue()

    def _keep_writing(self) -> None:
        while (line := self._waiting.get()) is not None:
            lost, self._lost_lines = self._lost_lines, 0
            if lost:
                line = self._line("log_lost", f"{lost:,} lines of this log were lost", {"lines": lost}) + line
            if not self._is_written(line):
                self._lost_lines += lost + 1

    def _is_written(self, line: str) -> bool:
        while self._streams:
            stream = self._streams[0]
            try:
                write_unbuffered(stream, line)
            except BrokenPipeError:  # nobody reads it any more
                silence(stream)
                self._streams.pop(0)
            except (OSError, ValueError):  # a full disk, perhaps: the next line may fit
                return False
            else:
                return True
        return True


def _whole(kind: str, message: str, fields: dict[str, Field]) -> str:
    """The message; what became of a transaction says which one."""
    is_outcome = kind.endswith(("_landed", "_reverted"))
    return f"{one_line(str(fields.get('intent', '')))} {message}".lstrip() if is_outcome else message


def _gas(fields: dict[str, Field]) -> str:
    gas_used = fields.get("gas_used")
    return f" ({gas_used:,} gas)" if isinstance(gas_used, int) and gas_used else ""
