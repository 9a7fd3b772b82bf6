"""A daemon's log: one line per report, even if its reader goes away."""

import io
import json
import queue
import sys
import threading
import time
from typing import TextIO

from rich.console import Console
from rich.markup import escape

from truestep.base.ids import TaskId, job_of_task, shard_of_task
from truestep.base.text import counted, one_line
from truestep.cli.streams import silence, write_unbuffered
from truestep.roles.actions import Declined

WAITING_LIMIT_LINES = 10_000
"""Some megabytes that a reader may lag before lines are dropped. A daemon never waits for its log."""
CLOSE_SECONDS = 2.0
"""How long a daemon waits at its end for the last lines to be read."""

KIND_WIDTH = 24
"""The column of the kind; `withdraw-winnings_landed` is the longest."""

QUIET_KINDS = frozenset({"computing", "ran", "self_checked", "published", "hashed", "witnessed", "micro_ran"})
"""Steps of a task that lead to one of its other lines."""
QUIET_END = "_sent"
"""Of transactions: how each ends is said."""
WAITING_REASONS = frozenset({Declined.CAPACITY.value, Declined.NOT_READY.value})
"""Of tasks that are not taken now, and may be taken soon."""
DECLINED_LIMIT = 10_000
"""Jobs and reasons that are remembered as said."""

_STYLES = {
    "claim_disputed": "bold white on red",
    "bond_lost": "bold white on red",
    "paid": "green",
    "alarm": "bold red",
    "_refused": "red",
    "_reverted": "red",
    "unavailable": "yellow",
    "waiting": "yellow",
    "declined": "dim",
    "_landed": "dim",
}

Field = int | float | str | bool


class LogLines:
    """Satisfies `truestep.ports.reporter.Reporter`. A separate thread writes the lines.

    Text of strangers cannot forge lines or control the terminal. If the reader goes away, lines go to
    standard error and then nowhere. If the reader blocks or the disk is full, lines are lost, and a line says
    how many.
    """

    def __init__(self, *, as_json: bool, is_terse: bool = False) -> None:
        """`is_terse`: for people, without each step of each task. A program gets all lines."""
        self._as_json = as_json
        self._is_terse = is_terse and not as_json
        self._declined: dict[tuple[int, str], None] = {}
        self._streams: list[TextIO] = [sys.stdout, sys.stderr] if as_json else [sys.stderr]
        self._style = Console(stderr=True, highlight=False)
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING_LIMIT_LINES)
        self._lost_lines = 0
        self._writer = threading.Thread(target=self._keep_writing, name="log", daemon=True)
        self._writer.start()

    def report(self, kind: str, message: str, **fields: Field) -> None:
        """Print a line with the time."""
        if self._is_terse and self._is_quiet(kind, fields):
            return
        try:
            self._waiting.put_nowait(self._line(kind, message, fields))
        except queue.Full:
            self._lost_lines += 1

    def close(self) -> None:
        """Wait for the last lines, for a limited time."""
        try:
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        except queue.Full:
            return
        self._writer.join(CLOSE_SECONDS)

    def _is_quiet(self, kind: str, fields: dict[str, Field]) -> bool:
        """Whether a line says nothing that other lines do not: each reason is said once for each job."""
        if kind in QUIET_KINDS or kind.endswith(QUIET_END):
            return True
        task_id, reason = fields.get("task_id"), str(fields.get("reason", ""))
        if kind != "declined" or not isinstance(task_id, int):
            return False
        key = (job_of_task(TaskId(task_id)), reason)
        is_known = key in self._declined
        self._declined[key] = None
        if len(self._declined) > DECLINED_LIMIT:
            del self._declined[next(iter(self._declined))]
        return is_known or reason in WAITING_REASONS

    def _line(self, kind: str, message: str, fields: dict[str, Field]) -> str:
        if self._as_json:
            shown = {"time": round(time.time(), 3), "kind": kind, "message": one_line(message)}
            shown |= {**fields, **_places(fields)}
            return f"{json.dumps(shown, default=str)}\n"
        style = next((style for end, style in _STYLES.items() if kind.endswith(end)), "default")
        text = escape(f"{one_line(message)}{_gas(fields)}")
        stamp = time.strftime("%H:%M:%S")
        canvas = io.StringIO()
        console = Console(
            file=canvas,
            highlight=False,
            force_terminal=self._style.is_terminal,
            color_system="auto" if self._style.color_system else None,
        )
        console.print(
            f"[dim]{stamp}[/]  {escape(one_line(kind)):<{KIND_WIDTH}} [{style}]{text}[/]", soft_wrap=True
        )
        return canvas.getvalue()

    def _keep_writing(self) -> None:
        while (line := self._waiting.get()) is not None:
            lost, self._lost_lines = self._lost_lines, 0
            if lost:
                line = (
                    self._line(
                        "log_lost",
                        f"this log has lost {counted(lost, 'line')}",
                        {"lines": lost},
                    )
                    + line
                )
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


def _places(fields: dict[str, Field]) -> dict[str, int]:
    """The job and the shard of a task, by which lines of several daemons are found together."""
    task_id = fields.get("task_id")
    if not isinstance(task_id, int):
        return {}
    return {"job_id": job_of_task(TaskId(task_id)), "shard_index": shard_of_task(TaskId(task_id))}


def _gas(fields: dict[str, Field]) -> str:
    gas_used = fields.get("gas_used")
    return f" ({gas_used:,} gas)" if isinstance(gas_used, int) and gas_used else ""
