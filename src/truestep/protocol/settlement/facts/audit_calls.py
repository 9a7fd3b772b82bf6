"""Calls of Audits (docs/audits.md). What a draw gives now, only the chain knows."""

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.audits.contracts import audits
from truestep.protocol.audits.rules import audit_fee_wei
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready, prepared_audit, scope_of
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import LeafId, batch_of_claim
from truestep.protocol.settlement.refusals import Refused


def fund(facts: Facts, caller: Caller, job_id: JobId) -> Answer:
    """Pay a job's audits ahead."""
    known, auditing = facts.jobs.get(job_id), facts.auditing
    if auditing is None:
        return Reject.POLICY_UNKNOWN
    if known is None:
        return Reject.OVER if 0 < job_id <= facts.job_count else Reject.JOB_UNKNOWN
    work, terms = known.job.work, known.job.terms
    value_wei = audit_fee_wei(auditing.rules, work.max_cycles) * work.shard_count
    call = audits.Fund(job_id=job_id, work=work, terms=terms)
    return prepared_audit(facts, caller, scope_of(facts, jobs=[job_id]), call, value_wei)


def refund(facts: Facts, caller: Caller, job_id: JobId) -> Answer:
    """Credit the requester with what no audit has used."""
    known = facts.jobs.get(job_id)
    if facts.auditing is None:
        return Reject.POLICY_UNKNOWN
    if known is None:
        return Reject.OVER if 0 < job_id <= facts.job_count else Reject.JOB_UNKNOWN
    call = audits.Refund(job_id=job_id, work=known.job.work, terms=known.job.terms)
    return prepared_audit(facts, caller, scope_of(facts, jobs=[job_id]), call)


def prepare(facts: Facts, caller: Caller, batch_id: BatchId, traps: Bytes32) -> Answer:
    """Commit to the salts of a batch's traps."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.BATCH_STAGE
    call = audits.Prepare(batch_id=batch_id, terms=known.batch.terms, traps=traps)
    return prepared_audit(facts, caller, scope_of(facts, batch_id), call)


def draw(facts: Facts, batch_id: BatchId) -> Answer:
    """Decide which leaves of a batch are audited."""
    known, kept = facts.batches.get(batch_id), facts.audited.get(batch_id)
    if known is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.BATCH_STAGE
    if kept is None:
        return Reject.BATCH_NOT_PREPARED
    if kept.seed is not None:
        return Reject.BATCH_DRAWN
    return Ready(call=audits.Draw(batch_id=batch_id, terms=known.batch.terms))


def appoint(facts: Facts, claim_id: LeafId) -> Answer:
    """Draw the auditor of a claim."""
    return _stated(facts, audits.Appoint, claim_id)


def judge(facts: Facts, claim_id: LeafId) -> Answer:
    """End a contested audit."""
    return _stated(facts, audits.Judge, claim_id)


def drop(facts: Facts, claim_id: LeafId) -> Answer:
    """Strike a claim whose claimant has failed."""
    return _stated(facts, audits.Drop, claim_id)


def said(facts: Facts, caller: Caller, call: audits.Call, claim_id: LeafId) -> Answer:
    """What claimant or auditor says, or what ends their time."""
    return prepared_audit(facts, caller, scope_of(facts, batch_of_claim(claim_id)), call)


def close(facts: Facts, caller: Caller, claim_id: LeafId) -> Answer:
    """End an audit that cannot go on. Of a batch that is over, facts say no more."""
    call = audits.Close(claim_id=claim_id)
    if claim_id in facts.audits and batch_of_claim(claim_id) not in facts.batches:
        return Ready(call=call)
    return said(facts, caller, call, claim_id)


def withdraw(facts: Facts, receiver: Address) -> Answer:
    """Take what Audits owes the caller. How much that is, facts do not say."""
    if facts.auditing is None:
        return Reject.POLICY_UNKNOWN
    return Ready(call=audits.WithdrawTo(receiver=receiver))


def _stated(
    facts: Facts,
    kind: type[audits.Appoint | audits.Judge | audits.Drop],
    claim_id: LeafId,
) -> Answer:
    batch_id = batch_of_claim(claim_id)
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.BATCH_STAGE
    try:
        proof = leaf_proof(facts, claim_id, Reject.BATCH_STAGE)
    except Refused as refused:
        return refused.reason
    return Ready(call=kind(claim_id=claim_id, terms=known.batch.terms, proof=proof))
