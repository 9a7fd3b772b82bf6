"""Time, as daemons may use it: contracts judge by the chain's time, which `Head` carries."""

from typing import Protocol


class Clock(Protocol):
    """A clock that never goes back, and a way to wait."""

    def monotonic_seconds(self) -> float:
        """Seconds since some moment in the past."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait; returns early if there is something to do, or the process is asked to stop."""
        ...
