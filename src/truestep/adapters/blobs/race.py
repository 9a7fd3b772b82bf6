"""Asks several stores for the same content: the fastest first, the next one when it fails or is late."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.ports.blobs import Blobs
from truestep.ports.executor import ShouldStop, Stopped
from truestep.ports.reporter import Reporter

LATE_SECONDS = 3.0
"""A store that takes longer gets competition: most content comes in less."""
STORES_AT_ONCE = 3
"""Each may hold half a gigabyte."""
ASK_SECONDS = 0.25
"""Interval at which the caller is asked whether to stop."""
WEIGHT = 0.3
"""Of the newest answer in what is expected of a store."""
LIES = (Reject.BLOB_MISMATCH, Reject.BLOB_TOO_LARGE)
"""Refusals that are the store's fault: what it gave is not what its name says."""

Answer = TypeVar("Answer")
Get = Callable[[Blobs, ShouldStop], Answer]


@dataclass(slots=True, kw_only=True)
class Runner:
    """A store, and what is known of it."""

    store: Blobs
    name: str
    expected_seconds: float = 0.0
    """0 before the first answer, so that each is tried."""
    has_lied: bool = False
    """Then it is asked only where no other can help."""


@dataclass(slots=True)
class _Race(Generic[Answer]):
    get: Get[Answer]
    should_stop: ShouldStop
    is_over: threading.Event = field(default_factory=threading.Event)
    ends: "SimpleQueue[tuple[Runner, float, Answer | Exception]]" = field(
        default_factory=SimpleQueue[tuple[Runner, float, Any]]
    )

    def stop(self) -> bool:
        return self.is_over.is_set() or self.should_stop()

    def run(self, runner: Runner) -> None:
        began = time.monotonic()
        try:
            outcome: Answer | Exception = self.get(runner.store, self.stop)
        except Exception as error:  # handed to the caller
            outcome = error
        self.ends.put((runner, time.monotonic() - began, outcome))


class Racers:
    """The stores of one place. Safe for several threads."""

    def __init__(self, stores: Sequence[Blobs], names: Sequence[str], reporter: Reporter | None) -> None:
        """`reporter` is told of each store that gives wrong content, once."""
        self._runners = [Runner(store=store, name=name) for store, name in zip(stores, names, strict=True)]
        self._reporter = reporter

    def first(self, get: Get[Answer], should_stop: ShouldStop) -> Answer:
        """The first right answer. Raises `Stopped`, or what all stores raise together."""
        left = sorted(self._runners, key=lambda runner: (runner.has_lied, runner.expected_seconds))
        race, running, troubles = _Race(get, should_stop), 0, list[tuple[str, Rejected | Unavailable]]()
        try:
            while left or running:
                if left and running < STORES_AT_ONCE:
                    threading.Thread(
                        target=race.run, args=(left.pop(0),), name="blob race", daemon=True
                    ).start()
                    running += 1
                end = _next_end(race, LATE_SECONDS if left and running < STORES_AT_ONCE else None)
                if end is None:
                    continue
                running -= 1
                runner, seconds, outcome = end
                if isinstance(outcome, Rejected | Unavailable):
                    self._note_failure(runner, seconds, outcome)
                    troubles.append((runner.name, outcome))
                elif isinstance(outcome, Exception):
                    raise outcome
                else:
                    runner.expected_seconds += WEIGHT * (seconds - runner.expected_seconds)
                    return outcome
        finally:
            race.is_over.set()
        raise together(troubles)

    def _note_failure(self, runner: Runner, seconds: float, error: Rejected | Unavailable) -> None:
        runner.expected_seconds = max(runner.expected_seconds, seconds)
        if isinstance(error, Rejected) and error.reason in LIES and not runner.has_lied:
            runner.has_lied = True
            if self._reporter is not None:
                self._reporter.report("store_lied", f"{runner.name} is asked last from now on: {error}")


def _next_end(
    race: "_Race[Answer]", late_seconds: float | None
) -> "tuple[Runner, float, Answer | Exception] | None":
    """The next store that ends; None if none does in time. Raises `Stopped` if the caller wants to stop."""
    until = None if late_seconds is None else time.monotonic() + late_seconds
    while True:
        left = ASK_SECONDS if until is None else min(ASK_SECONDS, until - time.monotonic())
        if left <= 0:
            return None
        try:
            return race.ends.get(timeout=left)
        except Empty:
            if race.should_stop():
                raise Stopped from None


def together(troubles: Sequence[tuple[str, Rejected | Unavailable]]) -> Rejected | Unavailable:
    """One failure for all. While any store may still have the right bytes, it is not a refusal."""
    errors = [error for _, error in troubles]
    if len(errors) == 1 or all(isinstance(error, Rejected) for error in errors):
        return errors[0]
    return Unavailable(
        "no blob store could help: " + "; ".join(f"{name}: {error}" for name, error in troubles)
    )
