"""The state of each endpoint: its health, its head, and which one is asked first."""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from truestep.adapters.chain.endpoint import Endpoint
from truestep.adapters.chain.outages import Outage, StaleEndpoint, shown
from truestep.base.text import counted
from truestep.ports.chain import Head
from truestep.ports.reporter import Reporter

LAG_BLOCKS = 5
"""Nodes get a block within a second or two of each other. A larger lag is a fault."""
LAG_SECONDS = 4
"""On chains with several blocks per second, five blocks are not much."""
JUMP_BLOCKS = 64
"""One wrong answer must not make all right ones look late: such a jump is believed at the second time."""
FAILURE_WEIGHT = 0.1
"""Weight of the newest request in the failure rate: about the last twenty requests count."""
FAILURE_RATE_LIMIT = 0.6
"""An endpoint that fails half of its requests still answers after a few attempts."""
SILENT_LIMIT = 2
"""Refused connections or time-outs in a row; the first may be a restart."""
ASIDE_SECONDS = 10.0
ASIDE_LIMIT_SECONDS = 160.0
"""The longest time an endpoint is put aside. The time doubles each time it soon fails again."""
FORGIVEN_SECONDS = 600.0
"""After this long without a fault, the next one counts as the first."""
WARNED_SECONDS = 180.0
"""Interval at which a trouble that lasts is reported again."""
TROUBLE_SECONDS = 60.0
"""Requests of this last time count for the report of an endpoint's failures."""
TROUBLE_FAILURES = 5
"""Failures in that time before they are reported: one or two a minute are normal."""
TROUBLE_LIMIT = 4_096
"""Requests that are counted at most."""


@dataclass(slots=True)
class Tally:
    """How the requests of the last time ended."""

    ends: deque[tuple[float, bool]] = field(
        default_factory=lambda: deque[tuple[float, bool]](maxlen=TROUBLE_LIMIT)
    )

    def count(self, *, is_failure: bool) -> tuple[int, int]:
        """Count one more. Returns how many failed, and of how many."""
        now = time.monotonic()
        self.ends.append((now, is_failure))
        while now - self.ends[0][0] > TROUBLE_SECONDS:
            self.ends.popleft()
        return sum(failed for _, failed in self.ends) if is_failure else 0, len(self.ends)


@dataclass(slots=True, eq=False)
class Health:
    """One endpoint's record; changed by `HealthBoard` alone."""

    endpoint: Endpoint
    rank: int
    """The order of preference, in which the endpoints were given."""
    name: str
    is_checked: bool = False
    """Whether it was found to be of the right chain."""
    head: Head | None = None
    failure_rate: float = 0.0
    silent_count: int = 0
    aside_until: float = 0.0
    aside_since: float = 0.0
    aside_seconds: float = 0.0
    is_aside: bool = False
    busy_until: float = 0.0
    """The time until which a node asked for a pause."""
    tally: Tally = field(default_factory=Tally)


