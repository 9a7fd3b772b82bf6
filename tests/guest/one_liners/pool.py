"""Runs groups of one-liners in copies of one process that has Numba loaded."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Any

from tests.guest.one_liners.cases import Case
from tests.guest.one_liners.outcomes import Outcome
from tests.guest.one_liners.running import Result, crashed, run_or_explain
from truestep.guest.python.compiler.session import prepare
from truestep.guest.python.runtime import runtime_archive
from truestep.guest.toolchain import find_toolchain

_GROUP = 24
"""A group is compiled in about 20 s, so that two processes end at nearly the same time."""
_LIMIT_SECONDS = 600
"""A group that takes longer is stuck, and is run again in halves."""
_FORK: Any = multiprocessing.get_context("fork")


@dataclass(slots=True, kw_only=True)
class _Running:
    process: ForkProcess
    connection: Connection
    group: list[Case]
    deadline: float


def prepare_process() -> None:
    """Load and change Numba, and build the runtime, once for all groups."""
    prepare()
    runtime_archive(find_toolchain())
    gc.freeze()
    gc.disable()


def run_all(
    cases: list[Case], processes: int, group: int = _GROUP, limit_seconds: float = _LIMIT_SECONDS
) -> Iterator[Result]:
    """The result of each, in the order in which groups are done."""
    waiting = [cases[start : start + group] for start in range(0, len(cases), group)]
    running: list[_Running] = []
    while waiting or running:
        while waiting and len(running) < processes:
            running.append(_start(waiting.pop(0), limit_seconds))
        time.sleep(0.02)
        for child in list(running):
            answer = _answer_of(child)
            if answer is None:
                continue
            running.remove(child)
            if not isinstance(answer, str):
                yield from answer
            elif len(child.group) == 1:
                yield crashed(child.group[0], answer)
            else:
                half = len(child.group) // 2
                waiting = [child.group[:half], child.group[half:], *waiting]


def _start(group: list[Case], limit_seconds: float) -> _Running:
    receiver, sender = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=lambda: sender.send(run_or_explain(group)), daemon=True)
    process.start()
    sender.close()
    deadline = time.monotonic() + limit_seconds
    return _Running(process=process, connection=receiver, group=group, deadline=deadline)


def _answer_of(child: _Running) -> list[Result] | str | None:
    """What a copy found; a text if it failed as a whole; None while it works."""
    if child.connection.poll():
        try:
            answer = child.connection.recv()
        except EOFError:
            child.process.join()
            answer = f"the compiler ended with code {child.process.exitcode}"
        child.process.join()
        return answer
    if time.monotonic() < child.deadline:
        return None
    child.process.kill()
    return "it took too long"


def share(results: list[Result]) -> str:
    """How many of the one-liners are right, and what became of the others, in one line."""
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    others = ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if outcome is not Outcome.RIGHT)
    return f"{counts[Outcome.RIGHT]} of {len(results)} one-liners give NumPy's and Python's values; {others}"
