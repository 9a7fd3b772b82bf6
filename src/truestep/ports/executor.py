"""Work in the background, so that nobody misses a clock while computing or sending."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Protocol

ShouldStop = Callable[[], bool]
"""Asked by long work between slices: whether to give up."""

Perform = Callable[[object, ShouldStop], object]
"""Does one item of work and returns its result. An item is a picklable value that says what to do."""


class Stopped(Exception):
    """The work gave up because it was asked to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """What came of the item under `key`: a value, or the exception that ended it."""

    key: Hashable
    value: object = None
    error: Exception | None = None


class Executor(Protocol):
    """Performs a bounded number of items at a time; never queues more than it can perform."""

    def has_room(self) -> bool:
        """Whether `start` would accept another item."""
        ...

    def start(self, key: Hashable, item: object) -> bool:
        """Begin an item under `key`; False if there is no room or the key is already there."""
        ...

    def running(self) -> frozenset[Hashable]:
        """The keys of items begun and not yet collected."""
        ...

    def ask_to_stop(self, key: Hashable) -> None:
        """Ask one item to give up; it ends a little later with `Stopped`, or as if it had not been asked."""
        ...

    def collect(self) -> list[Finished]:
        """The items that ended since the last call, each once."""
        ...

    def stop(self, deadline_seconds: float) -> None:
        """Ask all items to give up and wait for them, at most so long."""
        ...
