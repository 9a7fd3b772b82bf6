"""The chain's time between blocks, and the rate of blocks."""

from truestep.ports.chain import Head
from truestep.ports.clock import Clock

WEIGHT = 0.2
"""Weight of the newest interval between blocks: about the last ten count."""
LOOKS_EACH_BLOCK = 4
"""Looks per block: a block is seen at most a quarter of a block time late."""
POLL_LEAST_SECONDS, POLL_MOST_SECONDS = 0.5, 3.0
"""Limits at any rate of blocks: nodes must not be overloaded, and clocks must not be missed."""
BLOCK_SECONDS = 4.0
"""The assumption before two blocks were seen."""


class Pulse:
    """Gets each newest block and knows the time on the chain."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._head: Head | None = None
        self._seen_seconds = 0.0
        self._block_seconds = BLOCK_SECONDS
        self._has_measured = False

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
            weight = WEIGHT if self._has_measured else 1.0
            self._block_seconds += weight * (max(interval, 0.0) - self._block_seconds)
            self._has_measured = True
        self._head, self._seen_seconds = head, self._clock.monotonic_seconds()
        return True

    def now(self, head: Head) -> int:
        """The chain's time, going on between blocks as ours does: about what the next block will say."""
        return head.time_seconds + int(self._clock.monotonic_seconds() - self._seen_seconds)

    def poll_seconds(self) -> float:
        """How long to wait before looking for the next block."""
        return min(max(self._block_seconds / LOOKS_EACH_BLOCK, POLL_LEAST_SECONDS), POLL_MOST_SECONDS)
