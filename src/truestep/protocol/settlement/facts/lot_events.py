"""How the events of Lots change the facts (docs/drawn.md)."""

from collections.abc import Callable, Mapping
from typing import Any

from truestep.protocol.lots.contracts import lots
from truestep.protocol.lots.policy import UNDRAWN
from truestep.protocol.lots.state import Lot, Offered
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.records import Logged

# --- what they change -----------------------------------------------------------------------------


def _offered(draft: Draft, event: lots.Offered, logged: Logged) -> None:
    if draft.jobs.get(event.job_id) is not None:
        draft.offers.put(event.job_id, Offered(lot_tasks=event.lot_tasks, at=logged.time))


def _drawn(draft: Draft, event: lots.Drawn, logged: Logged) -> None:
    declines = _lot(draft, event).declines
    _put(draft, event, Lot(holder=event.holder, since=logged.time, due=event.due, declines=declines))


def _opened(draft: Draft, event: lots.Opened, logged: Logged) -> None:
    _put(draft, event, Lot(is_open=True))


def _declined(draft: Draft, event: lots.Declined, logged: Logged) -> None:
    _put(draft, event, Lot(since=logged.time, declines=_lot(draft, event).declines + 1))


def _ended(draft: Draft, event: lots.Ended, logged: Logged) -> None:
    _put(draft, event, Lot(since=logged.time, declines=_lot(draft, event).declines))
    if event.late_tasks and draft.offers.get(event.job_id) is not None:
        draft.late.put((event.job_id, event.holder), True)


def _lot(draft: Draft, event: lots.Drawn | lots.Declined | lots.Ended) -> Lot:
    return draft.lots.get((event.job_id, event.lot)) or UNDRAWN


def _put(draft: Draft, event: lots.Drawn | lots.Opened | lots.Declined | lots.Ended, lot: Lot) -> None:
    if draft.offers.get(event.job_id) is not None:
        draft.lots.put((event.job_id, event.lot), lot)


def _nothing(draft: Draft, event: object, logged: Logged) -> None:
    """What accounts are owed, no event says in full."""


HANDLERS: Mapping[type, Callable[[Draft, Any, Logged], None]] = {
    lots.Offered: _offered,
    lots.Drawn: _drawn,
    lots.Opened: _opened,
    lots.Declined: _declined,
    lots.Ended: _ended,
    lots.Withdrawn: _nothing,
}
TIMED = {lots.Offered, lots.Drawn, lots.Declined, lots.Ended}

# --- what is missing before them (gaps) -----------------------------------------------------------


def _had_job(draft: Draft, event: Any) -> bool:
    return 0 < event.job_id <= draft.job_count


def _has_size(draft: Draft, event: lots.Offered) -> bool:
    return _had_job(draft, event) and event.lot_tasks > 0


FITS: Mapping[type, Callable[[Draft, Any], bool]] = {
    lots.Offered: _has_size,
    lots.Drawn: _had_job,
    lots.Opened: _had_job,
    lots.Declined: _had_job,
    lots.Ended: _had_job,
}
