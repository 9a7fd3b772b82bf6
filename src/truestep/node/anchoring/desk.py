"""Anchors the own log with its group, epoch by epoch: carries out what `roles.anchoring` decides.

What was sent is in the journal, what was signed in the folder of the log. What was collected and not sent is
lost with the process: the next start looks at the chain first, and collects anew if it is still its turn.
"""

from collections.abc import Sequence
from typing import Protocol

from truestep.base.errors import Bug, Rejected, Unavailable
from truestep.base.text import counted
from truestep.node.loop.backoff import Backoff
from truestep.ports.anchoring import Anchoring, Collected
from truestep.ports.chain import Outcome, Transaction
from truestep.ports.clock import Clock
from truestep.ports.executor import Executor, Finished, ShouldStop
from truestep.ports.reporter import Reporter
from truestep.protocol.logs.contracts.anchors import Attest
from truestep.roles.actions import Alert, Send
from truestep.roles.anchoring import AnchoringView, CollectEpoch, GroupSight, decide, intent_of
from truestep.roles.views import View

LOOKS = "look"
LOOKS_EACH_EPOCH, LOOK_LIMIT_SECONDS = 128, 60.0
"""Looks at the group: often enough for every part of an epoch."""
FAILED_WAIT = Backoff(first_seconds=15.0, limit_seconds=300.0)
"""Pauses before an epoch is collected again, and before another look after an outage."""
TRIES = 3
"""Attempts to collect an epoch: others are asked each time."""
TROUBLE_SECONDS = 600.0
"""Between two words about the same trouble."""


class Sent(Protocol):
    """What knows the outcome of transactions, such as a chain."""

    def transaction(self, intent: str) -> Transaction | None:
        """What became of an intent."""
        ...


class LookAtGroup:
    """An item of work: what the chain says of the group."""


class AnchoringBench:
    """Performs the work of an `AnchoringDesk`, one item after the other."""

    def __init__(self, anchoring: Anchoring) -> None:
        self._anchoring = anchoring

    def perform(self, item: object, should_stop: ShouldStop) -> object:
        """Do one piece of work."""
        match item:
            case LookAtGroup():
                return self._anchoring.look()
            case CollectEpoch():
                return self._anchoring.collect()
            case other:
                raise Bug(f"expected work on epochs, got {type(other)}")


class AnchoringDesk:
    """Satisfies `truestep.node.availability.desk.Desk`. `executor` performs an `AnchoringBench`."""

    def __init__(
        self, chain: Sent, executor: Executor, clock: Clock, reporter: Reporter, cost_limit_wei: int
    ) -> None:
        self._chain = chain
        self._executor = executor
        self._clock = clock
        self._reporter = reporter
        self._cost_limit_wei = cost_limit_wei
        self._sight: GroupSight | None = None
        self._look_at = 0.0
        self._failures = 0
        self._wanted: CollectEpoch | None = None
        self._collected: Attest | None = None
        self._is_fresh = False
        """Whether the group was looked at since it was collected from."""
        self._tries: tuple[int, int] = (0, 0)
        """The epoch that was collected last, and how often."""
        self._try_at = 0.0
        self._told: dict[str, float] = {}

    def collect(self) -> bool:
        """Take in what ended in the background."""
        finished = self._executor.collect()
        for each in finished:
            self._take_in(each)
        return bool(finished)

    def decide(self, view: View) -> Sequence[Send | Alert]:
        """What to send and to say."""
        self._wanted = None
        sight = self._sight
        if sight is None:
            return []
        epoch = view.now // sight.epoch_seconds
        intent = intent_of(sight.group, epoch)
        known = self._chain.transaction(f"{intent}#0")
        if known is not None and known.outcome is Outcome.REVERTED:
            return []  # the outbox has said so: one attempt is paid for
        is_sent = intent in view.in_flight or known is not None
        ready = self._collected if self._is_fresh else None
        seen = AnchoringView(now=view.now, sight=sight, ready=ready, cost_limit_wei=self._cost_limit_wei)
        action = decide(seen)
        if is_sent:
            return []
        if isinstance(action, CollectEpoch):
            if self._collected is None or self._is_fresh:
                self._wanted = action
            return []
        return [action] if action is not None else []

    def act(self) -> None:
        """Begin what is due."""
        now = self._clock.monotonic_seconds()
        if self._wanted is not None and now >= self._try_at:
            epoch, tries = self._tries
            tries = tries if epoch == self._wanted.epoch else 0
            if tries < TRIES and self._executor.start(self._wanted, self._wanted):
                self._tries, self._collected = (self._wanted.epoch, tries + 1), None
                return
        if now >= self._look_at and self._executor.start(LOOKS, LookAtGroup()):
            seconds = self._sight.epoch_seconds / LOOKS_EACH_EPOCH if self._sight is not None else 60.0
            self._look_at = now + min(LOOK_LIMIT_SECONDS, seconds)

    def close(self, deadline_seconds: float) -> None:
        """Ask background work to end."""
        self._executor.stop(deadline_seconds)
        self.collect()

    def _take_in(self, finished: Finished) -> None:
        error, now = finished.error, self._clock.monotonic_seconds()
        if isinstance(error, Unavailable | Rejected):
            self._failures += 1
            wait_seconds = FAILED_WAIT.seconds(self._failures)
            if finished.key == LOOKS:
                self._look_at = now + wait_seconds
            self._try_at = now + wait_seconds
            self._tell("anchor_unavailable", f"the log's epoch: {error}; it is tried again")
            return
        if error is not None:
            raise error
        self._failures = 0
        match finished.value:
            case Collected() as found:
                self._collected, self._is_fresh = found.call, False
                self._look_at = 0.0  # others may have anchored it meanwhile
                self._tell_left_out(found)
            case GroupSight() | None as sight:
                self._sight, self._is_fresh = sight, self._collected is not None
            case other:
                raise Bug(f"expected a sight or a call, got {type(other)}")

    def _tell_left_out(self, found: Collected) -> None:
        if not found.left_out:
            return
        number, why = min(found.left_out.items())
        self._tell(
            "anchor_left_out",
            f"epoch {found.call.epoch} is collected without {counted(len(found.left_out), 'log')};"
            f" log {number}: {why}",
        )

    def _tell(self, kind: str, message: str) -> None:
        """Report, not more than now and then."""
        now = self._clock.monotonic_seconds()
        self._told = {each: at for each, at in self._told.items() if now - at < TROUBLE_SECONDS}
        if message not in self._told:
            self._told[message] = now
            self._reporter.report(kind, message)
