"""The system's clock, and waits that a signal to stop ends."""

import threading
import time


class SystemClock:
    """Satisfies `truestep.ports.clock.Clock`. `wake` ends the present and every later wait."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def monotonic_seconds(self) -> float:
        """Seconds since some moment in the past."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or return early when woken."""
        self._stopping.wait(seconds)

    def wake(self) -> None:
        """End all waits. Safe to call from a signal handler."""
        self._stopping.set()
