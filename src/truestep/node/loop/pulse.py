"""The chain's time between blocks, and how often blocks come."""

from truestep.ports.chain import Head
from truestep.ports.clock import Clock

WEIGHT = 0.2
"""Of the newest interval between blocks: some ten are remembered."""
LOOKS_EACH_BLOCK = 4
"""A block is seen a quarter of its time late at most."""
POLL_LEAST_SECONDS, POLL_MOST_SECONDS = 0.5, 3.0
"""However quickly or slowly blocks come: a node is not to be overrun, and a clock is not to be missed."""
BLOCK_SECONDS = 4.0
"""The guess before two blocks were seen."""


class Pulse:
    """Told each newest block; knows what time it is on the chain."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._head: Head | None = None
        self._seen_seconds = 0.0
        self._block_seconds = BLOCK_SECONDS

    @property
    def head(self) -> Head | None:
        """The newest block that was seen."""
        return self._head

    def see(self, head: Head) -> bool:
        """Take in the newest block; whether it is another one than before."""
        if self._head is not None and self._head.hash == head.hash:
            return False
        if self._head is not None and head.number > self._head.number:
            interval = (head.time_seconds - self._head.time_seconds) / (head.number - self._head.number)
            self._block_seconds += WEIGHT * (max(interval, 0.0) - self._block_seconds)
        self._head, self._seen_seconds = head, self._clock.monotonic_seconds()
        return True

    def now(self, head: Head) -> int:
        """The chain's time, going on between blocks as ours does: about what the next block will say."""
        return head.time_seconds + int(self._clock.monotonic_seconds() - self._seen_seconds)

    def poll_seconds(self) -> float:
        """How long to wait before looking for the next block."""
        return min(max(self._block_seconds / LOOKS_EACH_BLOCK, POLL_LEAST_SECONDS), POLL_MOST_SECONDS)
