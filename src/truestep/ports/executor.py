"""Long work in the background, so that nobody misses a clock while computing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

ShouldStop = Callable[[], bool]
"""Asked by long work between slices: whether to give up."""


class Stopped(Exception):
    """The work gave up because it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What came of the work named `key`: a value, or the exception that ended it."""

    key: str
    value: object = None
    error: Exception | None = None


class Executor(Protocol):
    """Runs a bounded number of works at a time; never queues more than it can run."""

    def has_room(self) -> bool:
        """Whether `start` would accept another work."""
        ...

    def start(self, key: str, work: Callable[[ShouldStop], object]) -> bool:
        """Begin `work` under `key`; False if there is no room or the key is already there."""
        ...

    def running(self) -> frozenset[str]:
        """The keys of works begun and not yet collected."""
        ...

    def collect(self) -> list[Finished]:
        """The works that ended since the last call, each once."""
        ...

    def stop(self, deadline_seconds: float) -> None:
        """Ask all works to give up and wait for them, at most so long."""
        ...
