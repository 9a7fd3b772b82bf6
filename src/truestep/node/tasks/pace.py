"""How quickly this node checks claims, learned from the checks that it has done."""

from truestep.roles.views import Pace

WEIGHT = 0.2
"""Weight of the newest measurement: about the last ten checks count."""
SHORT_CYCLES = 1_000_000
"""Checks of fewer steps measure the fixed cost of a check; longer ones measure the cost of its steps."""


class Pacemaker:
    """Moving averages, begun with cautious guesses."""

    def __init__(self) -> None:
        self._start_seconds = Pace().start_seconds
        self._cycles_per_second = Pace().cycles_per_second

    def add(self, cycles: int, seconds: float, *, is_check: bool) -> None:
        """Take in one piece of work."""
        if not is_check:
            return
        if cycles < SHORT_CYCLES:
            self._start_seconds += WEIGHT * (seconds - self._start_seconds)
            return
        running_seconds = max(seconds - self._start_seconds, 1e-3)
        self._cycles_per_second += WEIGHT * (cycles / running_seconds - self._cycles_per_second)

    def pace(self, at_once: int) -> Pace:
        """What has been learned."""
        return Pace(
            start_seconds=self._start_seconds,
            cycles_per_second=self._cycles_per_second,
            at_once=at_once,
        )
