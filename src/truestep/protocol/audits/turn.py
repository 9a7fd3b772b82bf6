"""One call of Audits while it is applied, and how an audit ends (docs/audits.md U4, U6)."""

from dataclasses import dataclass, field, replace
from typing import Any

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.audits.contracts import audits as contract
from truestep.protocol.audits.contracts.audits import Ending, Failure, Stage
from truestep.protocol.audits.rules import SEATS_LIMIT
from truestep.protocol.audits.state import Audit, AuditedBatch, Audits, JobFund, Links, Load
from truestep.protocol.settlement import policies
from truestep.protocol.settlement.contracts import assurances
from truestep.protocol.settlement.ids import (
    NATIVE,
    NOBODY,
    LeafId,
    Role,
    batch_of_claim,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.operators import has_role
from truestep.protocol.settlement.parameters import BPS
from truestep.protocol.settlement.records import Batch, BatchStage, BatchTerms, LeafProof
from truestep.protocol.settlement.refusals import Refused, require
from truestep.protocol.settlement.state import Turn, with_entry, without_entry

VACANCIES = (Stage.VACANT, Stage.CONTESTED)
LAST_ANSWERS = 3
"""Answers that may follow a stage: a statement, what seats reveal, and one to open a game in."""


@dataclass(slots=True, kw_only=True)
class AuditsTurn:
    """One call. `life` is the turn of the protocol's contracts, and has their effects."""

    state: Audits
    life: Turn
    links: Links
    events: list[contract.Event] = field(default_factory=list[contract.Event])
    seized: dict[Address, int] = field(default_factory=dict[Address, int])
    """What was taken out of pledges."""

    @property
    def sender(self) -> Address:
        """Who calls."""
        return self.life.message.sender

    @property
    def now(self) -> int:
        """The block's second."""
        return self.life.message.now

    def change(self, **fields: Any) -> None:
        """Replace fields of the state."""
        self.state = replace(self.state, **fields)

    def credit(self, account: Address, amount_wei: int) -> None:
        """Owe an account more."""
        if amount_wei:
            owed_wei = self.state.credits.get(account, 0) + amount_wei
            self.change(credits=with_entry(self.state.credits, account, owed_wei))

    def burn(self, amount_wei: int) -> None:
        """Give coins up for ever."""
        self.change(burned_wei=self.state.burned_wei + amount_wei)

    def put_batch(self, batch_id: BatchId, batch: AuditedBatch) -> None:
        """Replace what is kept of a batch."""
        self.change(batches=with_entry(self.state.batches, batch_id, batch))

    def put_fund(self, job_id: JobId, fund: JobFund) -> None:
        """Replace what is kept of a job's fees."""
        self.change(funds=with_entry(self.state.funds, job_id, fund))


# --- who may do what ------------------------------------------------------------------------------


def require_role(turn: AuditsTurn, member: Address) -> None:
    """Refuse whoever may not claim for a member."""
    require(has_role(turn.life.state, member, turn.sender, Role.CLAIM), Reject.NO_ROLE)


def require_own(turn: AuditsTurn, batch: Batch) -> None:
    """Refuse a batch of jobs that have not chosen this policy."""
    policy = turn.life.state.deployment.policies[batch.policy]
    require(policy.contract == turn.links.audits, Reject.POLICY_OTHER)


def require_stage(is_right: bool) -> None:
    """Refuse what does not belong into the stage of the audit."""
    require(is_right, Reject.AUDIT_STAGE)


def is_pending(state: Audits, claim_id: LeafId) -> bool:
    """Whether a claim is drawn and its audit has not ended."""
    found = state.batches.get(batch_of_claim(claim_id))
    return found is not None and bool(found.pending >> leaf_of_claim(claim_id) & 1)


def stands(batch: Batch, claim_id: LeafId) -> bool:
    """Whether a claim whose audit has not ended has not been struck."""
    is_there = batch.stage in (BatchStage.CLAIMED, BatchStage.FINAL)
    return is_there and not batch.struck >> leaf_of_claim(claim_id) & 1


def standing(turn: AuditsTurn, claim_id: LeafId) -> tuple[Batch, Audit]:
    """The batch of a claim that stands and is audited, and where its audit is."""
    require(is_pending(turn.state, claim_id), Reject.NOT_AUDITED)
    batch = turn.life.state.batches[batch_of_claim(claim_id)]
    require(stands(batch, claim_id), Reject.CLAIM_NOT_STANDING)
    return batch, turn.state.audits.get(claim_id, Audit())


# --- changes of an audit --------------------------------------------------------------------------


def keep(turn: AuditsTurn, claim_id: LeafId, audit: Audit) -> None:
    """Keep where an audit is; games may be opened until it can have ended (U3.4)."""
    rules = turn.state.rules
    rest = LAST_ANSWERS * rules.answer_seconds
    if audit.stage in VACANCIES:
        rest = rules.draw_seconds + rules.answer_seconds
    batch_id = batch_of_claim(claim_id)
    batch = turn.state.batches[batch_id]
    turn.put_batch(batch_id, replace(batch, open_until=max(batch.open_until, audit.time + rest)))
    turn.change(audits=with_entry(turn.state.audits, claim_id, audit))


def penalty_wei(state: Audits, job_id: JobId) -> int:
    """What an auditor pays that fails in an audit of this job (U6.2)."""
    return state.funds[job_id].fee_wei * state.rules.penalty_factor


def load(turn: AuditsTurn, auditor: Address, job_id: JobId, count: int) -> None:
    """An auditor has one audit more, or one less."""
    before = turn.state.loads.get(auditor, Load())
    after = Load(
        count=before.count + count,
        penalties_wei=before.penalties_wei + count * penalty_wei(turn.state, job_id),
    )
    turn.change(loads=with_entry(turn.state.loads, auditor, after))


def fail(
    turn: AuditsTurn,
    claim_id: LeafId,
    audit: Audit,
    auditor: Address,
    reason: Failure,
    winner: Address = NOBODY,
) -> None:
    """Take the penalty of an auditor out of its pledge; half of it goes to whom it has copied (U6.2)."""
    load(turn, auditor, audit.job_id, -1)
    turn.change(failed=turn.state.failed | {(audit.job_id, auditor)})
    seized_wei = min(turn.links.seizable(auditor), penalty_wei(turn.state, audit.job_id))
    turn.seized[auditor] = turn.seized.get(auditor, 0) + seized_wei
    turn.life.transfer(NATIVE, turn.links.sortition, turn.links.audits, seized_wei)
    won_wei = seized_wei // 2 if winner != NOBODY else 0
    turn.credit(winner, won_wei)
    turn.burn(seized_wei - won_wei)
    turn.events.append(
        contract.Failed(claim_id=claim_id, auditor=auditor, reason=reason, seized_wei=seized_wei)
    )


def contest(turn: AuditsTurn, claim_id: LeafId, audit: Audit, since: int) -> None:
    """Another auditor is to decide; nothing that was said before counts (U5.1)."""
    if audit.seats == SEATS_LIMIT:
        end(turn, claim_id, audit, Ending.UNDECIDED)
        return
    keep(turn, claim_id, replace(audit, stage=Stage.CONTESTED, time=since, said={}, published=None))
    turn.events.append(contract.Vacant(claim_id=claim_id, stage=Stage.CONTESTED, since=since))


def confirm(turn: AuditsTurn, claim_id: LeafId, audit: Audit, paid: Address) -> None:
    """An audit has confirmed its claim."""
    batch_id = batch_of_claim(claim_id)
    batch = turn.state.batches[batch_id]
    turn.put_batch(batch_id, replace(batch, confirmed=batch.confirmed | 1 << leaf_of_claim(claim_id)))
    _as_policy(turn, assurances.NoteAudited(batch_id=batch_id))
    end(turn, claim_id, audit, Ending.CONFIRMED, paid)


def end(turn: AuditsTurn, claim_id: LeafId, audit: Audit, outcome: Ending, paid: Address = NOBODY) -> None:
    """An audit is over: its fee goes to whom it is due, or back to the job (U4.6)."""
    fee_wei = 0
    if audit.stage is not Stage.NONE:
        fund = turn.state.funds[audit.job_id]
        if paid == NOBODY:
            turn.put_fund(audit.job_id, replace(fund, left_wei=fund.left_wei + fund.fee_wei))
        else:
            fee_wei = fund.fee_wei
            turn.credit(paid, fee_wei)
        if audit.stage is not Stage.VACANT and audit.auditor != NOBODY:
            load(turn, audit.auditor, audit.job_id, -1)
        if audit.second != NOBODY:
            load(turn, audit.second, audit.job_id, -1)
    batch_id = batch_of_claim(claim_id)
    batch = turn.state.batches[batch_id]
    turn.put_batch(batch_id, replace(batch, pending=batch.pending ^ 1 << leaf_of_claim(claim_id)))
    turn.change(audits=without_entry(turn.state.audits, claim_id))
    turn.events.append(contract.Ended(claim_id=claim_id, outcome=outcome, auditor=paid, paid_wei=fee_wei))


def strike(
    turn: AuditsTurn,
    claim_id: LeafId,
    terms: BatchTerms,
    proof: LeafProof,
    audit: Audit,
    paid: tuple[Address, ...],
) -> None:
    """The claimant has failed: its claim is struck, and auditors are paid out of its penalty (U4.5)."""
    call = assurances.Strike(claim_id=claim_id, terms=terms, proof=proof, is_seized=True)
    _as_policy(turn, call)
    life = turn.life.state
    batch = life.batches[batch_of_claim(claim_id)]
    rules = life.parameters[batch.parameters_id - 1]
    bond_wei = rules.operator_bond_wei * proof.job_terms.bond_multiple
    lost_wei = bond_wei * rules.lease_penalty_bps // BPS
    turn.credit(batch.operator, bond_wei - lost_wei)
    fee_wei = turn.state.funds[audit.job_id].fee_wei if paid else 0
    for auditor in paid:
        turn.credit(auditor, fee_wei)
    turn.burn(lost_wei - fee_wei * len(paid))
    task_id = unpack_item(proof.item).task(leaf_of_claim(claim_id))
    turn.events.append(
        contract.Dropped(
            claim_id=claim_id, task_id=task_id, penalty_wei=lost_wei, paid_wei=fee_wei * len(paid)
        )
    )
    if audit.stage is not Stage.NONE:
        end(turn, claim_id, audit, Ending.CLAIMANT_FAILED)


def supply(turn: AuditsTurn, call: assurances.Supply) -> None:
    """Tell Assurances that a job need not wait."""
    _as_policy(turn, call)


def _as_policy(
    turn: AuditsTurn, call: assurances.Strike | assurances.Supply | assurances.NoteAudited
) -> None:
    """Make a call of Assurances as the contract of the policy."""
    message = Message(sender=turn.links.audits, now=turn.now, call=call)
    inner = Turn(state=turn.life.state, message=message, held=turn.life.held, effects=turn.life.effects)
    match call:
        case assurances.Strike():
            policies.strike(inner, call)
        case assurances.Supply():
            policies.supply(inner, call)
        case assurances.NoteAudited():
            policies.note_audited(inner, call)
    turn.life.state = inner.state


def round_seed(turn: AuditsTurn, since: int) -> Bytes32:
    """The seed of the round that draws now what happened then."""
    found = turn.links.round_seed(since, turn.now)
    if found is None:
        raise Refused(Reject.NO_ROUND)
    return found
