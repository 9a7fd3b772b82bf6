"""A daemon's log goes on, whatever becomes of whoever reads it."""

import io
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pytest

from truestep.base.ids import JobId, task_of
from truestep.cli import log_lines
from truestep.cli.log_lines import LogLines
from truestep.cli.streams import ClosedOutput
from truestep.roles.actions import Declined


class FullDisk(io.StringIO):
    """Takes so many lines at first, and again when there is room."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, text: str) -> int:
        if self.room <= 0:
            raise OSError(28, "No space left on device")
        self.room -= 1
        return super().write(text)


class Stuck(io.StringIO):
    """A reader that stands still until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.going_on = threading.Event()

    def write(self, text: str) -> int:
        self.going_on.wait()
        return super().write(text)


def _log(monkeypatch: pytest.MonkeyPatch, out: TextIO, err: TextIO | None = None, **how: Any) -> LogLines:
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err or io.StringIO())
    return LogLines(as_json=how.get("as_json", True))


def _kinds(text: str) -> list[str]:
    return [json.loads(line)["kind"] for line in text.splitlines()]


def test_lines_have_their_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    log = _log(monkeypatch, out)
    log.report("claim_landed", "claimed", intent="claim/1", gas_used=7)
    log.close()
    fields = json.loads(out.getvalue())
    assert fields.pop("time") > 0
    assert fields == {"kind": "claim_landed", "message": "claimed", "intent": "claim/1", "gas_used": 7}


def test_lines_go_to_standard_error_if_standard_output_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    log = _log(monkeypatch, ClosedOutput(), err)
    log.report("ready", "ready")
    log.close()
    assert _kinds(err.getvalue()) == ["ready"]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_strangers_text_neither_forges_lines_nor_steers(
    monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    out, err = io.StringIO(), io.StringIO()
    log = _log(monkeypatch, out, err, as_json=as_json)
    log.report("declined", "no\n12:00:00  final  [bold]\x1b]0;owned\x07\u202e", uri="\x1b[2J\n")
    log.report("take_landed", "in block 1", intent="take\n\x1b")
    log.report("take_landed", "no field")
    log.close()
    said = out.getvalue() + err.getvalue()
    assert said.count("\n") == 3
    assert not set("\x1b\x07\u202e") & set(said)


def _closed_pipe() -> TextIO:
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w")


def test_where_nobody_reads_the_log_it_goes_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    err = io.StringIO()
    log = _log(monkeypatch, _closed_pipe(), err)
    log.report("one", "")
    log.report("two", "")
    log.close()
    assert _kinds(err.getvalue()) == ["one", "two"]


def test_where_nobody_reads_anything_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    for as_json in (True, False):
        log = _log(monkeypatch, _closed_pipe(), _closed_pipe(), as_json=as_json)
        for _ in range(3):
            log.report("one", "")
        log.close()


def test_a_full_disk_costs_lines_and_their_number_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    out = FullDisk(room=1)
    log = _log(monkeypatch, out)
    for kind in ("one", "two", "three"):
        log.report(kind, "")
    _until(lambda: log._waiting.empty() and log._lost_lines == 2)
    out.room = 9
    log.report("four", "")
    log.close()
    assert _kinds(out.getvalue()) == ["one", "log_lost", "four"]
    assert json.loads(out.getvalue().splitlines()[1])["lines"] == 2


def _until(is_so: Callable[[], bool]) -> None:
    while not is_so():
        pass


def test_a_daemon_does_not_wait_for_a_reader_that_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_lines, "WAITING_LIMIT_LINES", 3)
    monkeypatch.setattr(log_lines, "CLOSE_SECONDS", 0.01)
    out = Stuck()
    log = _log(monkeypatch, out)
    for number in range(10):
        log.report(f"kind_{number}", "")  # would hang if it waited
    out.going_on.set()
    _until(log._waiting.empty)
    monkeypatch.setattr(log_lines, "CLOSE_SECONDS", 60)
    log.close()
    assert "kind_0" in out.getvalue()


def test_lines_reach_a_real_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as file:
        log = _log(monkeypatch, file)
        log.report("one", "größer")
        log.close()
    assert _kinds((tmp_path / "log").read_text()) == ["one"]


def test_people_read_one_line_for_each_step_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of tasks, what merely waits, and the same reason for other shards of a job are left out."""
    err = io.StringIO()
    monkeypatch.setattr(sys, "stderr", err)
    log = LogLines(as_json=False, is_terse=True)
    tasks = [task_of(JobId(job), shard) for job in (1, 2) for shard in (0, 1)]
    for task_id in tasks:
        log.report("declined", f"stake for {task_id}", task_id=task_id, reason=Declined.STAKE.value)
        log.report("declined", "busy", task_id=task_id, reason=Declined.CAPACITY.value)
        log.report("ran", "ran to its end", task_id=task_id)
    log.report("take_sent", "take a batch", intent="take/1")
    log.report("take_landed", "took a batch", intent="take/1")
    log.report("claim_disputed", "YOUR CLAIM IS DISPUTED", task_id=tasks[0])
    log.close()
    shown = [line.split(maxsplit=2)[1:] for line in err.getvalue().splitlines()]
    assert shown == [
        ["declined", f"stake for {tasks[0]}"],
        ["declined", f"stake for {tasks[2]}"],
        ["take_landed", "took a batch"],
        ["claim_disputed", "YOUR CLAIM IS DISPUTED"],
    ]


def test_programs_read_everything_with_job_and_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    log = LogLines(as_json=True, is_terse=True)
    log.report("ran", "ran to its end", task_id=task_of(JobId(7), 3))
    log.close()
    fields = json.loads(out.getvalue())
    assert (fields["kind"], fields["job_id"], fields["shard_index"]) == ("ran", 7, 3)
