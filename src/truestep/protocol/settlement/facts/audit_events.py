"""How the events of Audits change the facts (docs/audits.md)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from truestep.base.ids import Bytes32, JobId, job_of_task
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.contracts.audits import Ending, Failure, Seat, Stage
from truestep.protocol.audits.state import Audit, AuditedBatch, JobFund
from truestep.protocol.audits.statements import NO_HASH
from truestep.protocol.audits.turn import LAST_ANSWERS
from truestep.protocol.settlement.facts.draft import Draft
from truestep.protocol.settlement.facts.records import Logged
from truestep.protocol.settlement.facts.retention import drop_job_if_over
from truestep.protocol.settlement.ids import NOBODY, LeafId, batch_of_claim, leaf_of_claim

# --- fees -----------------------------------------------------------------------------------------


def _funded(draft: Draft, event: audits.Funded, logged: Logged) -> None:
    draft.funds.put(event.job_id, JobFund(fee_wei=event.fee_wei, left_wei=event.amount_wei))


def _refunded(draft: Draft, event: audits.Refunded, logged: Logged) -> None:
    _change_fund(draft, event.job_id, -event.amount_wei)
    drop_job_if_over(draft, event.job_id)


def _change_fund(draft: Draft, job_id: JobId, amount_wei: int) -> None:
    found = draft.funds.get(job_id)
    if found is not None:
        draft.funds.put(job_id, replace(found, left_wei=found.left_wei + amount_wei))


# --- batches --------------------------------------------------------------------------------------


def _prepared(draft: Draft, event: audits.Prepared, logged: Logged) -> None:
    draft.audited.put(event.batch_id, AuditedBatch(traps=event.traps))


def _drawn(draft: Draft, event: audits.Drawn, logged: Logged) -> None:
    known, batch = draft.audited.get(event.batch_id), draft.batches.get(event.batch_id)
    if known is not None and batch is not None:
        since = batch.batch.until - batch.batch.terms.window_seconds
        drawn = replace(
            known, since=since, seed=event.seed, pending=event.leaves, open_until=event.open_until
        )
        draft.audited.put(event.batch_id, drawn)


def _excused(draft: Draft, event: audits.Excused, logged: Logged) -> None:
    _is_over(draft, event.claim_id)


def _is_over(draft: Draft, claim_id: LeafId, *, is_confirmed: bool = False) -> None:
    batch_id, bit = batch_of_claim(claim_id), 1 << leaf_of_claim(claim_id)
    known = draft.audited.get(batch_id)
    if known is not None:
        confirmed = known.confirmed | (bit if is_confirmed else 0)
        draft.audited.put(batch_id, replace(known, pending=known.pending & ~bit, confirmed=confirmed))
    if draft.audits.get(claim_id) is not None:
        draft.audits.drop(claim_id)


# --- audits ---------------------------------------------------------------------------------------


def _appointed(draft: Draft, event: audits.Appointed, logged: Logged) -> None:
    audit = draft.audits.get(event.claim_id)
    if audit is None:
        job_id = job_of_task(event.task_id)
        audit = Audit(job_id=job_id)
        found = draft.funds.get(job_id)
        _change_fund(draft, job_id, -found.fee_wei if found is not None else 0)
    seat = "second" if event.stage == Stage.PANEL_COMMIT else "auditor"
    appointed: dict[str, Any] = {seat: event.auditor, "seed": event.seed, "seats": audit.seats + 1}
    _go_on(draft, event.claim_id, audit, Stage(event.stage), event.until, **appointed)


def _go_on(draft: Draft, claim_id: LeafId, audit: Audit, stage: Stage, time: int, **fields: Any) -> None:
    """The audit at its next stage; games may be opened until it can have ended (U3.4)."""
    draft.audits.put(claim_id, replace(audit, stage=stage, time=time, **fields))
    known, auditing = draft.audited.get(batch_of_claim(claim_id)), draft.facts.auditing
    if known is None or auditing is None:
        return
    rules, rest = auditing.rules, LAST_ANSWERS * auditing.rules.answer_seconds
    if stage in (Stage.VACANT, Stage.CONTESTED):
        rest = rules.draw_seconds + rules.answer_seconds
    open_until = max(known.open_until, time + rest)
    draft.audited.put(batch_of_claim(claim_id), replace(known, open_until=open_until))


def _published(draft: Draft, event: audits.Published, logged: Logged) -> None:
    audit = draft.audits.get(event.claim_id)
    if audit is not None:
        draft.audits.put(event.claim_id, replace(audit, published=event.statement))


def _committed(draft: Draft, event: audits.Committed, logged: Logged) -> None:
    audit = draft.audits.get(event.claim_id)
    if audit is not None:
        said = {**audit.said, event.seat: event.commitment}
        _go_on(draft, event.claim_id, audit, Stage(event.stage), event.until, said=said)


def _stated(draft: Draft, event: audits.Stated, logged: Logged) -> None:
    audit = draft.audits.get(event.claim_id)
    if audit is not None:
        said = {**audit.said, int(Seat.CLAIMANT): event.digest}
        bait = event.bait if event.bait != NO_HASH else None
        _go_on(draft, event.claim_id, audit, Stage.REVEAL, event.until, said=said, published=bait)


def _revealed(draft: Draft, event: audits.Revealed, logged: Logged) -> None:
    audit = draft.audits.get(event.claim_id)
    if audit is not None and audit.stage is not Stage.REVEAL:
        said, revealed = {**audit.said, event.seat: event.digest}, audit.revealed | {event.seat}
        draft.audits.put(event.claim_id, replace(audit, said=said, revealed=revealed))


def _failed(draft: Draft, event: audits.Failed, logged: Logged) -> None:
    """Whoever missed its time to commit keeps its name in the seat, so that it is not drawn again for it."""
    audit = draft.audits.get(event.claim_id)
    if audit is None or event.auditor not in (audit.auditor, audit.second):
        return
    if audit.stage is not Stage.COMMIT or event.reason != Failure.ABSENT:
        seat = "auditor" if event.auditor == audit.auditor else "second"
        draft.audits.put(event.claim_id, replace(audit, **{seat: NOBODY}))


def _vacant(draft: Draft, event: audits.Vacant, logged: Logged) -> None:
    audit = draft.audits.get(event.claim_id)
    if audit is not None:
        said = audit.said if event.stage != Stage.CONTESTED else dict[int, Bytes32]()
        _go_on(draft, event.claim_id, audit, Stage(event.stage), event.since, said=said, published=None)


def _ended(draft: Draft, event: audits.Ended, logged: Logged) -> None:
    audit = draft.audits.get(event.claim_id)
    found = draft.funds.get(audit.job_id) if audit is not None else None
    if audit is not None and found is not None and event.auditor == NOBODY:
        _change_fund(draft, audit.job_id, found.fee_wei)
    _is_over(draft, event.claim_id, is_confirmed=event.outcome == Ending.CONFIRMED)


def _nothing(draft: Draft, event: object, logged: Logged) -> None:
    """`Struck` has said it, or nobody needs it; what accounts are owed, no event says in full."""


HANDLERS: Mapping[type, Callable[[Draft, Any, Logged], None]] = {
    audits.Funded: _funded,
    audits.Refunded: _refunded,
    audits.Prepared: _prepared,
    audits.Drawn: _drawn,
    audits.Excused: _excused,
    audits.Appointed: _appointed,
    audits.Published: _published,
    audits.Committed: _committed,
    audits.Stated: _stated,
    audits.Revealed: _revealed,
    audits.Failed: _failed,
    audits.Vacant: _vacant,
    audits.Ended: _ended,
    audits.Dropped: _nothing,
    audits.Certified: _nothing,
    audits.Withdrawn: _nothing,
}

# --- what is missing before them (gaps) -----------------------------------------------------------


def _had_job(draft: Draft, event: audits.Funded | audits.Refunded) -> bool:
    return 0 < event.job_id <= draft.job_count


def _had_batch(draft: Draft, event: audits.Prepared | audits.Drawn) -> bool:
    return 0 < event.batch_id <= draft.batch_count


def _had_claim(draft: Draft, event: Any) -> bool:
    return 0 < batch_of_claim(event.claim_id) <= draft.batch_count


_OF_CLAIMS = (
    audits.Excused,
    audits.Appointed,
    audits.Published,
    audits.Committed,
    audits.Stated,
    audits.Revealed,
    audits.Failed,
    audits.Vacant,
    audits.Ended,
    audits.Dropped,
    audits.Certified,
)
FITS: Mapping[type, Callable[[Draft, Any], bool]] = {
    audits.Funded: _had_job,
    audits.Refunded: _had_job,
    audits.Prepared: _had_batch,
    audits.Drawn: _had_batch,
    **dict.fromkeys(_OF_CLAIMS, _had_claim),
}
