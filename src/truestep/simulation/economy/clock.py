"""Virtual time: what is to be done, in the order of its seconds."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

Deed = Callable[[], None]


class Clock:
    """A queue of deeds. Two at the same second are done in the order in which they were planned."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._queue: list[tuple[int, int, Deed]] = []
        self._order = count()

    def at(self, second: float, deed: Deed) -> None:
        """Do something at a second, or now if it is over."""
        heappush(self._queue, (max(int(second), self.now), next(self._order), deed))

    def next(self) -> Deed | None:
        """Move to the next deed; None if nothing is left."""
        if not self._queue:
            return None
        self.now, _, deed = heappop(self._queue)
        return deed
