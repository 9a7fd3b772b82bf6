"""In which order claims are checked, and which of them will not be checked in time."""

from collections.abc import Hashable, Sequence
from heapq import heappop, heappush
from itertools import chain
from math import log

from truestep.base.ids import ClaimId
from truestep.base.records import record
from truestep.commitments.keccak import keccak256

DRAW_BITS = 52
"""Random bits of a draw: a double represents numbers between 0 and 1 with these exactly."""
VALUE_LEAST_WEI = 10**12
"""The least value at risk. A claim on a job that pays nothing matters too: somebody reads its result."""


@record
class Check:
    """A claim that is to be checked: until when, how long that takes, and what is lost if it is false."""

    claim_id: ClaimId
    work: Hashable
    """The computation needed. Claims that need the same one are checked together."""
    deadline: int
    """The last second at which a dispute can be opened."""
    seconds: float
    value_wei: int


@record
class Plan:
    """The order; and, if this node's pace is as it was, how many checks cannot end in time in any order."""

    order: tuple[ClaimId, ...]
    late_count: int
    backlog_seconds: float
    """The time until all are done."""


def plan(checks: Sequence[Check], now: int, at_once: int, salt: bytes) -> Plan:
    """In turn the most valuable claim, the one whose window ends first, and anybody's by lot.

    Any one order can be used by strangers: by deadline a backlog only ever meets claims that expire, by value
    high rewards that come back to their poster crowd out others. Value and lot are drawn so that only this
    node can foresee them (`salt`). Estimates decide nothing here: they depend on what strangers post.
    """
    by_deadline = sorted(checks, key=lambda check: (check.deadline, check.claim_id))
    late_count, backlog_seconds = _late(by_deadline, now, at_once)
    order = _mixed(by_deadline, salt)
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


def _mixed(by_deadline: Sequence[Check], salt: bytes) -> list[Check]:
    """In turn the next by value, by deadline and by lot."""
    draws = {check.claim_id: _draw(check.claim_id, salt) for check in by_deadline}
    # Weighted sampling without replacement: Efraimidis and Spirakis, 2006.
    by_value = sorted(
        by_deadline, key=lambda check: -log(draws[check.claim_id]) / max(check.value_wei, VALUE_LEAST_WEI)
    )
    by_lot = sorted(by_deadline, key=lambda check: draws[check.claim_id])
    in_turn = chain.from_iterable(zip(by_value, by_deadline, by_lot, strict=True))
    return list({check.claim_id: check for check in in_turn}.values())


def _draw(claim_id: ClaimId, salt: bytes) -> float:
    """A number above 0 and below 1."""
    digest = keccak256(salt + claim_id.to_bytes(40, "big"))
    return (int.from_bytes(digest[:8], "big") % (2**DRAW_BITS - 1) + 1) / 2**DRAW_BITS


def _ids(checks: Sequence[Check]) -> tuple[ClaimId, ...]:
    return tuple(check.claim_id for check in checks)
