"""The system's clock, and waits that end early when there is something to do."""

import threading
import time


class SystemClock:
    """Satisfies `truestep.ports.clock.Clock`. Its methods are safe in any thread and in a signal handler."""

    def __init__(self) -> None:
        self._waking = threading.Event()
        self._is_stopping = False

    def monotonic_seconds(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or return early when woken."""
        self._waking.wait(seconds)
        self._waking.clear()
        if self._is_stopping:  # perhaps since a moment ago: that must not be lost
            self._waking.set()

    def nudge(self) -> None:
        """End the present wait, or the next one if nobody waits now."""
        self._waking.set()

    def wake(self) -> None:
        """End the present and every later wait."""
        self._is_stopping = True
        self._waking.set()
