"""What an agent says about tasks: each thing once, and what lasts again after a while."""

from truestep.base.ids import JobId, TaskId, job_of_task
from truestep.ports.clock import Clock
from truestep.ports.reporter import Reporter
from truestep.roles.actions import Agree, Alert, Decline, Declined

ALERT_AGAIN_SECONDS = 30.0
"""Interval at which a lasting alert is reported again."""


class Words:
    """Remembers what was said, since a role says everything again at each look."""

    def __init__(self, reporter: Reporter, clock: Clock) -> None:
        self._reporter = reporter
        self._clock = clock
        self._declined: set[tuple[TaskId, Declined]] = set()
        self._agreed: set[Agree] = set()
        self._alerted_at: dict[str, float] = {}

    def decline(self, action: Decline) -> None:
        """Say why something is left undone: once for each task and reason."""
        key = (action.task_id, action.reason)
        if key not in self._declined:
            self._declined.add(key)
            reason = action.reason.value
            self._reporter.report("declined", action.message, task_id=action.task_id, reason=reason)

    def agree(self, action: Agree) -> None:
        """Say that a claim is true: once, though an auditor looks at it as long as its window runs."""
        if action not in self._agreed:
            self._agreed.add(action)
            self._reporter.report("agreed", action.message, task_id=action.task_id)

    def alert(self, action: Alert) -> None:
        """Say what is wrong, and again while it lasts."""
        now = self._clock.monotonic_seconds()
        last = self._alerted_at.get(action.kind)
        if last is None or now - last >= ALERT_AGAIN_SECONDS:
            self._alerted_at[action.kind] = now
            self._reporter.report(action.kind, action.message)

    def forget_except(self, live: set[JobId]) -> None:
        """Drop what was said of other jobs."""
        self._declined = {each for each in self._declined if job_of_task(each[0]) in live}
        self._agreed = {each for each in self._agreed if job_of_task(each.task_id) in live}
