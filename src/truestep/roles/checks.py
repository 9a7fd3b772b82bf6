"""In which order claims are checked, and which of them will not be checked in time."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, zip_longest
from math import log

from truestep.base.ids import ClaimId
from truestep.commitments.keccak import keccak256

DRAW_BITS = 52
"""Random bits of a draw: a double represents numbers between 0 and 1 with these exactly."""
VALUE_LEAST_WEI = 10**12
"""The least value at risk. A claim on a job that pays nothing matters too: somebody reads its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A claim that is to be checked: until when, how long that takes, and what is lost if it is false."""

    claim_id: ClaimId
    work: Hashable
    """The computation needed. Claims that need the same one are checked together."""
    deadline: int
    """The last second at which a dispute can be opened."""
    seconds: float
    value_wei: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The order, and how many of its checks end too late at the present pace."""

    order: tuple[ClaimId, ...]
    late_count: int
    backlog_seconds: float
    """The time until all are done."""


def plan(checks: Sequence[Check], now: int, at_once: int, salt: bytes) -> Plan:
    """Earliest deadline first while all can be done in time.

    Behind a backlog that order would only ever meet claims that expire, and whoever makes the backlog would
    choose which. So then half of the places go to the most valuable claims and half to anybody's, both by a
    draw that only this node can foresee (`salt`), and claims whose time is too short already come last.
    """
    by_deadline = sorted(checks, key=lambda check: (check.deadline, check.claim_id))
    late_count, backlog_seconds = _late(by_deadline, now, at_once)
    if not late_count:
        return Plan(order=_ids(by_deadline), late_count=0, backlog_seconds=backlog_seconds)
    timely = [check for check in checks if now + check.seconds <= check.deadline]
    hopeless = [check for check in by_deadline if now + check.seconds > check.deadline]
    order = [*_mixed(timely, salt), *hopeless]
    late_count, backlog_seconds = _late(order, now, at_once)
    return Plan(order=_ids(order), late_count=late_count, backlog_seconds=backlog_seconds)


def _late(order: Sequence[Check], now: int, at_once: int) -> tuple[int, float]:
    """How many checks end after their deadline if done in this order, and when the last one ends."""
    free_at = [0.0] * max(at_once, 1)
    done_at: dict[Hashable, float] = {}
    late_count, last = 0, 0.0
    for check in order:
        if check.work not in done_at:
            done_at[check.work] = heappop(free_at) + check.seconds
            heappush(free_at, done_at[check.work])
        ends = done_at[check.work]
        late_count += now + ends > check.deadline
        last = max(last, ends)
    return late_count, last


def _mixed(checks: Sequence[Check], salt: bytes) -> list[Check]:
    """Alternately the next by value and the next by lot."""
    draws = {check.claim_id: _draw(check.claim_id, salt) for check in checks}
    # Weighted sampling without replacement: Efraimidis and Spirakis, 2006.
    by_value = sorted(
        checks, key=lambda check: -log(draws[check.claim_id]) / max(check.value_wei, VALUE_LEAST_WEI)
    )
    by_lot = sorted(checks, key=lambda check: draws[check.claim_id])
    alternating = chain.from_iterable(zip_longest(by_value, by_lot))
    return list({check.claim_id: check for check in alternating if check is not None}.values())


def _draw(claim_id: ClaimId, salt: bytes) -> float:
    """A number above 0 and below 1."""
    digest = keccak256(salt + claim_id.to_bytes(40, "big"))
    return (int.from_bytes(digest[:8], "big") % (2**DRAW_BITS - 1) + 1) / 2**DRAW_BITS


def _ids(checks: Sequence[Check]) -> tuple[ClaimId, ...]:
    return tuple(check.claim_id for check in checks)
