"""What claimant and auditors say, and who pays: what Audits does, as functions of values (docs/audits.md)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address
from truestep.commitments.keccak import keccak256
from truestep.commitments.merkle import climb
from truestep.protocol.audits import drawing
from truestep.protocol.audits.contracts import audits as contract
from truestep.protocol.audits.contracts.audits import (
    Appoint,
    Certify,
    Close,
    Commit,
    Dismiss,
    Draw,
    Drop,
    Ending,
    Failure,
    Fund,
    Judge,
    Prepare,
    Publish,
    Refund,
    Reveal,
    Seat,
    Stage,
    State,
    WithdrawTo,
)
from truestep.protocol.audits.rules import SEATS_LIMIT
from truestep.protocol.audits.state import Audit, Audits, Links
from truestep.protocol.audits.statements import (
    NO_HASH,
    TRAPS_DEPTH,
    bait_of,
    commitment_of,
    is_trap,
    seed_tag,
)
from truestep.protocol.audits.turn import (
    AuditsTurn,
    confirm,
    contest,
    end,
    fail,
    keep,
    require_own,
    require_role,
    require_stage,
    standing,
    strike,
)
from truestep.protocol.settlement import effects
from truestep.protocol.settlement.ids import NOBODY, LeafId, batch_of_claim, leaf_of_claim
from truestep.protocol.settlement.records import Batch, BatchStage
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import LifeCycle, Turn, with_entry

Effect = effects.Effect | contract.Event


def publish(turn: AuditsTurn, call: Publish) -> None:
    """Say early what the statement will be: whoever copies it takes the error along (U6.1)."""
    batch, audit = standing(turn, call.claim_id)
    require_role(turn, batch.operator)
    require_stage(audit.stage is Stage.COMMIT)
    require(seed_tag(call.seed) == seed_tag(audit.seed), Reject.AUDIT_SEED)
    require(call.statement != NO_HASH and audit.published is None, Reject.STATEMENT_PUBLISHED)
    keep(turn, call.claim_id, replace(audit, published=call.statement))
    turn.events.append(contract.Published(claim_id=call.claim_id, statement=call.statement))


def commit(turn: AuditsTurn, call: Commit) -> None:
    """Commit to a digest of checkpoints (U4.1, U5.2)."""
    claim_id, seat = call.claim_id, call.seat
    batch, audit = standing(turn, claim_id)
    is_first = audit.stage is Stage.COMMIT and seat == Seat.FIRST
    require_stage(is_first or audit.stage is Stage.PANEL_COMMIT)
    require(seed_tag(call.seed) == seed_tag(audit.seed), Reject.AUDIT_SEED)
    require_role(turn, _member(seat, batch, audit))
    require(turn.now <= audit.time, Reject.STAGE_OVER)
    require(call.commitment != NO_HASH and seat not in audit.said, Reject.SEAT_COMMITTED)
    audit = replace(audit, said=with_entry(audit.said, seat, call.commitment))
    answer_until = turn.now + turn.state.rules.answer_seconds
    if audit.stage is Stage.COMMIT:
        audit = replace(audit, stage=Stage.STATE, time=answer_until)
    elif _seats(audit) <= audit.said.keys():
        audit = replace(audit, stage=Stage.PANEL_REVEAL, time=answer_until)
    keep(turn, claim_id, audit)
    turn.events.append(
        contract.Committed(
            claim_id=claim_id,
            seat=seat,
            commitment=call.commitment,
            stage=audit.stage,
            until=audit.time,
        )
    )


def state(turn: AuditsTurn, call: State) -> None:
    """State the digest of a claim's checkpoints, after the auditor has committed (U4.2)."""
    claim_id, rules = call.claim_id, turn.state.rules
    batch, audit = standing(turn, claim_id)
    require_stage(audit.stage is Stage.STATE)
    require(seed_tag(call.seed) == seed_tag(audit.seed), Reject.AUDIT_SEED)
    require_role(turn, batch.operator)
    require(turn.now <= audit.time, Reject.STAGE_OVER)
    require(call.digest != NO_HASH, Reject.DIGEST_ZERO)
    kept = turn.state.batches[batch_of_claim(claim_id)]
    root = climb(keccak256(call.salt), leaf_of_claim(claim_id), call.salt_path)
    require(len(call.salt_path) == TRAPS_DEPTH and root == kept.traps, Reject.TRAPS_PROOF)
    bait = None
    if kept.seed is not None and is_trap(call.salt, kept.seed, rules.trap_bps):
        bait = bait_of(call.digest, call.salt)
    require(audit.published in (None, bait or call.digest), Reject.STATEMENT_OTHER)
    said = with_entry(audit.said, Seat.CLAIMANT, call.digest)
    until = turn.now + rules.answer_seconds
    keep(turn, claim_id, replace(audit, stage=Stage.REVEAL, said=said, published=bait, time=until))
    turn.events.append(
        contract.Stated(claim_id=claim_id, digest=call.digest, bait=bait or NO_HASH, until=until)
    )


