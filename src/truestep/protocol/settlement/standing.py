"""What is known of an operator, what it may have at risk, and who may take part (docs/operators.md)."""

from enum import IntEnum

from truestep.base.errors import Reject
from truestep.base.records import changed, record
from truestep.protocol.settlement.parameters import BPS, DAY_SECONDS
from truestep.protocol.settlement.refusals import require

PERIOD_SECONDS = 30 * DAY_SECONDS
"""At each multiple of it, every fact counts half of what it counted."""
FACT = 16
"""What a fact counts when it is new: it is gone after five periods."""
COUNT_LIMIT = 2**12 - 1
FULL = 64 * FACT
"""So much trust, and the whole stake may be at risk."""
LATE_WEIGHT = 8
STRUCK_WEIGHT = 512
"""One new strike outweighs all that the other facts can count."""
SHARE_MIN_BPS = 1_000
STAKE_LIMIT_WEI = 2**96 - 1
"""More than all coins of any chain."""
FRESH_SHARE_BPS = 5_000
"""Of the shipped networks."""


class Fact(IntEnum):
    """What can be known of an operator (O2.1)."""

    COMPLETED = 1
    AUDITED = 2
    LATE = 3
    STRUCK = 4


_NAMES = {fact: fact.name.lower() for fact in Fact}
"""Of the fields of `Counts`."""


class Phase(IntEnum):
    """Who may lock stake (O4.1)."""

    ALLOW_LIST = 1
    STAKE_GATED = 2
    OPEN = 3


@record
class Counts:
    """What is known of an operator, in sixteenths of a new fact."""

    period: int = 0
    """In which the latest was noted."""
    completed: int = 0
    audited: int = 0
    late: int = 0
    struck: int = 0

    def at(self, now: int) -> "Counts":
        """What they count at a time (O2.4)."""
        period = now // PERIOD_SECONDS
        age = period - self.period
        return Counts(
            period=period,
            completed=self.completed >> age,
            audited=self.audited >> age,
            late=self.late >> age,
            struck=self.struck >> age,
        )

    def noted(self, fact: Fact, now: int) -> "Counts":
        """With one more."""
        counts = self if self.period == now // PERIOD_SECONDS else self.at(now)
        name = _NAMES[fact]
        return changed(counts, **{name: min(getattr(counts, name) + FACT, COUNT_LIMIT)})

    def trust(self, now: int) -> int:
        """What the facts come to, from 0 to FULL (O3.1)."""
        age = now // PERIOD_SECONDS - self.period
        good = (self.completed >> age) + (self.audited >> age)
        bad = (self.late >> age) * LATE_WEIGHT + (self.struck >> age) * STRUCK_WEIGHT
        return max(0, min(good - bad, FULL))


NOTHING_KNOWN = Counts()


@record
class Admission:
    """What a network asks of its operators; it never changes but for the phase (O3.1, O4.1)."""

    fresh_share_bps: int = BPS
    gate_wei: int = 0
    first_phase: Phase = Phase.OPEN

    def share_bps(self, facts: Counts, now: int) -> int:
        """The part of its stake that an operator may have at risk (O3.1)."""
        return self.fresh_share_bps + (BPS - self.fresh_share_bps) * facts.trust(now) // FULL


EVERYBODY = Admission()
"""Asks nothing: whole stakes may be at risk."""
USUAL = Admission(fresh_share_bps=FRESH_SHARE_BPS)
"""What a network asks unless it is told otherwise."""


@record
class Entry:
    """What an operator brings to the question of what it may do."""

    stake_wei: int
    """Without what is pledged."""
    locked_wei: int
    """For batches."""
    pledged_wei: int
    facts: Counts
    is_listed: bool


def cap_wei(admission: Admission, entry: Entry, now: int) -> int:
    """What may be locked for batches at once, in whole wei (O3.2)."""
    return entry.stake_wei * admission.share_bps(entry.facts, now) // BPS


def require_cap(admission: Admission, entry: Entry, now: int) -> None:
    """What is locked for batches is within the cap (O3.3)."""
    require(entry.locked_wei <= cap_wei(admission, entry, now), Reject.CAP_EXCEEDED)


def is_admitted(admission: Admission, phase: Phase, entry: Entry) -> bool:
    """Whether an operator may lock stake (O4.1)."""
    if phase is Phase.OPEN or entry.is_listed:
        return True
    return phase is Phase.STAKE_GATED and entry.stake_wei + entry.pledged_wei >= admission.gate_wei


def room_wei(admission: Admission, phase: Phase, entry: Entry, now: int) -> int:
    """What may be locked for batches now (O3.4)."""
    if not is_admitted(admission, phase, entry):
        return 0
    return max(0, cap_wei(admission, entry, now) - entry.locked_wei)
