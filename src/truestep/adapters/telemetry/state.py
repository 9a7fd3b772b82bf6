"""What a daemon has shown last, and whether that means that it is alive and ready."""

import threading
from dataclasses import dataclass
from time import monotonic

from truestep.ports.vitals import Vitals

ALIVE_SECONDS = 180.0
"""A turn of the loop waits for a node at most. A loop that takes longer hangs."""
READY_SECONDS = 30.0
"""Several looks: one that fails is no outage yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """How the turns of the loop have gone."""

    count: int = 0
    failed: int = 0
    seconds: float = 0.0
    """Of all turns together."""
    trouble: str = ""
    """Of the last one."""


class DaemonState:
    """Satisfies `truestep.ports.vitals.Monitor`. One thread writes, others read."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turned_at: float | None = None
        self._looked_at: float | None = None
        self._shown_at: float | None = None
        self.turns = Turns()
        self.vitals: Vitals | None = None

    def turn_ended(self, seconds: float, trouble: str) -> None:
        """Note a turn of the loop."""
        now, before = monotonic(), self.turns
        with self._lock:
            self._turned_at = now
            if not trouble:
                self._looked_at = now
            self.turns = Turns(
                count=before.count + 1,
                failed=before.failed + bool(trouble),
                seconds=before.seconds + seconds,
                trouble=trouble,
            )

    def show(self, vitals: Vitals) -> None:
        """Note what was found."""
        with self._lock:
            self.vitals, self._shown_at = vitals, monotonic()

    def chain_time(self) -> float | None:
        """The chain's time now, going on as ours does; None before anything was seen."""
        with self._lock:
            if self.vitals is None or self._shown_at is None:
                return None
            return self.vitals.now + monotonic() - self._shown_at

    def look_age_seconds(self) -> float | None:
        """The time since the chain was read without trouble; None if it never was."""
        with self._lock:
            return None if self._looked_at is None else monotonic() - self._looked_at

    def why_not_alive(self) -> str:
        """Why the process should be started again; empty if it should not."""
        with self._lock:
            turned_at = self._turned_at
        since = 0.0 if turned_at is None else monotonic() - turned_at
        if since <= ALIVE_SECONDS:  # a daemon that waits for its first node is alive
            return ""
        return (
            f"the loop has not turned for {since:.0f} s, expected at most {ALIVE_SECONDS:.0f}; start it again"
        )

    def why_not_ready(self) -> str:
        """Why it does not do its work now; empty if it does."""
        if hangs := self.why_not_alive():
            return hangs
        if self.vitals is None:
            return self.turns.trouble or "no block was seen yet; it has just started"
        if not self.vitals.is_past_known:
            return f"the chain's past is still being read; seen up to block {self.vitals.head.number}"
        age = self.look_age_seconds()
        if age is None or age > READY_SECONDS:
            return f"the chain was not read for more than {READY_SECONDS:.0f} s: {self.turns.trouble}"
        return ""
