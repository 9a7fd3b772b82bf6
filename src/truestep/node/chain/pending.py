"""How long transactions have been under way."""

from truestep.ports.clock import Clock


class PendingAge:
    """Remembers since when each intent has been under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}

    def seconds(self, in_flight: frozenset[str]) -> float:
        """How long the oldest of these has been under way; 0 if there is none."""
        now = self._clock.monotonic_seconds()
        self._since = {intent: self._since.get(intent, now) for intent in in_flight}
        return now - min(self._since.values(), default=now)
