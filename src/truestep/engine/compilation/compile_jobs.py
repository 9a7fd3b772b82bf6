"""What is to be compiled in the background, hottest first."""

import threading
from collections.abc import Callable
from typing import Protocol

from truestep.engine.compilation.object_code import Tier


class Compile(Protocol):
    """Compiles IR to object code, and keeps it under `key` if there is one; None if that fails."""

    def __call__(
        self, ir: str, key: bytes = b"", heat: float = 0.0, tier: Tier = Tier.OPTIMISED
    ) -> bytes | None:
        """Of several that wait, the one with most heat is compiled first."""
        ...


Job = Callable[[Compile], None]
Heat = Callable[[], float]
"""How much a job is needed, now."""


def no_heat() -> float:
    """The heat of what may wait."""
    return 0.0


class JobQueue:
    """Jobs that wait. Any thread may put, take and wait."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: list[tuple[Job, Heat]] = []
        self._is_closed = False
        self.unfinished = 0
        """Jobs that wait or are under way."""

    def put(self, job: Job, heat: Heat) -> None:
        """Add a job; a closed queue takes none."""
        with self._changed:
            if not self._is_closed:
                self._jobs.append((job, heat))
                self.unfinished += 1
                self._changed.notify_all()

    def take(self) -> Job | None:
        """The hottest job, the oldest of several; waits until there is one. None once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._is_closed)
            if self._is_closed:
                return None
            hottest = max(range(len(self._jobs)), key=lambda index: (self._jobs[index][1](), -index))
            return self._jobs.pop(hottest)[0]

    def note_done(self) -> None:
        """A job that was taken is done."""
        with self._changed:
            self.unfinished -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Forget what waits."""
        with self._changed:
            self._is_closed = True
            self.unfinished -= len(self._jobs)
            self._jobs.clear()
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until every job is done."""
        with self._changed:
            self._changed.wait_for(lambda: not self.unfinished)