def reveal(turn: AuditsTurn, call: Reveal) -> None:
    """Show what a seat has committed to (U4.3, U5.3)."""
    claim_id, seat, digest = call.claim_id, call.seat, call.digest
    batch, audit = standing(turn, claim_id)
    is_panel, until = audit.stage is Stage.PANEL_REVEAL, audit.time
    if audit.stage is Stage.PANEL_COMMIT and turn.now > audit.time:
        is_panel, until = True, audit.time + turn.state.rules.answer_seconds
    require_stage(is_panel or (audit.stage is Stage.REVEAL and seat == Seat.FIRST))
    member = _member(seat, batch, audit)
    require(turn.now <= until, Reject.STAGE_OVER)
    commitment = commitment_of(member, claim_id, digest, call.salt)
    require(digest != NO_HASH and audit.said.get(seat) == commitment, Reject.COMMITMENT_OTHER)
    turn.events.append(contract.Revealed(claim_id=claim_id, seat=seat, digest=digest))
    if is_panel:
        said = with_entry(audit.said, seat, digest)
        keep(turn, claim_id, replace(audit, said=said, revealed=audit.revealed | {seat}))
        return
    if digest == audit.said[Seat.CLAIMANT]:
        confirm(turn, claim_id, audit, member)
        return
    if digest == audit.published:
        fail(turn, claim_id, audit, member, Failure.TRAPPED, batch.operator)
        audit = replace(audit, auditor=NOBODY)
    contest(turn, claim_id, audit, turn.now)


def dismiss(turn: AuditsTurn, call: Dismiss) -> None:
    """Punish the first auditor, whose time is over, and draw another (U4.4)."""
    claim_id = call.claim_id
    _, audit = standing(turn, claim_id)
    require_stage(audit.stage in (Stage.COMMIT, Stage.REVEAL))
    require(turn.now > audit.time, Reject.STAGE_RUNS)
    _require_no_game(turn, claim_id)
    fail(turn, claim_id, audit, audit.auditor, Failure.ABSENT)
    if audit.stage is Stage.REVEAL:
        contest(turn, claim_id, replace(audit, auditor=NOBODY), audit.time)
        return
    audit = replace(audit, stage=Stage.VACANT, published=None)  # the next auditor has other checkpoints
    if audit.seats == SEATS_LIMIT:
        end(turn, claim_id, audit, Ending.UNDECIDED)
        return
    keep(turn, claim_id, audit)
    turn.events.append(contract.Vacant(claim_id=claim_id, stage=Stage.VACANT, since=audit.time))


def judge(turn: AuditsTurn, call: Judge) -> None:
    """End a contested audit: two who agree are right, and who stands alone pays (U5.4)."""
    claim_id = call.claim_id
    _, audit = standing(turn, claim_id)
    require_stage(audit.stage in (Stage.PANEL_COMMIT, Stage.PANEL_REVEAL))
    last = audit.time
    if audit.stage is Stage.PANEL_COMMIT:
        last += turn.state.rules.answer_seconds
    has_all = audit.stage is Stage.PANEL_REVEAL and audit.revealed == _seats(audit)
    require(turn.now > last or has_all, Reject.STAGE_RUNS)
    _require_no_game(turn, claim_id)
    claimed, first, second = (audit.said[seat] if seat in audit.revealed else None for seat in Seat)
    if claimed is not None and claimed == second:
        if audit.auditor != NOBODY and first != claimed:
            audit = _failed(turn, call, audit, Seat.FIRST)
        confirm(turn, claim_id, audit, audit.second)
    elif claimed is not None and claimed == first:
        confirm(turn, claim_id, _failed(turn, call, audit, Seat.SECOND), audit.auditor)
    elif first is not None and first == second:
        strike(turn, claim_id, call.terms, call.proof, audit, (audit.auditor, audit.second))
    else:
        _end_without_two(turn, call, audit)


