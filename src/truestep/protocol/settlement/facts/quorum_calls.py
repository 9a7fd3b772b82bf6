"""Calls of Quorums (docs/quorum.md)."""

from truestep.base.errors import Reject
from truestep.base.ids import Address, BatchId, Bytes32, JobId
from truestep.protocol.quorum.commitments import commitment_of
from truestep.protocol.quorum.contracts import quorums
from truestep.protocol.quorum.contracts.quorums import Committee, Opening, Said, Signed
from truestep.protocol.quorum.rules import least_fee
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready, prepared_quorum, scope_of
from truestep.protocol.settlement.facts.views import leaf_proof
from truestep.protocol.settlement.ids import (
    LeafId,
    batch_of_claim,
    job_of_item,
    leaf_of_claim,
    unpack_item,
)
from truestep.protocol.settlement.records import BatchTerms


def fund(facts: Facts, caller: Caller, job_id: JobId, fee_wei: int) -> Answer:
    """Pay a job's committee: so much for a task and a member, or the least if that is 0."""
    known, seating = facts.jobs.get(job_id), facts.seating
    if seating is None:
        return Reject.POLICY_UNKNOWN
    if known is None:
        return Reject.OVER if 0 < job_id <= facts.job_count else Reject.JOB_UNKNOWN
    work, terms = known.job.work, known.job.terms
    fee_wei = fee_wei or least_fee(seating.rules, work.max_cycles)
    value_wei = fee_wei * work.shard_count * (seating.rules.seats - 1)
    call = quorums.Fund(job_id=job_id, work=work, terms=terms)
    return prepared_quorum(facts, caller, scope_of(facts, jobs=[job_id]), call, value_wei)


def draw(facts: Facts, job_id: JobId) -> Answer:
    """Draw a job's committee. Whether there is a seed now, only the chain knows."""
    purse = facts.purses.get(job_id)
    if purse is None or purse.is_closed:
        return Reject.JOB_NOT_FUNDED
    if job_id in facts.committees:
        return Reject.COMMITTEE_DRAWN
    return Ready(call=quorums.Draw(job_id=job_id))


def step_in(facts: Facts, caller: Caller, job_id: JobId, member: Address) -> Answer:
    """Take over the turn of an idle leader."""
    seated = facts.committees.get(job_id)
    if 0 < job_id <= facts.job_count and job_id not in facts.jobs:
        return Reject.OVER
    if seated is None or member not in seated.members:
        return Reject.COMMITTEE_OTHER
    seat = seated.members.index(member)
    call = quorums.StepIn(job_id=job_id, members=seated.members, seat=seat)
    return prepared_quorum(facts, caller, scope_of(facts, jobs=[job_id]), call)


def fail(facts: Facts, caller: Caller, batch_id: BatchId) -> Answer:
    """Let the operator of a batch take nothing of the job any more."""
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    call = quorums.Fail(batch_id=batch_id, terms=found[0], committee=found[1])
    return prepared_quorum(facts, caller, scope_of(facts, batch_id), call)


def refund(facts: Facts, caller: Caller, job_id: JobId) -> Answer:
    """Give fees back that nobody can earn any more."""
    known = facts.jobs.get(job_id)
    if facts.seating is None:
        return Reject.POLICY_UNKNOWN
    if known is None:
        return Reject.OVER if 0 < job_id <= facts.job_count else Reject.JOB_UNKNOWN
    call = quorums.Refund(job_id=job_id, work=known.job.work, terms=known.job.terms)
    return prepared_quorum(facts, caller, scope_of(facts, jobs=[job_id]), call)


def commit(
    facts: Facts, caller: Caller, batch_id: BatchId, member: Address, root: Bytes32, salt: Bytes32
) -> Answer:
    """Commit a member to its result of a batch."""
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    terms, committee = found
    if member not in committee.members:
        return Reject.SEAT_UNKNOWN
    call = quorums.Commit(
        batch_id=batch_id,
        terms=terms,
        committee=committee,
        seat=committee.members.index(member),
        commitment=commitment_of(member, batch_id, root, salt),
    )
    return prepared_quorum(facts, caller, scope_of(facts, batch_id), call)


def commit_signed(facts: Facts, caller: Caller, batch_id: BatchId, signed: tuple[Signed, ...]) -> Answer:
    """Send commitments that members have signed. Whether they have, only the chain knows."""
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    call = quorums.CommitMany(batch_id=batch_id, terms=found[0], committee=found[1], signed=signed)
    return prepared_quorum(facts, caller, scope_of(facts, batch_id), call)


