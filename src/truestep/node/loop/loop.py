"""The loop of every role: read the chain, decide, persist, act. It knows no particular role."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from truestep.base.errors import Reject, Rejected, Unavailable
from truestep.node.loop.backoff import Backoff
from truestep.ports.clock import Clock
from truestep.ports.reporter import Reporter
from truestep.ports.vitals import Monitor

OUTAGE_WAIT = Backoff(first_seconds=0.5, limit_seconds=5.0)
"""Pauses between looks during an outage, far shorter than any clock: the move after an outage is urgent."""
OUTAGE_REPORTS_SECONDS = 60.0
"""Interval at which a lasting outage is reported again."""
DECIDE_AGAIN_SECONDS = 0.2
"""The shortest time between two decisions when background work ends, because deciding takes time."""
PROGRESS_REPORTS_SECONDS = 5.0
"""Interval of progress reports while the chain's past is read."""

FATAL = frozenset({Reject.STORE_FILE, Reject.STATE_OF_OTHER, Reject.STORE_IN_USE, Reject.LOG_FORK})
"""Reasons to end the daemon: what it remembers may be wrong, and only a new start can put that right."""

View_co = TypeVar("View_co", covariant=True)
Action = TypeVar("Action")


class CatchingUp(Unavailable):
    """The chain's past is still being read. Nothing is wrong: continue at once."""


class Site(Protocol[View_co, Action]):
    """What a loop drives: one role of one account, and everything that it needs."""

    def collect(self) -> bool:
        """Collect finished background work. Returns whether there is a reason to decide again."""
        ...

    def look(self) -> None:
        """Read the chain up to its newest block. Raises `CatchingUp`, or `Unavailable` if that failed."""
        ...

    def decide(self) -> tuple[View_co, Sequence[Action]]:
        """The view, and the actions to take now. Raises `Unavailable` if nothing was read yet."""
        ...

    def act(self, actions: Sequence[Action]) -> None:
        """Carry out the actions, or start them in the background."""
        ...

    def poll_seconds(self) -> float:
        """The pause before the next look, according to the rate of blocks."""
        ...

    def close(self) -> None:
        """Let background work end."""
        ...


class Loop(Generic[View_co, Action]):
    """`tick` may be called at any rate. A crash does not lose what it did."""

    def __init__(
        self,
        site: Site[View_co, Action],
        clock: Clock,
        reporter: Reporter,
        monitor: Monitor | None = None,
    ) -> None:
        self.site = site
        self._clock = clock
        self._reporter = reporter
        self._monitor = monitor
        self._failures = 0
        self._reported_at: float | None = None
        self._reported = ""

    def tick(self) -> View_co:
        """Look once and take the actions that are due. Returns the view.

        Raises `Unavailable` if a node or the store failed. Even then everything was done that what was seen
        before allows, and the next tick goes on: an outage must not cost more than it has to.
        """
        trouble: Unavailable | None = None
        for part in (self.site.collect, self.site.look):
            try:
                part()
            except (Unavailable, Rejected) as error:
                trouble = _as_outage(error)
        try:
            view = self._decide_and_act()
        except (Unavailable, Rejected) as error:
            raise trouble or _as_outage(error) from error
        if trouble:
            raise trouble
        return view

    def run(self, should_stop: Callable[[], bool], poll_seconds: float | None = None) -> None:
        """Tick until told to stop; `poll_seconds` None looks about as often as blocks come."""
        while not should_stop():
            wait_seconds = self._turn(poll_seconds)
            self._wait(wait_seconds, should_stop)
        self.stop()

    def stop(self) -> None:
        """Let background work end. What was sent goes on by itself; the next start looks after it."""
        self.site.close()

    def _turn(self, poll_seconds: float | None) -> float:
        """One tick; how long to wait after it."""
        began_seconds = self._clock.monotonic_seconds()
        try:
            self.tick()
        except CatchingUp as progress:
            self._tell_monitor(began_seconds)
            self._report("catching_up", str(progress), PROGRESS_REPORTS_SECONDS)
            return 0.0
        except Unavailable as error:
            self._tell_monitor(began_seconds, str(error))
            self._failures += 1
            wait_seconds = OUTAGE_WAIT.seconds(self._failures)
            again = OUTAGE_REPORTS_SECONDS if str(error) == self._reported else 0.0
            self._report("unavailable", f"{error}. Trying again in {wait_seconds:.0f} s", again, str(error))
            return wait_seconds
        self._tell_monitor(began_seconds)
        if self._failures:
            self._reporter.report("recovered", f"the outage is over after {self._failures} failed attempts")
        self._failures, self._reported = 0, ""
        return self.site.poll_seconds() if poll_seconds is None else poll_seconds

    def _tell_monitor(self, began_seconds: float, trouble: str = "") -> None:
        if self._monitor is not None:
            self._monitor.turn_ended(self._clock.monotonic_seconds() - began_seconds, trouble)

    def _wait(self, seconds: float, should_stop: Callable[[], bool]) -> None:
        """Until the next look. Work that ends meanwhile is taken in at once, and may lead to more."""
        until = self._clock.monotonic_seconds() + seconds
        decided_at = self._clock.monotonic_seconds()
        is_due = False
        while not should_stop() and (now := self._clock.monotonic_seconds()) < until:
            if is_due and now - decided_at >= DECIDE_AGAIN_SECONDS:
                self._decide_again()
                decided_at, is_due = self._clock.monotonic_seconds(), False
                continue
            left = until - now
            self._clock.sleep(min(left, DECIDE_AGAIN_SECONDS) if is_due else left)
            try:
                is_due |= self.site.collect()
            except (Unavailable, Rejected):  # the next look says so
                return

    def _decide_again(self) -> None:
        try:
            self._decide_and_act()
        except (Unavailable, Rejected):  # the next look says so
            return

    def _decide_and_act(self) -> View_co:
        view, actions = self.site.decide()
        self.site.act(actions)
        return view

    def _report(self, kind: str, message: str, again_seconds: float, topic: str = "") -> None:
        """Unless the same was said less than `again_seconds` ago."""
        now = self._clock.monotonic_seconds()
        if self._reported_at is None or now - self._reported_at >= again_seconds:
            self._reported_at, self._reported = now, topic
            self._reporter.report(kind, message)


def _as_outage(error: Unavailable | Rejected) -> Unavailable:
    """A daemon asks only about what exists: a node that refuses to answer lags, or is of another chain.

    Raises `Rejected` for a row that cannot be read, for a log that is an old copy, and for a store that this
    process has lost: waiting mends none of them.
    """
    if isinstance(error, Rejected) and error.reason in FATAL:
        raise error
    return error if isinstance(error, Unavailable) else Unavailable(f"a node refused to answer: {error}")