def _require_no_game(turn: AuditsTurn, claim_id: LeafId) -> None:
    """Wait for the games on a claim: an auditor that has found another end says so there alone (U1.2)."""
    held = turn.life.held(batch_of_claim(claim_id))
    require(not held >> leaf_of_claim(claim_id) & 1, Reject.LEAF_HELD)


def _end_without_two(turn: AuditsTurn, call: Judge, audit: Audit) -> None:
    """No two agree: who has said nothing pays."""
    if audit.auditor != NOBODY and Seat.FIRST not in audit.revealed:
        audit = _failed(turn, call, audit, Seat.FIRST)
    if Seat.SECOND not in audit.revealed:
        audit = _failed(turn, call, audit, Seat.SECOND)
    if Seat.CLAIMANT not in audit.revealed:
        strike(turn, call.claim_id, call.terms, call.proof, audit, ())
    else:
        end(turn, call.claim_id, audit, Ending.UNDECIDED)


def _failed(turn: AuditsTurn, call: Judge, audit: Audit, seat: Seat) -> Audit:
    """The audit without an auditor that is absent or stands alone."""
    auditor = audit.auditor if seat is Seat.FIRST else audit.second
    reason = Failure.ALONE if seat in audit.revealed else Failure.ABSENT
    fail(turn, call.claim_id, audit, auditor, reason)
    return replace(audit, auditor=NOBODY) if seat is Seat.FIRST else replace(audit, second=NOBODY)


def drop(turn: AuditsTurn, call: Drop) -> None:
    """Strike a claim whose claimant has not prepared its batch, or has not stated in time (U4.5)."""
    claim_id = call.claim_id
    if batch_of_claim(claim_id) not in turn.state.batches:
        batch = turn.life.state.batches.get(batch_of_claim(claim_id))
        if batch is None or batch.stage not in (BatchStage.CLAIMED, BatchStage.FINAL):
            raise Refused(Reject.CLAIM_NOT_STANDING)
        require_own(turn, batch)
        strike(turn, claim_id, call.terms, call.proof, Audit(), ())
        return
    audit = turn.state.audits.get(claim_id, Audit())
    require_stage(audit.stage is Stage.STATE)
    require(turn.now > audit.time, Reject.STAGE_RUNS)
    strike(turn, claim_id, call.terms, call.proof, audit, (audit.auditor,))


def _seats(audit: Audit) -> frozenset[int]:
    """Who has a say in a contested audit."""
    return frozenset(seat for seat in Seat if seat is not Seat.FIRST or audit.auditor != NOBODY)


def _member(seat: int, batch: Batch, audit: Audit) -> Address:
    """Who has a seat; refuses one that nobody has."""
    members = {Seat.CLAIMANT: batch.operator, Seat.FIRST: audit.auditor, Seat.SECOND: audit.second}
    member = members.get(Seat(seat), NOBODY) if seat in {*Seat} else NOBODY
    require(member != NOBODY, Reject.SEAT_NOBODYS)
    return member


HANDLERS: Mapping[type, Callable[[AuditsTurn, Any], None]] = {
    Fund: drawing.fund,
    Refund: drawing.refund,
    Prepare: drawing.prepare,
    Draw: drawing.draw,
    Appoint: drawing.appoint,
    Publish: publish,
    Commit: commit,
    State: state,
    Reveal: reveal,
    Dismiss: dismiss,
    Judge: judge,
    Drop: drop,
    Close: drawing.close,
    Certify: drawing.certify,
    WithdrawTo: drawing.withdraw_to,
}


def apply_audits(
    before: Audits, life: Turn, links: Links
) -> tuple[Audits, LifeCycle, tuple[Effect, ...], Mapping[Address, int]]:
    """The states after a call of Audits, its effects, and what was taken out of pledges; raises Refused."""
    call = life.message.call
    require(life.message.value_wei == 0 or isinstance(call, Fund), Reject.WRONG_VALUE)
    turn = AuditsTurn(state=before, life=life, links=links)
    HANDLERS[type(call)](turn, call)
    return turn.state, turn.life.state, (*turn.life.effects, *turn.events), turn.seized