class HealthBoard:
    """Keeps the records and reports changes. Safe for several threads."""

    def __init__(self, endpoints: list[Endpoint], reporter: Reporter | None) -> None:
        names = [endpoint.name for endpoint in endpoints]
        self.records = [
            Health(endpoint=endpoint, rank=rank, name=_unique(names, rank))
            for rank, endpoint in enumerate(endpoints)
        ]
        self._reporter = reporter
        self._best: Head | None = None
        self._best_at_seconds = float("-inf")
        self.own_block = 0
        """The newest block with a transaction of our own that was seen: reads must not be older."""
        self._jump: Head | None = None
        """A head that is much newer, or the first: it is believed when it was seen twice."""
        self._warned: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def report(self, kind: str, message: str, **fields: int | float | str | bool) -> None:
        """Report to the reporter, if there is one."""
        if self._reporter is not None:
            self._reporter.report(kind, message, **fields)

    def warn(self, kind: str, where: Iterable[str], message: str, **fields: int | float | str | bool) -> None:
        """Report a trouble of endpoints that may last, at once and then at most every few minutes."""
        named = " and ".join(where)
        now = time.monotonic()
        with self._lock:
            if now - self._warned.get((kind, named), float("-inf")) < WARNED_SECONDS:
                return
            self._warned[kind, named] = now
        self.report(kind, f"{named} {message}", endpoint=named, **fields)

    def ranked(self) -> list[Health]:
        """All endpoints in the order to ask them: healthy ones in the given order, then the others."""
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
        """The endpoints whose head is to be checked: healthy ones, and those whose time aside is over."""
        now = time.monotonic()
        return [one for one in self.ranked() if not one.is_aside or now >= one.aside_until]

    def best_head(self) -> Head | None:
        """The newest head that any endpoint has shown."""
        return self._best

    def best_head_age_seconds(self) -> float:
        """The time since an endpoint last showed that head, or a newer one."""
        return time.monotonic() - self._best_at_seconds

    def saw_own_block(self, number: int) -> None:
        """Note the block of a transaction of our own."""
        self.own_block = max(self.own_block, number)

    def start_over_at(self, head: Head) -> None:
        """The chain was reorganised to a lower head or restarted: forget heads beyond it, and check again."""
        self._best, self.own_block = head, 0
        for one in self.records:
            one.is_checked = False

    def answered(self, one: Health) -> None:
        """Note that a request was answered."""
        with self._lock:
            one.failure_rate *= 1 - FAILURE_WEIGHT
            one.silent_count = 0
            one.tally.count(is_failure=False)

    def failed(self, one: Health, outage: Outage) -> None:
        """Note that a request was not answered. An endpoint that fails too often is put aside."""
        with self._lock:
            if outage.retry_after_seconds:
                one.busy_until = time.monotonic() + outage.retry_after_seconds
            if isinstance(outage, StaleEndpoint):
                return
            one.failure_rate += FAILURE_WEIGHT * (1 - one.failure_rate)
            one.silent_count = one.silent_count + 1 if outage.is_silent else 0
            is_failing = one.failure_rate > FAILURE_RATE_LIMIT or one.silent_count >= SILENT_LIMIT
            failures, requests = one.tally.count(is_failure=True)
        if failures >= TROUBLE_FAILURES:
            self._warn_of_failures(one, outage, failures, requests)
        if is_failing:
            self.put_aside(one, f"it fails: {outage}")

    def _warn_of_failures(self, one: Health, outage: Outage, failures: int, requests: int) -> None:
        said = one.endpoint.scrubbed(shown(str(outage)))
        advice = "add another endpoint with --rpc" if len(self.records) == 1 else "others are asked instead"
        self.warn(
            "rpc_trouble",
            [one.name],
            f"did not answer {failures} of {requests} requests properly in the last"
            f" {TROUBLE_SECONDS:.0f} s, last: {said}; they are repeated; {advice}",
            failures=failures,
            requests=requests,
        )

    def saw_head(self, one: Health, head: Head) -> None:
        """Note the head of an endpoint. A lagging one is put aside; a recovered one comes back."""
        with self._lock:
            one.head, best = head, self._best
            is_near = best is not None and head.number <= best.number + JUMP_BLOCKS
            if best is not None and head.number < best.number:
                self._jump = None
            elif is_near or (self._jump is not None and head.number >= self._jump.number):
                self._believe(head)
            else:
                self._jump = head
        if best is not None and _is_behind(head, best) and len(self.records) > 1:
            behind = f"its newest block is {head.number}, that of others {best.number}"
            self.put_aside(one, f"it is {counted(best.number - head.number, 'block')} behind: {behind}")
        else:
            self._bring_back(one)

    def _believe(self, head: Head) -> None:
        """Take a head for the newest, seen just now. One that is not believed makes no older one fresh."""
        self._best, self._best_at_seconds, self._jump = head, time.monotonic(), None

    def put_aside(self, one: Health, why: str) -> None:
        """Ask the other endpoints first for a while."""
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
                f"{one.name} is set aside for {seconds:g} s, and other endpoints are asked first: {why}",
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
            self.report("rpc_back", f"{one.name} works again after {seconds:.0f} s", endpoint=one.name)


def _is_behind(head: Head, best: Head) -> bool:
    return best.number - head.number > LAG_BLOCKS and best.time_seconds - head.time_seconds > LAG_SECONDS


def _unique(names: list[str], rank: int) -> str:
    """Number the names: two keys of one provider have the same host."""
    return f"{names[rank]} #{rank + 1}" if names.count(names[rank]) > 1 else names[rank]
