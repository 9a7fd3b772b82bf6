"""How the events of Quorums change the facts (docs/quorum.md)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.quorum.rules import load_at
from truestep.protocol.quorum.state import Load, Purse, Seated, Sitting
from truestep.protocol.settlement.facts import retention
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.records import Logged
from truestep.protocol.settlement.ids import job_of_item

# --- what they change -----------------------------------------------------------------------------


def _funded(draft: Draft, event: quorums.Funded, logged: Logged) -> None:
    if draft.facts.seating is not None and draft.jobs.get(event.job_id) is not None:
        purse = Purse(
            left_wei=event.purse_wei, fee_wei=event.fee_wei, tasks=event.tasks, funded_at=logged.time
        )
        draft.purses.put(event.job_id, purse)


def _drawn(draft: Draft, event: quorums.Drawn, logged: Logged) -> None:
    purse, seating = draft.purses.get(event.job_id), draft.facts.seating
    if purse is not None and seating is not None:
        load = load_at(seating.rules, draft.quorum_load, logged.time)
        amount = load + purse.tasks * seating.rules.load_seconds
        draft.quorum_load = Load(amount=amount, at=logged.time)
        draft.purses.put(event.job_id, replace(purse, turn_at=logged.time))
        draft.committees.put(event.job_id, Seated(members=event.members, taker=event.members[0]))


def _stepped_in(draft: Draft, event: quorums.SteppedIn, logged: Logged) -> None:
    purse, seated = draft.purses.get(event.job_id), draft.committees.get(event.job_id)
    if purse is not None and seated is not None:
        draft.purses.put(event.job_id, replace(purse, is_stepped_in=True))
        draft.committees.put(event.job_id, replace(seated, taker=event.member))


def _failed(draft: Draft, event: quorums.Failed, logged: Logged) -> None:
    purse = draft.purses.get(event.job_id)
    if purse is not None:
        draft.purses.put(event.job_id, replace(purse, is_open=True))
        draft.failed.put((event.job_id, event.operator), True)


def _refunded(draft: Draft, event: quorums.Refunded, logged: Logged) -> None:
    purse = draft.purses.get(event.job_id)
    if purse is not None:
        is_closed = purse.is_closed or draft.committees.get(event.job_id) is None
        draft.purses.put(event.job_id, replace(purse, left_wei=0, is_closed=is_closed))
        retention.drop_job_if_over(draft, event.job_id)


def _committed(draft: Draft, event: quorums.Committed, logged: Logged) -> None:
    known = draft.batches.get(event.batch_id)
    if known is None:
        return
    if draft.sittings.get(event.batch_id) is None:
        taken_at = known.batch.until - known.batch.terms.lease_seconds
        sitting = Sitting(taken_at=taken_at, stretch_seconds=event.stretch_seconds)
        draft.sittings.put(event.batch_id, sitting)
    draft.commitments.put((event.batch_id, event.seat), event.commitment)


def _confirmed(draft: Draft, event: quorums.Confirmed, logged: Logged) -> None:
    sitting = draft.sittings.get(event.batch_id)
    if sitting is not None:
        confirmed = sitting.confirmed | event.seats
        draft.sittings.put(event.batch_id, replace(sitting, confirmed=confirmed, is_proven=event.is_proven))
        _pay(draft, event)


def _compensated(draft: Draft, event: quorums.Compensated, logged: Logged) -> None:
    sitting = draft.sittings.get(event.batch_id)
    if sitting is not None:
        draft.sittings.put(event.batch_id, replace(sitting, compensated=sitting.compensated | event.seats))
        _pay(draft, event)
        retention.drop_batch_if_over(draft, event.batch_id)


def _pay(draft: Draft, event: quorums.Confirmed | quorums.Compensated) -> None:
    known = draft.batch(event.batch_id)
    job_id = job_of_item(known.batch.items[0])
    purse = draft.purses.get(job_id)
    if purse is not None:
        draft.purses.put(job_id, replace(purse, left_wei=purse.left_wei - event.paid_wei))


def _dissented(draft: Draft, event: quorums.Dissented, logged: Logged) -> None:
    sitting = draft.sittings.get(event.batch_id)
    if sitting is not None:
        dissented = sitting.dissented | 1 << event.seat
        draft.sittings.put(event.batch_id, replace(sitting, dissented=dissented))
        draft.dissents.put((event.batch_id, event.seat), event.root)


def _charged(draft: Draft, event: quorums.Charged, logged: Logged) -> None:
    sitting = draft.sittings.get(event.batch_id)
    if sitting is not None:
        draft.sittings.put(event.batch_id, replace(sitting, charged=sitting.charged | 1 << event.seat))
        retention.drop_batch_if_over(draft, event.batch_id)


def _nothing(draft: Draft, event: object, logged: Logged) -> None:
    """What accounts are owed, no event says in full."""


HANDLERS: Mapping[type, Callable[[Draft, Any, Logged], None]] = {
    quorums.Funded: _funded,
    quorums.Drawn: _drawn,
    quorums.SteppedIn: _stepped_in,
    quorums.Failed: _failed,
    quorums.Refunded: _refunded,
    quorums.Committed: _committed,
    quorums.Confirmed: _confirmed,
    quorums.Compensated: _compensated,
    quorums.Dissented: _dissented,
    quorums.Charged: _charged,
    quorums.Withdrawn: _nothing,
}
TIMED = {quorums.Funded, quorums.Drawn}

# --- what is missing before them (gaps) -----------------------------------------------------------


def _had_job(draft: Draft, event: Any) -> bool:
    return 0 < event.job_id <= draft.job_count


def _has_members(draft: Draft, event: quorums.Drawn) -> bool:
    return _had_job(draft, event) and bool(event.members)


def _had_batch(draft: Draft, event: Any) -> bool:
    return 0 < event.batch_id <= draft.batch_count


FITS: Mapping[type, Callable[[Draft, Any], bool]] = {
    quorums.Funded: _had_job,
    quorums.Drawn: _has_members,
    quorums.SteppedIn: _had_job,
    quorums.Failed: _had_job,
    quorums.Refunded: _had_job,
    quorums.Committed: _had_batch,
    quorums.Confirmed: _had_batch,
    quorums.Compensated: _had_batch,
    quorums.Dissented: _had_batch,
    quorums.Charged: _had_batch,
}
