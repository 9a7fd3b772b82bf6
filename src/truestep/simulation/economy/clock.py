"""Virtual time: what is to be done, in the order of its seconds."""

from collections.abc import Callable, Iterator
from heapq import heappop, heappush

Deed = Callable[[], None]


class Clock:
    """Deeds by their seconds. Two of the same second are done in the order in which they were planned."""

    def __init__(self, now: int) -> None:
        self.now = now
        self._planned: dict[int, list[Deed]] = {}
        self._seconds: list[int] = []
        """Those that have deeds, as a heap."""

    def at(self, second: int, deed: Deed) -> None:
        """Do something at a second, or now if it is over."""
        second = max(second, self.now)
        deeds = self._planned.get(second)
        if deeds is None:
            self._planned[second] = [deed]
            heappush(self._seconds, second)
        else:
            deeds.append(deed)

    def __iter__(self) -> Iterator[Deed]:
        """All deeds, those included that are planned meanwhile; the clock stands at the second of each."""
        while self._seconds:
            self.now = heappop(self._seconds)
            yield from self._planned[self.now]
            del self._planned[self.now]
