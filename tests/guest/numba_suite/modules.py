"""Records and runs Numba's tests, a process for each module, so that one that hangs stops no other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

from tests.guest.numba_suite.recording import Recorder
from tests.guest.one_liners.cases import Case
from tests.guest.one_liners.pool import run_all
from tests.guest.one_liners.running import Result, crashed

_RECORDING_SECONDS = 600
_GROUP = 12
"""Calls that are compiled together: few, since a crash makes both halves of a group run again."""
_GROUP_SECONDS = 400
_SECONDS_PER_CALL = 60
"""On a busy machine a call takes a tenth of that."""
_FORK: Any = multiprocessing.get_context("fork")


@dataclass(slots=True, kw_only=True)
class ModuleReport:
    """What became of a module's tests."""

    name: str
    fitting: int = 0
    """Tests that call something that fits guests."""
    cases: list[Case] = field(default_factory=list)
    """Calls of the tests that were chosen; a case's topic is its test."""
    results: list[Result] = field(default_factory=list)
    trouble: str = ""
    """Why tests were not run to the end; empty if they were."""


@dataclass(slots=True, kw_only=True)
class _Running:
    report: ModuleReport
    process: ForkProcess
    connection: Connection
    deadline: float


def run_modules(names: list[str], every: int, processes: int) -> Iterator[ModuleReport]:
    """The reports, in the order in which modules are done. Needs a process in which Numba is prepared."""
    waiting = list(names)
    running: list[_Running] = []
    while waiting or running:
        while waiting and len(running) < processes:
            running.append(_start(waiting.pop(0), every))
        wait([child.connection for child in running], timeout=1)
        for child in list(running):
            if _is_done(child):
                running.remove(child)
                yield child.report


def _start(name: str, every: int) -> _Running:
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_run_module, args=(name, every, sender))
    process.start()
    sender.close()
    return _Running(
        report=ModuleReport(name=name),
        process=process,
        connection=receiver,
        deadline=time.monotonic() + _RECORDING_SECONDS,
    )


def _run_module(name: str, every: int, sender: Connection) -> None:
    """Send how many tests fit, with the cases of every so many of them; then each result."""
    os.setsid()
    tests = Recorder().cases_of(name)
    cases = [case for test in sorted(tests)[::every] for case in tests[test]]
    sender.send((len(tests), cases))
    for result in run_all(cases, 1, _GROUP, _GROUP_SECONDS):
        sender.send(result)


def _is_done(child: _Running) -> bool:
    """Take what a process has sent. True if it has ended, or had to be ended."""
    report = child.report
    try:
        while child.connection.poll():
            message = child.connection.recv()
            if isinstance(message, Result):
                report.results.append(message)
            else:
                report.fitting, report.cases = message
                child.deadline = time.monotonic() + _GROUP_SECONDS + _SECONDS_PER_CALL * len(report.cases)
    except EOFError:
        child.process.join()
        if child.process.exitcode:
            _give_up(report, f"the process ended with code {child.process.exitcode}")
        return True
    if time.monotonic() < child.deadline:
        return False
    assert child.process.pid is not None
    os.killpg(child.process.pid, signal.SIGKILL)
    child.process.join()
    _give_up(report, "it took too long")
    return True


def _give_up(report: ModuleReport, trouble: str) -> None:
    report.trouble = trouble
    known = {result.case.text for result in report.results}
    report.results += [crashed(case, trouble) for case in report.cases if case.text not in known]
