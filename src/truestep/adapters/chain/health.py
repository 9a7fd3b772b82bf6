"""What is known of each endpoint: how it does, how far its chain goes, and who is asked first."""

import threading
import time
from dataclasses import dataclass

from truestep.adapters.chain.endpoint import Endpoint
from truestep.adapters.chain.outages import Outage, StaleEndpoint
from truestep.ports.chain import Head
from truestep.ports.reporter import Reporter

LAG_BLOCKS = 5
"""Nodes learn of a block within a second or two of each other: more is no delay but a fault."""
LAG_SECONDS = 4
"""On chains with several blocks a second five blocks are nothing."""
JUMP_BLOCKS = 64
"""One wrong answer must not make all right ones look late: such a jump is believed at the second time."""
FAILURE_WEIGHT = 0.1
"""Of the newest request in the failure rate: about the last twenty requests count."""
FAILURE_RATE_LIMIT = 0.6
"""An endpoint that fails half of its requests still answers after a few tries."""
SILENT_LIMIT = 2
"""Refused connections or time-outs in a row: the first may be a restart."""
ASIDE_SECONDS = 10.0
ASIDE_LIMIT_SECONDS = 160.0
"""Doubled each time an endpoint fails again soon after; it is tried again at least that often."""
FORGIVEN_SECONDS = 600.0
"""After so long without a fault the next one counts as the first."""


@dataclass(slots=True, eq=False)
class Health:
    """One endpoint's record; changed by `HealthBoard` alone."""

    endpoint: Endpoint
    rank: int
    """The order in which the endpoints were given is the order of preference."""
    name: str
    is_checked: bool = False
    """Whether it is known to be of the right chain."""
    head: Head | None = None
    failure_rate: float = 0.0
    silent_count: int = 0
    aside_until: float = 0.0
    aside_since: float = 0.0
    aside_seconds: float = 0.0
    is_aside: bool = False
    busy_until: float = 0.0
    """When a node that asked for a pause may be asked again."""


class HealthBoard:
    """Keeps the records; safe for several threads. Says what changes to a reporter."""

    def __init__(self, endpoints: list[Endpoint], reporter: Reporter | None) -> None:
        names = [endpoint.name for endpoint in endpoints]
        self.records = [
            Health(endpoint=endpoint, rank=rank, name=_unique(names, rank))
            for rank, endpoint in enumerate(endpoints)
        ]
        self._reporter = reporter
        self._best: Head | None = None
        self._jump: Head | None = None
        """A head that is much newer, or the first: it is believed when it was seen twice."""
        self._lock = threading.Lock()

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """Tell whoever listens."""
        if self._reporter is not None:
            self._reporter.report(kind, message, **fields)

    def ranked(self) -> list[Health]:
        """All endpoints, the one to ask first in front: healthy ones in the given order, then the others."""
        now = time.monotonic()
        with self._lock:
            return sorted(
                self.records,
                key=lambda one: (one.is_aside, max(one.busy_until - now, 0.0), one.rank),
            )

    def healthy(self) -> list[Health]:
        """The endpoints that are not put aside."""
        return [one for one in self.ranked() if not one.is_aside]

    def to_probe(self) -> list[Health]:
        """Everything whose head is to be looked at: what is healthy, and what has sat out its time."""
        now = time.monotonic()
        return [one for one in self.ranked() if not one.is_aside or now >= one.aside_until]

    def best_head(self) -> Head | None:
        """The newest head that any endpoint has shown."""
        return self._best

    def start_over_at(self, head: Head) -> None:
        """The chain was reorganised to a lower head, or begun anew: what was seen beyond it is gone."""
        self._best = head

    def answered(self, one: Health) -> None:
        """A request was answered."""
        with self._lock:
            one.failure_rate *= 1 - FAILURE_WEIGHT
            one.silent_count = 0

    def failed(self, one: Health, outage: Outage) -> None:
        """A request was not answered; who fails too often is put aside."""
        with self._lock:
            if outage.retry_after_seconds:
                one.busy_until = time.monotonic() + outage.retry_after_seconds
            if isinstance(outage, StaleEndpoint):
                return
            one.failure_rate += FAILURE_WEIGHT * (1 - one.failure_rate)
            one.silent_count = one.silent_count + 1 if outage.is_silent else 0
            is_failing = one.failure_rate > FAILURE_RATE_LIMIT or one.silent_count >= SILENT_LIMIT
        if is_failing:
            self.put_aside(one, f"it fails: {outage}")

    def saw_head(self, one: Health, head: Head) -> None:
        """An endpoint showed its head; one that lags is put aside, one that recovered comes back."""
        with self._lock:
            one.head, best = head, self._best
            if best is not None and head.number <= best.number + JUMP_BLOCKS:
                self._best = head if head.number >= best.number else best
                self._jump = None
            elif self._jump is not None and head.number >= self._jump.number:
                self._best, self._jump = head, None
            else:
                self._jump = head
        if best is not None and _is_behind(head, best) and len(self.records) > 1:
            behind = f"its newest block is {head.number}, that of others {best.number}"
            self.put_aside(one, f"it is {best.number - head.number} blocks behind: {behind}")
        else:
            self._bring_back(one)

    def put_aside(self, one: Health, why: str) -> None:
        """Ask the others first for a while."""
        now = time.monotonic()
        with self._lock:
            was_aside = one.is_aside
            if was_aside and now < one.aside_until:
                return
            if not was_aside and now - one.aside_until > FORGIVEN_SECONDS:
                one.aside_seconds = ASIDE_SECONDS / 2
            one.aside_seconds = min(max(2 * one.aside_seconds, ASIDE_SECONDS), ASIDE_LIMIT_SECONDS)
            one.is_aside, one.is_checked = True, False
            one.aside_until = now + one.aside_seconds
            one.aside_since = one.aside_since if was_aside else now
            seconds = one.aside_seconds
        if not was_aside and len(self.records) > 1:
            self.report(
                "rpc_aside",
                f"{one.name} is put aside for {seconds:g} s, others are asked first: {why}",
                endpoint=one.name,
            )

    def _bring_back(self, one: Health) -> None:
        with self._lock:
            if not one.is_aside or time.monotonic() < one.aside_until:
                return
            one.is_aside = False
            one.failure_rate, one.silent_count = 0.0, 0
            seconds = time.monotonic() - one.aside_since
        if len(self.records) > 1:
            self.report("rpc_back", f"{one.name} is well again after {seconds:.0f} s", endpoint=one.name)


def _is_behind(head: Head, best: Head) -> bool:
    return best.number - head.number > LAG_BLOCKS and best.time_seconds - head.time_seconds > LAG_SECONDS


def _unique(names: list[str], rank: int) -> str:
    """Two keys of one provider have the same host."""
    return f"{names[rank]} #{rank + 1}" if names.count(names[rank]) > 1 else names[rank]