def confirm(facts: Facts, caller: Caller, batch_id: BatchId, openings: tuple[Opening, ...]) -> Answer:
    """Confirm what is claimed, for members whose salts are known."""
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    call = quorums.Confirm(batch_id=batch_id, terms=found[0], committee=found[1], openings=openings)
    return prepared_quorum(facts, caller, scope_of(facts, batch_id), call)


def open_commitment(
    facts: Facts, caller: Caller, batch_id: BatchId, member: Address, root: Bytes32, salt: Bytes32
) -> Answer:
    """Confirm what is claimed, or dissent, as a member has committed to."""
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    terms, committee = found
    if member not in committee.members:
        return Reject.SEAT_UNKNOWN
    seat = committee.members.index(member)
    stated = (batch_id, terms, committee)
    is_same = root == terms.claims_root
    call = _confirmation(*stated, seat, salt) if is_same else _dissent(*stated, seat, root, salt)
    return prepared_quorum(facts, caller, scope_of(facts, batch_id), call)


def _confirmation(
    batch_id: BatchId, terms: BatchTerms, committee: Committee, seat: int, salt: Bytes32
) -> quorums.Confirm:
    opening = Opening(seat=seat, salt=salt)
    return quorums.Confirm(batch_id=batch_id, terms=terms, committee=committee, openings=(opening,))


def _dissent(
    batch_id: BatchId, terms: BatchTerms, committee: Committee, seat: int, root: Bytes32, salt: Bytes32
) -> quorums.Dissent:
    return quorums.Dissent(
        batch_id=batch_id, terms=terms, committee=committee, seat=seat, root=root, salt=salt
    )


def compensate(facts: Facts, caller: Caller, batch_id: BatchId, seats: tuple[int, ...]) -> Answer:
    """Pay a quorum that had the same other result than a claim that fell."""
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    call = quorums.Compensate(batch_id=batch_id, terms=found[0], committee=found[1], seats=seats)
    return prepared_quorum(facts, caller, scope_of(facts, batch_id), call)


def charge_late(facts: Facts, caller: Caller, batch_id: BatchId, seat: int) -> Answer:
    """Take the penalty of a member that has not done its part."""
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    call = quorums.ChargeLate(batch_id=batch_id, terms=found[0], committee=found[1], seat=seat)
    return prepared_quorum(facts, caller, scope_of(facts, batch_id), call)


def charge_lie(facts: Facts, caller: Caller, claim_id: LeafId, seat: int) -> Answer:
    """Take the penalty of a member that has confirmed what its task's result shows to be false."""
    batch_id = batch_of_claim(claim_id)
    found = _stated(facts, batch_id)
    if isinstance(found, Reject):
        return found
    committee, item = found[1], unpack_item(found[1].item)
    final_id = facts.results.get(item.task(leaf_of_claim(claim_id)))
    if final_id is None:
        return Reject.LEAF_NOT_FINAL
    call = quorums.ChargeLie(
        lie=_said(facts, claim_id),
        result=_said(facts, final_id),
        job_digest=committee.job_digest,
        members=committee.members,
        seat=seat,
    )
    return prepared_quorum(facts, caller, scope_of(facts, batch_id, batch_of_claim(final_id)), call)


def _said(facts: Facts, claim_id: LeafId) -> Said:
    """What a claim of a batch that is in the facts says, and that it does."""
    proof = leaf_proof(facts, claim_id, Reject.BATCH_STAGE)
    terms = facts.batches[batch_of_claim(claim_id)].batch.terms
    return Said(claim_id=claim_id, terms=terms, item=proof.item, leaf=proof.leaf, leaf_path=proof.leaf_path)


def withdraw(facts: Facts, receiver: Address) -> Answer:
    """Take what Quorums owes the caller. How much that is, facts do not say."""
    if facts.seating is None:
        return Reject.POLICY_UNKNOWN
    return Ready(call=quorums.WithdrawTo(receiver=receiver))


def _stated(facts: Facts, batch_id: BatchId) -> tuple[BatchTerms, Committee] | Reject:
    """What calls on a batch say of it."""
    known = facts.batches.get(batch_id)
    if known is None:
        return Reject.OVER if 0 < batch_id <= facts.batch_count else Reject.BATCH_STAGE
    batch = known.batch
    job_id = job_of_item(batch.items[0])
    seated, of_job = facts.committees.get(job_id), facts.jobs.get(job_id)
    if seated is None or of_job is None or len(batch.items) != 1:
        return Reject.COMMITTEE_OTHER
    committee = Committee(item=batch.items[0], job_digest=of_job.job.digest, members=seated.members)
    return batch.terms, committee
